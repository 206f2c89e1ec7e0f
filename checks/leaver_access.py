"""Nobody who has left still has a live account.

Population: live accounts of people: human and break-glass, and guests where the policy asks for them.
Fails:      everybody on the roster whom the account's keys name has left, and the grace is over (a shorter one for
            privileged accounts); or the keys name nobody on a complete roster.
Warned:     the person has left, and the grace still runs.
Unknown:    the account tells no keys; a key may name somebody whom the roster did not show us; its keys name one who is
            here and one who has left; the roster does not tell a status, an end, or, after a past end, a new start.
            Grace is a leniency, so it takes a complete roster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from checks.model.check import EXAMPLE_NOW, Check, Example, Family, Mapped
from checks.model.combine import earliest
from checks.model.doubt import Cause
from checks.model.facts import compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown, warned
from checks.model.known import Found, Known, NotTold
from checks.model.records import Account, Person
from checks.model.scope import SCOPE_EXPLAIN, SCOPE_READS, classed, out_of_scope
from checks.model.units import Duration, duration
from checks.model.untold import foreign_word, untold


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How fast access must end."""

    grace: Duration = duration("24h")
    """Time after the end of employment in which an account must be disabled."""
    privileged_grace: Duration = duration("4h")
    """The same, of a privileged account."""
    absent: Literal["fail", "unknown"] = "fail"
    """What an account is whose keys name nobody on a complete roster."""
    guests: bool = False
    """Whether guests must be on the roster too; else they are excluded as ``guest``."""


PEOPLE = frozenset({"human", "break_glass"})
PEOPLE_AND_GUESTS = PEOPLE | {"guest"}
NO_KEY = "\n"
"""A key that nobody has: looking it up tells whether the roster is complete."""
EMPLOYED = frozenset({"active", "leave"})
HERE = passed()
LEFT, LEAVING, NOBODY = "belongs to somebody who has left", "belongs to somebody who has just left", "matches nobody"
GRACE_UNSURE = "belongs to somebody who has left; whether it is privileged, which decides the grace, is not told"
NO_KEYS = "has no key that is told, to find its person by"
ROSTER_DOUBT = "may belong to somebody whom the roster did not show"
DISAGREE = "has keys that name one person who is here and one who has left"
PERSON_DOUBT = "belongs to somebody of whom the roster does not tell whether they are here"
PERSON_WORD = "belongs to somebody whose status on the roster is new to us"
CONTRADICTION = "belongs to somebody who is terminated without an end, by the roster"


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a person is here."""

    here: bool | None
    """False: left; None: not told."""
    until: datetime | None = None
    """When that changes."""
    ended: datetime | None = None
    """When a person who has left did so."""
    doubt: Judgement | None = None
    """Why it is not told."""


STAYS = Standing(here=True)


def judge(account: Account, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one account."""
    outside = out_of_scope(account, PEOPLE_AND_GUESTS if policy.guests else PEOPLE)
    if outside is not None:
        return outside
    if account.keys is None:
        return untold(account, NO_KEYS, ("keys",))
    stays, others = False, []
    for key in account.keys:
        answer = known.get(key)
        if isinstance(answer, Found):
            standing = _of_key(answer.records, now)
            if standing is STAYS:
                stays = True
            else:
                others.append(standing)
        elif isinstance(answer, NotTold):
            return unknown(ROSTER_DOUBT, answer.cause, answer.fields, of=answer.source or None)
    if others:
        return _weighed(account, policy, now, [*others, STAYS] if stays else others, known)
    return HERE if stays else _nobody(account, policy)


def _of_key(rows: Sequence[Any], now: datetime) -> Standing:
    """Weigh the roster's rows under one key: one who is here stands for a rehire, the last end for a leaver."""
    if len(rows) == 1:
        return _of_person(rows[0], now)
    standings = [_of_person(row, now) for row in rows]
    until = earliest(standing.until for standing in standings)
    for here in (True, None):
        chosen = next((standing for standing in standings if standing.here is here), None)
        if chosen is not None:
            return Standing(here=here, until=until, doubt=chosen.doubt)
    return Standing(here=False, until=until, ended=_last_end(standings))


