"""An Okta org tells its users, administrators and tokens; what it hides is never a no."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks import admin_mfa, key_age, leaver_access, mfa_coverage, stale_access
from checks.model.doubt import Cause
from checks.model.records import Account, Credential, Factor, field_names
from checks.model.state import Verdict
from demo.replicas.faults import Erase, Failed
from demo.replicas.okta import ALL_SCOPES, LONG_AGO, OktaApiToken, OktaGroup, OktaRole
from demo.replicas.okta import OktaTenant as Tenant
from demo.replicas.okta import OktaUser as User
from sources.common.settings import from_toml
from sources.common.source import Probe
from sources.okta import SOURCE, Config, probe
from tests.sources.contract import breaches_of_probes
from tests.support.builders import ago
from tests.support.context import collect
from tests.support.okta import LAST, asking, by_id, collected, people, person, tokens, verdict

ADMIN_FIELDS = ("account.privileged", "account.roles")
CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.never_used"}))


# ------------------------------------------------------------------------------------------------------ accounts


async def test_a_user_is_told_whole(tmp_path: Path) -> None:
    """Every field of an ordinary live user is told, in our words."""
    user = person(
        email="Ana.Lima@Example.org", profile={"employeeNumber": "E-17"}, activated=LONG_AGO + timedelta(hours=1)
    )
    found = await collected(tmp_path, Tenant([user]))
    assert found.records == (
        Account(
            id="00u1",
            source="okta-prod",
            label="00u1@example.org",
            keys=("00u1@example.org", "ana.lima@example.org", "e-17"),
            status="active",
            klass="human",
            klass_basis="presumed",
            interactive=True,
            privileged=False,
            roles=(),
            created_at=LONG_AGO,
            activated_at=LONG_AGO + timedelta(hours=1),
            mfa=True,
            factors=(Factor("webauthn", "phishing_resistant"),),
            last_seen_at=LAST,
            never_seen=False,
            activity_lag=timedelta(hours=1),
            activity_basis="login_only",
        ),
    )
    assert found.gaps == ()


@pytest.mark.parametrize(
    ("word", "status"),
    [
        pytest.param("ACTIVE", "active", id="active"),
        pytest.param("PASSWORD_EXPIRED", "active", id="an-expired-password-is-live"),
        pytest.param("RECOVERY", "active", id="a-reset-is-live"),
        pytest.param("LOCKED_OUT", "locked", id="locked-out"),
        pytest.param("STAGED", "pending", id="staged"),
        pytest.param("PROVISIONED", "pending", id="provisioned"),
        pytest.param("SUSPENDED", "disabled", id="suspended"),
        pytest.param("DEPROVISIONED", "disabled", id="deactivated"),
        pytest.param("HIBERNATED", "HIBERNATED", id="a-new-word-stays"),
    ],
)
async def test_a_status_is_told_in_our_words(tmp_path: Path, word: str, status: str) -> None:
    """Each status of Okta's has one of ours, deactivated users are in the list, and a new word is kept raw."""
    found = await collected(tmp_path, Tenant([person(status=word)]))
    assert by_id(found)["00u1"].status == status


async def test_only_live_accounts_are_asked_for_factors(tmp_path: Path) -> None:
    """Nobody spends a request on an account without a sign-in; its factors are not told, and a check excludes it."""
    users = [person("00u1"), person("00u2", status="SUSPENDED"), person("00u3", status="DEPROVISIONED")]
    async with asking(tmp_path, Tenant(users)) as asked:
        found = await asked.collect()
        assert asked.faults.asked("/api/v1/users/*/authenticator-enrollments") == 1
    assert [by_id(found)[name].mfa for name in ("00u1", "00u2", "00u3")] == [True, None, None]
    assert by_id(found)["00u2"].why == {"factors": "not_exposed", "mfa": "not_exposed"}
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.PASS


async def test_a_null_last_sign_in_proves_that_there_was_none(tmp_path: Path) -> None:
    """Null is never; a field that is missing is not told, which is not the same."""
    found = await collected(
        tmp_path,
        Tenant([person("00u1", last_login=None), person("00u2")]),
        ("/api/v1/users", Erase("lastLogin", frozenset({1}))),
    )
    told = {name: (one.last_seen_at, one.never_seen) for name, one in by_id(found).items()}
    assert told == {"00u1": (None, True), "00u2": (None, None)}
    assert "last_seen_at" not in by_id(found)["00u1"].why
    assert by_id(found)["00u2"].why == {"last_seen_at": "not_exposed", "never_seen": "not_exposed"}
    assert verdict(stale_access.CHECK, found).tally.unknown == 1


