"""A GitHub organisation tells its people; whom it hides, and what it does not say, is never a no."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause
from checks.model.records import Account, Credential, Factor, field_names
from demo.replicas.faults import EndEarly, Faults
from demo.replicas.github_tenant import CredentialAuthorization, FineGrainedToken, GithubToken, GithubUser
from sources.common.errors import Refused
from sources.common.settings import from_toml
from sources.github import SOURCE, Config, faults
from tests.sources.contract import breaches_of_probes
from tests.support.context import lent_context
from tests.support.github import (
    MEMBERS,
    USED,
    Asked,
    accounts,
    asking,
    authorised,
    collected,
    credentials,
    gaps,
    tenant,
)
from tests.support.provider import answers, provider

STRONG = (Factor(kind="2fa", strength="strong"),)
WEAK = (Factor(kind="2fa_insecure", strength="weak"),)
CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.created_at"}))
APP = GithubToken(kind="app")
FINE = GithubToken(kind="fine_grained")


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
