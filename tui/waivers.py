"""What waivers look like, and which of them match what was typed; pure.

A waiver's status is derived at the reader's instant from its start and end, so that an ended one never looks active.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from checks.model.state import Tally
from engine.port import Row, WaiverView
from tui.findings import pair
from tui.format import age, clean, fit, full, number, percent, zoned
from tui.lines import Line, Span, line
from tui.model import Item, Model
from tui.widgets.board import Content

SOON = timedelta(days=14)
LONGEST_DAYS = 180
LONGEST_STRUCTURAL_DAYS = 365
REASON_CHARACTERS = 20
WIDE = 100
"""From this width of the list on, the requester has a column."""


class Status(StrEnum):
    """What becomes of a waiver, in the order of the list."""

    REQUESTED = "REQUESTED"
    MALFORMED = "MALFORMED"
    EXPIRING = "EXPIRING"
    ACTIVE = "ACTIVE"
    FUTURE = "FUTURE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


_LOOKS = {
    Status.REQUESTED: ("…", "bold.warn"),
    Status.MALFORMED: ("?", "bold.blind"),
    Status.EXPIRING: ("▲", "bold.warn"),
    Status.ACTIVE: ("◆", "waived"),
    Status.FUTURE: ("·", "dim"),
    Status.EXPIRED: ("✖", "dim"),
    Status.REVOKED: ("✖", "dim"),
}
_GROUPS = {Status.REQUESTED: 0, Status.MALFORMED: 1, Status.EXPIRED: 3, Status.REVOKED: 3}
ENDED = frozenset({Status.EXPIRED, Status.REVOKED})
_IN_FORCE = {
    Status.REQUESTED: "requested, not in force",
    Status.MALFORMED: "malformed, waives nothing",
    Status.EXPIRING: "in force, ends soon",
    Status.ACTIVE: "in force",
    Status.FUTURE: "not yet in force",
    Status.EXPIRED: "ended, waives nothing",
    Status.REVOKED: "revoked, waives nothing",
}


def status(waiver: WaiverView, now: datetime) -> Status:
    """Derive the status at ``now``; within 14 days of its end a waiver is expiring, an emergency one within its day."""
    if waiver.status == "malformed":
        return Status.MALFORMED
    if waiver.status == "revoked":
        return Status.REVOKED
    if waiver.status == "expired" or (waiver.ends is not None and waiver.ends <= now):
        return Status.EXPIRED
    if waiver.status == "requested":
        return Status.REQUESTED
    if waiver.starts is not None and now < waiver.starts:
        return Status.FUTURE
    return Status.EXPIRING if waiver.ends is not None and waiver.ends - now <= SOON else Status.ACTIVE


def status_cell(found: Status, width: int = 12) -> Span:
    """Write a status as glyph and word."""
    glyph, role = _LOOKS[found]
    return Span(fit(f"{glyph} {found}", width), role)


def scope(waiver: WaiverView) -> str:
    """Write what it is about: ``workforce-mfa: kiosk-* +2``, or the unknowns of a source."""
    if waiver.cause or waiver.source:
        return clean(f"{waiver.check}: {waiver.source} {waiver.cause.replace('_', ' ')}")
    more = f" +{len(waiver.subjects) - 1}" if len(waiver.subjects) > 1 else ""
    return clean(f"{waiver.check}: {waiver.subjects[0]}{more}" if waiver.subjects else waiver.check)


def ordered(waivers: Sequence[WaiverView], typed: str, now: datetime) -> list[tuple[str, WaiverView]]:
    """Give those that match, each with a key of its own: what waits for somebody first, then by end, ended ones last.

    A malformed waiver may bear the id of another, or none, so the key is its place among those of the same id.
    """
    keyed = [
        (f"{waiver.id}#{sum(other.id == waiver.id for other in waivers[:place])}", waiver)
        for place, waiver in enumerate(waivers)
    ]
    matching = [(key, waiver) for key, waiver in keyed if matches(waiver, typed, now)]
    return sorted(matching, key=lambda pair: _rank(pair[1], now))


def _rank(waiver: WaiverView, now: datetime) -> tuple[int, float, str]:
    found = status(waiver, now)
    ends = waiver.ends.timestamp() if waiver.ends is not None else 0.0
    return _GROUPS.get(found, 2), -ends if found in ENDED else ends, waiver.id


def matches(waiver: WaiverView, typed: str, now: datetime) -> bool:
    """Tell whether a waiver holds every word (``!word``: holds it not), and has the ``status:``."""
    found = status(waiver, now).casefold()
    flag = "emergency" if waiver.emergency else ""
    names = (waiver.id, waiver.check, *waiver.subjects, waiver.source, waiver.cause, waiver.ticket)
    text = " ".join((*names, waiver.reason, waiver.requested_by, waiver.approved_by, found, flag)).casefold()
    for word in typed.casefold().split():
        bare = word.removeprefix("!")
        wanted = bare.removeprefix("status:")
        held = found.startswith(wanted) if bare != wanted else bare in text
        if bare and held is word.startswith("!"):
            return False
    return True


def listed(
    waivers: Sequence[WaiverView] | None, typed: str, model: Model, width: int, *, error: str = "", busy: str = ""
) -> Content:
    """List waivers; None: they are not known yet."""
    rows = ordered(waivers or (), typed, model.now)
    found = [status(waiver, model.now) for waiver in waivers or ()]
    return Content(
        title=line(Span("Waivers", "strong")),
        note=line(Span(_counts(found), "dim")),
        head=[_headings(width - 1)],
        rows=[(key, row(waiver, model.now, width - 1)) for key, waiver in rows],
        empty=[line(Span(f" {_nothing(waivers, typed, error, busy)}", "dim"))],
        foot=[line(Span(f" not fetched again: {clean(error)}", "fail"))] if error and rows else (),
    )


def _counts(found: Sequence[Status]) -> str:
    active = sum(each in {Status.ACTIVE, Status.EXPIRING} for each in found)
    parts = [f"{active} active"]
    for each, text in (
        (Status.EXPIRING, "end within 14 d"),
        (Status.REQUESTED, "requested"),
        (Status.MALFORMED, "malformed"),
    ):
        if each in found:
            parts.append(f"{found.count(each)} {text}")
    return " · ".join(parts)


def _nothing(waivers: Sequence[WaiverView] | None, typed: str, error: str, busy: str) -> str:
    if error:
        return f"not fetched: {clean(error)}"
    if waivers is None:
        return busy or "…"
    if waivers and typed:
        return f"0 of {len(waivers)} match “{clean(typed, 40)}”: esc clears the filter"
    return "No waiver is in the file: x requests one, on a finding or here"


def _widths(width: int) -> tuple[int, int, int, int]:
    """Share the width: id, scope, requester (0: not shown), approver; the reason has the rest."""
    wide = width >= WIDE
    named = 12 if wide else 9
    room = width - 44 - named - (named + 1 if wide else 0)
    return 12, max(12, min(44, room * 3 // 5)), named if wide else 0, named


def _headings(width: int) -> Line:
    name, about, asked, approved = _widths(width)
    cells = [fit("Status", 12), fit("Id", name), " ", fit("Scope", about), " ", fit("Rows", 5, right=True), " "]
    cells += [fit("Requested", asked), " "] if asked else []
    cells += [fit("Approved", approved), " ", fit("Ends", 11), " ", "Reason"]
    return line(Span(" " + "".join(cells), "dim"))


def row(waiver: WaiverView, now: datetime, width: int) -> Line:
    """Write one waiver in a row; who approved is only claimed, and marked so."""
    name, about, asked, approved = _widths(width)
    found = status(waiver, now)
    approver = f"~{clean(waiver.approved_by)}" if waiver.approved_by else "–"
    cells = [
        status_cell(found),
        Span(fit(clean(waiver.id) or "–", name), "strong"),
        Span(" " + fit(scope(waiver), about)),
        Span(" " + fit(number(waiver.covers), 5, right=True), "text" if waiver.covers else "dim"),
    ]
    if asked:
        cells.append(Span(" " + fit(clean(waiver.requested_by) or "–", asked), "dim"))
    cells += [Span(" " + fit(approver, approved), "dim"), Span(" " + fit(_ends(waiver, now), 11), _LOOKS[found][1])]
    if waiver.emergency:
        cells.append(Span(" EMERGENCY", "bold.warn"))
    cells.append(Span(f" {clean(waiver.fault or waiver.reason)}", "dim"))
    return tuple(cells)


def _ends(waiver: WaiverView, now: datetime) -> str:
    if waiver.ends is None:
        return "–"
    left = waiver.ends - now
    if left <= timedelta(0):
        return f"{age(-left)} ago"
    ends = zoned(waiver.ends, now)
    return f"{ends:%d %b} {age(left)}" if left < timedelta(days=100) else f"{ends:%d %b %Y}"


def told(waiver: WaiverView | None, model: Model, width: int, *, by: str) -> Content:
    """Tell everything about one waiver, and what ``by`` can do about it."""
    if waiver is None:
        return Content(title=line(Span("Waiver", "strong")), empty=[line(Span("  nothing selected", "dim"))])
    found = status(waiver, model.now)
    title = line(status_cell(found, len(found) + 3), Span(clean(waiver.id) or "–", "strong"))
    lines = page(waiver, model, width, by=by)
    return Content(
        title=title,
        note=line(Span(_IN_FORCE[found], "dim")),
        rows=[(str(index), each) for index, each in enumerate(lines)],
    )


def page(waiver: WaiverView, model: Model, width: int, *, by: str) -> list[Line]:
    """Write everything about a waiver."""
    lines: list[Line] = pair("fault", clean(waiver.fault), width, "blind") if waiver.fault else []
    lines += pair("reason", clean(waiver.reason), width)
    control = clean(waiver.compensating_control)
    lines += pair("instead", control or "no compensating control is named", width, "text" if control else "warn")
    lines += pair("impact", impact(waiver, model.check(waiver.check)), width)
    lines += _people(waiver, width)
    lines += pair("holds", _holds(waiver, model.now), width)
    lines += pair("scope", _whole_scope(waiver), width)
    return [*lines, *pair("do", todo(waiver, model.now, by), width, "strong")]


def _people(waiver: WaiverView, width: int) -> list[Line]:
    ticket = f", ticket {clean(waiver.ticket)}" if waiver.ticket else ""
    lines = pair("by", f"{clean(waiver.requested_by) or 'nobody is named'}{ticket}", width)
    if waiver.emergency:
        return [*lines, *pair("approval", "EMERGENCY: one person decided, for at most 24 hours", width, "warn")]
    if not waiver.approved_by:
        return [*lines, *pair("approval", "none yet", width, "warn")]
    claim = f"{clean(waiver.approved_by)}, as claimed: a signature or a reviewed commit proves it"
    return [*lines, *pair("approval", claim, width)]


def _holds(waiver: WaiverView, now: datetime) -> str:
    if waiver.ends is None:
        return "no end is told"
    left = waiver.ends - now
    ends = (
        f"until {full(waiver.ends, now)}, {age(left)} left"
        if left > timedelta(0)
        else f"ended {full(waiver.ends, now)}"
    )
    return f"from {full(waiver.starts, now)} {ends}" if waiver.starts is not None else ends


def _whole_scope(waiver: WaiverView) -> str:
    if waiver.cause or waiver.source:
        cause = waiver.cause.replace("_", " ")
        return clean(f"{waiver.check}, what {waiver.source} does not tell ({cause}); it is then waived, never pass")
    return clean(f"{waiver.check}: {', '.join(waiver.subjects) or 'no subject is named'}", 2_000)


def impact(waiver: WaiverView, item: Item | None) -> str:
    """Say how many of its check's findings it covers, and what the coverage is with and without it."""
    if item is None:
        return f"no configured check {clean(waiver.check) or 'is named'}: it covers nothing"
    tally = item.view.standing.tally
    would = "would cover" if waiver.status in {"requested", "future"} else "covers"
    if waiver.status == "malformed":
        would = "would cover, were it well-formed,"
    if tally is None:
        return f"{would} {number(waiver.covers)} open findings; the check was not judged yet"
    return (
        f"{would} {number(waiver.covers)} of {number(tally.failed + tally.unknown)} open; {_coverages(waiver, tally)}"
    )


