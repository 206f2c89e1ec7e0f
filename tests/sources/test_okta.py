"""An Okta org tells its users, factors, administrators and tokens; what it hides is never a no."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from checks import admin_mfa, key_age, leaver_access, mfa_coverage, stale_access
from checks.model.check import Check
from checks.model.doubt import Cause
from checks.model.fold import Fold, Part, Question
from checks.model.records import Account, Credential, Factor, field_names
from checks.model.result import Result
from checks.model.state import Verdict
from demo.replicas import okta as replica
from demo.replicas.faults import (
    Drop,
    Effect,
    EmptyPage,
    EndEarly,
    Erase,
    Failed,
    Faults,
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
from demo.replicas.okta import ALL_SCOPES, LONG_AGO, OktaApiToken, OktaEnrollment, OktaFactor, OktaGroup, OktaRole
from demo.replicas.okta import OktaTenant as Tenant
from demo.replicas.okta import OktaUser as User
from demo.replicas.serve import serving
from sources.common.errors import Malformed, Refused, SourceError, Truncated, Unconfigured, Unreachable
from sources.common.limits import LIMITS, Limits, Timing
from sources.common.okta_users import Users
from sources.common.settings import from_toml
from sources.common.source import Probe
from sources.okta import SOURCE, Config, open_api, probe, read
from tests.sources.contract import breaches, breaches_of_probes
from tests.support.builders import ago, known_of
from tests.support.clock import NOW
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.provider import answers, provider

LAST = ago("2d")
SLOW = Limits(attempts=2, read=timedelta(milliseconds=200), request=timedelta(milliseconds=300))
"""Short limits, so that a test of a stall ends soon."""
ADMIN_FIELDS = ("account.privileged", "account.roles")
MFA_FIELDS = ("account.factors", "account.mfa")
CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.never_used"}))


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
    """One org that is served, and how it is asked."""

    ctx: LentContext
    faults: Faults
    table: dict[str, Any]
    glass: Glass

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end."""
        api = await open_api(self.config, self.ctx, limits, self.glass.timing())
        return await collect(read(self.config, self.ctx, api))

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


@asynccontextmanager
async def asking(
    folder: Path,
    tenant: Tenant,
    *effects: tuple[str, Effect],
    deadline: timedelta = timedelta(minutes=30),
    glass: Glass | None = None,
    clock: Callable[[], float] = time.time,
    **keys: Any,
) -> AsyncIterator[Asked]:
    """Serve an org, with one fault a path, and lend what a run needs."""
    faults = Faults()
    for path, effect in effects:
        faults.inject(path, effect)
    async with serving(replica.app(tenant, faults, clock=clock)) as origin:
        table = {"url": origin, "token": "env:OKTA", **keys}
        secrets = {"env:OKTA": "okta-token"}
        async with lent_context(folder, name="okta-prod", secrets=secrets, deadline=deadline) as ctx:
            yield Asked(ctx, faults, table, glass or Glass())


async def collected(folder: Path, tenant: Tenant, *effects: tuple[str, Effect], **keys: Any) -> Collected:
    """Serve an org, run the source over it once, and hold what it told to the contract of a source."""
    async with asking(folder, tenant, *effects, **keys) as asked:
        found = await asked.collect()
    never = {f"account/1 {one.id!r}" for one in by_id(found).values() if one.never_seen is True}
    broken = breaches(SOURCE, "okta-prod", found)
    nothing_to_tell = {f"{one}: last_seen_at is not told, and no why says so" for one in never}
    assert set(broken) - nothing_to_tell == set()
    return found


def by_id(found: Collected) -> dict[str, Account]:
    """Index the accounts."""
    return {record.id: record for record in found.records if isinstance(record, Account)}


def tokens(found: Collected) -> dict[str, Credential]:
    """Index the credentials."""
    return {record.id: record for record in found.records if isinstance(record, Credential)}


def person(ident: str = "00u1", **told: Any) -> User:
    """Build a user who signed in two days ago with a security key."""
    return User(ident, f"{ident}@example.org", **{"last_login": LAST, "factors": ["webauthn"], **told})


def people(count: int) -> list[User]:
    """Build so many of them."""
    return [person(f"00u{at:05}") for at in range(count)]


def verdict(check: Check, found: Collected) -> Result:
    """Judge what was told, as the engine does."""
    gaps = tuple(msgspec.structs.replace(gap, source="okta-prod") for gap in found.gaps)
    known = known_of(check, [record for record in found.records if check.knows and isinstance(record, check.knows)])
    question = Question(
        name="check",
        check=check,
        policy=check.policy(),
        threshold=1.0,
        now=NOW,
        parts=[Part("okta-prod", NOW, gaps)],
        known=known,
    )
    fold = Fold(question)
    fold.feed([record for record in found.records if isinstance(record, check.over)])
    return fold.result()


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


# ------------------------------------------------------------------------------------------------------- factors


