"""What changed since yesterday is told by name, the worst first, and never claimed where it is not known."""

from __future__ import annotations

from datetime import timedelta

import msgspec

from checks.model.state import State
from engine.port import Past, Snapshot, Turn
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_pass, mixed
from tests.support.pasts import a_day
from tui.lines import plain, size
from tui.model import build
from tui.period import named
from tui.scene import Scene, scene
from tui.yesterday import before, changed, is_new, moves, told

DAY = timedelta(days=1)


def past_of(snapshot: Snapshot, pasts: dict[str, Past] | None = None) -> Scene:
    """Lay out the last thirty days."""
    known = CannedPort(snapshot).pasts if pasts is None else pasts
    return scene(build(snapshot, None, NOW), known, named("30d", NOW), NOW, 80)


def held(*turns: Turn) -> dict[str, Past]:
    """Build what became of backups alone, judged daily."""
    return {"backups": Past(check="backups", turns=turns, days=[a_day(ago) for ago in range(30, -1, -1)])}


def test_what_is_in_another_state_than_yesterday_is_listed() -> None:
    """From, to, since when; and how many findings moved; the worst first."""
    content = changed(build(mixed(), None, NOW), past_of(mixed()))
    rows = dict(content.rows)

    assert next(iter(rows)) == "backups"
    assert set(rows) >= {"backups", "stale-accounts", "access-keys"}
    assert plain(rows["backups"]) == " ✔→✖ 20 Nov 22:30Z backups"
    assert plain(content.foot[0]).startswith("  +12 -4 findings")


def test_without_an_answer_nothing_is_claimed_to_be_unchanged() -> None:
    """Not told is not the same as no change."""
    content = changed(build(mixed(), None, NOW), None)

    assert content.rows == []
    assert plain(content.empty[0]).strip() == "…"
    assert [plain(each) for each in told(build(mixed(), None, NOW), None)] == ["24h +12 -4 findings"]


def test_the_header_names_what_came_to_fail_and_to_be_blind() -> None:
    """The longest form has the names; the shorter ones still count."""
    model = build(mixed(), None, NOW)
    forms = [plain(each) for each in told(model, moves(model, past_of(mixed())))]

    assert forms[0] == "24h ✖+1 backups  ?+2 stale-accounts, access-keys  +12 -4 findings"
    assert forms[1] == "24h ✖+1 backups  ?+2 stale-accounts…  +12 -4 findings"
    assert forms[2].rstrip() == "24h ✖+1 backups  ?+2 stale-accounts…"
    assert forms[3] == "24h ✖+1  ?+2  +12 -4 findings"
    assert [len(each) for each in forms] == sorted((len(each) for each in forms), reverse=True)


def test_what_was_not_watched_a_day_ago_has_not_come_to_fail() -> None:
    """The first hours of an engine are no news."""
    estate = mixed()
    young = held(Turn(at=NOW - timedelta(hours=3), state=State.FAIL, passed=60, failed=1))
    young["backups"] = msgspec.structs.replace(young["backups"], days=[a_day(0)])
    model = build(estate, None, NOW)
    found = moves(model, past_of(estate, young))

    assert [each.was for each in found] == [None]
    assert plain(told(model, found)[0]) == "24h +12 -4 findings"


def test_a_recovery_is_told() -> None:
    """What holds again is worth as much as what fails."""
    estate = all_pass()
    turns = held(
        Turn(at=NOW - 20 * DAY, state=State.FAIL, failed=1), Turn(at=NOW - timedelta(hours=2), state=State.PASS)
    )
    model = build(estate, None, NOW)
    found = moves(model, past_of(estate, turns))

    assert plain(told(model, found)[0]) == "24h ✔+1 backups  no finding moved"


def test_the_state_before_this_one_is_known_from_the_past() -> None:
    """Gaps are skipped; without a past nothing is claimed."""
    model = build(mixed(), None, NOW)
    item = model.check("backups")
    assert item is not None

    assert before(past_of(mixed()), item) is State.PASS
    assert before(None, item) is None
    assert is_new(item, model)


def test_waivers_that_end_soon_are_told_with_what_changed() -> None:
    """Within two weeks, the first to end first, cut to the panel."""
    ends = {"leavers": NOW + 12 * DAY, "backups": NOW + 3 * DAY, "access-keys": NOW + 40 * DAY}
    views = [msgspec.structs.replace(view, waivers=1, waiver_ends=ends.get(view.name)) for view in mixed().checks]
    foot = changed(build(msgspec.structs.replace(mixed(), checks=views), None, NOW), None, 48).foot

    assert plain(foot[1]).rstrip() == "  ◆ waivers end: backups 3d, leavers 12d"
    assert all(size(each) <= 48 for each in foot)
