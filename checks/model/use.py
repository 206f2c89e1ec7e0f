"""Dormancy with lag: how long something was not used, when the last use that is told may not be the last one.

A last use told at ``last`` with a lag of ``lag`` truly lies between ``last`` and ``last + lag``. So idleness is
disproven before ``last + limit``, proven from ``last + limit + lag`` on, and unknown between. What was never used
counts from its creation. Where a record tells both that there was no use and when the last one was, the kinder of
the two stands, since each of them alone would have proven it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from checks.model.combine import earliest
from checks.model.doubt import Cause
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown, warned
from checks.model.untold import cause_of, untold

if TYPE_CHECKING:
    from checks.model.records import Account, Credential

SKEW = timedelta(minutes=5)
"""How far a clock may run ahead of ours before a past event that lies in the future is a fault."""
_KINDNESS = {Outcome.UNKNOWN: 0, Outcome.FAIL: 1, Outcome.WARN: 2, Outcome.PASS: 3}


@dataclass(frozen=True, slots=True)
class Words:
    """The fields that tell the use of a record, and the reasons of its findings."""

    last: str
    lag: str
    never: str
    due: str
    idle: str
    unused: str


NOT_TOLD = "is not told when it was last used"
MAYBE_SINCE = "may have been used since the last use that is told"
LAST_IN_FUTURE = "was last used in the future"
NO_CREATION = "was never used, and its creation is not told"
CREATED_IN_FUTURE = "was created in the future"
USE_EXPLAIN = {
    NOT_TOLD: "Grant the source the permission or the licence that `controlwatch source test` names.",
    MAYBE_SINCE: "The provider tells its last use late. Look at its own log, or wait until the lag is over.",
    LAST_IN_FUTURE: "Compare the provider's clock with yours.",
    NO_CREATION: "Grant the source the permission to read creation dates.",
    CREATED_IN_FUTURE: "Compare the provider's clock with yours.",
}
"""What to do about each of them."""


def judged_use(
    record: Account | Credential,
    words: Words,
    now: datetime,
    *,
    limit: timedelta,
    warn_before: timedelta,
    unused_limit: timedelta,
) -> Judgement:
    """Judge the use of an account or a key against a limit of idleness and one for what was never used."""
    last: datetime | None = getattr(record, words.last)
    if getattr(record, words.never) is not True:
        if last is None:
            cause = cause_of(record, words.last, words.never)
            kind = "account" if words.last == "last_seen_at" else "credential"
            return unknown(NOT_TOLD, cause, (f"{kind}.{words.last}",))
        return _since(record, words, now, last, limit=limit, warn_before=warn_before)
    never = _never(record, words, now, unused_limit)
    if last is None:
        return never
    since = _since(record, words, now, last, limit=limit, warn_before=warn_before)
    kinder = max(never, since, key=lambda judgement: _KINDNESS[judgement.outcome])
    return msgspec.structs.replace(kinder, until=earliest((never.until, since.until)))


def in_future(reason: str, moment: datetime, **facts: Any) -> Judgement:
    """Say that an event of the past is dated in the future, so that its date proves nothing."""
    return unknown(reason, Cause.MALFORMED, facts=compared(**facts), until=moment - SKEW)


def _since(
    record: Account | Credential,
    words: Words,
    now: datetime,
    last: datetime,
    *,
    limit: timedelta,
    warn_before: timedelta,
) -> Judgement:
    if last - now > SKEW:
        return in_future(LAST_IN_FUTURE, last, **{words.last: last})
    idle = last + limit
    if now < idle:
        due = idle - warn_before
        if now < due:
            return passed(until=due)
        return warned(words.due, compared(**{words.last: last}, limit=limit), until=idle)
    lag: timedelta | None = getattr(record, words.lag)
    facts = compared(**{words.last: last}, lag=lag, limit=limit)
    if lag is None:
        return untold(record, MAYBE_SINCE, (words.lag,), facts)
    if now < idle + lag:
        return unknown(MAYBE_SINCE, Cause.NOT_EXPOSED, facts=facts, until=idle + lag)
    return failed(words.idle, facts)


def _never(record: Account | Credential, words: Words, now: datetime, limit: timedelta) -> Judgement:
    created = record.created_at
    if created is None:
        return untold(record, NO_CREATION, ("created_at",))
    if created - now > SKEW:
        return in_future(CREATED_IN_FUTURE, created, created_at=created)
    if now < created + limit:
        return passed(until=created + limit)
    return failed(words.unused, compared(created_at=created, limit=limit))