@pytest.mark.parametrize(
    ("enrolled", "mfa", "factors", "cause"),
    [
        pytest.param([], False, (), None, id="none"),
        pytest.param(["okta_password"], False, (), None, id="a-password-is-no-factor"),
        pytest.param(["okta_password", "tac"], False, (), None, id="a-temporary-code-is-no-factor"),
        pytest.param(["webauthn"], True, (("webauthn", "phishing_resistant"),), None, id="a-security-key"),
        pytest.param(["smart_card_idp"], True, (("smart_card_idp", "phishing_resistant"),), None, id="a-smart-card"),
        pytest.param(["okta_verify"], True, (("okta_verify", "strong"),), None, id="okta-verify"),
        pytest.param(
            ["phone_number", "okta_email", "security_question"],
            True,
            (("okta_email", "weak"), ("phone_number", "weak"), ("security_question", "weak")),
            None,
            id="weak-ones",
        ),
        pytest.param(["webauthn", "webauthn"], True, (("webauthn", "phishing_resistant"),), None, id="two-of-a-kind"),
        pytest.param([OktaEnrollment("webauthn", "INACTIVE")], False, (), None, id="inactive"),
        pytest.param(["iris_scan"], None, (("iris_scan", None),), "unsupported", id="a-new-word-proves-nothing"),
        pytest.param(
            [OktaEnrollment("webauthn", "HALF_ACTIVE")],
            None,
            (("webauthn", None),),
            "unsupported",
            id="a-new-status-proves-nothing",
        ),
        pytest.param(["external_idp"], None, (("external_idp", None),), "federated", id="another-provider-decides"),
        pytest.param(
            ["iris_scan", "google_otp"],
            True,
            (("google_otp", "strong"), ("iris_scan", None)),
            None,
            id="a-new-word-beside-a-known",
        ),
    ],
)
async def test_enrollments_are_rated(
    tmp_path: Path,
    enrolled: list[str | OktaEnrollment],
    mfa: bool | None,  # noqa: FBT001 - a column of the table
    factors: tuple[tuple[str, str | None], ...],
    cause: str | None,
) -> None:
    """Only active authenticators that are second factors count, and one that is new to us proves neither yes nor no."""
    account = by_id(await collected(tmp_path, Tenant([person(enrollments=enrolled)])))["00u1"]
    assert (account.mfa, account.factors) == (mfa, tuple(Factor(*pair) for pair in factors))
    assert account.why.get("mfa") == cause


@pytest.mark.parametrize(
    ("factors", "told"),
    [
        pytest.param(["push", "token:software:totp"], {"push": "strong", "token:software:totp": "strong"}, id="app"),
        pytest.param(
            ["sms", "call", "email", "question"], dict.fromkeys(("sms", "call", "email", "question"), "weak"), id="weak"
        ),
        pytest.param(["u2f", "webauthn"], {"u2f": "phishing_resistant", "webauthn": "phishing_resistant"}, id="keys"),
        pytest.param(["signed_nonce"], {"signed_nonce": "strong"}, id="fastpass-is-strong-unless-said-otherwise"),
        pytest.param([OktaFactor("push", "PENDING_ACTIVATION"), "sms"], {"sms": "weak"}, id="pending"),
        pytest.param(["claims_provider"], {"claims_provider": None}, id="new"),
    ],
)
async def test_a_classic_org_tells_factors_instead(
    tmp_path: Path, factors: list[str | OktaFactor], told: dict[str, str | None]
) -> None:
    """An org without enrollments answers 404 to them once, and is then asked for factors alone."""
    users = [person(f"00u{at}", factors=list(factors)) for at in range(1, 13)]
    async with asking(tmp_path, Tenant(users, engine="classic")) as asked:
        found = await asked.collect()
        assert asked.faults.asked("/api/v1/users/*/authenticator-enrollments") <= 4
        assert asked.faults.asked("/api/v1/users/*/factors") == 12
    for account in by_id(found).values():
        assert {factor.kind: factor.strength for factor in account.factors or ()} == told


async def test_fastpass_is_phishing_resistant_where_the_configuration_says_so(tmp_path: Path) -> None:
    """An enrollment of Okta Verify hides FastPass, so its users are asked for twice, and only they."""
    users = [person("00u1", factors=["signed_nonce"]), person("00u2", factors=["push"]), person("00u3")]
    async with asking(tmp_path, Tenant(users), fastpass="phishing_resistant") as asked:
        found = by_id(await asked.collect())
        assert asked.faults.asked("/api/v1/users/*/factors") == 2
    assert found["00u1"].factors == (
        Factor("okta_verify", "strong"),
        Factor("signed_nonce", "phishing_resistant"),
    )
    assert found["00u2"].factors == (Factor("okta_verify", "strong"),)


@pytest.mark.parametrize("provider", ["FEDERATION", "SOCIAL"])
async def test_who_signs_in_elsewhere_and_has_no_factor_here_may_have_one_there(tmp_path: Path, provider: str) -> None:
    """No factor in Okta says nothing of a user whom another identity provider signs in."""
    users = [
        person("00u1", credential_provider=provider, factors=[]),
        person("00u2", credential_provider=provider),
        person("00u3", credential_provider="ACTIVE_DIRECTORY", factors=[]),
    ]
    found = by_id(await collected(tmp_path, Tenant(users)))
    assert [found[name].mfa for name in ("00u1", "00u2", "00u3")] == [None, True, False]
    assert found["00u1"].why == {"factors": "federated", "mfa": "federated"}


