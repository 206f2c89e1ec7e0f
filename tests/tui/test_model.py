"""A snapshot means at the reader's clock what the design says it means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.state import State, Tally
from engine.port import BlindBy, CheckView, Selftest, Snapshot, Was
from tests.support.clock import NOW
from tests.support.estates import all_blind, all_pass, mixed, starting
from tests.support.snapshots import a_check, a_snapshot, a_standing
from tui.model import Group, Item, Word, attention, build, differs

HOUR = timedelta(hours=1)


def names(snapshot: Snapshot, at: timedelta = timedelta(0)) -> list[str]:
    """List what needs attention, in order."""
    return [
        entry.view.name if isinstance(entry, Item) else f"{entry.blind.source}: {entry.blind.cause}"
        for entry in attention(build(snapshot, None, NOW + at))
    ]


def counts(snapshot: Snapshot, at: timedelta = timedelta(0)) -> dict[str, int]:
    """Count the words."""
    return {word.value: count for word, count in build(snapshot, None, NOW + at).counts.items() if count}


def test_the_worst_is_first() -> None:
    """Failures, then blind sources, then warnings, then waived; the longest first."""
    assert names(mixed()) == ["admin-mfa", "backups", "aws: unreachable", "workforce-mfa", "leavers"]


def test_checks_blind_through_one_source_are_one_entry() -> None:
    """An outage of one provider is one line, not one a check."""
    entry = next(entry for entry in attention(build(mixed(), None, NOW)) if isinstance(entry, Group))

    assert [item.view.name for item in entry.items] == ["stale-accounts", "access-keys"]


def test_a_state_goes_stale_at_the_readers_clock() -> None:
    """A snapshot that nobody renews stops being green by itself."""
    estate = msgspec.structs.replace(all_pass(), selftest=Selftest(passed_at=NOW))

    assert counts(estate) == {"PASS": 8}
    assert counts(estate, HOUR) == {"BLIND": 8}
    assert {item.blind.cause for item in build(estate, None, NOW + HOUR).items if item.blind} == {"too old"}


@pytest.mark.parametrize(
    ("proof", "cause"),
    [
        pytest.param(Selftest(passed_at=NOW - 3 * HOUR), "self-test missing", id="too old"),
        pytest.param(Selftest(), "self-test missing", id="never"),
        pytest.param(Selftest(passed_at=NOW, error="mfa_coverage passes None"), "self-test failed", id="wrong"),
    ],
)
def test_without_a_self_test_nothing_is_believed(proof: Selftest, cause: str) -> None:
    """Not even a failure is shown as known while the monitor has not proven itself."""
    model = build(msgspec.structs.replace(mixed(), selftest=proof), None, NOW)

    assert model.counts[Word.BLIND] == 8
    assert [(group.blind.source, group.blind.cause) for group in model.groups] == [("", cause)]


def test_a_pause_is_blind_and_says_so() -> None:
    """A paused check never shows its last state as current."""
    paused = a_check(paused_until=NOW + HOUR)
    (item,) = build(a_snapshot(checks=[paused]), None, NOW).items

    assert item.blind is not None
    assert (item.word, item.blind.cause) == (Word.BLIND, "paused")


@pytest.mark.parametrize(
    ("view", "cause"),
    [
        pytest.param(
            lambda: a_check(
                standing=a_standing(tally=Tally(unknown=3)),
                blind_by=BlindBy(source="okta-prod", cause=Cause.NOT_EXPOSED, since=NOW),
            ),
            "not exposed",
            id="told by the engine",
        ),
        pytest.param(lambda: a_check(standing=a_standing(tally=Tally(unknown=3))), "in doubt", id="subjects in doubt"),
        pytest.param(
            lambda: a_check(standing=a_standing(tally=None, attempted=False, pending_until=NOW + HOUR)),
            "first run",
            id="pending",
        ),
    ],
)
def test_every_blind_check_has_a_cause(view: Callable[[], CheckView], cause: str) -> None:
    """BLIND is never shown without why."""
    (item,) = build(a_snapshot(checks=[view()]), None, NOW).items

    assert item.blind is not None
    assert (item.blind.source, item.blind.cause) == ("okta-prod", cause)


def test_a_failure_survives_staleness() -> None:
    """An old failure stays a failure, and says since when its data is too old."""
    old = a_check(standing=a_standing(tally=Tally(failed=1), valid_until=NOW - HOUR))
    (item,) = build(a_snapshot(checks=[old]), None, NOW).items

    assert (item.state, item.stale_since) == (State.FAIL, NOW - HOUR)


def test_a_first_run_is_blind_and_comes_after_real_blindness() -> None:
    """Nothing is green before it was judged."""
    assert counts(starting()) == {"BLIND": 8}
    assert counts(all_blind()) == {"BLIND": 8}


def test_a_renewed_snapshot_alone_is_nothing_to_draw() -> None:
    """A heartbeat changes no cell; a state, a fault or a stall does."""
    quiet = build(all_pass(), None, NOW)
    beat = build(msgspec.structs.replace(all_pass(), seq=2, at=NOW + timedelta(seconds=1)), None, NOW)

    assert not differs(quiet, beat)
    assert differs(quiet, build(mixed(), None, NOW))
    assert differs(quiet, build(all_pass(), "died", NOW))
    assert differs(quiet, build(all_pass(), None, NOW + timedelta(minutes=1)))
    assert differs(quiet, build(None, None, NOW))


def test_of_a_snapshot_from_the_future_nothing_is_sure() -> None:
    """A clock is wrong then: what is shown is frozen, as that of an engine that has stalled."""
    later = msgspec.structs.replace(all_pass(), at=NOW + timedelta(hours=1))
    drifted = msgspec.structs.replace(all_pass(), at=NOW + timedelta(minutes=4))

    assert (build(later, None, NOW).ahead_by, build(later, None, NOW).is_frozen) == (timedelta(hours=1), True)
    assert (build(drifted, None, NOW).ahead_by, build(drifted, None, NOW).is_frozen) == (None, False)
    assert all(source.next_run is None for source in build(later, None, NOW).sources)


@pytest.mark.parametrize(
    ("view", "proof", "late", "was"),
    [
        pytest.param(a_check(), Selftest(passed_at=NOW), HOUR, Was(state=State.PASS, at=NOW + HOUR), id="too old"),
        pytest.param(
            a_check(standing=a_standing(tally=Tally(passed=9, warned=1))),
            Selftest(passed_at=NOW),
            2 * HOUR,
            Was(state=State.WARN, at=NOW + HOUR),
            id="too old for long",
        ),
        pytest.param(
            a_check(standing=a_standing(tally=Tally(failed=1))),
            Selftest(passed_at=NOW),
            3 * HOUR,
            Was(state=State.FAIL, at=NOW + 2 * HOUR),
            id="the self-test lapsed",
        ),
        pytest.param(a_check(), Selftest(), 2 * HOUR, None, id="nothing was ever proven"),
        pytest.param(
            a_check(standing=a_standing(valid_until=NOW), was=Was(state=State.WAIVED, at=NOW - HOUR)),
            Selftest(passed_at=NOW),
            HOUR,
            Was(state=State.WAIVED, at=NOW - HOUR),
            id="the engine knows better",
        ),
        pytest.param(
            a_check(standing=a_standing(tally=Tally(unknown=3))), Selftest(passed_at=NOW), HOUR, None, id="blind before"
        ),
        pytest.param(a_check(as_of=None), Selftest(passed_at=NOW), HOUR, None, id="of no known instant"),
    ],
)
def test_a_check_that_the_screen_itself_finds_blind_has_its_last_known_state(
    view: CheckView, proof: Selftest, late: timedelta, was: Was | None
) -> None:
    """The verdict that the clock overrules is told with the instant up to which it held, whoever finds it too old."""
    (item,) = build(a_snapshot(checks=[view], selftest=proof), None, NOW + late).items

    assert item.word is Word.BLIND
    assert item.view.was == was
