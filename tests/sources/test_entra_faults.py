"""Whatever goes wrong with an Entra tenant, a collection is whole, or says what it lacks, or ends as an error."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks import mfa_coverage
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
from demo.replicas.graph import GraphApplication, RoleAssignment
from demo.replicas.graph import GraphTenant as Tenant
from sources.common import graph_wire as wire
from sources.common.errors import Malformed, Refused, SourceError, Truncated, Unreachable
from sources.common.errors import Throttled as Waiting
from sources.common.graph_users import Counted
from sources.common.limits import Limits
from sources.entra import open_tenant
from tests.support.entra import REPORT, USERS, asking, by_id, collected, people, verdict, without

COUNT = "/v1.0/users/$count"
HELD, APPLICATIONS = "/v1.0/roleManagement/directory/roleAssignments", "/v1.0/applications"
SLOW = Limits(attempts=2, read=timedelta(milliseconds=200), request=timedelta(milliseconds=300))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        pytest.param({"client_id": "nobody"}, "unauthorized_client 700016", id="another-client"),
        pytest.param({"tenant_id": "elsewhere.example"}, "invalid_request 90002", id="another-tenant"),
        pytest.param({"client_secret": "env:WRONG"}, "invalid_client 7000215", id="another-secret"),
    ],
)
async def test_a_client_that_is_not_accepted_ends_the_run(tmp_path: Path, table: dict[str, Any], says: str) -> None:
    """The refusal gives the vendor's code and the next step, and never the secret."""
    async with asking(tmp_path, Tenant(people(1)), **table) as asked:
        asked.ctx.secrets = {"env:ENTRA": "graph-secret", "env:WRONG": "wr0ng-secret"}
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert says in str(fault)
    assert "sources.entra" in str(fault)
    assert "secret" not in str(fault).replace("the secret of", "")


async def test_without_the_users_there_is_nothing_to_tell(tmp_path: Path) -> None:
    """User.Read.All is what the whole source rests on."""
    async with asking(tmp_path, without("User.Read.All")) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "GET /v1.0/users answered 403" in str(fault)


async def test_a_token_is_fetched_once_and_again_before_it_expires(tmp_path: Path) -> None:
    """Many questions share one token; when its time is nearly up the next question brings a new one."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        graph = open_tenant(asked.config, asked.ctx)
        first = await graph.credentials.token()
        assert await graph.credentials.token() == first
        asked.ctx.at += timedelta(minutes=56)
        assert await graph.credentials.token() != first
        assert asked.faults.asked("*/oauth2/v2.0/token") == 2


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(Throttled(wait_s=2), id="429"),
        pytest.param(Throttled(wait_s=None), id="429-without-a-time"),
        pytest.param(Failed(503, retry_after_s=3), id="503"),
        pytest.param(Failed(502, html=True), id="a-gateway's-page"),
        pytest.param(Drop(), id="a-dropped-connection"),
        pytest.param(Truncate(), id="a-body-cut-off"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(USERS, id="users"),
        pytest.param(REPORT, id="report"),
        pytest.param(HELD, id="roles"),
        pytest.param(APPLICATIONS, id="applications"),
        pytest.param("*/oauth2/v2.0/token", id="token"),
    ],
)
async def test_a_fault_that_passes_costs_nothing(tmp_path: Path, path: str, effect: Effect) -> None:
    """One refusal or breakdown is waited for, and the collection is the same as without."""
    tenant = Tenant(people(3), role_assignments=[RoleAssignment("user-0001")])
    plain = await collected(tmp_path, tenant)
    assert await collected(tmp_path, tenant, (path, effect)) == plain


@pytest.mark.parametrize("path", [USERS, REPORT])
@pytest.mark.parametrize(
    ("effect", "error"),
    [
        pytest.param(Failed(503), Unreachable, id="down"),
        pytest.param(Throttled(wait_s=7200), Waiting, id="throttled-for-longer-than-the-run"),
        pytest.param(Stall(), Unreachable, id="hung"),
        pytest.param(Truncate(), Truncated, id="cut-off"),
        pytest.param(Truncate(honest_length=True), Truncated, id="cut-off-and-lying-about-it"),
        pytest.param(WrongShape(), Malformed, id="another-shape"),
        pytest.param(Erase("id"), Malformed, id="a-required-field-is-gone"),
        pytest.param(ForeignNext("https://elsewhere.example"), Malformed, id="a-link-to-another-host"),
        pytest.param(NextLoop(), Truncated, id="a-loop"),
        pytest.param(NextLoop(fresh=True), Truncated, id="ever-new-links"),
    ],
)
async def test_a_fault_that_stays_ends_the_run(
    tmp_path: Path, path: str, effect: Effect, error: type[SourceError]
) -> None:
    """What cannot be read is an error with a cause, and never a smaller population."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(path, effect, times=None)
        limits = SLOW if isinstance(effect, Stall) else Limits(pages=20, attempts=2)
        fault = await asked.fault(limits)
    assert isinstance(fault, error)
    assert "entra" in str(fault)


async def test_users_are_read_to_the_last_page_and_past_an_empty_one(tmp_path: Path) -> None:
    """Pages are as large as Graph likes; an empty one with a next link is a page like any other."""
    found = await collected(tmp_path, Tenant(people(301)), (USERS, EmptyPage()), (REPORT, EmptyPage()))
    assert len(by_id(found)) == 301
    assert {one.mfa for one in by_id(found).values()} == {True}


