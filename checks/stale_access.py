"""Every live account is still used; a break-glass account is not.

Population: live accounts of every class. A locked account is live; a pending one is not yet.
Fails:      the last use, even at its latest possible moment, is over the limit (a shorter one for privileged accounts);
            the account was never used and is older than its limit; a break-glass account was used inside its window.
Warned:     the limit comes up within ``warn_before``.
Unknown:    the last use is not told, or the true one may be later than the one told; the class is not told, since
            break-glass is the reverse of all others; whether it is privileged is not told and would decide.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from checks.model.check import EXAMPLE_NOW, AlarmKind, Check, Example, Family, Mapped, Severity
from checks.model.combine import earliest
from checks.model.doubt import Cause
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown
from checks.model.known import Known
from checks.model.records import Account
from checks.model.scope import CLASSES, LIVE, SCOPE_EXPLAIN, SCOPE_READS, classed, out_of_scope
from checks.model.units import Duration, duration
from checks.model.untold import cause_of, untold, withheld
from checks.model.use import LAST_IN_FUTURE, MAYBE_SINCE, NOT_TOLD, SKEW, USE_EXPLAIN, Words, in_future, judged_use


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When an account counts as dormant."""

    dormant: Duration = duration("90d")
    """Time without use after which an account is dormant; the limit itself is over it."""
    privileged_dormant: Duration = duration("45d")
    """The same, of a privileged account."""
    never_used_after: Duration = duration("14d")
    """Time after creation in which an account must be used for the first time."""
    warn_before: Duration = duration("7d")
    """Time before the limit in which an account is warned."""
    break_glass_window: Duration = duration("90d")
    """Time for which the use of a break-glass account stays a finding."""


ACCOUNT_USE = Words(
    last="last_seen_at",
    lag="activity_lag",
    never="never_seen",
    due="will soon be dormant",
    idle="is dormant",
    unused="was never used since its creation",
)
BROKEN = "is a break-glass account and was used"
PRIVILEGE_DECIDES = "is dormant if it is privileged, which is not told"
UNUSED = passed()
ORDINARY = CLASSES - {"break_glass"}


