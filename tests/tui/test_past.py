"""What became of a check: a state is believed from judgement to judgement, and a gap is a gap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import pytest

from checks.model.state import State
from engine.port import Day, Lapse, Past, Turn
from engine.port.timeline import Gap, Timeline, at, control, coverage, limit_of, timeline, worst
from tests.support.clock import NOW
from tests.support.snapshots import a_check, a_source
from tui.past import cells, samples

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
START: Final = datetime(2026, 11, 10, tzinfo=NOW.tzinfo)
END: Final = START + 4 * DAY
PASSES: Final = Turn(at=START - DAY, state=State.PASS, passed=100)


def a_day(number: int, **changes: Any) -> Day:
    """Build a whole day of judgements every quarter of an hour; ``number`` counts from the period's first day."""
    first = START + number * DAY
    told: dict[str, Any] = {
        "day": first.date(),
        "judged": 96,
        "conclusive": 96,
        "first_at": first,
        "last_at": first + DAY - 15 * MINUTE,
        "longest_gap_seconds": 900.0,
    }
    return Day(**{**told, **changes})


def lived(days: Sequence[Day], *turns: Turn, until: datetime = END) -> Timeline:
    """Give four days of a check that passed before, with a limit of an hour."""
    return timeline(Past(check="workforce-mfa", turns=[PASSES, *turns], days=days), START, until, HOUR)


def turn(after: timedelta, state: State | None, **counts: Any) -> Turn:
    """Build a change of state at a time after the period's start."""
    return Turn(at=START + after, state=state, **counts)


EVERY_DAY: Final = [a_day(number) for number in range(-1, 4)]
EDGES: Final = [START + number * DAY for number in range(5)]


def states(one: Timeline, edges: Sequence[datetime] = EDGES, now: datetime = END) -> list[State | None]:
    """Give the states of the cells."""
    return [cell.state for cell in cells([one], edges, now)]


def test_a_check_that_was_judged_all_the_time_has_no_gap() -> None:
    """The state held from judgement to judgement."""
    one = lived(EVERY_DAY)

    assert one.gaps == []
    assert one.covered == 1.0
    assert states(one) == [State.PASS] * 4
    assert control([one]) == (4, 4)


def test_a_day_without_a_judgement_is_a_gap_and_never_a_pass() -> None:
    """Nothing is carried over a day on which nobody looked."""
    one = lived([day for day in EVERY_DAY if day.day != (START + DAY).date()])

    assert one.gaps == [Gap(START + DAY - 15 * MINUTE, START + 2 * DAY, DAY + 15 * MINUTE)]
    assert states(one) == [State.PASS, None, State.PASS, State.PASS]
    assert control([one]) == (3, 3)
    assert one.covered == pytest.approx(1 - 23.25 / 96)


@pytest.mark.parametrize("days", [[], EVERY_DAY[:1]], ids=["never", "not since the day before"])
def test_a_check_that_nobody_judged_is_no_data_throughout(days: Sequence[Day]) -> None:
    """A pass of the past proves nothing of the days after."""
    one = lived(days)

    assert states(one) == [None] * 4
    assert one.covered == pytest.approx(0.0, abs=0.01)
    assert control([one])[0] == 0


def test_a_gap_over_midnight_has_its_place() -> None:
    """The last judgement before it and the first after it are known."""
    stopped = a_day(0, last_at=START + 22 * HOUR)
    began = a_day(1, first_at=START + 26 * HOUR, longest_gap_seconds=4 * 3600.0)
    one = lived([EVERY_DAY[0], stopped, began, *EVERY_DAY[3:]])

    assert one.gaps == [Gap(START + 22 * HOUR, START + 26 * HOUR, 4 * HOUR)]
    assert one.gaps[0].is_placed
    hours = [START + number * HOUR for number in (21, 22, 23, 25, 26, 27)]
    assert states(one, hours) == [State.PASS, State.PASS, None, None, State.PASS]


def test_a_gap_within_a_day_leaves_nothing_of_that_day_to_believe() -> None:
    """Only its length is told, so no hour of the day is green; what is covered counts its length alone."""
    one = lived([*EVERY_DAY[:2], a_day(1, judged=84, longest_gap_seconds=3 * 3600.0), *EVERY_DAY[3:]])

    assert [gap.lost for gap in one.gaps] == [3 * HOUR]
    assert not one.gaps[0].is_placed
    assert states(one) == [State.PASS, None, State.PASS, State.PASS]
    assert one.covered == pytest.approx(1 - 3 / 96)