@pytest.mark.parametrize(
    ("effect", "missing"),
    [
        pytest.param(EndEarly(), 30, id="no-next-link"),
        pytest.param(Omit(frozenset({people(130)[7].id})), 1, id="a-user-left-out"),
    ],
)
async def test_a_list_that_ends_early_is_a_gap_on_the_first_run(tmp_path: Path, effect: Effect, missing: int) -> None:
    """Graph counts its users; where fewer are listed, nothing passes on the list."""
    found = await collected(tmp_path, Tenant(people(130)), (USERS, effect))
    (gap,) = found.gaps
    assert (gap.cause, gap.kind, gap.missing) == (Cause.TRUNCATED, "members", missing)
    assert f"listed {130 - missing} users, {missing} fewer than Graph counts" in gap.detail
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_a_short_last_page_is_a_gap(tmp_path: Path) -> None:
    """Rows lost from the last page show in the count, and a repeated row does not stand in for one."""
    async with asking(tmp_path, Tenant(people(130)), (USERS, Repeat())) as asked:
        asked.faults.inject(USERS, Repeat(), nth=2)
        asked.faults.inject(USERS, Shrink(keep=29), nth=2)
        found = await asked.collect()
    assert [(gap.kind, gap.missing) for gap in found.gaps] == [("members", 2)]


async def test_a_holder_of_a_role_who_is_not_listed_is_a_gap(tmp_path: Path) -> None:
    """Where a tenant does not count, those who hold roles must be listed at least."""
    users = people(3)
    roles = [RoleAssignment(users[1].id)]
    async with asking(
        tmp_path, Tenant(users, role_assignments=roles), (USERS, Omit(frozenset({users[1].id})))
    ) as asked:
        asked.faults.inject(COUNT, Failed(400), times=None)
        found = await asked.collect()
    (gap,) = found.gaps
    assert (gap.cause, gap.kind, gap.missing) == (Cause.TRUNCATED, "members", None)
    assert "without 1 who hold a role" in gap.detail


async def test_a_tenant_that_does_not_count_is_read_all_the_same(tmp_path: Path) -> None:
    """B2C tenants refuse the count as a request; that alone is no doubt."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(COUNT, Failed(400), times=None)
        found = await asked.collect()
    assert (len(found.records), found.gaps) == (3, ())


async def test_a_count_that_is_forbidden_is_a_gap(tmp_path: Path) -> None:
    """Who may list users may count them; where that is refused, something stands between."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        asked.faults.inject(COUNT, Failed(403), times=None)
        found = await asked.collect()
    assert [(gap.cause, gap.kind) for gap in found.gaps] == [(Cause.DENIED, "members")]


async def test_who_leaves_during_the_run_is_no_gap(tmp_path: Path) -> None:
    """The count is asked again where the list is shorter, and the smaller of both is what is due."""
    tenant = Tenant(people(3))
    async with asking(tmp_path, tenant) as asked:
        graph = open_tenant(asked.config, asked.ctx)
        counted = Counted("entra", graph, set())
        await counted.start()
        gone = tenant.users.pop()
        counted.add([wire.User(user.id) for user in tenant.users])
        assert await counted.gaps() == ()
        tenant.users.append(gone)
        assert [gap.missing for gap in await counted.gaps()] == [1]


async def test_a_time_outside_the_calendar_is_a_shape_that_is_new(tmp_path: Path) -> None:
    """A time that UTC has no date for is an error of its own, and no crash."""
    odd = Replace("createdDateTime", "9999-12-31T23:59:59-09:00")
    async with asking(tmp_path, Tenant(people(3)), (USERS, odd)) as asked:
        assert isinstance(await asked.fault(), Malformed)


@pytest.mark.parametrize(("path", "name"), [(USERS, "id"), (APPLICATIONS, "id"), (HELD, "principalId")])
async def test_an_empty_id_is_a_shape_that_is_new(tmp_path: Path, path: str, name: str) -> None:
    """What has no id cannot be told apart, so it is no record."""
    users = people(2)
    tenant = Tenant(users, role_assignments=[RoleAssignment(users[0].id)], applications=[GraphApplication("app")])
    async with asking(tmp_path, tenant, (path, Replace(name, ""))) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_an_id_that_comes_twice_is_told_twice(tmp_path: Path) -> None:
    """The engine, which sees everything, merges or doubts repeated ids; the source hides none."""
    async with asking(tmp_path, Tenant(people(150))) as asked:
        asked.faults.inject(USERS, Repeat({"accountEnabled": False}), nth=2)
        found = await asked.collect()
    ids = [record.id for record in found.records]
    assert (len(ids), len(set(ids))) == (151, 150)


async def test_a_word_that_is_new_in_the_report_is_told(tmp_path: Path) -> None:
    """A new method has no strength, so nobody passes by it."""
    found = await collected(tmp_path, Tenant(people(2)), (REPORT, Replace("methodsRegistered", ["irisScan"])))
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_a_tenant_without_users_is_empty_and_passes_nothing(tmp_path: Path) -> None:
    """Zero accounts are told without a gap; a check then says unknown."""
    found = await collected(tmp_path, Tenant())
    assert (found.records, found.gaps) == ((), ())
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN


async def test_interactive_traffic_goes_first(tmp_path: Path) -> None:
    """Every question to Graph yields to people, and takes a turn at the shared limit."""
    async with asking(tmp_path, Tenant(people(3)), requests_per_minute=120) as asked:
        await asked.collect()
        ranks = {seen.headers.get("x-ms-throttle-priority") for seen in asked.faults.seen if seen.method == "GET"}
    assert ranks == {"Low"}
    assert set(asked.ctx.turns) == {("env:ENTRA", 2.0)}