def _coverages(waiver: WaiverView, tally: Tally) -> str:
    """Compare coverages net of live waivers; waived is never passed, so both are told beside the bare one."""
    whole = tally.population + (tally.missing or 0)
    if not whole or tally.missing is None:
        return "no coverage is known"
    live = waiver.status == "active"
    net = tally.passed + tally.waived + tally.waived_unknown
    others, all_ = (net - waiver.covers, net) if live else (net, net + waiver.covers)
    with_it, without = (percent(min(1.0, max(0, each) / whole)) for each in (all_, others))
    return f"net of waivers {with_it} with it, {without} without; {percent(tally.passed / whole)} pass"


def todo(waiver: WaiverView, now: datetime, by: str) -> str:
    """Say what can be done next, by whom."""
    found = status(waiver, now)
    if found is Status.REQUESTED:
        return f"{not_approvable(waiver, now, by) or 'a approves it, in your name'} · K takes it back"
    return {
        Status.MALFORMED: "mend it in the waiver file; until then it waives nothing",
        Status.EXPIRING: "renew it by a new request (x), or mend what it covers · K ends it now",
        Status.ACTIVE: "K ends it now",
        Status.FUTURE: "K takes it back",
        Status.EXPIRED: "what it covered fails again; x requests a new one",
        Status.REVOKED: "what it covered fails again; x requests a new one",
    }[found]