@pytest.mark.parametrize("state", [State.UNKNOWN, State.STALE, State.PENDING])
@pytest.mark.parametrize("days", [EVERY_DAY, [*EVERY_DAY[:2], a_day(1, longest_gap_seconds=10_800.0)]], ids=len)
def test_time_in_which_nobody_could_tell_is_not_covered(state: State, days: Sequence[Day]) -> None:
    """Judgements that say unknown prove no more than none, in a gap without a place too."""
    assert lived(days, turn(-HOUR, state)).covered == 0.0
    assert control([lived(days, turn(-HOUR, state))])[0] == 0


@pytest.mark.parametrize("state", [State.PASS, State.WARN, State.WAIVED, State.FAIL])
def test_a_conclusive_state_is_covered_until_it_is_lost(state: State) -> None:
    """Whatever was concluded, it was known; from then on it was not."""
    assert lived(EVERY_DAY, turn(-HOUR, state), turn(DAY, State.UNKNOWN)).covered == pytest.approx(1 / 4)


def lapse(start: timedelta, end: timedelta) -> Lapse:
    """Build a time without a judgement, by hours after the period's start."""
    return Lapse(start=START + start, end=START + end)


def test_gaps_within_a_day_have_their_places_where_they_were_kept() -> None:
    """Each of them, and the rest of the day is believed."""
    lapses = [lapse(26 * HOUR, 29 * HOUR), lapse(40 * HOUR, 42 * HOUR), lapse(43 * HOUR, 43.5 * HOUR)]
    holed = a_day(1, judged=76, longest_gap_seconds=3 * 3600.0, lapses=lapses)
    one = lived([*EVERY_DAY[:2], holed, *EVERY_DAY[3:]])

    assert [(gap.start, gap.end) for gap in one.gaps] == [(each.start, each.end) for each in lapses[:2]]
    assert all(gap.is_placed for gap in one.gaps)
    hours = [START + number * HOUR for number in (24, 26, 27, 29, 30, 40, 41, 42, 48)]
    kept = [State.PASS, State.PASS, None, State.PASS, State.PASS, State.PASS, None, State.PASS]
    assert states(one, hours) == kept
    assert control([one]) == (3, 4)


def test_places_that_do_not_tell_the_longest_gap_are_not_believed() -> None:
    """They were kept by another measure, so nothing of the day is green."""
    one = lived([*EVERY_DAY[:2], a_day(1, longest_gap_seconds=3 * 3600.0, lapses=[]), *EVERY_DAY[3:]])

    assert [gap.is_placed for gap in one.gaps] == [False]
    assert states(one) == [State.PASS, None, State.PASS, State.PASS]


def test_a_gap_that_ended_with_a_days_first_judgement_is_told_once() -> None:
    """By the two days that it lies between."""
    stopped = a_day(0, last_at=START + 22 * HOUR)
    told = {"first_at": START + 26 * HOUR, "longest_gap_seconds": 4 * 3600.0}
    began = a_day(1, **told, lapses=[lapse(22 * HOUR, 26 * HOUR)])
    one = lived([EVERY_DAY[0], stopped, began, *EVERY_DAY[3:]])

    assert one.gaps == [Gap(START + 22 * HOUR, START + 26 * HOUR, 4 * HOUR)]


def test_days_are_those_of_the_readers_zone() -> None:
    """A failure at half past eleven at night, UTC, is of the next day where it is an hour later."""
    zone = timezone(HOUR)
    night = turn(23.5 * HOUR, State.FAIL, failed=1), turn(23.75 * HOUR, State.PASS, passed=100)
    past = Past(check="workforce-mfa", turns=[PASSES, *night], days=EVERY_DAY)
    since = (START - HOUR).astimezone(zone)
    one = timeline(past, since, since + 4 * DAY, HOUR)

    edges = [since + number * DAY for number in range(5)]
    assert states(one, edges, now=since + 4 * DAY) == [State.PASS, State.FAIL, State.PASS, State.PASS]
    assert control([one]) == (3, 4)


