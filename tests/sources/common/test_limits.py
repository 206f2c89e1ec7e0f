"""A provider's limits are read, honoured and left a floor; a wait never outlasts the run."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from sources.common.errors import Throttled, Unreachable
from sources.common.limits import Limits, Quota, asked_wait, quota
from tests.sources.common.conftest import Hourglass, MakeApi
from tests.support.clock import NOW
from tests.support.context import LentContext
from tests.support.provider import answers, provider

EPOCH = int(NOW.timestamp())
DATE = "Sat, 21 Nov 2026 05:30:00 GMT"
"""``NOW`` as the provider's own clock tells it."""


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        pytest.param({"retry-after": "7"}, 7, id="seconds"),
        pytest.param({"retry-after": "Sat, 21 Nov 2026 05:30:09 GMT"}, 9, id="date-by-our-clock"),
        pytest.param(
            {"retry-after": "Sat, 21 Nov 2026 05:40:09 GMT", "date": "Sat, 21 Nov 2026 05:40:00 GMT"},
            9,
            id="date-by-theirs",
        ),
        pytest.param({"retry-after": "Sat, 21 Nov 2026 05:00:00 GMT"}, 0, id="date-past"),
        pytest.param({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(EPOCH + 30)}, 30, id="okta-reset"),
        pytest.param({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(EPOCH + 30)}, 30, id="github-reset"),
        pytest.param({"ratelimit-remaining": "0", "ratelimit-reset": "12"}, 12, id="seconds-to-reset"),
        pytest.param({"x-ratelimit-remaining": "9", "x-ratelimit-reset": str(EPOCH + 30)}, None, id="quota-left"),
        pytest.param({"retry-after": "soon"}, None, id="unreadable"),
        pytest.param({"retry-after": "nan"}, None, id="not-a-number"),
        pytest.param({"retry-after": "-5"}, None, id="negative"),
        pytest.param({}, None, id="nothing-told"),
    ],
)
def test_the_wait_that_an_answer_asks_for_is_read(headers: Mapping[str, str], wait: float | None) -> None:
    """Retry-After (seconds or date) comes before a spent quota's reset, and dates are read by the provider's clock."""
    assert asked_wait(headers, NOW) == wait


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {"x-rate-limit-limit": "600", "x-rate-limit-remaining": "60", "x-rate-limit-reset": str(EPOCH + 5)},
            Quota(60, 600, 5.0),
            id="okta",
        ),
        pytest.param(
            {"x-ratelimit-remaining": "1", "x-ratelimit-reset": str(EPOCH - 5)}, Quota(1, None, 0.0), id="reset-past"
        ),
        pytest.param({"ratelimit-remaining": "100, 100;w=60"}, None, id="another-grammar"),
        pytest.param({"x-ratelimit-limit": "600"}, None, id="nothing-about-the-rest"),
    ],
)
def test_the_quota_is_read_or_left_unread(headers: Mapping[str, str], expected: Quota | None) -> None:
    """Headers of a known family give a quota; what cannot be read gives none, never a guess."""
    assert quota(headers, NOW) == expected


async def test_a_throttled_request_waits_as_long_as_it_is_told(api: MakeApi, glass: Hourglass) -> None:
    """Retry-After is waited for in full, and a little longer by chance, so that a fleet does not come back as one."""
    async with provider(answers(429, headers={"Retry-After": "7"}), answers()) as host:
        await api(host.url, chance=0.5).get("/users")
    assert glass.at == 7.25


async def test_backoff_is_drawn_from_a_doubling_window(api: MakeApi, glass: Hourglass) -> None:
    """Without a told wait each attempt waits a share of a window that doubles and is capped."""
    limits = Limits(attempts=6, backoff=timedelta(seconds=1), longest_backoff=timedelta(seconds=5))
    async with provider(answers(500)) as host:
        with pytest.raises(Unreachable):
            await api(host.url, limits, chance=1.0).get("/users")
    assert glass.slept == [1, 2, 4, 5, 5]


