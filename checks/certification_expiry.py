"""Every attestation that we rely on is in force, covers what we need, and was read.

Population: the attestations registered, our own and our vendors'.
Fails:      not issued yet, withdrawn or suspended; past its time (by kind, below); an adverse opinion or none given; a
            category that we need is not covered; the document is missing, empty, or has changed since it was reviewed.
Warned:     the end is near; a SOC 2 Type II report is past twelve months from its period's end (bridged, where a
            letter reaches), up to fifteen; a Type I report, always; a qualified opinion; a document that is claimed, or
            read by nobody since it was issued.
Unknown:    a date, an opinion, a status or a scope that decides is not told; a kind or a word that is new to us; dates
            that cannot be true (issued in the future, or before the end of its period; a SOC 2 Type II period of less
            than 28 days or more than 24 months).

Time, by kind. SOC 2 Type II: from the end of its period. Type I: from its date. ISO certificates and HITRUST r2: until
their end, and until the next surveillance audit or interim assessment. HITRUST i1 and e1, DPA, BAA: until their end.
PCI AoC, CSA STAR, penetration test: twelve months from issue, by convention.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from checks.model.calendar import add_months
from checks.model.check import EXAMPLE_NOW, Check, Example, Family, Mapped, Severity
from checks.model.combine import earliest, worst
from checks.model.document import DOCUMENT_EXPLAIN, DOCUMENT_READS, proven
from checks.model.doubt import Cause
from checks.model.facts import Facts, compared
from checks.model.judgement import Judgement, Outcome, failed, passed, unknown, warned
from checks.model.known import Known
from checks.model.records import Attestation, Bridge
from checks.model.units import Duration, duration
from checks.model.untold import foreign_word, untold
from checks.model.use import SKEW

Months = Annotated[int, msgspec.Meta(ge=0, le=120)]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How long an attestation is relied on."""

    current_months: Months = 12
    """Calendar months after a SOC 2 Type II period's end in which the report is current (a convention)."""
    warned_months: Months = 15
    """Calendar months after a SOC 2 Type II period's end at which the report fails; it is warned in between."""
    bridge_months: Months = 3
    """Calendar months after the period's end that a bridge letter may reach; a longer one bridges nothing."""
    type1_months: Months = 12
    """Calendar months after its date at which a SOC 2 Type I report fails (a convention); it is warned until then."""
    yearly_months: Months = 12
    """Calendar months after issue at which a PCI AoC, a CSA STAR entry or a penetration test fails."""
    warn_before: Duration = duration("60d")
    """Time before the end of a certificate, a contract or a yearly attestation in which it is warned."""


SOC2 = frozenset({"soc2_type2", "soc2_type1"})
AUDITED = frozenset({"iso27001", "iso27701", "iso42001", "hitrust_r2"})
DATED = frozenset({"hitrust_i1", "hitrust_e1", "dpa", "baa"})
YEARLY = frozenset({"pci_aoc", "csa_star", "pentest"})
DAY = timedelta(days=1)
SHORTEST, LONGEST_MONTHS = timedelta(days=27), 24
"""What a SOC 2 Type II period has at least (28 days, the last one counted) and at most; 3 to 12 months are usual."""

NOT_ISSUED, WITHDRAWN = "is not issued yet", "is withdrawn or suspended"
NO_STATUS, NEW_STATUS = "is not told to be issued", "has a status that is new to us"
NO_KIND, NEW_KIND = "is of a kind that is not told", "is of a kind that is new to us"
ENDED, ENDING, NO_END = "is past its end", "is near its end", "has an end that is not told"
SURVEILLANCE, SURVEILLANCE_SOON = "has a surveillance audit overdue", "has a surveillance audit due soon"
STALE, AGED = "is too old to rely on", "is past the time that it is current"
BRIDGED = "is bridged by an unaudited letter"
POINT = "speaks of a point in time, not of operation over a period"
FUTURE = "has a date in the future that must be past"
PREMATURE = "was issued before the end of its period"
NO_ISSUE = "has a day of issue that is not told"
ODD_PERIOD = "has a period that no report of its kind has"
ADVERSE, QUALIFIED = "has an adverse opinion, or none", "has a qualified opinion"
NO_OPINION, NEW_OPINION = "has an opinion that is not told", "has an opinion that is new to us"
LACKS, NO_SCOPE = "does not cover a category that is needed", "has a scope that is not told"


