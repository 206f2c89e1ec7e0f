"""Whatever goes wrong with an Okta org, a collection is whole, or says what it lacks, or ends as an error."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from checks import mfa_coverage, stale_access
from checks.model.doubt import Cause
from checks.model.state import Verdict
from demo.replicas.faults import (
    Drop,
    Effect,
    EmptyPage,
    EndEarly,
    Erase,
    Failed,
    ForeignNext,
    NextLoop,
    Omit,
    Repeat,
    Replace,
    Shrink,
    Stall,
    Throttled,
    Truncate,
    WrongShape,
)
from demo.replicas.okta import ALL_SCOPES, OktaApiToken, OktaGroup
from demo.replicas.okta import OktaTenant as Tenant
from demo.replicas.okta import OktaUser as User
from sources.common.errors import Malformed, Refused, SourceError, Truncated, Unconfigured, Unreachable
from sources.common.limits import Limits
from sources.common.okta_users import Users
from sources.common.settings import from_toml
from sources.okta import SOURCE, Config, open_api
from tests.support.clock import NOW
from tests.support.context import collect, lent_context
from tests.support.glass import Glass
from tests.support.okta import asking, by_id, collected, people, person, verdict
from tests.support.provider import answers, provider

SLOW = Limits(attempts=2, read=timedelta(milliseconds=200), request=timedelta(milliseconds=300))
"""Short limits, so that a test of a stall ends soon."""


async def test_a_token_that_is_not_accepted_ends_the_run(tmp_path: Path) -> None:
    """A 401 is a refusal that names the source and the next step, and never the token."""
    async with asking(tmp_path, Tenant(people(2), credentials={})) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "okta-prod" in str(fault)
    assert "401" in str(fault)
    assert "okta-token" not in str(fault)


async def test_without_the_users_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """okta.users.read is what the whole source rests on."""
    tenant = Tenant(people(2), credentials={"okta-token": ALL_SCOPES - {"okta.users.read"}})
    async with asking(tmp_path, tenant) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "GET /api/v1/users answered 403" in str(fault)


async def test_a_secret_that_is_not_there_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    """A missing secret is the operator's to mend."""
    async with asking(tmp_path, Tenant()) as asked:
        asked.ctx.secrets = {}
        with pytest.raises(Unconfigured):
            await collect(SOURCE.fetch(asked.config, asked.ctx))
        assert len(asked.faults.seen) == 0


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(Throttled(wait_s=2), id="429"),
        pytest.param(Throttled(wait_s=None, kind="concurrency"), id="429-without-a-time"),
        pytest.param(Failed(503), id="503"),
        pytest.param(Failed(502, html=True), id="a-gateway's-page"),
        pytest.param(Drop(), id="a-dropped-connection"),
        pytest.param(Truncate(), id="a-body-cut-off"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/api/v1/users", id="users"),
        pytest.param("/api/v1/users/*/authenticator-enrollments", id="factors"),
        pytest.param("/api/v1/iam/assignees/users", id="administrators"),
    ],
)
async def test_a_fault_that_passes_costs_nothing(tmp_path: Path, path: str, effect: Effect) -> None:
    """One refusal or breakdown is waited for, and the collection is the same as without."""
    users = people(3)
    users[0].roles = ["SUPER_ADMIN"]
    plain = await collected(tmp_path, Tenant(users))
    assert await collected(tmp_path, Tenant(users), (path, effect)) == plain


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        pytest.param(Failed(503), Unreachable, id="down"),
        pytest.param(Stall(), Unreachable, id="hung"),
        pytest.param(Truncate(), Truncated, id="cut-off"),
        pytest.param(Truncate(honest_length=True), Truncated, id="cut-off-and-lying-about-it"),
        pytest.param(WrongShape(), Malformed, id="another-shape"),
        pytest.param(Erase("status"), Malformed, id="a-required-field-is-gone"),
        pytest.param(Replace("created", "yesterday"), Malformed, id="a-date-is-none"),
    ],
)
async def test_a_fault_that_stays_ends_the_run(tmp_path: Path, effect: Effect, error: type[SourceError]) -> None:
    """What cannot be read is an error with a cause, and never a smaller population."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject("/api/v1/users", effect, times=None)
        fault = await asked.fault(SLOW if isinstance(effect, Stall) else Limits(attempts=2))
    assert isinstance(fault, error)
    assert "okta-prod" in str(fault)


async def test_an_empty_page_with_a_next_link_is_followed(tmp_path: Path) -> None:
    """Nobody after an empty page is lost."""
    found = await collected(tmp_path, Tenant(people(3)), ("/api/v1/users", EmptyPage()))
    assert len(by_id(found)) == 3


async def test_a_next_link_to_another_host_is_not_followed(tmp_path: Path) -> None:
    """The token goes to the configured host alone."""
    async with asking(
        tmp_path, Tenant(people(3)), ("/api/v1/users", ForeignNext("https://elsewhere.example"))
    ) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Malformed)
    assert "elsewhere.example" in str(fault)


@pytest.mark.parametrize("fresh", [False, True], ids=["the-same-link", "ever-new-links"])
async def test_a_list_that_never_ends_is_ended(tmp_path: Path, fresh: bool) -> None:  # noqa: FBT001 - a column of the table
    """A link that repeats, or more pages than our cap, is no complete list."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject("/api/v1/users", NextLoop(fresh=fresh), times=None)
        fault = await asked.fault(Limits(pages=20))
    assert isinstance(fault, Truncated)


