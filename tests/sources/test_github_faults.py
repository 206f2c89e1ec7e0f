"""Whatever goes wrong with GitHub, a collection is whole, or says what it lacks, or ends as an error."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.records import Account, Credential
from demo.replicas.faults import (
    Drop,
    Effect,
    Erase,
    Failed,
    Faults,
    ForeignNext,
    NextLoop,
    Repeat,
    Replace,
    Truncate,
    WrongShape,
)
from demo.replicas.faults import Throttled as Throttle
from demo.replicas.github_tenant import GithubUser
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unreachable
from sources.common.limits import Limits
from tests.support.context import lent_context
from tests.support.github import MEMBERS, USED, Asked, accounts, asking, authorised, gaps, tenant
from tests.support.provider import Reply, answers, provider


@pytest.mark.parametrize(
    "effect",
    [
        pytest.param(Throttle(wait_s=3, status=403), id="primary"),
        pytest.param(Throttle(wait_s=3, kind="secondary", status=403), id="secondary"),
        pytest.param(Throttle(wait_s=None, kind="secondary", status=403), id="secondary-without-a-time"),
        pytest.param(Failed(502, html=True), id="gateway"),
        pytest.param(Drop(), id="dropped"),
    ],
)
@pytest.mark.parametrize(
    "path", [MEMBERS, "/orgs/example/outside_collaborators", "/orgs/example/credential-authorizations"]
)
async def test_what_passes_is_waited_out_and_is_no_refusal(effect: Effect, path: str, tmp_path: Path) -> None:
    """A 403 that is a limit is asked again, after the time that GitHub asks for; nothing is lost."""
    org = authorised(accessed_at=USED)
    async with asking(tmp_path, org, (path, effect)) as asked:
        found = await asked.collect()
    assert set(accounts(found)) == {"ana", "ben", "cyd", "gus"}
    assert len(found.of(Credential)) == 1
    assert gaps(found) == []


async def test_a_secondary_limit_without_a_time_is_waited_for_a_minute(tmp_path: Path) -> None:
    """GitHub asks for at least a minute then."""
    effect = Throttle(wait_s=None, kind="secondary", status=403)
    async with asking(tmp_path, tenant(), (MEMBERS, effect)) as asked:
        await asked.collect()
    assert max(asked.glass.slept) >= 59


async def test_a_limit_that_outlasts_the_run_is_throttled(tmp_path: Path) -> None:
    """A wait that the run has no time for ends it as throttled, not as denied."""
    effect = Throttle(wait_s=3600, status=403)
    async with asking(tmp_path, tenant(), (MEMBERS, effect), deadline=timedelta(minutes=5)) as asked:
        assert isinstance(await asked.fault(), Throttled)


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        pytest.param(ForeignNext(), Malformed, id="a-link-to-another-host"),
        pytest.param(NextLoop(), Truncated, id="a-link-in-a-circle"),
        pytest.param(NextLoop(fresh=True), Truncated, id="a-list-without-an-end"),
        pytest.param(WrongShape(), Malformed, id="another-shape"),
        pytest.param(Erase("id"), Malformed, id="without-an-id"),
        pytest.param(Truncate(honest_length=True), Truncated, id="cut-off"),
    ],
)
async def test_a_lie_ends_the_run(effect: Effect, kind: type[SourceError], tmp_path: Path) -> None:
    """What cannot be believed is not told in part as if it were all."""
    org = tenant(members=[GithubUser(f"u{at}", id=at + 1) for at in range(250)])
    async with asking(tmp_path, org) as asked:
        asked.faults.inject(MEMBERS, effect, nth=3, times=None)
        assert isinstance(await asked.fault(Limits(pages=8)), kind)


async def test_a_lasting_outage_is_unreachable(tmp_path: Path) -> None:
    """Five attempts, then the run ends."""
    async with asking(tmp_path, tenant()) as asked:
        asked.faults.inject("/orgs/*", Failed(503), times=None)
        assert isinstance(await asked.fault(), Unreachable)


async def test_the_same_person_twice_is_told_twice(tmp_path: Path) -> None:
    """A page that shifts repeats a row; the engine merges equals and doubts what differs."""
    org = tenant(members=[GithubUser(f"u{at}", id=at + 1) for at in range(150)])
    async with asking(tmp_path, org) as asked:
        asked.faults.inject(MEMBERS, Repeat(), nth=5, times=1)
        found = await asked.collect()
    assert len(found.of(Account)) >= 151


async def test_a_use_that_is_left_out_is_not_a_never(tmp_path: Path) -> None:
    """Null says never; a row without the field is new to us."""
    path = "/orgs/example/credential-authorizations"
    async with asking(tmp_path, authorised(), (path, Erase("credential_accessed_at"))) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_a_type_that_is_new_is_never_human(tmp_path: Path) -> None:
    """A word that GitHub may add is kept, for the checks to doubt."""
    async with asking(tmp_path, tenant()) as asked:
        asked.faults.inject(MEMBERS, Replace("type", "Robot"), times=None)
        found = await asked.collect()
    assert accounts(found)["ana"].klass == "robot"


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        pytest.param(answers(401, '{"message": "Bad credentials"}'), Refused, "renew the secret", id="bad-token"),
        pytest.param(answers(404, '{"message": "Not Found"}'), Refused, "hidden from this credential", id="no-org"),
        pytest.param(
            answers(403, "{}", {"X-GitHub-SSO": "required; url=https://github.com/orgs/example/sso"}),
            Refused,
            "authorise the token for the single sign-on of example",
            id="single-sign-on",
        ),
        pytest.param(answers(403, '{"message": "s3cret"}'), Refused, "grant the permission", id="denied"),
    ],
)
async def test_refusals_say_what_to_do(reply: Reply, kind: type[SourceError], words: str, tmp_path: Path) -> None:
    """A refusal of the organisation itself ends the run with the next step, and repeats nothing of the answer."""
    async with provider(reply) as served, lent_context(tmp_path, name="gh", secrets={"env:GH": "ghp_x"}) as ctx:
        asked = Asked(ctx, Faults(), {"url": served.url, "org": "example", "token": "env:GH"})
        fault = await asked.fault()
    assert isinstance(fault, kind)
    assert words in str(fault)
    assert "s3cret" not in str(fault)


async def test_a_member_with_the_scope_sees_all_members(tmp_path: Path) -> None:
    """A member who is no owner proves the membership, and then the list is complete; guests are not shown."""
    classic = {"X-OAuth-Scopes": "read:org, repo"}
    refused = answers(422, '{"message": "Only owners can use this filter."}', classic)
    denied = answers(403, '{"message": "no"}', classic)
    ana = '[{"id": 1, "login": "ana", "type": "User"}]'
    replies = [
        answers(200, '{"id": 5, "login": "example"}', classic),
        refused,
        answers(200, ana, classic),
        answers(200, "[]", classic),
        refused,
        denied,
        answers(200, '{"state": "active", "role": "member"}', classic),
        denied,
    ]
    async with provider(*replies) as served, lent_context(tmp_path, name="gh", secrets={"env:GH": "ghp_x"}) as ctx:
        asked = Asked(ctx, Faults(), {"url": served.url, "org": "example", "token": "env:GH"})
        found = await asked.collect()
    assert served.asked[6] == "/user/memberships/orgs/example"
    assert [gap.detail for gap in gaps(found) if "public members alone" in gap.detail] == []
    assert ["outside_collaborators" in gap.detail for gap in gaps(found)] == [True]
    assert served.headers[0]["X-GitHub-Api-Version"] == "2022-11-28"