def judge(attestation: Attestation, policy: Policy, now: datetime, known: Known) -> Judgement:
    """Judge one attestation by the worst of its status, time, opinion, scope and document."""
    document = proven(attestation, now)
    times = (_time(attestation, policy, now), _dates(attestation, now))
    judgement = worst((_status(attestation), *times, _opinion(attestation), _scope(attestation), document))
    if judgement.outcome is Outcome.PASS:
        return msgspec.structs.replace(judgement, depth=document.depth)
    facts = {**compared(kind=attestation.kind, status=attestation.status), **judgement.facts}
    depth = document.depth if judgement.outcome is Outcome.WARN else None
    return msgspec.structs.replace(judgement, facts=facts, depth=depth)


def current_until(attestation: Attestation, policy: Policy, now: datetime) -> datetime | None:
    """Tell when an attestation that counts ends to be current; None when it does not count, or does not tell.

    One counts unless it fails for another reason than its time. A bridge letter, which nobody audited, moves no end.
    """
    others = (_status(attestation), _opinion(attestation), _dates(attestation, now))
    proof = (*others, _scope(attestation), proven(attestation, now))
    untrue = any(part.outcome is Outcome.UNKNOWN for part in (*others, _time(attestation, policy, now)))
    if untrue or any(part.outcome is Outcome.FAIL for part in proof):
        return None
    return _end(attestation, policy)


def _end(attestation: Attestation, policy: Policy) -> datetime | None:
    """Find the end of its time, by kind; None when a date that decides is not told."""
    kind, valid_until, surveillance = attestation.kind, attestation.valid_until, attestation.surveillance_due
    if kind in SOC2 | YEARLY:
        start = attestation.issued_at if kind in YEARLY else attestation.period_end
        reports = {"soc2_type2": policy.current_months, "soc2_type1": policy.type1_months}
        months = reports.get(kind, policy.yearly_months)
        return None if start is None else add_months(start, months)
    if kind in AUDITED:
        return None if valid_until is None or surveillance is None else min(valid_until, surveillance)
    return valid_until if kind in DATED else None


def _status(attestation: Attestation) -> Judgement:
    """Judge whether it was issued and still stands. One in progress is not in force, however soon it is expected."""
    status = attestation.status
    if status == "issued":
        return passed()
    if status == "in_progress":
        return failed(NOT_ISSUED, compared(next_expected=attestation.next_expected))
    if status in {"withdrawn", "suspended"}:
        return failed(WITHDRAWN, {})
    return untold(attestation, NO_STATUS, ("status",)) if status is None else foreign_word(NEW_STATUS, {})


def _time(attestation: Attestation, policy: Policy, now: datetime) -> Judgement:
    """Judge the time that it has left, by kind."""
    kind = attestation.kind
    if kind is None:
        return untold(attestation, NO_KIND, ("kind",))
    if kind in SOC2:
        return _report(attestation, policy, now)
    if kind in YEARLY:
        return _yearly(attestation, policy, now)
    if kind not in AUDITED | DATED:
        return foreign_word(NEW_KIND, {})
    end = _clock(attestation, "valid_until", policy, now, (ENDED, ENDING))
    if kind in DATED:
        return end
    return worst((end, _clock(attestation, "surveillance_due", policy, now, (SURVEILLANCE, SURVEILLANCE_SOON))))


def _clock(attestation: Attestation, name: str, policy: Policy, now: datetime, reasons: tuple[str, str]) -> Judgement:
    """Judge a date that must not have come yet."""
    end: datetime | None = getattr(attestation, name)
    if end is None:
        return untold(attestation, NO_END, (name,))
    if now < end - policy.warn_before:
        return passed(until=end - policy.warn_before)
    facts = compared(**{name: end})
    return warned(reasons[1], facts, until=end) if now < end else failed(reasons[0], facts)