def test_who_may_be_missing_counts_against_the_coverage() -> None:
    """Nine of ten that were seen are nine of twenty, at worst, when ten may be missing."""
    told = Turn(at=START, state=State.UNKNOWN, passed=9, failed=1, missing=10)

    assert coverage(told) == (9 / 20, 19 / 20)
    assert coverage(Turn(at=START, passed=9, missing=None)) == (0.0, 1.0)


def test_a_failure_stands_in_a_gap_without_a_place() -> None:
    """Doubt never hides what was seen to fail."""
    days = [*EVERY_DAY[:2], a_day(1, judged=84, longest_gap_seconds=3 * 3600.0), *EVERY_DAY[3:]]
    one = lived(days, turn(30 * HOUR, State.FAIL, failed=3), turn(40 * HOUR, State.PASS))

    assert states(one) == [State.PASS, State.FAIL, State.PASS, State.PASS]


def test_too_few_judgements_for_a_day_are_a_gap() -> None:
    """Two gaps of a day hide behind the longest one, so judgements are counted too."""
    one = lived([*EVERY_DAY[:2], a_day(1, judged=12), *EVERY_DAY[3:]])

    assert [gap.lost for gap in one.gaps] == [11 * HOUR + 45 * MINUTE]
    assert states(one)[1] is None


def test_the_time_since_the_last_judgement_is_a_gap() -> None:
    """An engine that stands still now stands still in its history too."""
    one = lived(EVERY_DAY, until=END + 6 * HOUR)

    assert one.gaps == [Gap(END - 15 * MINUTE, END + 6 * HOUR, 6 * HOUR + 15 * MINUTE)]


def test_a_period_begins_as_unknown_as_it_was() -> None:
    """A gap that began before the period reaches into it."""
    one = lived([a_day(-1, last_at=START - 20 * HOUR), a_day(0, first_at=START + 6 * HOUR), *EVERY_DAY[2:]])

    assert one.gaps == [Gap(START, START + 6 * HOUR, 6 * HOUR)]


@pytest.mark.parametrize(
    ("told", "is_worst"),
    [
        ([State.PASS, State.WARN], State.WARN),
        ([State.PASS, None], None),
        ([State.WAIVED, State.WARN], State.WAIVED),
        ([None, State.UNKNOWN], State.UNKNOWN),
        ([None, State.STALE], None),
        ([None, State.FAIL], State.FAIL),
        ([], None),
    ],
    ids=str,
)
def test_the_worst_state_wins(told: Sequence[State | None], is_worst: State | None) -> None:
    """No data is worse than anything that held, and better than a failure alone."""
    assert worst(told) is is_worst


def test_a_cell_in_the_future_is_empty() -> None:
    """Nothing is foretold."""
    found = cells([lived(EVERY_DAY, until=START + 2 * DAY)], EDGES, START + 2 * DAY)

    assert [cell.future for cell in found] == [False, False, True, True]


def test_a_family_is_as_bad_as_its_worst_check() -> None:
    """A day is in control only when every check was."""
    well, ill = lived(EVERY_DAY), lived(EVERY_DAY, turn(DAY, State.FAIL), turn(30 * HOUR, State.PASS))

    assert [cell.state for cell in cells([well, ill], EDGES, END)][:3] == [State.PASS, State.FAIL, State.PASS]
    assert control([well, ill]) == (3, 4)


def test_a_waived_day_is_not_in_control() -> None:
    """Waived is not pass."""
    one = lived(EVERY_DAY, turn(DAY, State.WAIVED), turn(2 * DAY, State.WARN))

    assert control([one]) == (3, 4)


def test_a_breach_ends_at_the_first_judgement_that_holds() -> None:
    """Blindness between failure and recovery ends no breach; the most that failed is told."""
    one = lived(
        EVERY_DAY,
        turn(10 * HOUR, State.FAIL, failed=2),
        turn(11 * HOUR, State.FAIL, failed=5),
        turn(12 * HOUR, State.UNKNOWN),
        turn(30 * HOUR, State.WARN),
        turn(60 * HOUR, State.FAIL, failed=1),
    )
    first, second = one.breaches

    assert (first.start, first.end, first.ended, first.failed) == (
        START + 10 * HOUR,
        START + 30 * HOUR,
        State.WARN,
        5,
    )
    assert (second.start, second.end, second.ended) == (START + 60 * HOUR, None, None)