def not_approvable(waiver: WaiverView, now: datetime, by: str) -> str:
    """Say why ``by`` cannot approve it, and what to do; empty when he can."""
    found = status(waiver, now)
    if found is not Status.REQUESTED:
        return f"{clean(waiver.id)} is {found.casefold()}: only a request can be approved"
    if same_person(waiver.requested_by, by):
        return f"your own request: another person than {clean(by)} approves it"
    return ""


def same_person(one: str, other: str) -> bool:
    """Tell whether two names are the same, as the engine compares them."""
    return one.strip().casefold() == other.strip().casefold()


def not_revocable(waiver: WaiverView, now: datetime) -> str:
    """Say why it cannot be revoked; empty when it can."""
    found = status(waiver, now)
    if found in {Status.MALFORMED, *ENDED}:
        return f"{clean(waiver.id)} is {found.casefold()}: it waives nothing, there is nothing to end"
    return ""


def subjects_of(typed: str) -> tuple[str, ...]:
    """Split subjects at commas; each once."""
    return tuple(dict.fromkeys(part.strip() for part in typed.split(",") if part.strip()))


def subjects_fault(subjects: Sequence[str]) -> str:
    """Say what is wrong with the subjects, as the engine would."""
    if not subjects:
        return "name subjects, labels or globs, by comma"
    for subject in subjects:
        if len(re.findall(r"\w", subject.rpartition("/")[2])) < 3:
            return f"{clean(subject, 40)} is too wide: name three letters or digits at least"
    return ""


