"""A GitHub organisation tells its people; whom it hides, and what it does not say, is never a no."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause, Gap
from checks.model.records import Account, Credential, Factor, field_names
from demo.replicas import github as replica
from demo.replicas.faults import (
    Drop,
    Effect,
    EndEarly,
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
from demo.replicas.github_tenant import (
    CredentialAuthorization,
    FineGrainedToken,
    GithubTenant,
    GithubToken,
    GithubUser,
)
from demo.replicas.serve import serving
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unreachable
from sources.common.limits import LIMITS, Limits, Timing
from sources.common.settings import from_toml
from sources.github import SOURCE, Config, faults, open_api, read
from tests.sources.contract import breaches, breaches_of_probes
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.provider import Reply, answers, provider

STRONG = (Factor(kind="2fa", strength="strong"),)
WEAK = (Factor(kind="2fa_insecure", strength="weak"),)
USED = datetime(2026, 11, 20, 8, tzinfo=UTC)
CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.created_at"}))
APP = GithubToken(kind="app")
FINE = GithubToken(kind="fine_grained")


@dataclass
class Glass:
    """A clock that only sleeping moves."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.at += seconds

    def timing(self) -> Timing:
        """Give the clock, without chance."""
        return Timing(lambda: self.at, self.sleep, lambda: 0.0)


@dataclass
class Asked:
    """One organisation that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end, and hold what it told to the contract of a source."""
        api = await open_api(self.config, self.ctx, limits, self.glass.timing())
        found = await collect(read(self.config, self.ctx, api))
        unused = {one.id for one in found.of(Credential) if isinstance(one, Credential) and one.never_used}
        nothing = {f"credential/1 {one!r}: last_used_at is not told, and no why says so" for one in unused}
        assert set(breaches(SOURCE, "gh", found)) - nothing == set()
        return found

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


def tenant(**told: Any) -> GithubTenant:
    """Build an organisation of an owner, a member with text messages, one without anything, and a guest."""
    people = [
        GithubUser("ana", role="admin"),
        GithubUser("ben", two_factor="insecure", public=False),
        GithubUser("cyd", two_factor="disabled", public=False),
    ]
    base: dict[str, Any] = {"members": people, "outside_collaborators": [GithubUser("gus", two_factor="insecure")]}
    return GithubTenant(**(base | told))


@asynccontextmanager
async def asking(
    folder: Path,
    org: GithubTenant,
    *effects: tuple[str, Effect],
    clock: Callable[[], float] = time.time,
    token: GithubToken | None = None,
    secret: str | None = None,
    deadline: timedelta = timedelta(hours=2),
) -> AsyncIterator[Asked]:
    """Serve an organisation, with one fault a path, and lend what a run needs."""
    credential = secret or "ghp_token"
    org.credentials = {credential: token or GithubToken()}
    script = Faults()
    for path, effect in effects:
        script.inject(path, effect)
    async with serving(replica.app(org, script, clock=clock)) as origin:
        secrets = {"env:GH": credential}
        async with lent_context(folder, name="gh", secrets=secrets, deadline=deadline) as ctx:
            yield Asked(ctx, script, {"url": origin, "org": "example", "token": "env:GH"})


async def collected(folder: Path, org: GithubTenant, *effects: tuple[str, Effect], **told: Any) -> Collected:
    """Serve an organisation, and run the source over it once."""
    async with asking(folder, org, *effects, **told) as asked:
        return await asked.collect()


def accounts(found: Collected) -> dict[str, Account]:
    """Index the accounts by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Account)}


def credentials(found: Collected) -> dict[str, Credential]:
    """Index the credentials by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Credential)}


def gaps(found: Collected, *fields: str) -> list[Gap]:
    """Select the gaps of facts that name all these fields; without any, those of members."""
    kind = "facts" if fields else "members"
    return [gap for gap in found.gaps if gap.kind == kind and set(fields) <= set(gap.fields)]


# People.


async def test_people_are_told_with_their_factors_and_roles(tmp_path: Path) -> None:
    """An owner, a member with text messages, one without a second factor, and a guest."""
    found = accounts(await collected(tmp_path, tenant()))
    assert {name: (one.klass, one.privileged, one.roles, one.mfa, one.factors) for name, one in found.items()} == {
        "ana": ("human", True, ("owner",), True, STRONG),
        "ben": ("human", False, (), True, WEAK),
        "cyd": ("human", False, (), False, ()),
        "gus": ("guest", False, (), True, WEAK),
    }


