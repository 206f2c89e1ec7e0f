"""Every active key is young, used and owned.

Population: active keys, tokens and secrets of the sources given.
Fails:      the key is older than ``max_key_age``; it lay unused for longer than ``unused``, even with lag, or was never
            used since its creation; its owner is disabled, deleted or not in the source any more; it is an
            administrator's access key, where the policy forbids those.
Warned:     one of those limits comes up within ``warn_before``.
Unknown:    the age, the last use, the owner or the owner's status is not told, and nothing told fails it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from checks.model.check import EXAMPLE_NOW, Check, Example, Family, Mapped
from checks.model.combine import worst
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, excluded, failed, passed, unknown, warned
from checks.model.known import Absent, Known, NotTold
from checks.model.records import Account, Credential, Record
from checks.model.units import Duration, duration
from checks.model.untold import foreign_word, not_told, untold
from checks.model.use import CREATED_IN_FUTURE, SKEW, USE_EXPLAIN, Words, in_future, judged_use


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long a key may live and lie idle."""

    max_key_age: Duration = duration("90d")
    """Time after creation or the last rotation at which a key is too old; the limit itself is over it."""
    unused: Duration = duration("90d")
    """Time without use after which a key must go."""
    never_used_after: Duration = duration("14d")
    """Time after creation in which a key must be used for the first time."""
    warn_before: Duration = duration("14d")
    """Time before the age or idleness limit in which a key is warned."""
    privileged_access_keys: Literal["judge", "forbid"] = "judge"
    """``forbid``: an access key that acts for an administrator or the root user fails whatever its age."""


INACTIVE, FINE = excluded("inactive"), passed()
KEY_USE = Words(
    last="last_used_at",
    lag="use_lag",
    never="never_used",
    due="will soon have been unused for too long",
    idle="has been unused for too long",
    unused="was never used since its creation",
)
OLD, AGEING, NO_AGE = "is too old", "will soon be too old", "is not told when it was created"
ORPHAN, RETIRED = (
    "belongs to an account that is not there any more",
    "belongs to an account that is disabled or deleted",
)
NO_OWNER, OWNER_DOUBT = "has no owner that is told", "belongs to an account that the source did not show"
OWNER_STATUS = "belongs to an account whose status is not told"
FORBIDDEN, FORBIDDEN_DOUBT = (
    "is an administrator's access key",
    "is not told whether it is an administrator's access key",
)
NO_STATUS, NEW_STATUS = "is not told to be active", "has a status that is new to us"
GONE = frozenset({"disabled", "deleted"})
THERE = frozenset({"active", "locked", "pending"})


