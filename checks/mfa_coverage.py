"""Every live human account is enrolled in MFA.

Population: live human accounts that can sign in interactively. A locked account is live; a pending one is not yet.
Fails:      the provider says that the account has no second factor, or none of the strength that the policy asks for,
            and the enrolment grace after its activation is over (or its activation is not told: grace must be proven).
Warned:     the same, inside the enrolment grace.
Unknown:    the provider cannot say (no permission, no licence, federated elsewhere), says only yes or no where a
            strength is asked for, names a factor that is new to us, or does not tell the account's status, class or
            sign-in.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from checks.model.check import EXAMPLE_NOW, Check, Example, Family, Mapped
from checks.model.doubt import Cause
from checks.model.factors import FACTOR_EXPLAIN, FACTOR_READS, Strength, enrolled, factor_names, undecided
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, excluded, failed, passed, warned
from checks.model.known import Known
from checks.model.records import Account, Factor
from checks.model.scope import SCOPE_EXPLAIN, SCOPE_READS, classed, out_of_scope
from checks.model.units import Duration, duration
from checks.model.untold import untold


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a human account."""

    strength: Strength = "strong"
    """The weakest factor that suffices: ``any``, ``strong`` (any that is not weak) or ``phishing_resistant``."""
    enrolment_grace: Duration = duration("7d")
    """Time to enrol after activation, or after creation where activation is not told."""


HUMAN = frozenset({"human"})
ENROLLED = passed(depth="enrolled")
NO_SIGN_IN = excluded("no_interactive_sign_in")
NONE, WEAK, GRACE = (
    "has no second factor",
    "has no second factor of the strength asked for",
    "has not enrolled yet, inside the grace",
)
NO_SCOPE = "is not told to sign in interactively"


def judge(account: Account, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one account."""
    if account.interactive is False:
        return NO_SIGN_IN
    outside = out_of_scope(account, HUMAN)
    if outside is not None:
        return outside
    if account.interactive is None:
        return untold(account, NO_SCOPE, ("interactive",))
    answer = enrolled(account, policy.strength)
    if answer is True:
        return ENROLLED
    return undecided(account, policy.strength) if answer is None else _without(account, policy, now)


def _without(account: Account, policy: Policy, now: datetime) -> Judgement:
    """Judge an account that is told to lack the factor: it fails, unless its grace is proven."""
    told = [moment for moment in (account.activated_at, account.created_at) if moment is not None]
    begun = max((moment for moment in told if moment <= now), default=None)
    facts = compared(
        factors=factor_names(account),
        strength=policy.strength,
        activated_at=account.activated_at,
        created_at=account.created_at,
        grace=policy.enrolment_grace,
    )
    facts.update(classed(account))
    if begun is not None and now < begun + policy.enrolment_grace:
        return warned(GRACE, facts, until=begun + policy.enrolment_grace, depth="exists")
    reason = NONE if account.mfa is False or account.factors == () else WEAK
    return failed(reason, facts, until=min((moment for moment in told if moment > now), default=None))


def _account(name: str, **told: object) -> Account:
    base = Account(
        id=name,
        source="selftest",
        label=f"{name}@example.org",
        status="active",
        klass="human",
        klass_basis="provider",
        interactive=True,
        created_at=EXAMPLE_NOW - duration("400d"),
        activated_at=EXAMPLE_NOW - duration("400d"),
        mfa=True,
        factors=(Factor(kind="totp", strength="strong"),),
    )
    return msgspec.structs.replace(base, **told)


_NOT_TOLD = {"mfa": Cause.DENIED.value, "factors": Cause.DENIED.value}

EXAMPLES = (
    Example("a strong factor", Outcome.PASS, [_account("strong")]),
    Example(
        "no factor, just activated",
        Outcome.WARN,
        [_account("new", mfa=False, factors=(), activated_at=EXAMPLE_NOW - duration("2d"))],
    ),
    Example("no factor", Outcome.FAIL, [_account("bare", mfa=False, factors=())]),
    Example("no factor, no dates", Outcome.FAIL, [_account("undated", mfa=False, created_at=None, activated_at=None)]),
    Example("text messages only", Outcome.FAIL, [_account("sms", factors=(Factor(kind="sms", strength="weak"),))]),
    Example("not told", Outcome.UNKNOWN, [_account("denied", mfa=None, factors=None, why=_NOT_TOLD)]),
    Example("only yes", Outcome.UNKNOWN, [_account("boolean", factors=None)]),
    Example("a factor new to us", Outcome.UNKNOWN, [_account("novel", factors=(Factor(kind="iris"),))]),
    Example("class not told", Outcome.UNKNOWN, [_account("classless", klass=None)]),
    Example("sign-in not told", Outcome.UNKNOWN, [_account("closed", interactive=None)]),
    Example("disabled", Outcome.EXCLUDED, [_account("gone", status="disabled", mfa=False, factors=())]),
)

CHECK = Check(
    title="Every live human account is enrolled in MFA (enrolment is not enforcement)",
    family=Family.MFA,
    over=(Account,),
    reads=SCOPE_READS
    | FACTOR_READS
    | {
        "account.interactive",
        "account.activated_at",
        "account.created_at",
    },
    judge=judge,
    policy=Policy,
    controls=(
        Mapped(
            "soc2:CC6.1",
            "people prove who they are with more than a password; enforcement is not read yet",
            partial=True,
        ),
        Mapped(
            "soc2:CC6.6", "sign-in from outside asks for a further factor; enforcement is not read yet", partial=True
        ),
        Mapped("iso27001:A.8.5", "sign-in is protected by a second factor", partial=True),
        Mapped("iso27001:A.5.17", "authentication secrets are backed by a factor that a stolen password does not open"),
        Mapped("nist80053:IA-2(1)", "privileged people are among those who must have a second factor"),
        Mapped("nist80053:IA-2(2)", "everybody else must have one too"),
        Mapped(
            "cis8:6.3",
            "applications open to the internet are behind MFA, as far as this directory guards them",
            partial=True,
        ),
        Mapped("cis8:6.4", "remote access is behind MFA, as far as this directory guards it", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        NONE: "Ask the person to enrol a factor, or disable the account. Then let the sign-on policy demand it.",
        WEAK: "Ask the person to enrol an authenticator app or a security key, and take text, voice and e-mail away.",
        GRACE: "Nothing yet: the account fails when the grace ends.",
        NO_SCOPE: "Grant the source the permission to read how the account signs in.",
        **FACTOR_EXPLAIN,
        **SCOPE_EXPLAIN,
    },
)
