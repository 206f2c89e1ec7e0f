"""The past is asked for every five minutes, or when a state changed; never more often."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from engine.port import Past, PastQuery, PortFault, Snapshot, WaiverView
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_pass, empty, mixed
from tui.lookback import BEFORE, Lookback, WaiversRead
from tui.model import Model, build

MONTH = timedelta(days=30)


class Mute(CannedPort):
    """A port that does not tell of the past."""

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Refuse."""
        message = f"{len(query.checks)} checks: no answer"
        raise PortFault(message)


def seen(snapshot: Snapshot, after: timedelta = timedelta(0)) -> Model:
    """Give the model of an estate some time after ``NOW``."""
    return build(snapshot, None, NOW + after)


def due(lookback: Lookback, model: Model) -> PastQuery | None:
    """Ask about the same month."""
    return lookback.due(model, NOW - MONTH, NOW)


def test_the_question_reaches_a_day_further_back() -> None:
    """What happened just before a period places its first gap."""
    query = due(Lookback(), seen(all_pass()))

    assert query is not None
    assert query.since == NOW - MONTH - BEFORE
    assert len(query.checks) == 8


def test_a_good_answer_is_not_asked_for_again() -> None:
    """Drawing twice a second asks once in five minutes."""
    lookback = Lookback()
    waits = [timedelta(0), timedelta(seconds=1), timedelta(minutes=4), timedelta(minutes=5), timedelta(minutes=6)]

    assert [due(lookback, seen(all_pass(), wait)) is not None for wait in waits] == [True, False, False, True, False]


def test_a_changed_state_is_asked_about_at_once_but_not_at_every_flap() -> None:
    """A failure shows in the history as soon as it is in it."""
    lookback = Lookback()
    estates = [all_pass(), mixed(), mixed(), all_pass()]
    waits = [timedelta(seconds=number) for number in (0, 6, 7, 8)]

    asked = [due(lookback, seen(estate, wait)) is not None for estate, wait in zip(estates, waits, strict=True)]
    assert asked == [True, True, False, False]


def test_another_period_is_asked_for_at_once() -> None:
    """A range is shown as soon as it is chosen."""
    lookback, model = Lookback(), seen(all_pass())
    _ = due(lookback, model)

    assert lookback.due(model, NOW - 2 * MONTH, NOW) is not None


def test_without_a_check_nothing_is_asked() -> None:
    """There is no past of nothing."""
    assert due(Lookback(), seen(empty())) is None


async def test_an_answer_is_kept_by_check() -> None:
    """What was told is told until the next answer, and until the instant of the question."""
    lookback = Lookback()
    query = due(lookback, seen(all_pass()))
    assert query is not None
    await lookback.ask(CannedPort(all_pass()), query)

    assert set(lookback.pasts) == {view.name for view in all_pass().checks}
    assert lookback.horizon(NOW + timedelta(minutes=4)) == NOW
    assert lookback.horizon(NOW + timedelta(hours=1)) == NOW + timedelta(hours=1)


async def test_no_answer_keeps_the_last_one_and_says_why() -> None:
    """A port that is gone takes nothing from the screen."""
    lookback = Lookback()
    query = due(lookback, seen(all_pass()))
    assert query is not None
    await lookback.ask(CannedPort(all_pass()), query)
    await lookback.ask(Mute(all_pass()), query)

    assert lookback.error == "8 checks: no answer"
    assert lookback.pasts
    assert lookback.version == 1


async def test_an_answer_that_comes_too_late_is_dropped() -> None:
    """Only the latest question is answered on the screen."""
    lookback, model = Lookback(), seen(all_pass())
    query = due(lookback, model)
    assert query is not None
    _ = lookback.due(model, NOW - 2 * MONTH, NOW)
    await lookback.ask(CannedPort(all_pass()), query)

    assert lookback.told_at is None


class Forgetful(CannedPort):
    """A port whose waivers cannot be read now and then."""

    reads = False

    async def waivers(self) -> Sequence[WaiverView]:
        """Give them, or refuse."""
        if not self.reads:
            message = "no answer"
            raise PortFault(message)
        return await super().waivers()


async def test_waivers_that_could_not_be_read_are_not_none() -> None:
    """They are asked for again soon, and when the engine has others; an old answer is not kept in their place."""
    read, port, quiet = WaiversRead(), Forgetful(all_pass(), waiver_file=()), all_pass()
    renewed = msgspec.structs.replace(quiet, waivers_active=quiet.waivers_active + 1)
    asked = []
    for snapshot, wait, reads in (
        (quiet, 0, False),
        (quiet, 4, True),
        (quiet, 5, True),
        (quiet, 290, True),
        (renewed, 291, False),
        (renewed, 296, True),
        (renewed, 597, True),
    ):
        port.reads = reads
        due_ = read.due(seen(snapshot, timedelta(seconds=wait)))
        if due_:
            await read.ask(port)
        asked.append((due_, read.known))

    assert asked == [(True, None), (False, None), (True, []), (False, []), (True, None), (True, []), (True, [])]
    assert not read.due(build(None, None, NOW))