async def test_a_user_type_tells_the_class_where_it_is_mapped(tmp_path: Path) -> None:
    """The mapping ignores case, names itself as the basis, and leaves all others presumed human."""
    users = [person("00u1", user_type="Service Account"), person("00u2", user_type="Contractor"), person("00u3")]
    found = await collected(tmp_path, Tenant(users), user_type_classes={"service account": "service"})
    told = {name: (one.klass, one.klass_basis) for name, one in by_id(found).items()}
    assert told == {
        "00u1": ("service", "rule:userType service account"),
        "00u2": ("human", "presumed"),
        "00u3": ("human", "presumed"),
    }


async def test_a_person_without_any_name_that_is_told_keeps_its_place(tmp_path: Path) -> None:
    """Hidden profile attributes leave the keys untold; the account stays in the count."""
    found = await collected(
        tmp_path,
        Tenant([person()]),
        ("/api/v1/users", Erase("profile.login")),
        ("/api/v1/users", Erase("profile.email")),
    )
    assert by_id(found)["00u1"].why == {"keys": "not_exposed"}
    assert verdict(leaver_access.CHECK, found).tally.unknown == 1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("\x1b[31mroot\x07", id="terminal-codes"),
        pytest.param("\u202eadmin\u2066", id="bidi"),
        pytest.param("[bold]x[/]", id="markup"),
        pytest.param("a\nb\tc", id="line-breaks"),
        pytest.param("../../etc/passwd?x=1#y", id="a-path"),
        pytest.param("😀" * 300, id="long"),
    ],
)
async def test_a_hostile_name_is_data(tmp_path: Path, name: str) -> None:
    """A name is kept as it is, for those who draw it to make harmless."""
    found = await collected(tmp_path, Tenant([User("00u1", name, last_login=LAST, factors=["webauthn"])]))
    assert [record.label for record in found.records] == [name]


async def test_a_hostile_id_cannot_leave_its_path(tmp_path: Path) -> None:
    """An id is quoted where it is part of a path."""
    async with asking(tmp_path, Tenant([person("../../x?y=1")])) as asked:
        await asked.collect()
        paths = {seen.path for seen in asked.faults.seen if "enrollments" in seen.path}
    assert paths == {"/api/v1/users/../../x?y=1/authenticator-enrollments"}


# ------------------------------------------------------------------------------------------------ administrators


@pytest.mark.parametrize("both", [False, True], ids=["own-roles-only", "group-roles-too"])
async def test_administrators_hold_roles_themselves_or_through_a_group(tmp_path: Path, both: bool) -> None:  # noqa: FBT001 - a column of the table
    """Both ways count, whether or not Okta's own list names the second; a custom role is named by its label."""
    users = [
        person("00u1", roles=["SUPER_ADMIN", OktaRole("CUSTOM", label="Payroll admin")]),
        person("00u2"),
        person("00u3", roles=["HELP_DESK_ADMIN"]),
        person("00u4"),
    ]
    groups = [
        OktaGroup("00g1", "Admins", members=["00u2", "00u3"], roles=["ORG_ADMIN"]),
        OktaGroup("00g2", "Everyone", members=["00u1", "00u2", "00u3", "00u4"]),
    ]
    found = by_id(await collected(tmp_path, Tenant(users, groups, assignees_include_groups=both)))
    assert {name: (one.privileged, one.roles) for name, one in found.items()} == {
        "00u1": (True, ("Payroll admin", "SUPER_ADMIN")),
        "00u2": (True, ("ORG_ADMIN",)),
        "00u3": (True, ("HELP_DESK_ADMIN", "ORG_ADMIN")),
        "00u4": (False, ()),
    }


async def test_administrators_and_groups_are_read_to_the_last_page(tmp_path: Path) -> None:
    """The list of assignees pages in its body, groups and members by header; nobody on a later page is lost."""
    users = people(260)
    for user in users[:240]:
        user.roles = ["USER_ADMIN"]
    groups = [OktaGroup(f"00g{at:03}", f"g{at}") for at in range(230)]
    groups[229].members, groups[229].roles = [user.id for user in users[30:]], ["APP_ADMIN"]
    tenant = Tenant(users, groups, per_minute=dict.fromkeys(("users", "user", "iam", "groups", "api-tokens"), 10_000))
    found = by_id(await collected(tmp_path, tenant))
    assert sum(one.privileged is True for one in found.values()) == 260
    assert found["00u00000"].roles == ("USER_ADMIN",)
    assert found["00u00259"].roles == ("APP_ADMIN",)