def judge(account: Account, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one account."""
    last = account.last_seen_at
    if last is not None and account.privileged is False and account.klass in ORDINARY and account.status in LIVE:
        due = last + (policy.dormant - policy.warn_before)
        if last <= now < due and account.never_seen is not True:  # Most accounts, told in a quarter of the time.
            return Judgement(outcome=Outcome.PASS, until=due)
    outside = out_of_scope(account, CLASSES)
    if outside is not None:
        return outside
    if account.klass == "break_glass":
        return _sealed(account, policy, now)
    judgement = _used(account, policy, now)
    return judgement if judgement.outcome is Outcome.PASS else _with_class(judgement, account)


def _used(account: Account, policy: Policy, now: datetime) -> Judgement:
    """Judge by the limit that fits; where the privilege is not told, by both."""
    if account.privileged is True:
        return _within(account, policy, now, policy.privileged_dormant)
    if account.privileged is False:
        return _within(account, policy, now, policy.dormant)
    short, long = sorted((policy.privileged_dormant, policy.dormant))
    strict, loose = _within(account, policy, now, short), _within(account, policy, now, long)
    if strict.outcome in {Outcome.PASS, Outcome.WARN}:
        return strict
    if loose.outcome is Outcome.FAIL:
        return loose
    until = earliest((strict.until, loose.until))
    if strict.outcome is Outcome.UNKNOWN:
        return msgspec.structs.replace(strict, until=until)
    return untold(account, PRIVILEGE_DECIDES, ("privileged",), strict.facts, until=until)


def _within(account: Account, policy: Policy, now: datetime, limit: Duration) -> Judgement:
    return judged_use(
        account,
        ACCOUNT_USE,
        now,
        limit=limit,
        warn_before=policy.warn_before,
        unused_limit=policy.never_used_after,
    )


def _sealed(account: Account, policy: Policy, now: datetime) -> Judgement:
    """Judge a break-glass account: unused is right, used is a finding."""
    last, lag, window = account.last_seen_at, account.activity_lag, policy.break_glass_window
    if last is None and account.never_seen is True and not withheld(account, "last_seen_at"):
        return UNUSED
    if last is None:
        return unknown(NOT_TOLD, cause_of(account, "last_seen_at", "never_seen"), ("account.last_seen_at",))
    if last - now > SKEW:
        return in_future(LAST_IN_FUTURE, last, last_seen_at=last)
    facts = {**compared(last_seen_at=last, lag=lag, window=window), **classed(account)}
    if now < last + window:
        return failed(BROKEN, facts, until=last + window)
    if lag is None:
        return untold(account, MAYBE_SINCE, ("activity_lag",), facts)
    proven = last + window + lag
    return UNUSED if now >= proven else unknown(MAYBE_SINCE, Cause.NOT_EXPOSED, facts=facts, until=proven)


def _with_class(judgement: Judgement, account: Account) -> Judgement:
    facts = {**judgement.facts, **classed(account), **compared(privileged=account.privileged)}
    facts.update(compared(activity=account.activity_basis))
    return msgspec.structs.replace(judgement, facts=facts)


def _account(name: str, **told: object) -> Account:
    base = Account(
        id=name,
        source="selftest",
        label=f"{name}@example.org",
        status="active",
        klass="human",
        klass_basis="provider",
        privileged=False,
        created_at=EXAMPLE_NOW - duration("400d"),
        last_seen_at=EXAMPLE_NOW - duration("2d"),
        never_seen=False,
        activity_lag=duration("1d"),
        activity_basis="success",
    )
    return msgspec.structs.replace(base, **told)


_NEVER = {"never_seen": True, "last_seen_at": None, "activity_lag": None}
_DENIED = {"last_seen_at": Cause.UNLICENSED.value}

EXAMPLES = (
    Example("used lately", Outcome.PASS, [_account("lately")]),
    Example("soon dormant", Outcome.WARN, [_account("soon", last_seen_at=EXAMPLE_NOW - duration("85d"))]),
    Example("dormant", Outcome.FAIL, [_account("old", last_seen_at=EXAMPLE_NOW - duration("92d"))]),
    Example(
        "privileged and dormant",
        Outcome.FAIL,
        [_account("admin", privileged=True, last_seen_at=EXAMPLE_NOW - duration("50d"))],
    ),
    Example("never used", Outcome.FAIL, [_account("never", **_NEVER)]),
    Example("lag decides", Outcome.UNKNOWN, [_account("late", last_seen_at=EXAMPLE_NOW - duration("90d12h"))]),
    Example(
        "lag not told",
        Outcome.UNKNOWN,
        [_account("lagless", last_seen_at=EXAMPLE_NOW - duration("200d"), activity_lag=None)],
    ),
    Example(
        "null last login",
        Outcome.UNKNOWN,
        [_account("null", last_seen_at=None, never_seen=None, activity_lag=None, why=_DENIED)],
    ),
    Example(
        "privilege decides",
        Outcome.UNKNOWN,
        [_account("maybe", privileged=None, last_seen_at=EXAMPLE_NOW - duration("60d"))],
    ),
    Example("break-glass unused", Outcome.PASS, [_account("sealed", klass="break_glass", **_NEVER)]),
    Example("break-glass used", Outcome.FAIL, [_account("broken", klass="break_glass")]),
    Example("class not told", Outcome.UNKNOWN, [_account("classless", klass=None)]),
    Example("disabled", Outcome.EXCLUDED, [_account("gone", status="disabled")]),
)

CHECK = Check(
    title="Every live account is still used, and no break-glass account is",
    family=Family.ACCESS,
    over=(Account,),
    reads=SCOPE_READS
    | {
        "account.privileged",
        "account.created_at",
        "account.last_seen_at",
        "account.never_seen",
        "account.activity_lag",
        "account.activity_basis",
    },
    judge=judge,
    policy=Policy,
    severity=Severity.MEDIUM,
    controls=(
        Mapped("soc2:CC6.2", "accounts that nobody uses any more are found, so that they can be removed", partial=True),
        Mapped("soc2:CC6.3", "access that is no longer exercised is found", partial=True),
        Mapped("iso27001:A.5.18", "rights that lie idle come up for review", partial=True),
        Mapped("iso27001:A.5.16", "identities that are no longer in use are found", partial=True),
        Mapped("nist80053:AC-2(3)", "inactive accounts are found, so that they can be disabled", partial=True),
        Mapped("cis8:5.3", "dormant accounts are found, so that they can be disabled", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        ACCOUNT_USE.idle: "Disable the account, or have its owner say why it is needed.",
        ACCOUNT_USE.due: "Ask the owner whether the account is still needed.",
        ACCOUNT_USE.unused: "Disable the account: nobody needed it in all the time since its creation.",
        BROKEN: "Find out who broke the glass and why, then change its secret and seal it again.",
        PRIVILEGE_DECIDES: "Grant the source the permission to read roles.",
        **USE_EXPLAIN,
        **SCOPE_EXPLAIN,
    },
    alarms={BROKEN: AlarmKind.BREAK_GLASS_USED},
    renews=frozenset({"last_seen_at"}),
)