async def test_a_wait_longer_than_the_run_is_not_begun(api: MakeApi, glass: Hourglass) -> None:
    """A throttle past the deadline raises Throttled at once, with both times."""
    async with provider(answers(429, headers={"Retry-After": "3600"})) as host:
        with pytest.raises(Throttled, match=r"3600 s to the next attempt, 60 s left"):
            await api(host.url).get("/users")
    assert glass.slept == []


async def test_time_that_the_run_has_already_spent_is_not_given_again(api: MakeApi, ctx: LentContext) -> None:
    """The deadline counts from the start of the run, not from the first request of this host."""
    ctx.at = NOW + timedelta(seconds=55)
    async with provider(answers(429, headers={"Retry-After": "6"})) as host:
        with pytest.raises(Throttled, match="5 s left"):
            await api(host.url).get("/users")


async def test_nothing_is_asked_past_the_deadline(api: MakeApi, ctx: LentContext) -> None:
    """A run whose time is up raises Unreachable and sends nothing."""
    ctx.at = NOW + timedelta(hours=1)
    async with provider(answers()) as host:
        with pytest.raises(Unreachable, match="deadline of this run"):
            await api(host.url).get("/users")
    assert host.asked == []


async def test_a_floor_of_the_quota_is_left_to_the_tenant(api: MakeApi, glass: Hourglass) -> None:
    """At a tenth of the limit the next request waits for the reset."""
    low = {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "60",
        "X-Rate-Limit-Reset": str(EPOCH + 30),
        "Date": DATE,
    }
    async with provider(answers(headers=low), answers()) as host:
        one = api(host.url)
        await one.get("/users")
        assert glass.at == 0
        await one.get("/users")
    assert glass.at == 31


async def test_above_the_floor_nothing_waits(api: MakeApi, glass: Hourglass) -> None:
    """A quota above the floor costs no time."""
    told = {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "61",
        "X-Rate-Limit-Reset": str(EPOCH + 30),
        "Date": DATE,
    }
    async with provider(answers(headers=told)) as host:
        one = api(host.url)
        await one.get("/users")
        await one.get("/users")
    assert glass.slept == []


async def test_a_pause_holds_back_its_own_bucket_only(api: MakeApi, glass: Hourglass) -> None:
    """A spent bucket does not stop requests that the provider counts elsewhere."""
    low = {
        "X-Rate-Limit-Limit": "600",
        "X-Rate-Limit-Remaining": "0",
        "X-Rate-Limit-Reset": str(EPOCH + 30),
        "Date": DATE,
    }
    async with provider(answers(headers=low), answers()) as host:
        one = api(host.url, Limits(bucket=lambda path: path.split("/")[1]))
        await one.get("/users")
        await one.get("/logs")
    assert glass.slept == []


async def test_a_floor_whose_reset_is_past_the_deadline_ends_the_run(api: MakeApi) -> None:
    """A quota that will not be back in time raises Throttled and spends nothing more."""
    low = {
        "X-Ratelimit-Limit": "5000",
        "X-Ratelimit-Remaining": "10",
        "X-Ratelimit-Reset": str(EPOCH + 900),
        "Date": DATE,
    }
    async with provider(answers(headers=low)) as host:
        one = api(host.url)
        await one.get("/orgs")
        with pytest.raises(Throttled, match="901 s more"):
            await one.get("/orgs")
    assert len(host.asked) == 1


async def test_a_shared_limit_is_asked_before_every_attempt(api: MakeApi, ctx: LentContext) -> None:
    """Each attempt takes a turn at the limit that sources with one credential share."""
    limits = Limits(credential="keyring:okta-prod", per_second=5.0)
    async with provider(answers(500), answers()) as host:
        await api(host.url, limits).get("/users")
    assert ctx.turns == [("keyring:okta-prod", 5.0)] * 2


async def test_a_403_with_a_spent_quota_is_a_throttle(api: MakeApi, glass: Hourglass) -> None:
    """A 403 that tells a spent quota is waited for; it says nothing about permissions."""
    spent = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(EPOCH + 20), "Date": DATE}
    async with provider(answers(403, headers=spent), answers()) as host:
        assert (await api(host.url).get("/orgs")).status == 200
    assert 20 <= glass.at <= 22