@pytest.mark.parametrize(
    ("without", "known"),
    [
        pytest.param("okta.roles.read", {"00u1": None, "00u2": None, "00u3": None}, id="roles"),
        pytest.param("okta.groups.read", {"00u1": True, "00u2": None, "00u3": None}, id="groups"),
    ],
)
async def test_without_a_list_of_administrators_nobody_is_proven_to_be_none(
    tmp_path: Path, without: str, known: dict[str, bool | None]
) -> None:
    """A missing scope is a gap in the two facts; who was found stays privileged, all others are not told."""
    users = [person("00u1", roles=["SUPER_ADMIN"]), person("00u2"), person("00u3")]
    groups = [OktaGroup("00g1", "Admins", members=["00u2"], roles=["ORG_ADMIN"])]
    tenant = Tenant(users, groups, credentials={"okta-token": ALL_SCOPES - {without}})
    found = await collected(tmp_path, tenant)
    assert {name: one.privileged for name, one in by_id(found).items()} == known
    assert [(gap.cause, gap.fields) for gap in found.gaps] == [(Cause.DENIED, ADMIN_FIELDS)]
    assert {by_id(found)["00u3"].why[name] for name in ("privileged", "roles")} == {"denied"}
    assert verdict(admin_mfa.CHECK, found).verdict is Verdict.UNKNOWN
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.PASS


# -------------------------------------------------------------------------------------------------------- tokens


async def test_an_api_token_is_told(tmp_path: Path) -> None:
    """Its last update bounds its last use; a token that was never updated is not proven to be used or unused."""
    made, used = ago("40d"), ago("3d")
    listed = [
        OktaApiToken("00T1", "terraform", "00u1", created=made, last_updated=used),
        OktaApiToken("00T2", "forgotten", "00u2", created=made, last_updated=made),
    ]
    found = await collected(
        tmp_path, Tenant([person("00u1", roles=["SUPER_ADMIN"]), person("00u2")], api_tokens=listed)
    )
    assert tokens(found)["00T1"] == Credential(
        id="00T1",
        source="okta-prod",
        label="terraform",
        kind="api_token",
        status="active",
        owner="00u1",
        privileged=True,
        created_at=made,
        expires_at=used + timedelta(days=30),
        last_used_at=used,
        use_lag=timedelta(days=1),
    )
    second = tokens(found)["00T2"]
    assert (second.privileged, second.last_used_at, second.never_used, second.use_lag) == (False, None, None, None)
    assert second.why == {"last_used_at": "not_exposed", "use_lag": "not_exposed"}


async def test_the_owner_of_a_token_is_judged_with_its_account(tmp_path: Path) -> None:
    """The token of a deactivated user fails, since deactivated users are in the list."""
    made = ago("40d")
    owned = OktaApiToken("00T1", "old", "00u1", created=made, last_updated=ago("1d"))
    found = await collected(tmp_path, Tenant([person(status="DEPROVISIONED")], api_tokens=[owned]))
    assert verdict(key_age.CHECK, found).verdict is Verdict.FAIL


async def test_tokens_that_may_not_be_read_blind_the_checks_of_keys_alone(tmp_path: Path) -> None:
    """A missing scope is a gap in every fact of a credential, and costs no account anything."""
    tenant = Tenant(people(2), credentials={"okta-token": ALL_SCOPES - {"okta.apiTokens.read"}})
    found = await collected(tmp_path, tenant)
    assert [(gap.cause, gap.kind, gap.fields) for gap in found.gaps] == [(Cause.DENIED, "facts", CREDENTIAL_FIELDS)]
    blind = verdict(key_age.CHECK, found)
    assert (blind.verdict, blind.tally.barred) == (Verdict.UNKNOWN, True)
    for check in (mfa_coverage.CHECK, stale_access.CHECK):
        assert verdict(check, found).verdict is Verdict.PASS


# ----------------------------------------------------------------------------------------------------- the test


def refused(probes: Sequence[Probe]) -> dict[str, tuple[str, ...]]:
    """Name what was refused and what that costs."""
    return {one.asked.split("(")[-1].rstrip(")"): tuple(one.costs) for one in probes if one.ok is False}


