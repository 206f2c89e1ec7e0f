"""The state table of the design, section 3, against an oracle written from its words alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from typing import Final

import pytest

from checks.model.state import BLIND, GREEN, WORST_FIRST, Standing, State, Tally, Verdict, state_of, verdict_of
from tests.support.clock import NOW

THRESHOLDS: Final = (1.0, 0.5, 0.34)
MISSING: Final = (0, 1, None)
LATER, EARLIER = NOW + timedelta(hours=1), NOW - timedelta(hours=1)


def tallies() -> Iterator[Tally]:
    """Give every small tally: what passes, is warned, fails, is unknown, may be missing, is waived or not yet due."""
    for passed, failed, unknown, missing, barred in product(range(3), range(3), range(3), MISSING, (False, True)):
        if missing != 0 and not barred:
            continue  # Subjects that may be missing come with a members gap, and that gap bars.
        for warned, waived, waived_unknown in product(range(min(passed, 1) + 1), range(failed + 1), range(unknown + 1)):
            for undue, waived_bar in product(range(failed - waived + 1), (False, True) if barred else (False,)):
                yield Tally(
                    passed=passed,
                    warned=warned,
                    failed=failed,
                    unknown=unknown,
                    missing=missing,
                    barred=barred,
                    waived=waived,
                    undue=undue,
                    waived_unknown=waived_unknown,
                    waived_bar=waived_bar,
                )


def truths(tally: Tally, *, waivers: bool, due: bool) -> tuple[int, int, int, int | None, bool, bool]:
    """Count again by hand: what passes, fails and is unknown, what may be missing, whether barred, whether warned."""
    forgiven = (tally.waived if waivers else 0) + (tally.undue if due else 0)
    open_unknown = tally.unknown - (tally.waived_unknown if waivers else 0)
    lifted = waivers and tally.waived_bar
    return (
        tally.passed + forgiven + tally.unknown - open_unknown,
        tally.failed - forgiven,
        open_unknown,
        0 if lifted else tally.missing,
        tally.barred and not lifted,
        bool(tally.warned or (due and tally.undue)),
    )


def oracle_verdict(tally: Tally, threshold: float, *, waivers: bool = False, due: bool = False) -> Verdict:
    """Judge by trying every truth: each doubtful subject may pass or fail, each missing one may be there or not."""
    passed, failed, unknown, missing, barred, warned = truths(tally, waivers=waivers, due=due)
    population = passed + failed + unknown
    percent = round(threshold * 100)
    unseen = 1000 if missing is None else missing
    best = 100 * (passed + unknown + unseen) >= percent * (population + unseen)
    if failed and not best:
        return Verdict.FAIL
    if barred or missing != 0 or population == 0:
        return Verdict.UNKNOWN
    if 100 * passed < percent * population:
        return Verdict.UNKNOWN
    return Verdict.WARN if warned or unknown else Verdict.PASS


def oracle_settled(tally: Tally, threshold: float) -> State:
    """Derive a fresh state from the table's words, worst first."""
    green = {Verdict.PASS, Verdict.WARN}
    lenient = oracle_verdict(tally, threshold, waivers=True, due=True)
    if lenient is Verdict.FAIL:
        return State.FAIL
    if lenient is Verdict.UNKNOWN:
        return State.UNKNOWN
    without_waivers = oracle_verdict(tally, threshold, due=True)
    if without_waivers not in green:
        return State.WAIVED
    if tally.undue or without_waivers is Verdict.WARN:
        return State.WARN
    return State.PASS


def oracle_state(tally: Tally | None, threshold: float, *, attempted: bool, completed: bool, fresh: bool) -> State:
    """Derive the state at ``NOW`` from the table's words, worst first; nothing here is ever pending past its time."""
    if tally is None:
        return State.UNKNOWN if attempted else State.PENDING
    settled = oracle_settled(tally, threshold)
    if settled is State.FAIL:
        return State.FAIL
    if settled is State.UNKNOWN or not completed:
        return State.UNKNOWN
    return settled if fresh else State.STALE


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_every_tally_has_the_verdict_of_every_truth(threshold: float) -> None:
    """A verdict is fail when no truth about the doubtful could pass, pass when none could fail, else unknown."""
    for tally in tallies():
        assert verdict_of(tally, threshold) is oracle_verdict(tally, threshold), tally


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_the_state_table(threshold: float) -> None:
    """Every combination of tally, waivers, due dates, attempt, completion and freshness has the state of the table."""
    for tally in tallies():
        for completed, fresh in product((False, True), repeat=2):
            standing = Standing(
                tally=tally,
                threshold=threshold,
                attempted=True,
                completed=completed,
                valid_until=LATER if fresh else NOW,
                pending_until=LATER,
            )
            expected = oracle_state(tally, threshold, attempted=True, completed=completed, fresh=fresh)
            assert state_of(standing, NOW) is expected, standing


