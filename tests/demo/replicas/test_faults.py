"""A script of faults hits exactly the requests that it names, and can be healed."""

from __future__ import annotations

import asyncio

import pytest

from demo.replicas.faults import Drop, EndEarly, Faults, Stall


@pytest.mark.parametrize(
    ("nth", "times", "hits"),
    [
        pytest.param(1, 1, [True, False, False, False], id="the first"),
        pytest.param(3, 1, [False, False, True, False], id="the third"),
        pytest.param(2, 2, [False, True, True, False], id="the second and third"),
        pytest.param(2, None, [False, True, True, True], id="from the second until healed"),
    ],
)
def test_a_rule_hits_the_requests_that_it_names(nth: int, times: int | None, hits: list[bool]) -> None:
    """Requests are counted per rule, from 1."""
    faults = Faults()
    faults.inject("/a", Drop(), nth=nth, times=times)
    assert [bool(faults.hit("/a")) for _ in range(4)] == hits


def test_a_rule_is_a_glob_and_counts_only_what_matches() -> None:
    """Other paths neither count nor are hit; several rules apply in order."""
    faults = Faults()
    faults.inject("/users/*", Drop(), nth=2)
    faults.inject("/users*", EndEarly(), times=None)
    assert faults.hit("/groups") == []
    assert faults.hit("/users") == [EndEarly()]
    assert faults.hit("/users/1/factors") == [EndEarly()]
    assert faults.hit("/users/2") == [Drop(), EndEarly()]


def test_a_healed_rule_hits_nothing() -> None:
    """Healing takes out one rule, clearing all; healing twice is no error."""
    faults = Faults()
    rule = faults.inject("*", Drop(), times=None)
    faults.inject("*", EndEarly(), times=None)
    faults.heal(rule)
    faults.heal(rule)
    assert faults.hit("/a") == [EndEarly()]
    faults.clear()
    assert faults.hit("/a") == []


async def test_a_release_frees_the_waiting_and_not_the_later() -> None:
    """Healing a stall releases those who wait; whoever comes later waits for the next release."""
    faults = Faults()
    rule = faults.inject("*", Stall(), times=None)
    waiting = asyncio.create_task(faults.released())
    await asyncio.sleep(0)
    faults.heal(rule)
    await waiting
    later = asyncio.create_task(faults.released())
    await asyncio.sleep(0)
    assert not later.done()
    faults.release()
    await later
