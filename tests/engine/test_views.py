"""A check's view tells what on-call needs of its policy, its waivers and its alarms, before it was ever judged too."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import checks
from checks.model.records import Backup, BackupSet
from engine.port import Alarm, CheckView, KnownTime
from engine.store import CheckMemory, SourceMemory
from engine.views import check_views
from engine.waivers import Waiver, Waivers, Written
from tests.support.builders import ago, ahead
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven

HOUR = timedelta(hours=1)


def waiver(name: str = "backups", **changes: Any) -> Waiver:
    """Build a waiver of the set ``web`` that holds from yesterday until in nine days."""
    starts, ends = changes.pop("starts", ago("1d")), changes.pop("ends", ahead("9d"))
    written = {"id": f"w{ends}", "check": name, "subjects": ("it/web",), "reason": "the new repository comes in May"}
    people = {"requested_by": "ana", "approved_by": "bob"}
    told = Written(**{**written, **people, "starts": starts, "expires": ends, **changes})
    return Waiver(told, starts, ends)


def structural(**changes: Any) -> Waiver:
    """Build a waiver of a structural unknown."""
    return waiver(subjects=(), source="it", cause="denied", **changes)


def viewed(
    folder: Path,
    waivers: Sequence[Waiver] = (),
    memory: CheckMemory | None = None,
    unit: str = "backup_freshness",
    **common: Any,
) -> CheckView:
    """View one check over a source that is known by its newest backup."""
    kind = dataclasses.replace(scripted(Script(), (BackupSet, Backup)), labels=lambda _config: {"web": "web"})
    check = check_config("backups", unit, ["it"], **common)
    config = estate(folder, [source_config("it", kind)], [check])
    known = KnownTime(source="it", id="web", what="backup_newest", at=NOW)
    sources = {"it": SourceMemory(name="it", times=(known,))}
    (view,) = check_views(config, {"backups": memory} if memory else {}, sources, {}, NOW, Waivers(waivers))
    return view


@pytest.mark.parametrize(
    ("waivers", "count", "ends", "deadlines"),
    [
        pytest.param([], 0, None, 1, id="none"),
        pytest.param([waiver()], 1, ahead("9d"), 0, id="of-the-set"),
        pytest.param([waiver(subjects=("it/db",))], 1, ahead("9d"), 1, id="of-another-set"),
        pytest.param([waiver(), waiver(ends=ahead("2d"))], 2, ahead("2d"), 0, id="the-first-end"),
        pytest.param([waiver("other")], 0, None, 1, id="of-another-check"),
        pytest.param([structural()], 1, ahead("9d"), 1, id="a-structural-one-covers-no-set"),
        pytest.param([waiver(), structural(ends=ahead("1d"))], 2, ahead("1d"), 0, id="a-structural-one-may-end-first"),
        pytest.param([waiver(ends=NOW)], 0, None, 1, id="ended"),
        pytest.param([waiver(starts=ahead("1d"))], 0, None, 1, id="to-come"),
    ],
)
def test_a_check_tells_its_live_waivers(
    tmp_path: Path, waivers: Sequence[Waiver], count: int, ends: object, deadlines: int
) -> None:
    """How many there are, when the first of them ends; a set that one covers has no deadline."""
    view = viewed(tmp_path, waivers)

    assert (view.waivers, view.waiver_ends, len(view.deadlines)) == (count, ends, deadlines)


@pytest.mark.parametrize(
    ("unit", "held", "expected"),
    [
        pytest.param("backup_freshness", None, {"backup_overdue": Alarm()}, id="never-judged"),
        pytest.param(
            "backup_freshness",
            {"backup_overdue": Alarm(count=2, at=NOW)},
            {"backup_overdue": Alarm(count=2, at=NOW)},
            id="raised",
        ),
        pytest.param("backup_freshness", {"mfa_lost": Alarm(count=1)}, {"backup_overdue": Alarm()}, id="not-declared"),
        pytest.param("key_age", {"backup_overdue": Alarm(count=1)}, {}, id="declares-none"),
    ],
)
def test_a_check_tells_every_alarm_that_it_declares(
    tmp_path: Path, unit: str, held: Mapping[str, Alarm] | None, expected: Mapping[str, Alarm]
) -> None:
    """Zero is told before the first judgement, so that a series is there to rise; what it does not declare is not."""
    memory = None if held is None else CheckMemory(name="backups", alarms=held)

    assert viewed(tmp_path, memory=memory, unit=unit).alarms == expected


def test_every_unit_shows_what_it_declares(tmp_path: Path) -> None:
    """Alarms by reason and the alarm of a loss are both there, at zero, and only those."""
    for name, unit in checks.discover().items():
        kinds = {*unit.alarms.values(), *([unit.loses] if unit.loses is not None else [])}
        assert viewed(tmp_path, unit=name).alarms == {kind.value: Alarm() for kind in kinds}


@pytest.mark.parametrize(
    ("common", "expected"),
    [
        pytest.param({}, 6 * HOUR, id="the-check-s-default"),
        pytest.param({"max_age": 2 * HOUR}, 2 * HOUR, id="as-configured"),
    ],
)
def test_a_check_tells_after_which_time_it_is_stale(
    tmp_path: Path, common: Mapping[str, Any], expected: timedelta
) -> None:
    """It is the configuration's, whether the check was judged or not."""
    assert viewed(tmp_path, **common).max_age == expected


WAIVERS = """
[[waiver]]
id = "{name}"
check = "backups"
subjects = ["it/web"]
reason = "the repository moves to another host"
requested_by = "ana"
approved_by = "bob"
starts = 2026-11-01
expires = {expires}
"""


async def test_a_snapshot_counts_the_waivers_of_the_file(tmp_path: Path) -> None:
    """Those in force, and those that have ended by themselves since the file was read."""
    written = [WAIVERS.format(name="old", expires="2026-11-20"), WAIVERS.format(name="new", expires="2026-11-21")]
    (tmp_path / "waivers.toml").write_text("".join(written), encoding="utf-8")
    clock = Clock()
    source = source_config("it", scripted(Script(), (BackupSet, Backup)))
    config = estate(tmp_path, [source], [check_config("backups", "backup_freshness", ["it"])])
    async with driven(config, clock) as it:

        def told() -> tuple[int, int, int]:
            it.engine.publish()
            assert it.engine.snapshot is not None
            return it.engine.snapshot.waivers_active, it.engine.snapshot.waivers_expired, it.check("backups").waivers

        assert told() == (1, 1, 1)
        clock.move(24 * HOUR)
        assert told() == (0, 2, 0)