async def test_a_token_with_every_scope_passes_the_test(tmp_path: Path) -> None:
    """Five questions, five answers, and the engine of the org is named."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        probes = await probe(asked.config, asked.ctx)
    assert [one.ok for one in probes] == [True] * 5
    assert breaches_of_probes(SOURCE, probes) == []
    assert "Identity Engine" in probes[1].detail


@pytest.mark.parametrize(
    ("scope", "costs"),
    [
        pytest.param("okta.roles.read", {"okta.roles.read": ADMIN_FIELDS}, id="roles"),
        pytest.param("okta.groups.read", {"okta.groups.read": ADMIN_FIELDS}, id="groups"),
        pytest.param("okta.users.read", {"okta.users.read": ("account",)}, id="users"),
        pytest.param("okta.apiTokens.read", {"okta.apiTokens.read": CREDENTIAL_FIELDS}, id="tokens"),
    ],
)
async def test_the_test_names_what_a_missing_scope_costs(
    tmp_path: Path, scope: str, costs: dict[str, tuple[str, ...]]
) -> None:
    """Each scope that is missing is one refusal, with the facts that go with it."""
    async with asking(tmp_path, Tenant(people(3), credentials={"okta-token": ALL_SCOPES - {scope}})) as asked:
        probes = await probe(asked.config, asked.ctx)
    assert {name: tuple(sorted(told)) for name, told in refused(probes).items()} == costs
    assert breaches_of_probes(SOURCE, probes) == []


async def test_the_test_says_what_the_configuration_lacks(tmp_path: Path) -> None:
    """A secret that is not there is a probe, not an error."""
    async with asking(tmp_path, Tenant()) as asked:
        asked.ctx.secrets = {}
        (only,) = await probe(asked.config, asked.ctx)
    assert only.ok is False
    assert breaches_of_probes(SOURCE, [only]) == []


async def test_an_org_without_users_leaves_the_question_of_factors_open(tmp_path: Path) -> None:
    """With nobody to ask for, the test says that it could not try."""
    async with asking(tmp_path, Tenant()) as asked:
        probes = await probe(asked.config, asked.ctx)
    assert [one.ok for one in probes] == [True, None, True, True, True]


async def test_factors_that_are_refused_fail_the_test(tmp_path: Path) -> None:
    """A token that reads users and not their factors is told so."""
    async with asking(tmp_path, Tenant(people(1))) as asked:
        asked.faults.inject("/api/v1/users/*/*", Failed(403), times=None)
        probes = await probe(asked.config, asked.ctx)
    assert [one.ok for one in probes] == [True, False, True, True, True]


# --------------------------------------------------------------------------------------------- the configuration


@pytest.mark.parametrize(
    ("table", "starts"),
    [
        pytest.param({}, [], id="sound"),
        pytest.param({"url": "http://127.0.0.1:8080"}, [], id="plain-http-to-ourselves"),
        pytest.param({"url": "http://example.okta.com"}, ["url:"], id="a-token-over-plain-http"),
        pytest.param({"url": "example.okta.com"}, ["url:"], id="no-scheme"),
        pytest.param({"url": "https://[x"}, ["url:"], id="no-url"),
        pytest.param({"requests_per_minute": 0}, ["requests_per_minute:"], id="no-requests"),
        pytest.param({"user_type_classes": {"Bot": "bot", "BOT": "human"}}, ["user_type_classes:"], id="twice"),
    ],
)
def test_a_configuration_that_cannot_work_is_refused(tmp_path: Path, table: dict[str, Any], starts: list[str]) -> None:
    """Each fault names its key."""
    whole = {"url": "https://example.okta.com", "token": "env:OKTA", **table}
    config = msgspec.convert(whole, Config, dec_hook=from_toml)
    assert SOURCE.check is not None
    assert [fault.split(" ")[0] for fault in SOURCE.check(config, tmp_path)] == starts


@pytest.mark.parametrize(
    "table",
    [
        pytest.param({"token": "00abcdef"}, id="a-token-in-the-file"),
        pytest.param({"fastpass": "weak"}, id="a-strength-that-is-none"),
        pytest.param({"user_type_classes": {"x": "robot"}}, id="a-class-that-is-none"),
        pytest.param({"tokn": "env:X"}, id="an-unknown-key"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(table: dict[str, Any]) -> None:
    """The types say what is allowed."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": "https://x", "token": "env:T", **table}, Config, dec_hook=from_toml)


async def test_a_run_through_the_engines_door(tmp_path: Path) -> None:
    """``fetch`` itself, on the real clock, tells the same."""
    async with asking(tmp_path, Tenant(people(3))) as asked:
        found = await collect(SOURCE.fetch(asked.config, asked.ctx))
    assert len(found.records) == 3
