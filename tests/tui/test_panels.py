"""The overview's boards say what counts, at every width, and hide nothing bad."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from checks.model.state import Tally
from engine.port import Snapshot
from tests.support.clock import NOW
from tests.support.estates import all_blind, all_pass, mixed, starting
from tests.support.snapshots import a_check, a_snapshot, a_standing
from tui.lines import plain, size
from tui.model import FAMILIES, build
from tui.panels import event_of, events, more, panel

DAY = timedelta(days=1)
WIDTHS = (38, 46, 60, 78, 100, 158)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("estate", [all_pass(), mixed(), all_blind(), starting()], ids=range(4))
def test_panel_rows_fit(estate: Snapshot, width: int) -> None:
    """A check's row is exactly as wide as its panel."""
    model = build(estate, None, NOW)
    rows = [row for family in FAMILIES for _, row in panel(model, family, 1, width).rows]

    assert {size(row) for row in rows} == {width - 1}


def test_panels_keep_the_configured_order() -> None:
    """A panel never reorders: eyes remember places."""
    keys = [key for key, _ in panel(build(mixed(), None, NOW), "access", 2, 60).rows]

    assert keys == ["stale-accounts", "leavers", "access-keys"]


def test_a_blind_check_shows_no_coverage_of_its_past() -> None:
    """A percentage that may no longer be true is not shown."""
    row = plain(dict(panel(build(mixed(), None, NOW), "access", 2, 78).rows)["stale-accounts"])

    assert "%" not in row
    assert "was ✔ 01:30" in row


def test_hidden_rows_are_counted_by_word() -> None:
    """What does not fit still shows how bad it is."""
    assert plain(more(build(mixed(), None, NOW), ["admin-mfa", "leavers"])) == "… 2 more  ✖1 ◆1"


def test_an_unowned_check_is_worth_a_warning() -> None:
    """Nobody's check is shown as such."""
    assert "unowned" in plain(dict(panel(build(all_pass(), None, NOW), "certification", 4, 78).rows)["attestations"])


def test_the_data_line_names_a_stale_source() -> None:
    """Verdict and freshness are two axes, both on the panel."""
    foot = plain(panel(build(mixed(), None, NOW), "mfa", 1, 78).foot[0])

    assert foot.startswith(" data ! STALE 1d02h (max 24h) · aws ! unreachable okta-prod ✔")
    assert foot.rstrip().endswith("asks again 10m")


def test_events_are_newest_first_and_literal() -> None:
    """What happened is told with its time, and no text of a source is obeyed."""
    snapshot = mixed()
    first = msgspec.structs.replace(snapshot.events[0], text="[red]\x1b[31mx")
    rows = events(build(msgspec.structs.replace(snapshot, events=[first, *snapshot.events[1:]]), None, NOW)).rows

    assert plain(rows[0][1]).endswith("[red][31mx")
    assert plain(rows[1][1]).startswith("01:30Z")


def test_what_fails_is_never_the_row_that_does_not_fit() -> None:
    """A panel that is too low for its checks shows the worst, in their configured order where they are alike."""
    views = [a_check(f"c{number}", family="access") for number in range(6)]
    views[5] = msgspec.structs.replace(views[5], standing=a_standing(tally=Tally(passed=1, failed=1)))
    model = build(a_snapshot(checks=views), None, NOW)

    assert [key for key, _ in panel(model, "access", 2, 38, 6).rows][:3] == ["c5", "c0", "c1"]
    assert [key for key, _ in panel(model, "access", 2, 38, 9).rows][:3] == ["c0", "c1", "c2"]


@pytest.mark.parametrize(
    ("estate", "family", "says"),
    [
        (all_pass(), "mfa", "43 153 judgements, the slowest source took 2.1s"),
        (mixed(), "access", "last known 01:30Z, which no longer counts"),
        (starting(), "mfa", "first run, 0/2 checks judged"),
    ],
    ids=["judged", "blind", "first run"],
)
def test_a_spare_line_tells_how_much_was_judged(estate: Snapshot, family: str, says: str) -> None:
    """Or that what was last known does not count."""
    foot = panel(build(estate, None, NOW), family, 1, 78, 20).foot

    assert says in plain(foot[1])


def test_a_waived_check_tells_when_its_first_waiver_ends() -> None:
    """The end is what matters about it."""
    views = [
        msgspec.structs.replace(view, waivers=1, waiver_ends=NOW + 12 * DAY) if view.name == "leavers" else view
        for view in mixed().checks
    ]
    rows = dict(panel(build(msgspec.structs.replace(mixed(), checks=views), None, NOW), "access", 2, 78).rows)

    assert " →12d " in plain(rows["leavers"])


@pytest.mark.parametrize("width", [36, 46, 60, 76])
@pytest.mark.parametrize("estate", [all_pass(), mixed(), all_blind(), starting()], ids=range(4))
def test_the_data_line_fits_and_names_the_worst_source(estate: Snapshot, width: int) -> None:
    """However narrow, the state and the next time are on it."""
    foot = panel(build(estate, None, NOW), "access", 2, width + 2).foot[0]

    assert size(foot) <= width + 1
    assert any(word in plain(foot) for word in ("10m", "running"))


def test_the_same_event_several_times_in_a_row_is_one_row() -> None:
    """A source that fails for hours leaves room for what else happened."""
    snapshot = mixed()
    first = snapshot.events[0]
    again = [msgspec.structs.replace(first, at=first.at + timedelta(minutes=n)) for n in (2, 1)]
    model = build(msgspec.structs.replace(snapshot, events=[*again, *snapshot.events]), None, NOW)
    content = events(model)

    assert len(content.rows) == len(snapshot.events)
    assert "×3 503" in plain(content.rows[0][1])
    assert event_of(model, content.rows[0][0]) == again[0]
    assert event_of(model, "gone") is None