async def test_an_account_is_told_whole(tmp_path: Path) -> None:
    """The id is the number that never changes; what GitHub tells nobody has its cause."""
    org = tenant(members=[GithubUser("Ana", id=7)])
    assert accounts(await collected(tmp_path, org))["Ana"] == Account(
        id="7",
        source="gh",
        label="Ana",
        why={"last_seen_at": "not_exposed"},
        keys=("ana",),
        status="active",
        klass="human",
        klass_basis="presumed",
        interactive=True,
        privileged=False,
        roles=(),
        mfa=True,
        factors=STRONG,
    )


async def test_the_last_activity_is_a_gap(tmp_path: Path) -> None:
    """Nobody's last activity is told, which is said once and not per person."""
    (only,) = gaps(await collected(tmp_path, tenant()), "account.last_seen_at")
    assert (only.cause, only.fields) == (Cause.NOT_EXPOSED, ("account.last_seen_at",))


async def test_empty_filters_of_an_owner_say_that_there_is_nobody(tmp_path: Path) -> None:
    """With an owner's token an empty list is an answer."""
    found = accounts(await collected(tmp_path, tenant(members=[GithubUser("ana"), GithubUser("ben")])))
    assert (found["ana"].factors, found["ben"].factors) == (STRONG, STRONG)


async def test_a_bot_and_a_word_that_is_new_are_told_as_such(tmp_path: Path) -> None:
    """A bot does not sign in; a type that is new to us is kept raw."""
    org = tenant(members=[GithubUser("robo", type="Bot"), GithubUser("org", type="Organization")])
    found = accounts(await collected(tmp_path, org))
    assert (found["robo"].klass, found["robo"].klass_basis, found["robo"].interactive) == ("bot", "provider", False)
    assert found["org"].klass == "organization"


async def test_the_factors_of_a_managed_user_are_the_identity_providers(tmp_path: Path) -> None:
    """A login with an underscore is a managed one, of whose factors GitHub knows nothing."""
    found = accounts(await collected(tmp_path, tenant(members=[GithubUser("ana_corp", two_factor="disabled")])))
    assert (found["ana_corp"].mfa, found["ana_corp"].why["mfa"]) == (None, "federated")


async def test_pages_are_followed(tmp_path: Path) -> None:
    """Three pages of members, all told once."""
    org = tenant(members=[GithubUser(f"u{at}", id=at + 1) for at in range(250)])
    found = await collected(tmp_path, org)
    assert len(found.of(Account)) == 251
    assert len({one.id for one in found.of(Account)}) == 251


# Who we are.


async def test_a_member_who_is_no_owner_is_told_no_factors(tmp_path: Path) -> None:
    """The filters are the owners': everybody's factors are not told, and guests may be missing."""
    token = GithubToken(owner=False)
    found = await collected(tmp_path, tenant(), token=token)
    told = accounts(found)
    assert {name: (one.mfa, one.factors, one.why["mfa"]) for name, one in told.items()} == dict.fromkeys(
        ("ana", "ben", "cyd"), (None, None, "denied")
    )
    assert [gap.cause for gap in gaps(found, "account.mfa", "account.factors")] == [Cause.DENIED]
    assert {gap.cause for gap in gaps(found)} == {Cause.DENIED}


@pytest.mark.parametrize(
    ("token", "secret", "hidden"),
    [
        pytest.param(GithubToken(), "ghp_x", False, id="owner-with-the-scope"),
        pytest.param(GithubToken(scopes=frozenset({"admin:org"})), "ghp_x", False, id="wider-scope"),
        pytest.param(GithubToken(scopes=frozenset({"repo"})), "ghp_x", True, id="without-the-scope"),
        pytest.param(GithubToken(scopes=frozenset()), "ghp_x", True, id="without-any-scope"),
        pytest.param(FINE, "github_pat_x", False, id="fine-grained"),
        pytest.param(GithubToken(kind="fine_grained", permissions=frozenset()), "github_pat_x", True, id="fine-bare"),
        pytest.param(APP, "ghs_x", False, id="app"),
        pytest.param(GithubToken(owner=False), "ghp_x", True, id="membership-not-proven"),
    ],
)
async def test_public_members_alone_are_a_gap(token: GithubToken, secret: str, *, hidden: bool, tmp_path: Path) -> None:
    """GitHub answers 200 with the public members to a token that may not see the others; that is never all."""
    found = await collected(tmp_path, tenant(), token=token, secret=secret)
    named = [gap for gap in gaps(found) if "public members alone" in gap.detail]
    assert [gap.cause for gap in named] == ([Cause.DENIED] if hidden else [])