def _yearly(attestation: Attestation, policy: Policy, now: datetime) -> Judgement:
    """Judge what is done again every year."""
    issued, end = attestation.issued_at, _end(attestation, policy)
    if end is None:
        return untold(attestation, NO_END, ("issued_at",))
    if now < end - policy.warn_before:
        return passed(until=end - policy.warn_before)
    facts = compared(issued_at=issued, end=end)
    return warned(ENDING, facts, until=end) if now < end else failed(ENDED, facts)


def _report(attestation: Attestation, policy: Policy, now: datetime) -> Judgement:
    """Judge a SOC 2 report by the end of its period, or by its point in time."""
    period_end = attestation.period_end
    if period_end is not None and period_end - now > SKEW:
        return _in_future(period_end)
    current = _end(attestation, policy)
    if period_end is None or current is None:
        return untold(attestation, NO_END, ("period_end",))
    if attestation.kind == "soc2_type1":
        facts = compared(period_end=period_end, end=current)
        return warned(POINT, facts, until=current) if now < current else failed(STALE, facts)
    last = add_months(period_end, policy.warned_months)
    if now < current:
        return passed(until=current)
    bridge = attestation.bridge
    facts = compared(period_end=period_end, current_until=current, fails_at=last)
    if bridge is not None:
        facts.update(compared(bridge_start=bridge.start, bridge_end=bridge.end, bridge_issued=bridge.issued))
    reach = _reach(bridge, period_end, policy, now)
    if reach is not None:
        return warned(BRIDGED, facts, until=reach)
    opens = bridge.start if bridge is not None and now < bridge.start else None
    return warned(AGED, facts, until=earliest((last, opens))) if now < last else failed(STALE, facts, until=opens)


def _reach(bridge: Bridge | None, period_end: datetime, policy: Policy, now: datetime) -> datetime | None:
    """Tell until when a bridge letter holds: it joins the period, is short, is not chained, and is live."""
    if bridge is None or not bridge.start <= now < bridge.end:
        return None
    joined = abs(bridge.start - period_end) <= DAY
    return bridge.end if joined and bridge.end <= add_months(period_end, policy.bridge_months) + DAY else None


def _dates(attestation: Attestation, now: datetime) -> Judgement:
    """Judge whether its dates can be true: issued by now, after its period, and that of a usual length."""
    start, end, issued = attestation.period_start, attestation.period_end, attestation.issued_at
    if issued is None:
        return untold(attestation, NO_ISSUE, ("issued_at",))
    if issued - now > SKEW:
        return _in_future(issued)
    if attestation.kind not in SOC2 or end is None:
        return passed()
    facts = compared(period_start=start, period_end=end, issued_at=issued)
    if end - issued > DAY:
        return unknown(PREMATURE, Cause.MALFORMED, facts=facts)
    return passed() if attestation.kind == "soc2_type1" else _period(attestation, start, end, facts)


def _period(attestation: Attestation, start: datetime | None, end: datetime, facts: Facts) -> Judgement:
    """Judge whether a Type II report examined a period of a usual length."""
    if start is None:
        return untold(attestation, NO_END, ("period_start",))
    usual = end - start >= SHORTEST and end <= add_months(start, LONGEST_MONTHS) + DAY
    return passed() if usual else unknown(ODD_PERIOD, Cause.MALFORMED, facts=facts)


def _in_future(moment: datetime) -> Judgement:
    return unknown(FUTURE, Cause.MALFORMED, facts=compared(date=moment), until=moment - SKEW)