@pytest.mark.parametrize(
    ("status", "cause"), [pytest.param(404, "not_exposed", id="gone"), pytest.param(403, "denied", id="refused")]
)
async def test_a_user_whose_factors_are_not_shown_stays_in_the_count(tmp_path: Path, status: int, cause: str) -> None:
    """A user who vanished between list and question, or whom the token may not see, is unknown, not dropped."""
    users = [person(f"00u{at}") for at in range(1, 7)]
    async with asking(tmp_path, Tenant(users)) as asked:
        asked.faults.inject("/api/v1/users/00u5/*", Failed(status), times=None)
        found = await asked.collect()
    assert by_id(found)["00u5"].why == {"factors": cause, "mfa": cause}
    result = verdict(mfa_coverage.CHECK, found)
    assert (result.tally.passed, result.tally.unknown, result.verdict) == (5, 1, Verdict.UNKNOWN)


async def test_factors_that_nobody_may_see_are_one_gap(tmp_path: Path) -> None:
    """After ten refusals and no grant the rest is not asked; a gap says so, and accounts stay judged for their use."""
    async with asking(tmp_path, Tenant(people(40))) as asked:
        asked.faults.inject("/api/v1/users/*/*", Failed(403), times=None)
        found = await asked.collect()
        assert asked.faults.asked("/api/v1/users/*/factors") < 20
    (gap,) = found.gaps
    assert (gap.cause, gap.kind, gap.fields) == (Cause.DENIED, "facts", MFA_FIELDS)
    assert {account.why["mfa"] for account in by_id(found).values()} == {"denied"}
    assert verdict(mfa_coverage.CHECK, found).verdict is Verdict.UNKNOWN
    assert verdict(stale_access.CHECK, found).verdict is Verdict.PASS


async def test_factors_can_be_left_out(tmp_path: Path) -> None:
    """``factors = false`` asks for none, says so in a gap, and leaves all other facts."""
    async with asking(tmp_path, Tenant(people(3)), factors=False) as asked:
        found = await asked.collect()
        assert asked.faults.asked("/api/v1/users/*/*") == 0
    assert [(gap.cause, gap.fields) for gap in found.gaps] == [(Cause.NOT_CONFIGURED, MFA_FIELDS)]
    assert {account.why["factors"] for account in by_id(found).values()} == {"not_configured"}
    assert verdict(stale_access.CHECK, found).verdict is Verdict.PASS


async def test_the_sweep_tells_its_cost_before_it_starts(tmp_path: Path) -> None:
    """The plan has one request a live account and the time that they take, before the first is asked."""
    async with asking(tmp_path, Tenant(people(30)), requests_per_minute=120) as asked:
        await asked.collect()
        first = next(progress for progress in asked.ctx.told if progress.plan is not None)
        before = sum("enrollments" not in seen.path for seen in asked.faults.seen)
    assert first.plan is not None
    assert (first.plan.requests, first.plan.seconds) == (30, 15.0)
    assert first.done == before


async def test_administrators_are_asked_first(tmp_path: Path) -> None:
    """Whoever is privileged has told factors before anybody else."""
    users = people(20)
    users[17].roles = ["SUPER_ADMIN"]
    async with asking(tmp_path, Tenant(users)) as asked:
        await asked.collect()
        asked_for = [seen.path.split("/")[4] for seen in asked.faults.seen if "enrollments" in seen.path]
    assert asked_for[0] == "00u00017"


async def test_what_the_run_has_no_time_for_is_a_gap(tmp_path: Path) -> None:
    """A sweep that cannot end in time asks as many as fit, administrators first, and says how many it left out."""
    users = people(20)
    users[17].roles = ["SUPER_ADMIN"]
    deadline = timedelta(seconds=10)
    async with asking(tmp_path, Tenant(users), deadline=deadline, requests_per_minute=60) as asked:
        found = await asked.collect()
    told = [account for account in by_id(found).values() if account.mfa is not None]
    assert len(by_id(found)) == 20
    assert "00u00017" in {account.id for account in told}
    assert len(told) == 9
    (gap,) = found.gaps
    assert (gap.cause, gap.fields) == (Cause.TRUNCATED, MFA_FIELDS)
    assert "9 of 20 live accounts" in gap.detail
    assert verdict(stale_access.CHECK, found).verdict is Verdict.PASS


async def test_at_most_four_requests_are_in_flight_and_each_waits_its_turn(tmp_path: Path) -> None:
    """Every request takes a turn at the limit that all sources with this token share."""
    async with asking(tmp_path, Tenant(people(10)), requests_per_minute=300) as asked:
        await asked.collect()
        assert len(asked.ctx.turns) == len(asked.faults.seen)
    assert set(asked.ctx.turns) == {("env:OKTA", 5.0)}


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


# ------------------------------------------------------------------------------------------------ what goes wrong


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
        fault = await asked.fault(SLOW)
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
