"""What requests meet is counted, and what a provider told of its limits and of the credential is kept as told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from checks.model.doubt import Cause
from sources.common.errors import Refused, Throttled, Truncated, Unreachable
from sources.common.limits import Limits
from sources.common.traffic import ENDS, Traffic, Window, ends_at
from tests.sources.common.conftest import MakeApi
from tests.support.clock import NOW
from tests.support.context import LentContext
from tests.support.provider import answers, cuts_off, provider

EPOCH = int(NOW.timestamp())
DATE = {"date": "Sat, 21 Nov 2026 05:30:00 GMT"}
TWICE = Limits(attempts=2)


def left(remaining: int, limit: int = 600, seconds: int = 30) -> Mapping[str, str]:
    """Tell of a limit as Okta does."""
    told = {"remaining": remaining, "limit": limit, "reset": EPOCH + seconds}
    return {**DATE, **{f"x-rate-limit-{name}": str(value) for name, value in told.items()}}


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        pytest.param("2027-10-12 09:00:00 UTC", datetime(2027, 10, 12, 9, tzinfo=UTC), id="utc"),
        pytest.param("2027-10-12 09:00:00 -0700", datetime(2027, 10, 12, 16, tzinfo=UTC), id="offset"),
        pytest.param("2027-10-12", None, id="date"),
        pytest.param("0001-01-01 00:00:00 +2359", None, id="outside the calendar"),
        pytest.param("never", None, id="word"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="not told"),
    ],
)
def test_the_end_of_a_token_is_read_or_not_told(text: str | None, ends: datetime | None) -> None:
    """GitHub writes it with UTC or an offset; whatever else comes is nothing told, and no guess."""
    assert ends_at(text) == ends


async def test_every_answer_counts_and_a_mended_failure_too(api: MakeApi, ctx: LentContext) -> None:
    """A 500 that the next attempt mends is two answers and one failure."""
    async with provider(answers(500), answers()) as host:
        await api(host.url).get("/users")

    assert (ctx.traffic.requests, ctx.traffic.failures) == (2, {Cause.UNREACHABLE: 1})


async def test_failures_are_counted_by_cause(api: MakeApi, ctx: LentContext) -> None:
    """A refusal, a cut answer, one that is too large and a host that is not there: each is counted once."""
    small = Limits(attempts=1, body_bytes=10)
    async with provider(answers(403), cuts_off(), answers(body="x" * 99)) as host:
        for error in (Refused, Truncated, Truncated):
            with pytest.raises(error):
                await api(host.url, small).get("/users")
    with pytest.raises(Unreachable):
        await api(host.url, small).get("/users")

    assert ctx.traffic.failures == {Cause.DENIED: 1, Cause.TRUNCATED: 2, Cause.UNREACHABLE: 1}


async def test_a_throttle_is_counted_with_the_time_that_it_cost(api: MakeApi, ctx: LentContext) -> None:
    """An answer that asks to wait seven seconds costs seven seconds."""
    async with provider(answers(429, headers={"Retry-After": "7"}), answers()) as host:
        await api(host.url).get("/users")

    assert (ctx.traffic.throttled, ctx.traffic.throttle_seconds) == (1, 7.0)


async def test_a_fault_that_names_a_time_is_a_throttle_too(api: MakeApi, ctx: LentContext) -> None:
    """A 503 with Retry-After holds the request back for the provider."""
    async with provider(answers(503, headers={"Retry-After": "7"}), answers()) as host:
        await api(host.url).get("/users")

    assert (ctx.traffic.throttled, ctx.traffic.throttle_seconds) == (1, 7.0)


async def test_a_throttle_past_the_deadline_costs_no_time(api: MakeApi, ctx: LentContext) -> None:
    """Nobody waits for what the run cannot await."""
    async with provider(answers(429, headers={"Retry-After": "3600"})) as host:
        with pytest.raises(Throttled):
            await api(host.url, TWICE).get("/users")

    assert (ctx.traffic.throttled, ctx.traffic.throttle_seconds) == (1, 0.0)


async def test_requests_that_wait_together_cost_their_time_once(api: MakeApi, ctx: LentContext) -> None:
    """A quota at its floor holds all of them back, and the time is that of the wait."""
    async with provider(answers(headers=left(5)), answers(headers={})) as host:
        asked = api(host.url)
        await asked.get("/users")
        await asyncio.gather(*(asked.get("/users") for _ in range(3)))

    assert ctx.traffic.throttle_seconds == 31.0


async def test_the_scarcest_limit_is_shown_as_it_was_told_last(api: MakeApi, ctx: LentContext) -> None:
    """Each bucket counts as its last answer told it; the one with the least share left is shown."""
    limits = Limits(bucket=lambda path: path)
    async with provider(
        answers(headers=left(300)), answers(headers=left(1200, 6000)), answers(headers=left(599))
    ) as host:
        asked = api(host.url, limits)
        for path in ("/users", "/logs", "/users"):
            await asked.get(path)

    assert ctx.traffic.scarcest == Window(1200, 6000, NOW + timedelta(seconds=30))


@pytest.mark.parametrize(
    "reset",
    [
        pytest.param("1e300", id="no instant"),
        pytest.param(str(EPOCH * 1000), id="milliseconds"),
        pytest.param("soon", id="word"),
    ],
)
async def test_a_reset_that_is_no_instant_is_not_told(api: MakeApi, ctx: LentContext, reset: str) -> None:
    """A limit is told without it, and the run goes on."""
    async with provider(answers(headers={"ratelimit-remaining": "500", "ratelimit-reset": reset})) as host:
        await api(host.url).get("/users")

    assert ctx.traffic.scarcest == Window(500, None, None)


async def test_a_number_without_end_is_no_limit(api: MakeApi, ctx: LentContext) -> None:
    """Thousands of digits are nothing told."""
    async with provider(answers(headers={"ratelimit-remaining": "9" * 5000})) as host:
        await api(host.url).get("/users")

    assert ctx.traffic.scarcest is None


def test_a_later_run_forgets_the_limits_of_an_earlier_one() -> None:
    """They stay until the provider tells of one again."""
    traffic = Traffic()
    traffic.begin()
    traffic.learn("host", "users", Window(1, 600, None))
    traffic.begin()
    assert traffic.scarcest == Window(1, 600, None)
    traffic.learn("host", "logs", Window(500, 600, None))

    assert traffic.scarcest == Window(500, 600, None)


def test_an_unknown_whole_is_scarce_only_when_nothing_is_left() -> None:
    """Three of we do not know how many is no small share; none is."""
    traffic = Traffic()
    traffic.learn("host", "a", Window(3, None, None))
    traffic.learn("host", "b", Window(60, 100, None))
    assert traffic.scarcest == Window(60, 100, None)
    traffic.learn("host", "c", Window(0, None, None))

    assert traffic.scarcest == Window(0, None, None)


async def test_the_end_of_a_token_stays_known_while_the_provider_refuses(api: MakeApi, ctx: LentContext) -> None:
    """An expired token is refused without a word of its end; a complete run that is told none has a token without."""
    ends = datetime(2027, 10, 12, 9, tzinfo=UTC)
    async with provider(answers(headers={ENDS: "2027-10-12 09:00:00 UTC"}), answers(401), answers()) as host:
        asked = api(host.url)
        for complete, after in ((True, ends), (False, ends), (True, None)):
            ctx.traffic.begin()
            if complete:
                await asked.get("/user")
            else:
                with pytest.raises(Refused):
                    await asked.get("/user")
            ctx.traffic.end(complete=complete)
            assert ctx.traffic.credential_ends == after


def test_another_configuration_forgets_what_was_told_and_no_count() -> None:
    """The token may be another; counts only grow."""
    traffic = Traffic(requests=3, credential_ends=NOW)
    traffic.learn("host", "", Window(1, 2, None))
    traffic.forget()

    assert (traffic.requests, traffic.credential_ends, traffic.scarcest) == (3, None, None)