def _opinion(attestation: Attestation) -> Judgement:
    """Judge the auditor's opinion, which a SOC 2 report must have."""
    opinion = attestation.opinion
    if attestation.kind not in SOC2 or opinion == "unqualified":
        return passed()
    if opinion == "qualified":
        return warned(QUALIFIED, compared(opinion=opinion))
    if opinion in {"adverse", "disclaimer"}:
        return failed(ADVERSE, compared(opinion=opinion))
    return untold(attestation, NO_OPINION, ("opinion",)) if opinion is None else foreign_word(NEW_OPINION, {})


def _scope(attestation: Attestation) -> Judgement:
    """Judge whether it covers what we need."""
    needed, covered = attestation.required_categories, attestation.categories
    if needed is None:
        return untold(attestation, NO_SCOPE, ("required_categories",))
    if not needed:
        return passed()
    if covered is None:
        return untold(attestation, NO_SCOPE, ("categories",))
    lacking = sorted({item.lower() for item in needed} - {item.lower() for item in covered})
    return failed(LACKS, compared(lacking=", ".join(lacking))) if lacking else passed()


def _attestation(name: str, **told: object) -> Attestation:
    base = Attestation(
        id=f"{name}/platform/soc2_type2",
        source="selftest",
        label=f"{name} platform",
        vendor=name,
        offering="platform",
        kind="soc2_type2",
        status="issued",
        period_start=EXAMPLE_NOW - duration("470d"),
        period_end=EXAMPLE_NOW - duration("105d"),
        issued_at=EXAMPLE_NOW - duration("60d"),
        categories=("security", "availability"),
        required_categories=("security",),
        opinion="unqualified",
        document="report.pdf",
        document_digest="sha256:" + "0" * 64,
        document_intact=True,
        reviewed_by="vendor-risk",
        reviewed_at=EXAMPLE_NOW - duration("50d"),
    )
    return msgspec.structs.replace(base, **told)


def _aged(name: str, ago: str, **told: object) -> Attestation:
    return _attestation(name, period_end=EXAMPLE_NOW - duration(ago), **told)


def _certificate(name: str, left: str, surveillance: str, **told: object) -> Attestation:
    dates = {"valid_until": EXAMPLE_NOW + duration(left), "surveillance_due": EXAMPLE_NOW + duration(surveillance)}
    return msgspec.structs.replace(_attestation(name, kind="iso27001", period_end=None, opinion=None, **dates), **told)


def _unproven(name: str, fields: Sequence[str]) -> Attestation:
    why = dict.fromkeys(fields, Cause.NOT_CONFIGURED.value)
    return _attestation(name, **dict.fromkeys(fields), why=why)


EXAMPLES = (
    Example("current and reviewed", Outcome.PASS, [_attestation("current")]),
    Example("past twelve months", Outcome.WARN, [_aged("aged", "390d")]),
    Example("past fifteen months", Outcome.FAIL, [_aged("stale", "470d")]),
    Example("a point in time", Outcome.WARN, [_attestation("point", kind="soc2_type1")]),
    Example("a qualified opinion", Outcome.WARN, [_attestation("qualified", opinion="qualified")]),
    Example("an adverse opinion", Outcome.FAIL, [_attestation("adverse", opinion="adverse")]),
    Example("a category too few", Outcome.FAIL, [_attestation("scope", categories=("availability",))]),
    Example("a changed document", Outcome.FAIL, [_attestation("changed", document_intact=False)]),
    Example("only claimed", Outcome.WARN, [_attestation("claimed", document="")]),
    Example("not reviewed", Outcome.WARN, [_attestation("unread", reviewed_by="", reviewed_at=None)]),
    Example("not issued yet", Outcome.FAIL, [_attestation("progress", status="in_progress")]),
    Example("a certificate", Outcome.PASS, [_certificate("iso", "700d", "200d")]),
    Example("audit overdue", Outcome.FAIL, [_certificate("overdue", "700d", "200d", surveillance_due=EXAMPLE_NOW)]),
    Example("surveillance not told", Outcome.UNKNOWN, [_certificate("unseen", "700d", "200d", surveillance_due=None)]),
    Example("period not told", Outcome.UNKNOWN, [_unproven("period", ["period_end"])]),
    Example("status not told", Outcome.UNKNOWN, [_unproven("status", ["status"])]),
    Example("kind not told", Outcome.UNKNOWN, [_unproven("kind", ["kind"])]),
    Example("opinion not told", Outcome.UNKNOWN, [_unproven("opinion", ["opinion"])]),
    Example("scope not told", Outcome.UNKNOWN, [_unproven("needs", ["required_categories"])]),
    Example("document not told", Outcome.UNKNOWN, [_unproven("document", ["document", "document_intact"])]),
)

