"""The last thirty days are asked once, and laid out once while they are the same."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_pass, mixed
from tui.glance import trend
from tui.lately import Lately
from tui.lines import plain
from tui.model import build


async def test_it_is_asked_once_and_again_when_a_state_changes() -> None:
    """Five minutes are good enough, a check that is in another state is not."""
    lately, port, model = Lately(), CannedPort(mixed()), build(mixed(), None, NOW)
    query = lately.due(model)

    assert query is not None
    assert lately.scene(model) is None
    await lately.ask(port, query)
    drawn = lately.scene(model)
    assert drawn is not None
    assert lately.scene(model) is drawn
    assert lately.due(build(mixed(), None, NOW + timedelta(minutes=4))) is None
    assert lately.due(build(all_pass(), None, NOW + timedelta(minutes=1))) is not None


async def test_the_past_of_one_check_is_told_in_a_line() -> None:
    """Coverage with its gaps, its value, its target, and the days in control; nothing of a check nobody told of."""
    lately, model = Lately(), build(mixed(), None, NOW)
    query, item = lately.due(model), model.check("admin-mfa")
    assert query is not None
    assert item is not None
    await lately.ask(CannedPort(mixed()), query)
    drawn = lately.scene(model)

    assert drawn is not None
    told = plain(trend(drawn, item, 160))
    assert told.startswith(" admin-mfa  30d ")
    assert " 92.6% ≥ 100%   in control " in told
    assert len(plain(trend(drawn, item, 100))) == len(told) - 30
    assert trend(replace(drawn, pasts={}), item, 160) == ()
