"""An Okta org tells the second factors of its users; what it does not show proves neither yes nor no."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from checks import mfa_coverage, stale_access
from checks.model.doubt import Cause
from checks.model.records import Factor
from checks.model.state import Verdict
from demo.replicas.faults import Failed
from demo.replicas.okta import OktaEnrollment, OktaFactor
from demo.replicas.okta import OktaTenant as Tenant
from tests.support.okta import asking, by_id, collected, people, person, verdict

MFA_FIELDS = ("account.factors", "account.mfa")


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