def test_a_breach_from_before_the_period_says_so() -> None:
    """Its beginning is not known, only that it had begun."""
    past = Past(check="leavers", turns=[Turn(at=START - DAY, state=State.FAIL, failed=1)], days=EVERY_DAY)
    first = Past(check="leavers", turns=[Turn(at=START + DAY, state=State.FAIL, failed=1)], days=EVERY_DAY[2:])
    (breach,) = timeline(past, START, END, HOUR).breaches

    assert not timeline(first, START, END, HOUR).breaches[0].is_older
    assert breach.is_older
    assert breach.start == START - DAY


def test_a_breach_before_the_period_is_none_of_it() -> None:
    """What was over when the period began is not listed."""
    turns = [Turn(at=START - DAY, state=State.FAIL), Turn(at=START - HOUR, state=State.PASS)]

    assert timeline(Past(check="leavers", turns=turns, days=EVERY_DAY), START, END, HOUR).breaches == []


def test_a_breach_tells_how_much_of_it_nobody_saw() -> None:
    """Gaps inside a breach are counted."""
    days = [day for day in EVERY_DAY if day.day != (START + DAY).date()]

    (breach,) = lived(days, turn(10 * HOUR, State.FAIL)).breaches
    assert breach.unseen == DAY + 15 * MINUTE


def test_a_sample_is_the_worst_moment_of_its_column() -> None:
    """Low and high belong to the same counts, so a band is doubt and never movement."""
    one = lived(
        EVERY_DAY,
        turn(DAY, State.UNKNOWN, passed=90, unknown=10),
        turn(30 * HOUR, State.FAIL, passed=80, failed=15, unknown=5),
        turn(2 * DAY, State.WAIVED, passed=99, failed=1),
    )
    first, second, third, _ = samples(one, EDGES)

    assert first is not None
    assert second is not None
    assert third is not None
    assert (first.low, first.high, first.failed) == (1.0, 1.0, 0)
    assert (second.low, second.high, second.failed) == (0.8, 0.85, 15)
    assert third.waived


def test_a_sample_of_a_gap_is_nothing() -> None:
    """A gap is never bridged."""
    one = lived([day for day in EVERY_DAY if day.day != (START + DAY).date()])

    assert [sample is None for sample in samples(one, EDGES)] == [False, True, False, False]


def test_an_empty_population_may_be_anything() -> None:
    """Nothing to count is no hundred per cent."""
    (sample,) = samples(lived(EVERY_DAY, turn(timedelta(0), State.PASS)), EDGES[:2])

    assert sample is not None
    assert (sample.low, sample.high) == (0.0, 1.0)


def test_what_held_at_an_instant_is_found() -> None:
    """Outside the period nothing is known."""
    one = lived(EVERY_DAY, turn(DAY, State.FAIL))
    held = at(one, START + DAY)

    assert held is not None
    assert held.state is State.FAIL
    assert at(one, START - DAY) is None
    assert at(one, END) is None


def test_a_retired_check_is_no_data() -> None:
    """A turn without a state says that nobody judges it any more, and ends a breach without a recovery."""
    one = lived(EVERY_DAY, turn(HOUR, State.FAIL), turn(DAY, None))

    assert states(one)[1:] == [None] * 3
    assert [breach.ended for breach in one.breaches] == [None]


@pytest.mark.parametrize(
    ("every", "max_age", "limit"),
    [
        ((15 * MINUTE, DAY), DAY, HOUR),
        ((HOUR,), DAY, 3 * HOUR),
        ((DAY,), DAY, DAY),
        ((), timedelta(0), 3 * HOUR),
        ((MINUTE,), 2 * MINUTE, 2 * MINUTE),
    ],
    ids=["of the fastest source", "three runs", "never past max_age", "no source told", "short lives"],
)
def test_three_missed_runs_are_a_gap(every: Sequence[timedelta], max_age: timedelta, limit: timedelta) -> None:
    """A restart is none, and no gap is shorter than data may be old."""
    sources = [a_source(f"s{number}", every=span) for number, span in enumerate(every)]
    view = a_check(sources=tuple(source.name for source in sources), max_age=max_age)

    assert limit_of(view, [*sources, a_source("other", every=MINUTE)]) == limit