async def test_a_classic_token_without_the_scope_proves_nothing(tmp_path: Path) -> None:
    """Even if every list answers, a classic token that lacks read:org is not believed to be shown all members."""
    told = answers(200, "[]", {"X-OAuth-Scopes": "repo"})
    async with provider(told) as served, lent_context(tmp_path, name="gh", secrets={"env:GH": "ghp_x"}) as ctx:
        found = await Asked(ctx, Faults(), {"url": served.url, "org": "example", "token": "env:GH"}).collect()
    assert ["public members alone" in gap.detail for gap in gaps(found)] == [True]


async def test_a_stranger_is_told_nothing(tmp_path: Path) -> None:
    """Who is sent on to the public members is no member, and the run ends."""
    async with asking(tmp_path, tenant(), token=GithubToken(member=False, owner=False)) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "not a member of example" in str(fault)


async def test_an_older_server_tells_no_weak_factors(tmp_path: Path) -> None:
    """Where one filter works and the other does not, a yes remains, without a strength."""
    found = await collected(tmp_path, tenant(knows_insecure_filter=False))
    told = accounts(found)
    assert (told["ana"].mfa, told["ana"].factors, told["ana"].why["factors"]) == (True, None, "unsupported")
    assert (told["cyd"].mfa, told["cyd"].factors) == (False, ())
    assert {gap.cause for gap in gaps(found, "account.factors")} == {Cause.UNSUPPORTED}


# Tokens.


def authorised(**told: Any) -> GithubTenant:
    """Build an organisation with one authorised credential of its owner."""
    return tenant(credential_authorizations=[CredentialAuthorization("ana", **told)])


async def test_an_authorised_token_is_told(tmp_path: Path) -> None:
    """Owner, power, use and expiry; when it was made nobody knows, since it was authorised later."""
    org = authorised(accessed_at=USED, expires_at=datetime(2027, 1, 1, tzinfo=UTC), credential_id=9)
    found = await collected(tmp_path, org)
    (one,) = found.of(Credential)
    assert one == Credential(
        id="authorization/9",
        source="gh",
        label="ana personal access token",
        kind="pat",
        status="active",
        owner=accounts(found)["ana"].id,
        privileged=True,
        expires_at=datetime(2027, 1, 1, tzinfo=UTC),
        last_used_at=USED,
        never_used=False,
        use_lag=timedelta(days=1),
    )


@pytest.mark.parametrize(
    ("told", "kind", "label"),
    [
        pytest.param({"credential_type": "SSH key", "title": "laptop"}, "ssh_key", "ana laptop", id="ssh"),
        pytest.param({"credential_type": "OAuth app token"}, "oauth app token", "ana OAuth app token", id="raw"),
    ],
)
async def test_kinds_of_credentials_are_told(told: dict[str, Any], kind: str, label: str, tmp_path: Path) -> None:
    """A kind that the model has no word for is kept raw."""
    one = credentials(await collected(tmp_path, authorised(**told)))[label]
    assert (one.kind, one.never_used, one.last_used_at) == (kind, True, None)


async def test_a_credential_of_a_stranger_has_no_owner_that_is_told(tmp_path: Path) -> None:
    """A login that is in no list is not made up into an id."""
    org = tenant(credential_authorizations=[CredentialAuthorization("gone", accessed_at=USED)])
    (one,) = (await collected(tmp_path, org)).of(Credential)
    assert isinstance(one, Credential)
    assert (one.owner, one.privileged) == (None, None)
    assert {"owner", "privileged"} <= set(one.why)


async def test_an_app_sees_fine_grained_tokens(tmp_path: Path) -> None:
    """An App is shown them; one that has expired is inactive."""
    org = tenant(
        fine_grained_tokens=[
            FineGrainedToken("ben", "deploy", last_used_at=USED),
            FineGrainedToken("ana", "old", expired=True),
        ]
    )
    found = await collected(tmp_path, org, token=APP, secret="ghs_x")
    told = credentials(found)
    assert (told["ben deploy"].status, told["ben deploy"].last_used_at, told["ben deploy"].privileged) == (
        "active",
        USED,
        False,
    )
    assert (told["ana old"].status, told["ana old"].never_used) == ("inactive", True)
    assert gaps(found, *CREDENTIAL_FIELDS) == []


