"""The overview's boards say what counts, at every width, and hide nothing bad."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from checks.model.state import Tally
from engine.port import Snapshot
from tests.support.clock import NOW
from tests.support.estates import all_blind, all_pass, empty, mixed, starting
from tests.support.snapshots import a_check, a_snapshot, a_standing
from tui.header import header
from tui.lines import plain, size
from tui.model import FAMILIES, build
from tui.panels import events, more, panel, selection, worst_first

WIDTHS = (38, 46, 60, 78, 100, 158)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("estate", [all_pass(), mixed(), all_blind(), starting()], ids=range(4))
def test_panel_rows_fit(estate: Snapshot, width: int) -> None:
    """A check's row is exactly as wide as its panel."""
    model = build(estate, None, NOW)
    rows = [row for family in FAMILIES for _, row in panel(model, family, 1, width).rows]

    assert {size(row) for row in rows} == {width - 1}


@pytest.mark.parametrize("width", [80, 100, 118, 158])
def test_attention_rows_fit(width: int) -> None:
    """A row of the worst-first list is never wider than the list."""
    rows = worst_first(build(mixed(), None, NOW), width).rows

    assert max(size(row) for _, row in rows) <= width - 1


def test_panels_keep_the_configured_order() -> None:
    """A panel never reorders: eyes remember places."""
    keys = [key for key, _ in panel(build(mixed(), None, NOW), "access", 2, 60).rows]

    assert keys == ["stale-accounts", "leavers", "access-keys"]


def test_a_blind_source_is_one_row_with_cause_since_and_what_was() -> None:
    """BLIND tells cause, since when, how many checks, and what was last known."""
    rows = dict(worst_first(build(mixed(), None, NOW), 120).rows)

    assert plain(rows["source:aws:unreachable"]).rstrip() == (
        "! BLIND  aws: unreachable, since 01:30Z (4h) · 2 checks · was ✔ 01:30 · 503 Service Unavailable after 4 tries"
    )


def test_a_blind_check_shows_no_coverage_of_its_past() -> None:
    """A percentage that may no longer be true is not shown."""
    row = plain(dict(panel(build(mixed(), None, NOW), "access", 2, 78).rows)["stale-accounts"])

    assert "%" not in row
    assert "was ✔ 01:30" in row


def test_nothing_to_attend_to_is_proven_by_counts_and_time() -> None:
    """An empty list says how much was judged, and how old that is."""
    content = worst_first(build(all_pass(), None, NOW), 100)

    assert content.rows == []
    assert plain(content.empty[0]) == (
        "  ✔ nothing needs attention: 8 checks pass, 87 769 judgements, data as of 05:25Z"
    )


@pytest.mark.parametrize(
    ("estate", "says"),
    [(None, "waiting for the engine's first snapshot"), (empty(), "No checks configured")],
    ids=["not started", "not configured"],
)
def test_an_empty_screen_is_never_green(estate: Snapshot | None, says: str) -> None:
    """Where nothing was judged nothing is praised."""
    text = plain(worst_first(build(estate, None, NOW), 100).empty[0])

    assert says in text
    assert "✔" not in text


def test_hidden_rows_are_counted_by_word() -> None:
    """What does not fit still shows how bad it is."""
    assert plain(more(build(mixed(), None, NOW), ["admin-mfa", "leavers"])) == "… 2 more  ✖1 ◆1"


def test_an_unowned_check_is_worth_a_warning() -> None:
    """Nobody's check is shown as such."""
    assert "unowned" in plain(dict(panel(build(all_pass(), None, NOW), "certification", 4, 78).rows)["attestations"])


def test_an_old_failure_says_when_it_was_last_seen() -> None:
    """FAIL survives staleness with its date."""
    late = NOW - timedelta(days=3)
    view = a_check(standing=a_standing(tally=Tally(passed=1, failed=1), valid_until=late), as_of=late)
    row = plain(worst_first(build(a_snapshot(checks=[view]), None, NOW), 158).rows[0][1])

    assert "! 3d ago" in row
    assert "last seen failing" in row


def test_the_data_line_names_a_stale_source() -> None:
    """Verdict and freshness are two axes, both on the panel."""
    foot = plain(panel(build(mixed(), None, NOW), "mfa", 1, 78).foot[0])

    assert foot.startswith(" data ! STALE 1d02h  aws")
    assert foot.rstrip().endswith("next run 10m")


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (
            "admin-mfa",
            ["since 19 Nov 05:30Z (2d)", "92.6% of 41", "identity", "https://runbooks.example.org/admin-mfa"],
        ),
        ("source:aws:unreachable", ["stale-accounts (was ✔ 01:30)", "access-keys", "503 Service Unavailable"]),
        ("gone", []),
        ("source:gone:denied", []),
        (None, []),
    ],
)
def test_the_selected_row_is_told_about(key: str | None, says: list[str]) -> None:
    """Two lines tell since when, whose, why and what to do."""
    text = "\n".join(plain(each) for each in selection(build(mixed(), None, NOW), key))

    assert [part for part in says if part not in text] == []
    assert bool(text.strip()) is bool(says)


def test_events_are_newest_first_and_literal() -> None:
    """What happened is told with its time, and no text of a source is obeyed."""
    snapshot = mixed()
    first = msgspec.structs.replace(snapshot.events[0], text="[red]\x1b[31mx")
    rows = events(build(msgspec.structs.replace(snapshot, events=[first, *snapshot.events[1:]]), None, NOW)).rows

    assert plain(rows[0][1]).endswith("[red][31mx")
    assert plain(rows[1][1]).startswith("01:30Z")


def test_a_source_that_is_down_shows_while_its_checks_still_hold() -> None:
    """Until its data is too old a verdict stands; that nobody answers any more is on the overview all the same."""
    estate = all_pass()
    first, *others = estate.sources
    down = msgspec.structs.replace(first, last_error="no answer", complete=False)
    model = build(msgspec.structs.replace(estate, sources=(down, *others)), None, NOW)
    told = plain(worst_first(model, 100).empty[0])

    assert told.startswith("  ! no check is red yet")
    assert first.name in told
    assert "! 1 down" in "".join(plain(row) for row in header(model, "", 100))
