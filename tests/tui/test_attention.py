"""The worst-first list and the lines about its cursor answer within five seconds, at every width."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.state import State, Tally
from engine.port import BlindBy, Snapshot, Was
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_blind, all_pass, empty, mixed, starting
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing
from tui.attention import attention_line, selection, waived, worst_first
from tui.header import header
from tui.lines import plain, size
from tui.model import build
from tui.period import named
from tui.scene import scene
from tui.status import since

DAY = timedelta(days=1)


@pytest.mark.parametrize("width", [80, 100, 118, 158])
def test_attention_rows_fit(width: int) -> None:
    """A row of the worst-first list is never wider than the list."""
    rows = worst_first(build(mixed(), None, NOW), width).rows

    assert max(size(row) for _, row in rows) <= width - 1


def test_a_blind_source_is_one_row_with_cause_since_and_what_was() -> None:
    """BLIND tells cause, since when, how many checks, and what was last known."""
    rows = dict(worst_first(build(mixed(), None, NOW), 120).rows)

    assert plain(rows["source:aws:unreachable"]).startswith(
        "! BLIND  aws: unreachable, since 01:30Z (4h) · 2 checks · was ✔ 01:30 · asks again 10m · 503 Service"
    )


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


def test_an_old_failure_says_when_it_was_last_seen() -> None:
    """FAIL survives staleness with its date."""
    late = NOW - timedelta(days=3)
    view = a_check(standing=a_standing(tally=Tally(passed=1, failed=1), valid_until=late), as_of=late)
    row = plain(worst_first(build(a_snapshot(checks=[view]), None, NOW), 158).rows[0][1])

    assert "! 3d ago" in row
    assert "last seen failing" in row


@pytest.mark.parametrize(
    ("key", "says"),
    [
        (
            "admin-mfa",
            ["since 19 Nov 05:30Z (2d)", "3/41, 92.6%", "owner identity", "https://runbooks.example.org/admin-mfa"],
        ),
        ("source:aws:unreachable", ["stale-accounts (was ✔ 01:30)", "access-keys", "503 Service Unavailable"]),
        ("gone", []),
        ("source:gone:denied", []),
        (None, []),
    ],
)
def test_the_selected_row_is_told_about(key: str | None, says: list[str]) -> None:
    """Three lines tell since when, whose, why and what to do."""
    text = "\n".join(plain(each) for each in selection(build(mixed(), None, NOW), key))

    assert [part for part in says if part not in text] == []
    assert bool(text.strip()) is bool(says)


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


def test_a_wide_row_tells_when_what_is_new_and_which_waivers_hold() -> None:
    """At 160 columns: the instant and the age, NEW within a day, waivers with their first end, the next step."""
    views = [
        msgspec.structs.replace(view, waivers=2, waiver_ends=NOW + 12 * DAY) if view.name == "backups" else view
        for view in mixed().checks
    ]
    model = build(msgspec.structs.replace(mixed(), checks=views), None, NOW)
    rows = {key: plain(row) for key, row in worst_first(model, 158).rows}

    assert "20 Nov 22:30Z   7h dba        NEW +3 -1" in rows["backups"]
    assert " 2 →12d " in rows["backups"]
    assert "o runbooks.example.org/backups" in rows["backups"]
    assert "NEW" not in rows["admin-mfa"]
    assert "stale-accounts, access-keys · was ✔ 01:30 · identity, platform" in rows["source:aws:unreachable"]


def test_a_source_that_fails_shows_in_the_rows_that_rest_on_it() -> None:
    """A tick beside data means that whoever gave it still answers."""
    item = next(item for item in build(mixed(), None, NOW).items if item.view.name == "admin-mfa")

    assert " ✖ 5m " in plain(attention_line(item, build(mixed(), None, NOW), 130))


def test_the_selected_row_tells_what_it_was_before_and_what_it_rests_on() -> None:
    """The transition, owner, waivers and each source with its age."""
    estate = mixed()
    drawn = scene(build(estate, None, NOW), CannedPort(estate).pasts, named("30d", NOW), NOW, 80)
    first, second, third = (plain(each) for each in selection(build(estate, None, NOW), "backups", drawn))

    assert first.startswith(" ✖ FAIL   backups since 20 Nov 22:30Z (7h) ✔→✖ · owner dba")
    assert second == " o https://runbooks.example.org/backups · no waiver · data dumps ✔ 4m, offsite ✔ 4m"
    assert third == " The newest complete backup is younger than its RPO · soc2:CC6.1, iso27001:A.8.5"


def test_the_runbook_is_a_link_where_it_is_an_address() -> None:
    """What could end the escape sequence of a link is never one."""
    for runbook, link in (("https://r.example.org/x", "https://r.example.org/x"), ("https://x\x1b]8;;\x07", "")):
        model = build(a_snapshot(checks=[a_check(runbook=runbook)], sources=[a_source()]), None, NOW)
        spans = [span for each in selection(model, "workforce-mfa") for span in each]

        assert [span.link for span in spans if span.link] == ([link] if link else [])
        assert all("\x1b" not in span.text for span in spans)
        assert any(span.action == "runbook" for span in spans)


def test_waivers_are_counted_with_the_first_end() -> None:
    """None is a dash."""
    item = build(a_snapshot(), None, NOW).items[0]

    assert waived(item, build(a_snapshot(), None, NOW)) == "–"
    assert item.state is State.PASS


def test_a_first_run_is_no_outage() -> None:
    """A source that is being asked for the first time is not unreachable."""
    text = "\n".join(plain(row) for _, row in worst_first(build(starting(), None, NOW), 118).rows)

    assert "unreachable" not in text
    assert "first run" in text


@pytest.mark.parametrize("width", [78, 118, 158])
@pytest.mark.parametrize("estate", [mixed(), all_blind(), starting()], ids=["mixed", "all blind", "starting"])
def test_every_row_can_be_told_about(estate: Snapshot, width: int) -> None:
    """No selection breaks, whatever the state."""
    model = build(estate, None, NOW)

    assert all(len(selection(model, key)) == 3 for key, _ in worst_first(model, width).rows)


def _blind(**changes: Any) -> Snapshot:
    """Build an estate whose only check is blind for a source that fails since ten minutes ago."""
    told = BlindBy(source="okta-prod", cause=Cause.UNREACHABLE, since=NOW - timedelta(minutes=10))
    unjudged = a_standing(tally=None, completed=False)
    view = a_check(blind_by=told, standing=unjudged, state_since=NOW - timedelta(minutes=6))
    return a_snapshot(checks=[msgspec.structs.replace(view, **changes)], sources=[a_source()])


def _bar(snapshot: Snapshot) -> str:
    return "\n".join(plain(each) for each in selection(build(snapshot, None, NOW), "workforce-mfa"))


def test_a_blind_check_is_dated_after_what_it_was_and_so_is_its_cause() -> None:
    """The source failed first; until the last green the check was none the worse for it. Both are told."""
    text = _bar(_blind(was=Was(state=State.PASS, at=NOW - timedelta(minutes=6))))

    state, _, cause = text.partition("\n")
    assert "workforce-mfa since 05:24Z (6m)" in state
    assert "okta-prod: unreachable, since 05:20Z (10m)" in cause


def test_a_state_that_began_in_the_future_says_so() -> None:
    """After a clock was set back nobody knows for how long: not less than a minute."""
    ahead = NOW + timedelta(hours=2)
    failing = a_check(standing=a_standing(tally=Tally(failed=3)), state_since=ahead)
    snapshot = a_snapshot(checks=[failing], sources=[a_source()])
    item = build(snapshot, None, NOW).items[0]

    assert "since 07:30Z (in the future: a clock was set back)" in _bar(snapshot)
    assert since(item, NOW) == "?"


def test_the_selected_paused_check_tells_who_paused_it_and_why() -> None:
    """Both are evidence; without them nobody knows whom to ask."""
    until = NOW + timedelta(hours=2)
    text = _bar(_blind(paused_until=until, paused_by="ana", paused_reason="the directory moves"))

    assert "until 21 Nov 07:30Z by ana: the directory moves" in text