@pytest.mark.parametrize(
    ("org", "token", "cause", "words"),
    [
        pytest.param({}, GithubToken(), Cause.NOT_EXPOSED, "GitHub Apps alone", id="classic-token"),
        pytest.param({}, FINE, Cause.DENIED, "GitHub Apps", id="fine-grained-token"),
        pytest.param({"saml": False}, APP, Cause.NOT_EXPOSED, "single sign-on with SAML", id="without-saml"),
        pytest.param({}, GithubToken(owner=False), Cause.DENIED, "only owners of example", id="no-owner"),
    ],
)
async def test_tokens_that_no_list_shows_are_a_gap(
    org: dict[str, Any], token: GithubToken, cause: Cause, words: str, tmp_path: Path
) -> None:
    """What is hidden makes the facts of all credentials doubtful; no list is never an empty one."""
    found = await collected(tmp_path, tenant(**org), token=token)
    assert any(gap.cause is cause and words in gap.detail for gap in gaps(found, *CREDENTIAL_FIELDS))


# What goes wrong.

MEMBERS = "/orgs/example/members"


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


# The test of a source, and its configuration.


@pytest.mark.parametrize(
    ("token", "secret", "ok"),
    [
        pytest.param(GithubToken(), "ghp_x", [True, True, True, True, True, True, False], id="owner"),
        pytest.param(APP, "ghs_x", [True] * 7, id="app"),
        pytest.param(GithubToken(owner=False), "ghp_x", [True, False, False, False, False, False, False], id="member"),
        pytest.param(
            GithubToken(scopes=frozenset()), "ghp_x", [True, False, False, False, False, False, False], id="no-scope"
        ),
    ],
)
async def test_probes_say_what_each_refusal_costs(
    token: GithubToken, secret: str, ok: list[bool], tmp_path: Path
) -> None:
    """Every list is tried, and a refusal names what becomes unknown."""
    async with asking(tmp_path, tenant(), token=token, secret=secret) as asked:
        probes = await SOURCE.test(asked.config, asked.ctx)
    assert breaches_of_probes(SOURCE, probes) == []
    assert [probe.ok for probe in probes] == ok


async def test_without_a_token_a_probe_says_so(tmp_path: Path) -> None:
    """``source test`` never raises: a token that is not there is its only line."""
    async with lent_context(tmp_path, name="gh") as ctx:
        (only,) = await SOURCE.test(msgspec.convert({"org": "x", "token": "env:GH"}, Config, dec_hook=from_toml), ctx)
    assert (only.ok, bool(only.detail)) == (False, True)


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        pytest.param({}, None, id="github.com"),
        pytest.param({"url": "https://ghes.example.org/api/v3"}, None, id="enterprise-server"),
        pytest.param({"url": "http://127.0.0.1:8080"}, None, id="loopback"),
        pytest.param({"url": "http://ghes.example.org/api/v3"}, "url: must be https", id="plain-http"),
        pytest.param({"org": "a/b"}, "org: must be", id="a-repository"),
        pytest.param({"org": ""}, "org: must be", id="no-name"),
    ],
)
def test_a_configuration_is_judged_whole(told: dict[str, Any], fault: str | None, tmp_path: Path) -> None:
    """What the types cannot say is named with its key."""
    table = {"org": "example", "token": "env:GH", **told}
    found = faults(msgspec.convert(table, Config, dec_hook=from_toml), tmp_path)
    assert (found == []) if fault is None else (len(found) == 1 and found[0].startswith(fault))


async def test_an_enterprise_server_is_asked_below_its_path(tmp_path: Path) -> None:
    """The path of the URL stays in front of every request."""
    async with provider(answers(404)) as served, lent_context(tmp_path, name="gh", secrets={"env:GH": "x"}) as ctx:
        asked = Asked(ctx, Faults(), {"url": f"{served.url}/api/v3", "org": "example", "token": "env:GH"})
        await asked.fault()
    assert served.asked == ["/api/v3/orgs/example"]


async def test_a_list_that_ends_early_is_seen_by_its_size_alone(tmp_path: Path) -> None:
    """GitHub claims no total, so a next link that is lost shows as fewer people: the engine's shrunken gap."""
    org = tenant(members=[GithubUser(f"u{at}", id=at + 1) for at in range(250)])
    async with asking(tmp_path, org) as asked:
        asked.faults.inject(MEMBERS, EndEarly(), nth=4, times=1)
        found = await asked.collect()
    assert len(found.of(Account)) == 101
