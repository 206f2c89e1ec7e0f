"""What panels add below their checks: how it went lately, ages against the RPO, what ends next, what changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from checks.model.state import State
from engine.port import Deadline, KnownTime, Past, Snapshot, Turn, Was
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_blind, all_pass, empty, mixed
from tests.support.pasts import a_day, some_waivers
from tui.ahead import ahead
from tui.glance import glance
from tui.lines import plain, size
from tui.model import FAMILIES, build
from tui.period import named
from tui.scene import Scene, scene
from tui.status import was

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
RPO = Deadline(source="dumps", id="", at=NOW, rpo_seconds=86_400, grace_seconds=21_600)


def past_of(snapshot: Snapshot, pasts: dict[str, Past] | None = None) -> Scene:
    """Lay out the last thirty days."""
    told = CannedPort(snapshot).pasts if pasts is None else pasts
    return scene(build(snapshot, None, NOW), told, named("30d", NOW), NOW, 80)


def drawn(snapshot: Snapshot, family: str, room: int, width: int = 38) -> list[str]:
    """Give the lines as text."""
    rows = glance(build(snapshot, None, NOW), past_of(snapshot), family, width, room)
    assert all(size(row) <= width for row in rows)
    return [plain(row) for row in rows]


def aged(*hours: int) -> Snapshot:
    """Build an estate whose backups are so old."""
    whole = timedelta(hours=30)
    sets = [
        msgspec.structs.replace(RPO, id=f"db{number:02}", at=NOW - old * HOUR + whole)
        for number, old in enumerate(hours)
    ]
    estate = all_pass()
    views = [msgspec.structs.replace(v, deadlines=sets) if v.family == "backup" else v for v in estate.checks]
    return msgspec.structs.replace(estate, checks=views)


def ending(*days: int) -> Snapshot:
    """Build an estate whose certificates end after so many days."""
    times = [
        KnownTime(
            source="edge", id=f"t{n}", what="tls_not_after", at=NOW + d * DAY + HOUR, name=f"host{n}.example.org:443"
        )
        for n, d in enumerate(days)
    ]
    newest = KnownTime(source="dumps", id="db01", what="backup_newest", at=NOW)
    return msgspec.structs.replace(all_pass(), times=[newest, *times])


@pytest.mark.parametrize("room", range(8))
@pytest.mark.parametrize("width", [38, 48, 60, 78, 118])
@pytest.mark.parametrize("estate", [mixed(), all_blind(), empty(), aged(3, 31), ending(4, 90)], ids=range(5))
def test_a_panel_gets_no_more_than_it_has_room_for(estate: Snapshot, width: int, room: int) -> None:
    """No check is pushed off its panel by a plot."""
    for family in FAMILIES:
        assert len(drawn(estate, family, room, width)) <= room


def test_coverage_stands_beside_its_value_target_and_name() -> None:
    """A curve without numbers tells nothing."""
    (text,) = drawn(mixed(), "mfa", 1)

    assert text.startswith(" 30d ")
    assert text.endswith(" 92.6% ≥ 100% admin-mfa")


def test_a_young_history_is_drawn_over_the_time_that_it_has() -> None:
    """Ten minutes of demo are not lost in thirty days of question marks."""
    estate = all_pass()
    born = NOW - timedelta(minutes=40)
    young = {
        view.name: Past(
            check=view.name,
            turns=[Turn(at=born, state=State.PASS, passed=9)],
            days=[a_day(0, first_at=born, judged=4, longest_gap_seconds=900.0)],
        )
        for view in estate.checks
    }
    rows = glance(build(estate, None, NOW), past_of(estate, young), "mfa", 60, 2)

    assert plain(rows[1]).startswith(" 1h  ··········✔✔✔")


def test_backups_are_measured_against_their_rpo_the_worst_first() -> None:
    """The mark is the RPO of each set; what is past it is over the mark."""
    first, second, third, *_ = drawn(aged(7, 31, 26, 3, 1), "backup", 6, 60)[1:]

    assert first.split()[0] == "db01"
    assert "│▇" in first
    assert first.rstrip().endswith("31h of RPO 24h")
    assert second.rstrip().endswith("26h of RPO 24h")
    assert "▇ " in third


def test_sets_that_do_not_fit_are_counted() -> None:
    """Nothing is hidden without a number."""
    assert drawn(aged(31, 7, 3), "backup", 1)[0].rstrip().endswith("31h of 24h +2")


def test_what_ends_next_is_told_in_one_line_where_there_is_no_more_room() -> None:
    """The nearest end comes first; what has ended is counted, and hides nothing that is still to come."""
    text = drawn(ending(41, -2, 9), "certification", 1, 60)[0]

    assert text.rstrip() == " ✖ 1 ended · next: host2.example.org 9d"


def test_ends_stand_on_an_axis_where_there_is_room() -> None:
    """Nearer is further left; what is later is counted."""
    rows = drawn(ending(41, 6, 88, 200, 300), "certification", 8, 78)
    points = [row.index("●") for row in rows if "●" in row]

    assert points == sorted(points)
    assert len(points) == 3
    assert any("+2 later" in row and "90d" in row for row in rows)


def test_nothing_is_drawn_before_the_past_is_known() -> None:
    """Not told is not the same as level."""
    assert glance(build(mixed(), None, NOW), None, "mfa", 60, 4) == []


def test_what_has_ended_takes_one_line_beside_the_axis() -> None:
    """However much has ended, what ends next is on the axis."""
    rows = drawn(ending(-200, -3, -2, 9, 40), "certification", 8, 78)
    text = "\n".join(rows)

    assert "✖ 3 ended: host2.example.org 47h ago · host1.example.org 2d ago" in text
    assert text.index("host3.example.org") < text.index("host4.example.org")
    assert text.count("●") == 2


@pytest.mark.parametrize("change", [{"as_of": NOW - 30 * DAY}, {"failing_since": NOW - HOUR}, {"as_of": None}], ids=str)
def test_a_date_that_nobody_can_vouch_for_has_no_healthy_bar(change: dict[str, Any]) -> None:
    """The last that was seen of it is shown as such: its source is stale, down, or never told."""
    estate = ending(20, 60, 200)
    sources = [msgspec.structs.replace(one, **change) if one.name == "edge" else one for one in estate.sources]
    healthy = drawn(estate, "certification", 8, 78)
    doubtful = drawn(msgspec.structs.replace(estate, sources=sources), "certification", 8, 78)

    assert sum("●" in text or "▸" in text for text in healthy) == 3
    assert not any("●" in text or "▸" in text for text in doubtful)
    assert sum("─?" in text for text in doubtful) == 3


def test_a_date_of_a_paused_check_has_no_healthy_bar() -> None:
    """Nobody judges it meanwhile."""
    estate = ending(20)
    paused = [
        msgspec.structs.replace(view, paused_until=NOW + DAY) if view.name == "certificates" else view
        for view in estate.checks
    ]
    assert any("─?" in text for text in drawn(msgspec.structs.replace(estate, checks=paused), "certification", 8, 78))


FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("hours", [-14, 0, 14])
@pytest.mark.parametrize("at", [FIRST, LAST], ids=["first", "last"])
def test_no_date_stops_a_panel_or_the_plots(at: datetime, hours: int) -> None:
    """A certificate, a backup and a waiver may end in any year, and a state may be known since any."""
    model = build(with_ends_at(at), None, NOW.astimezone(timezone(timedelta(hours=hours))))
    past = scene(model, CannedPort(all_pass()).pasts, named("30d", model.now), NOW, 80)
    waiver = msgspec.structs.replace(some_waivers()[0], check="certificates", ends=at, status="active")

    for family in ("backup", "certification"):
        assert glance(model, past, family, 78, 8)
        assert len(ahead(model, past, family, 8, [waiver])) == 8
    assert was(model.items[0], model.now)


def with_ends_at(at: datetime) -> Snapshot:
    """Build an estate in which everything ends, or was known, at one instant."""
    estate = ending(20)
    late = msgspec.structs.replace(RPO, at=at)
    known = Was(state=State.WARN, at=at)
    views = [msgspec.structs.replace(view, deadlines=[late], was=known) for view in estate.checks]
    return msgspec.structs.replace(estate, checks=views, times=[msgspec.structs.replace(estate.times[1], at=at)])