def words_of(subject: str) -> str:
    """Give words that every finding covered by a subject or glob holds, for the store to search."""
    return " ".join(word for word in re.split(r"[*?\s]+", subject) if word and word[0] not in "!~")


def covers(subject: str, row: Row) -> bool:
    """Tell whether a subject, label or glob covers a finding; labels without regard to case, only * and ? are wild."""
    if subject == row.subject or subject.lower() == row.label.lower():
        return True
    if "*" not in subject and "?" not in subject:
        return False
    return _glob(subject).fullmatch(row.subject) is not None or (
        _glob(subject.lower()).fullmatch(row.label.lower()) is not None
    )


def _glob(pattern: str) -> re.Pattern[str]:
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."), re.DOTALL)


def would_cover(rows: Sequence[Row], total: int, *, whole: bool, wild: bool) -> Line:
    """Say what a request would cover now, of ``total`` open findings; ``whole``: all of them were counted."""
    count = number(len(rows)) if whole else f"at least {number(len(rows))}"
    names = ": " + ", ".join(clean(row.label, 40) for row in rows[:3]) if rows else ""
    more = " …" if len(rows) > 3 else ""
    later = "; a wildcard covers what comes later too" if wild else ""
    told = f" would cover {count} of {number(total)} open findings now{later}{names}{more}"
    return line(Span(told, "warn" if wild or not rows else "text"))