async def test_an_id_that_comes_twice_is_told_twice(tmp_path: Path) -> None:
    """The engine, which sees everything, merges or doubts repeated ids; the source hides none."""
    async with asking(tmp_path, Tenant(people(201))) as asked:
        asked.faults.inject("/api/v1/users", Repeat({"status": "SUSPENDED"}), nth=2)
        found = await asked.collect()
    ids = [record.id for record in found.records]
    assert (len(ids), len(set(ids))) == (202, 201)


def hired(count: int) -> list[User]:
    """Build so many people, each created a minute after the one before."""
    start = datetime(2024, 1, 15, tzinfo=UTC)
    return [person(f"00u{at:05}", created=start + timedelta(minutes=at)) for at in range(count)]


@pytest.mark.parametrize(
    ("count", "effect", "read"),
    [
        pytest.param(450, EndEarly(), 200, id="no-next-link"),
        pytest.param(30, Shrink(keep=12), 12, id="a-short-last-page"),
        pytest.param(30, Shrink(), 0, id="an-empty-last-page"),
        pytest.param(30, Omit(frozenset({"00u00029"})), 29, id="the-newest-user"),
    ],
)
async def test_a_list_that_ends_early_is_a_gap_on_the_first_run(
    tmp_path: Path, count: int, effect: Effect, read: int
) -> None:
    """The newest users are asked for once more; where the list lacks one, nothing passes on it."""
    found = await collected(tmp_path, Tenant(hired(count)), ("/api/v1/users", effect), factors=False)
    gap = next(gap for gap in found.gaps if gap.kind == "members")
    assert (gap.cause, gap.missing) == (Cause.TRUNCATED, None)
    assert f"listed {read} users and left out" in gap.detail
    assert verdict(stale_access.CHECK, found).verdict is not Verdict.PASS


async def test_an_org_whose_users_fill_the_last_page_is_whole(tmp_path: Path) -> None:
    """A full page without a next link is the end where the newest users are on it."""
    found = await collected(tmp_path, Tenant(hired(200)), factors=False)
    assert [gap.kind for gap in found.gaps] == ["facts"]
    assert verdict(stale_access.CHECK, found).verdict is Verdict.PASS


async def test_an_administrator_who_is_not_listed_is_a_gap(tmp_path: Path) -> None:
    """Whoever holds a role, or is in a group that does, must be in the list of users."""
    users = [person("00u1", roles=["SUPER_ADMIN"]), *hired(30)]
    found = await collected(tmp_path, Tenant(users), ("/api/v1/users", Omit(frozenset({"00u1"}))))
    (gap,) = found.gaps
    assert (gap.cause, gap.kind) == (Cause.TRUNCATED, "members")
    assert "1 of the administrators" in gap.detail


async def test_users_created_since_the_run_began_need_not_be_listed(tmp_path: Path) -> None:
    """A user of the minutes between the list and the second question is no gap."""
    late = person("00u2", created=NOW + timedelta(minutes=1))
    found = await collected(tmp_path, Tenant([person("00u1"), late]), ("/api/v1/users", Omit(frozenset({"00u2"}))))
    assert found.gaps == ()


async def test_a_list_without_any_link_header_is_no_whole_list(tmp_path: Path) -> None:
    """Okta's pages link to themselves at least; where no link arrives, the next one may be lost too."""
    async with provider(answers(200, "[]")) as host, lent_context(tmp_path, secrets={"env:OKTA": "t"}) as ctx:
        config = msgspec.convert({"url": host.url, "token": "env:OKTA"}, Config, dec_hook=from_toml)
        users = Users("okta-prod", await open_api(config, ctx))
        with pytest.raises(Truncated, match="GET /api/v1/users answered without a Link header"):
            assert [page async for page in users.pages()]


async def test_a_time_outside_the_calendar_is_a_shape_that_is_new(tmp_path: Path) -> None:
    """A time that UTC has no date for is an error of its own, and no crash."""
    odd = Replace("created", "0001-01-01T00:00:00+09:00")
    async with asking(tmp_path, Tenant(people(3)), ("/api/v1/users", odd)) as asked:
        assert isinstance(await asked.fault(), Malformed)


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v1/api-tokens", "/api/v1/groups"])
async def test_an_empty_id_is_a_shape_that_is_new(tmp_path: Path, path: str) -> None:
    """What has no id cannot be told apart, so it is no record."""
    groups, tokens_ = [OktaGroup("00g1", "g")], [OktaApiToken("00T1", "t", "00u00000")]
    async with asking(tmp_path, Tenant(people(3), groups, tokens_), (path, Replace("id", ""))) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_an_org_without_users_is_empty_and_passes_nothing(tmp_path: Path) -> None:
    """Zero accounts are told without a gap; a check then says unknown."""
    found = await collected(tmp_path, Tenant())
    assert (found.records, found.gaps) == ((), ())
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_a_tenth_of_a_rate_limit_is_left_to_the_org(tmp_path: Path) -> None:
    """At the floor the other questions wait for the next minute; none is ever refused, so none is asked again."""
    glass = Glass()
    start = (int(time.time()) // 60 + 1) * 60
    tenant = Tenant(people(60))
    tenant.per_minute["user"] = 50
    async with asking(tmp_path, tenant, glass=glass, clock=lambda: start + glass.at) as asked:
        found = await asked.collect()
        assert asked.faults.asked("/api/v1/users/*/authenticator-enrollments") == 60
    assert sum(account.mfa is True for account in by_id(found).values()) == 60
    assert max(glass.slept) >= 60
