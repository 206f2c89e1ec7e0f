"""Every administrator is enrolled in strong MFA, at best in phishing-resistant MFA.

Population: live privileged accounts of people (human, guest and break-glass) that can sign in interactively.
Fails:      the provider says that the account has no second factor, or none of the strength required. There is no
            grace: an administrator without a second factor is a risk from the first minute.
Warned:     the account meets what is required and lacks the stronger factor that is expected.
Unknown:    the provider cannot say, says only yes or no, or does not tell whether the account is privileged.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from checks.model.check import EXAMPLE_NOW, AlarmKind, Check, Example, Family, Mapped, Severity
from checks.model.doubt import Cause
from checks.model.factors import FACTOR_EXPLAIN, FACTOR_READS, Strength, enrolled, factor_names, undecided
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, excluded, failed, passed, warned
from checks.model.known import Known
from checks.model.records import Account, Factor
from checks.model.scope import SCOPE_EXPLAIN, SCOPE_READS, classed, out_of_scope
from checks.model.units import duration
from checks.model.untold import not_told, untold


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of an administrator."""

    required: Strength = "strong"
    """The weakest factor that does not fail: ``any``, ``strong`` or ``phishing_resistant``."""
    expected: Strength = "phishing_resistant"
    """The weakest factor that is not warned."""


PEOPLE = frozenset({"human", "guest", "break_glass"})
ENROLLED = passed(depth="enrolled")
NO_SIGN_IN, NOT_PRIVILEGED = excluded("no_interactive_sign_in"), excluded("not_privileged")
NONE = "is privileged and has no second factor"
WEAK = "is privileged and has no second factor of the strength required"
IMPROVE = "is privileged and has no second factor of the strength expected"
SCOPE_UNSURE = "is not told to be privileged, or to sign in interactively"


def judge(account: Account, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one account."""
    if account.privileged is False:
        return NOT_PRIVILEGED
    if account.interactive is False:
        return NO_SIGN_IN
    outside = out_of_scope(account, PEOPLE)
    if outside is None and (account.privileged is None or account.interactive is None):
        outside = untold(account, SCOPE_UNSURE, not_told(account, ("privileged", "interactive")))
    if outside is not None:
        return outside
    answer = enrolled(account, policy.required)
    if answer is None:
        return undecided(account, policy.required)
    if answer is True and enrolled(account, policy.expected) is True:
        return ENROLLED
    return _short_of(account, policy, required=answer)


def _short_of(account: Account, policy: Policy, *, required: bool) -> Judgement:
    """Judge an administrator who is not proven to have the factor expected."""
    facts = compared(
        factors=factor_names(account),
        required=policy.required,
        expected=policy.expected,
        roles=None if account.roles is None else ", ".join(account.roles),
    )
    facts.update(classed(account))
    if required:
        return warned(IMPROVE, facts, depth="enrolled")
    return failed(NONE if account.mfa is False or account.factors == () else WEAK, facts)


def _admin(name: str, **told: object) -> Account:
    base = Account(
        id=name,
        source="selftest",
        label=f"{name}@example.org",
        status="active",
        klass="human",
        klass_basis="provider",
        interactive=True,
        privileged=True,
        roles=("administrator",),
        created_at=EXAMPLE_NOW - duration("400d"),
        mfa=True,
        factors=(Factor(kind="webauthn", strength="phishing_resistant"),),
    )
    return msgspec.structs.replace(base, **told)


_TOTP = (Factor(kind="totp", strength="strong"),)
_SMS = (Factor(kind="sms", strength="weak"),)
_NOT_TOLD = {"mfa": Cause.DENIED.value, "factors": Cause.DENIED.value}

EXAMPLES = (
    Example("a security key", Outcome.PASS, [_admin("key")]),
    Example("an authenticator app", Outcome.WARN, [_admin("totp", factors=_TOTP)]),
    Example("no factor", Outcome.FAIL, [_admin("bare", mfa=False, factors=())]),
    Example("text messages only", Outcome.FAIL, [_admin("sms", factors=_SMS)]),
    Example("break-glass without", Outcome.FAIL, [_admin("glass", klass="break_glass", mfa=False, factors=())]),
    Example("not told", Outcome.UNKNOWN, [_admin("denied", mfa=None, factors=None, why=_NOT_TOLD)]),
    Example("only yes", Outcome.UNKNOWN, [_admin("boolean", factors=None)]),
    Example("privilege not told", Outcome.UNKNOWN, [_admin("maybe", privileged=None, mfa=False, factors=())]),
    Example("not privileged", Outcome.EXCLUDED, [_admin("plain", privileged=False, mfa=False, factors=())]),
)

CHECK = Check(
    title="Every administrator is enrolled in strong MFA",
    family=Family.MFA,
    over=(Account,),
    reads=SCOPE_READS | FACTOR_READS | {"account.privileged", "account.interactive", "account.roles"},
    judge=judge,
    policy=Policy,
    severity=Severity.CRITICAL,
    controls=(
        Mapped("soc2:CC6.1", "administrators prove who they are with more than a password", partial=True),
        Mapped("soc2:CC6.3", "powerful roles are held only by accounts that are hard to take over", partial=True),
        Mapped("soc2:CC6.6", "administrators who come from outside need a further factor", partial=True),
        Mapped("iso27001:A.8.2", "privileged access is guarded more closely than other access", partial=True),
        Mapped("iso27001:A.8.5", "privileged sign-in is protected by a second factor", partial=True),
        Mapped("nist80053:IA-2(1)", "privileged accounts have a second factor enrolled", partial=True),
        Mapped("nist80053:AC-6", "great power is tied to strong proof of identity", partial=True),
        Mapped("cis8:6.5", "administrative access is behind MFA", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        NONE: "Enrol a security key for this administrator today, or take the role away.",
        WEAK: "Enrol a security key or an authenticator app, and take text, voice and e-mail away.",
        IMPROVE: "Plan a security key or passkey: codes and pushes can be phished.",
        SCOPE_UNSURE: "Grant the source the permission to read roles and sign-in methods.",
        **FACTOR_EXPLAIN,
        **SCOPE_EXPLAIN,
    },
    loses=AlarmKind.MFA_LOST,
)