def judge(credential: Credential, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one key by the worst of its age, its use, its owner and its power."""
    if credential.status == "inactive":
        return INACTIVE
    if credential.status is None:
        return untold(credential, NO_STATUS, ("status",))
    if credential.status != "active":
        return foreign_word(NEW_STATUS, compared(status=credential.status))
    use = judged_use(
        credential,
        KEY_USE,
        now,
        limit=policy.unused,
        warn_before=policy.warn_before,
        unused_limit=policy.never_used_after,
    )
    judgement = worst((_power(credential, policy), _owner(credential, known), _age(credential, policy, now), use))
    if judgement.outcome is Outcome.PASS:
        return judgement
    facts = {**judgement.facts, **compared(kind=credential.kind, privileged=credential.privileged)}
    return msgspec.structs.replace(judgement, facts=facts)


def _age(credential: Credential, policy: Policy, now: datetime) -> Judgement:
    created = credential.created_at
    if created is None:
        return untold(credential, NO_AGE, ("created_at",))
    if created - now > SKEW:
        return in_future(CREATED_IN_FUTURE, created, created_at=created)
    end = created + policy.max_key_age
    due = end - policy.warn_before
    if now < due and now < end:
        return passed(until=min(due, end))
    facts = compared(created_at=created, max_key_age=policy.max_key_age)
    return warned(AGEING, facts, until=end) if now < end else failed(OLD, facts)


def _owner(credential: Credential, known: Known) -> Judgement:
    """Judge the owner: an account of the same source."""
    if credential.owner is None:
        return untold(credential, NO_OWNER, ("owner",))
    answer = known.get(_key(credential.source, credential.owner))
    if isinstance(answer, Absent):
        return failed(ORPHAN, compared(owner=credential.owner))
    if isinstance(answer, NotTold):
        return unknown(OWNER_DOUBT, answer.cause, answer.fields, of=answer.source or None)
    return _holders(credential, answer.records)


def _holders(credential: Credential, accounts: Sequence[Record]) -> Judgement:
    """Judge by the status of the account that holds the key (of several, when ids differ by case alone)."""
    statuses = {account.status for account in accounts if isinstance(account, Account)}
    if statuses <= THERE:
        return FINE
    facts = compared(owner=credential.owner, owner_status=", ".join(sorted(word for word in statuses if word)))
    if statuses <= GONE:
        return failed(RETIRED, facts)
    for owner in accounts:
        if isinstance(owner, Account) and owner.status is None:
            return untold(owner, OWNER_STATUS, ("status",), facts)
    return foreign_word(OWNER_STATUS, facts)


def _power(credential: Credential, policy: Policy) -> Judgement:
    """Judge whether an administrator's access key is allowed at all."""
    harmless = credential.privileged is False or credential.kind not in {"access_key", None}
    if policy.privileged_access_keys == "judge" or harmless:
        return FINE
    missing = not_told(credential, ("kind", "privileged"))
    return untold(credential, FORBIDDEN_DOUBT, missing) if missing else failed(FORBIDDEN, {})


def _key(source: str, owner: str) -> str:
    """Write the key of an account; it names the source, since two sources may use one id."""
    return f"{source}/{owner}".lower()


def _credential(name: str, **told: object) -> Credential:
    base = Credential(
        id=name,
        source="selftest",
        label=name,
        kind="access_key",
        status="active",
        owner=f"{name}-owner",
        privileged=False,
        created_at=EXAMPLE_NOW - duration("30d"),
        last_used_at=EXAMPLE_NOW - duration("1d"),
        never_used=False,
        use_lag=duration("4h"),
    )
    return msgspec.structs.replace(base, **told)


def _holder(name: str, status: str | None = "active") -> Account:
    return Account(id=f"{name}-owner", source="selftest", status=status)


_NEVER = {"never_used": True, "last_used_at": None, "use_lag": None}
_MUTE = {"never_used": None, "last_used_at": None, "use_lag": None}

EXAMPLES = (
    Example("young, used, owned", Outcome.PASS, [_credential("good")], [_holder("good")]),
    Example(
        "ageing",
        Outcome.WARN,
        [_credential("ageing", created_at=EXAMPLE_NOW - duration("80d"))],
        [_holder("ageing")],
    ),
    Example("old", Outcome.FAIL, [_credential("old", created_at=EXAMPLE_NOW - duration("91d"))], [_holder("old")]),
    Example("never used", Outcome.FAIL, [_credential("never", **_NEVER)], [_holder("never")]),
    Example("owner gone", Outcome.FAIL, [_credential("orphan")]),
    Example("owner disabled", Outcome.FAIL, [_credential("retired")], [_holder("retired", "disabled")]),
    Example("age not told", Outcome.UNKNOWN, [_credential("undated", created_at=None)], [_holder("undated")]),
    Example("last use not told", Outcome.UNKNOWN, [_credential("mute", **_MUTE)], [_holder("mute")]),
    Example("owner not told", Outcome.UNKNOWN, [_credential("foundling", owner=None)]),
    Example("owner's status not told", Outcome.UNKNOWN, [_credential("vague")], [_holder("vague", None)]),
    Example("status not told", Outcome.UNKNOWN, [_credential("limbo", status=None)], [_holder("limbo")]),
    Example("inactive", Outcome.EXCLUDED, [_credential("off", status="inactive")], [_holder("off")]),
)

CHECK = Check(
    title="Every active key is young, used and owned",
    family=Family.ACCESS,
    over=(Credential,),
    reads=frozenset(
        {
            "credential.status",
            "credential.kind",
            "credential.privileged",
            "credential.owner",
            "credential.created_at",
            "credential.last_used_at",
            "credential.never_used",
            "credential.use_lag",
            "account.status",
        },
    ),
    judge=judge,
    policy=Policy,
    knows=Account,
    keys=lambda account: (_key(account.source, account.id),),
    knows_own=True,
    controls=(
        Mapped("soc2:CC6.1", "keys of infrastructure and software are rotated, and dead ones are found", partial=True),
        Mapped("soc2:CC6.3", "keys whose owner has gone are found", partial=True),
        Mapped("iso27001:A.5.17", "long-lived secrets are renewed before they grow old", partial=True),
        Mapped("iso27001:A.5.18", "keys that nobody uses or owns come up for removal", partial=True),
        Mapped("nist80053:IA-5", "authenticators are changed at their age limit", partial=True),
        Mapped("nist80053:AC-2", "every key belongs to an account that still lives", partial=True),
        Mapped("cis8:5.5", "keys of service accounts are known, owned and reviewed", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        OLD: "Rotate the key, or replace it with short-lived credentials.",
        AGEING: "Plan the rotation of the key.",
        NO_AGE: "Grant the source the permission to read when keys were created.",
        KEY_USE.idle: "Deactivate the key, and delete it when nobody has missed it.",
        KEY_USE.due: "Ask the owner whether the key is still needed.",
        KEY_USE.unused: "Delete the key: nobody needed it in all the time since its creation.",
        ORPHAN: "Revoke the key, or give it an owner.",
        RETIRED: "Revoke the key: its owner's access has ended.",
        NO_OWNER: "Grant the source the permission to read owners, or record the owner at the provider.",
        OWNER_DOUBT: "Mend the source: its list of accounts is not complete.",
        OWNER_STATUS: "Grant the source the permission to read the status of accounts.",
        FORBIDDEN: "Delete the key, and use short-lived credentials for administration.",
        FORBIDDEN_DOUBT: "Grant the source the permission to read roles.",
        NO_STATUS: "Grant the source the permission to read the status of keys.",
        NEW_STATUS: "Report the provider's word for the status.",
        **USE_EXPLAIN,
    },
)