def _of_person(person: Person, now: datetime) -> Standing:
    """Read one row of the roster."""
    employed = person.status in EMPLOYED
    if person.ends is False and employed:
        return STAYS
    ends_at = person.ends_at
    if person.ends is None or (person.ends is True and ends_at is None):
        field = "ends" if person.ends is None else "ends_at"
        return _doubted(untold(person, PERSON_DOUBT, (field,), of=person.source))
    if person.ends is False or ends_at is None:
        return _status_doubted(person)
    if now < ends_at:
        told = employed or person.status == "terminated"
        return Standing(here=True, until=ends_at) if told else _status_doubted(person)
    return _past_end(person, ends_at, now)


def _past_end(person: Person, ends_at: datetime, now: datetime) -> Standing:
    """Tell one who has left from one who came back."""
    starts_at = person.starts_at
    if person.status == "terminated" or (starts_at is not None and starts_at <= ends_at):
        return Standing(here=False, ended=ends_at)
    if starts_at is None:
        return _doubted(untold(person, PERSON_DOUBT, ("starts_at",), of=person.source))
    if now < starts_at:
        return Standing(here=False, ended=ends_at, until=starts_at)
    return STAYS if person.status in EMPLOYED else _status_doubted(person)


def _status_doubted(person: Person) -> Standing:
    if person.status is None:
        return _doubted(untold(person, PERSON_DOUBT, ("status",), of=person.source))
    if person.status == "terminated":
        return _doubted(unknown(CONTRADICTION, Cause.MALFORMED, of=person.source))
    return _doubted(foreign_word(PERSON_WORD, {"person_status": person.status}, of=person.source))


def _doubted(judgement: Judgement) -> Standing:
    return Standing(here=None, doubt=judgement)


def _last_end(standings: Sequence[Standing]) -> datetime | None:
    return max((standing.ended for standing in standings if standing.ended is not None), default=None)


def _weighed(
    account: Account,
    policy: Policy,
    now: datetime,
    standings: Sequence[Standing],
    known: Known,
) -> Judgement:
    """Judge by all keys that name somebody."""
    until = earliest(standing.until for standing in standings)
    for standing in standings:
        if standing.doubt is not None:
            return msgspec.structs.replace(standing.doubt, until=until)
    if all(standing.here for standing in standings):
        return passed(until=until)
    ended = _last_end(standings)
    if ended is None or any(standing.here for standing in standings):
        return unknown(DISAGREE, Cause.MALFORMED, facts=compared(keys=len(standings)), until=until)
    judgement = _left(account, policy, now, ended, until)
    doubt = known.get(NO_KEY) if judgement.outcome is Outcome.WARN else None
    if isinstance(doubt, NotTold):  # A row that was not shown may tell of an earlier end, so the grace is not proven.
        return unknown(
            ROSTER_DOUBT, doubt.cause, doubt.fields, judgement.facts, of=doubt.source or None, until=judgement.until
        )
    return judgement


def _left(account: Account, policy: Policy, now: datetime, ended: datetime, until: datetime | None) -> Judgement:
    """Judge an account whose person has left."""
    short, long = sorted((policy.privileged_grace, policy.grace))
    if account.privileged is not None:
        short = long = policy.privileged_grace if account.privileged else policy.grace
    facts = compared(ended_at=ended, grace=short, privileged=account.privileged)
    facts.update(classed(account))
    if now < ended + short:
        return warned(LEAVING, facts, until=earliest((ended + short, until)))
    if now < ended + long:
        return untold(account, GRACE_UNSURE, ("privileged",), facts, until=earliest((ended + long, until)))
    return failed(LEFT, facts, until=until)


def _nobody(account: Account, policy: Policy) -> Judgement:
    facts = {**compared(keys=len(account.keys or ())), **classed(account)}
    return failed(NOBODY, facts) if policy.absent == "fail" else unknown(NOBODY, Cause.NOT_CONFIGURED, facts=facts)


def _account(name: str, **told: object) -> Account:
    base = Account(
        id=name,
        source="selftest",
        label=f"{name}@example.org",
        keys=(f"{name}@example.org",),
        status="active",
        klass="human",
        klass_basis="provider",
        privileged=False,
    )
    return msgspec.structs.replace(base, **told)