CHECK = Check(
    title="Every attestation that we rely on is in force, covers what we need, and was read",
    family=Family.CERTIFICATION,
    over=(Attestation,),
    reads=DOCUMENT_READS
    | frozenset(
        {
            "attestation.kind",
            "attestation.status",
            "attestation.next_expected",
            "attestation.period_end",
            "attestation.period_start",
            "attestation.issued_at",
            "attestation.valid_until",
            "attestation.surveillance_due",
            "attestation.categories",
            "attestation.required_categories",
            "attestation.opinion",
            "attestation.bridge",
        },
    ),
    judge=judge,
    current_until=current_until,
    policy=Policy,
    severity=Severity.MEDIUM,
    controls=(
        Mapped("soc2:CC9.2", "vendors show current, relevant proof of their own controls", partial=True),
        Mapped("soc2:CC4.1", "our own evaluations by others are repeated in time", partial=True),
        Mapped("iso27001:A.5.19", "suppliers are relied on only while their proof is in force", partial=True),
        Mapped("iso27001:A.5.22", "suppliers' proof is watched and reviewed", partial=True),
        Mapped("iso27001:A.5.23", "cloud services are covered by proof of the right scope", partial=True),
        Mapped("iso27001:A.5.35", "our own independent reviews are repeated in time", partial=True),
        Mapped("nist80053:SA-9", "external services show proof of their controls", partial=True),
        Mapped("nist80053:SR-6", "suppliers are assessed again in time", partial=True),
        Mapped("cis8:15.5", "service providers are assessed by current reports", partial=True),
        Mapped("cis8:15.6", "service providers are watched between reports", partial=True),
    ),
    examples=EXAMPLES,
    explain={
        NOT_ISSUED: "Register the attestation that is in force until then, or accept the gap with a waiver.",
        WITHDRAWN: "Stop relying on it; ask the vendor what happened.",
        NO_STATUS: "Set `status` in the register.",
        NEW_STATUS: "Set `status` to issued, in_progress, withdrawn or suspended.",
        NO_KIND: "Set `kind` in the register.",
        NEW_KIND: "Set `kind` to one that is known, or ask for the new one.",
        ENDED: "Get the new one and register it.",
        ENDING: "Ask for the new one, and when it is due.",
        NO_END: "Fill in the date that its kind counts from.",
        SURVEILLANCE: "Ask for the result of the audit; without it the certificate may be suspended.",
        SURVEILLANCE_SOON: "Ask when the audit takes place.",
        STALE: "Get the next report; this one says nothing about today.",
        AGED: "Ask for the next report, or when it is due.",
        BRIDGED: "Ask for the next report: a bridge letter is the vendor's own word.",
        POINT: "Ask for a Type II report.",
        FUTURE: "Correct the date in the register.",
        PREMATURE: "Correct `issued` or `period_end` in the register.",
        NO_ISSUE: "Set `issued` in the register.",
        ODD_PERIOD: "Correct `period_start` or `period_end` in the register.",
        ADVERSE: "Read the report, and decide whether to go on with this vendor.",
        QUALIFIED: "Read the qualified sections, and note whether they touch what you use.",
        NO_OPINION: "Read the opinion in the report and register it.",
        NEW_OPINION: "Set `opinion` to unqualified, qualified, adverse or disclaimer.",
        LACKS: "Ask for a report with that category, or drop the need for it with a reason.",
        NO_SCOPE: "Fill in `categories` and `required_categories`.",
        **DOCUMENT_EXPLAIN,
    },
)