@pytest.mark.parametrize(
    ("attempted", "pending_until", "expected"),
    [
        pytest.param(False, LATER, State.PENDING, id="never attempted"),
        pytest.param(False, NOW, State.UNKNOWN, id="never attempted, past its time"),
        pytest.param(False, None, State.UNKNOWN, id="never attempted, no time given"),
        pytest.param(True, LATER, State.UNKNOWN, id="attempted and never complete"),
    ],
)
def test_a_check_that_was_never_judged(
    attempted: bool,  # noqa: FBT001 - a column of the table
    pending_until: object,
    expected: State,
) -> None:
    """A check that was never judged is pending only until its time is over, and only while nothing was tried."""
    standing = Standing(tally=None, attempted=attempted, pending_until=LATER if pending_until is LATER else None)
    if pending_until is NOW:
        standing = Standing(tally=None, attempted=attempted, pending_until=NOW)
    assert state_of(standing, NOW) is expected


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_nobody_shows_green_past_valid_until(threshold: float) -> None:
    """Past ``valid_until``, or without one, or when a source never completed, no tally is green or waived."""
    for tally in tallies():
        for completed, until in ((True, NOW), (True, EARLIER), (True, None), (False, LATER)):
            standing = Standing(
                tally=tally, threshold=threshold, attempted=True, completed=completed, valid_until=until
            )
            assert state_of(standing, NOW) in BLIND | {State.FAIL}


def test_an_empty_population_passes_only_where_it_is_allowed() -> None:
    """Nothing read is unknown, unless the configuration allows it, and never with a gap."""
    assert verdict_of(Tally(), 1.0) is Verdict.UNKNOWN
    assert verdict_of(Tally(), 1.0, allow_empty=True) is Verdict.PASS
    assert verdict_of(Tally(barred=True), 1.0, allow_empty=True) is Verdict.UNKNOWN
    assert verdict_of(Tally(missing=None, barred=True), 1.0, allow_empty=True) is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("passed", "failed", "threshold", "expected"),
    [
        pytest.param(93, 7, 0.93, Verdict.PASS, id="just enough"),
        pytest.param(92, 8, 0.93, Verdict.FAIL, id="one too few"),
        pytest.param(7, 93, 0.07, Verdict.PASS, id="a ratio that binary cannot write"),
        pytest.param(6, 94, 0.07, Verdict.FAIL, id="one too few of it"),
        pytest.param(999_999, 1, 1.0, Verdict.FAIL, id="one in a million"),
        pytest.param(29, 71, 0.29, Verdict.PASS, id="another ratio that binary cannot write"),
    ],
)
def test_the_threshold_is_exact(passed: int, failed: int, threshold: float, expected: Verdict) -> None:
    """A ratio is read as it is written, so the border lies on a whole subject."""
    assert verdict_of(Tally(passed=passed, failed=failed), threshold) is expected


def test_states_are_ordered_worst_first() -> None:
    """The order is the table's; green is pass and warn; blind is unknown, stale and pending."""
    assert [state.value for state in WORST_FIRST] == ["fail", "unknown", "stale", "pending", "waived", "warn", "pass"]
    assert {State.PASS, State.WARN} == GREEN
    assert {State.UNKNOWN, State.STALE, State.PENDING} == BLIND


def test_visibility_is_the_share_that_could_be_judged() -> None:
    """Visibility counts what passed or failed; of an empty population it is nothing."""
    assert Tally(passed=92, failed=5, unknown=3).visibility() == pytest.approx(0.97)
    assert Tally().visibility() == 0


@pytest.mark.parametrize(
    ("tally", "low", "high"),
    [
        pytest.param(Tally(passed=92, failed=5, unknown=3), 0.92, 0.95, id="unknown widens"),
        pytest.param(Tally(passed=92, failed=5, unknown=3, missing=100), 0.46, 0.975, id="missing widens more"),
        pytest.param(Tally(passed=92, missing=None), 0, 1, id="no bound"),
        pytest.param(Tally(), 0, 1, id="nobody"),
    ],
)
def test_coverage_is_an_interval(tally: Tally, low: float, high: float) -> None:
    """Coverage is bounded by the worst and the best truth about the doubtful."""
    assert tally.coverage() == pytest.approx((low, high))