def _person(name: str, **told: object) -> Person:
    base = Person(
        id=name,
        source="selftest",
        keys=(f"{name}@example.org",),
        status="active",
        starts_at=EXAMPLE_NOW - duration("900d"),
        ends=False,
    )
    return msgspec.structs.replace(base, **told)


def _leaver(name: str, ago: str, **told: object) -> Person:
    end = EXAMPLE_NOW - duration(ago)
    return msgspec.structs.replace(_person(name, status="terminated", ends=True, ends_at=end), **told)


_TWO = ("moved@example.org", "moved-old@example.org")
_RECENT = EXAMPLE_NOW - duration("10d")

EXAMPLES = (
    Example("here", Outcome.PASS, [_account("here")], [_person("here")]),
    Example("just left", Outcome.WARN, [_account("just")], [_leaver("just", "2h")]),
    Example("left", Outcome.FAIL, [_account("left")], [_leaver("left", "30h")]),
    Example("privileged", Outcome.FAIL, [_account("admin", privileged=True)], [_leaver("admin", "6h")]),
    Example("on no roster", Outcome.FAIL, [_account("nobody")]),
    Example(
        "rehired",
        Outcome.PASS,
        [_account("back")],
        [_leaver("back", "200d", status="active", starts_at=_RECENT)],
    ),
    Example(
        "keys disagree",
        Outcome.UNKNOWN,
        [_account("moved", keys=_TWO)],
        [_person("moved"), _leaver("moved-old", "300d")],
    ),
    Example("keys not told", Outcome.UNKNOWN, [_account("keyless", keys=None)]),
    Example("status not told", Outcome.UNKNOWN, [_account("vague")], [_person("vague", status=None)]),
    Example("end not told", Outcome.UNKNOWN, [_account("endless")], [_person("endless", ends=None)]),
    Example("privilege decides", Outcome.UNKNOWN, [_account("maybe", privileged=None)], [_leaver("maybe", "6h")]),
    Example("class not told", Outcome.UNKNOWN, [_account("odd", klass=None)], [_leaver("odd", "30h")]),
    Example("a service", Outcome.EXCLUDED, [_account("robot", klass="service")]),
)

CHECK = Check(
    title="Nobody who has left still has a live account",
    family=Family.ACCESS,
    over=(Account,),
    reads=SCOPE_READS
    | {
        "account.keys",
        "account.privileged",
        "person.keys",
        "person.status",
        "person.starts_at",
        "person.ends",
        "person.ends_at",
    },
    judge=judge,
    policy=Policy,
    knows=Person,
    keys=lambda person: person.keys,
    controls=(
        Mapped("soc2:CC6.2", "access of people who have left is found within hours"),
        Mapped("soc2:CC6.3", "access ends when the role that it was given for ends", partial=True),
        Mapped("iso27001:A.6.5", "duties after the end of employment include the end of access", partial=True),
        Mapped("iso27001:A.5.18", "rights are withdrawn when people leave"),
        Mapped("nist80053:PS-4", "accounts of terminated people are found within the time allowed"),
        Mapped("nist80053:AC-2(3)", "accounts that belong to nobody any more are found", partial=True),
        Mapped("cis8:6.2", "access is revoked when people leave, and what was forgotten is found"),
    ),
    examples=EXAMPLES,
    explain={
        LEFT: "Disable the account, then find out why the leaver process missed it.",
        LEAVING: "Disable the account before the grace ends.",
        NOBODY: "Find the owner: add the missing key to the roster, classify the account, or disable it.",
        GRACE_UNSURE: "Disable the account, and grant the source the permission to read roles.",
        NO_KEYS: "Grant the source the permission to read e-mail addresses or employee ids.",
        ROSTER_DOUBT: "Mend the roster source: it is not complete, or it has rows without a key.",
        DISAGREE: "Look for a reused address or id, and remove the wrong key from the account or the roster.",
        PERSON_DOUBT: "Fill in the person's status, start and end on the roster.",
        PERSON_WORD: "Map the roster's word to active, leave or terminated in the source's configuration.",
        CONTRADICTION: "Fill in the end date of the terminated person.",
        **SCOPE_EXPLAIN,
    },
)
