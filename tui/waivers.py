"""What waivers look like, and which of them match what was typed; pure.

A waiver's status is derived at the reader's instant from its start and end, so that an ended one never looks active.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum

from engine.port import Row, WaiverView
from engine.port.subjects import certain, matching
from tui.format import age, age3, clean, compact, fit, fitting, number, zoned
from tui.keymap import Keymap
from tui.lines import Line, Span, line
from tui.model import Model
from tui.widgets.board import Content

SOON = timedelta(days=14)
LONGEST_DAYS = 180
LONGEST_STRUCTURAL_DAYS = 365
REASON_CHARACTERS = 20
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
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
    REJECTED = "REJECTED"


LOOKS = {
    Status.REQUESTED: ("…", "bold.warn"),
    Status.MALFORMED: ("?", "bold.blind"),
    Status.EXPIRING: ("▲", "bold.warn"),
    Status.ACTIVE: ("◆", "waived"),
    Status.FUTURE: ("·", "dim"),
    Status.EXPIRED: ("✖", "dim"),
    Status.REVOKED: ("✖", "dim"),
    Status.REJECTED: ("✖", "dim"),
}
ENDED = frozenset({Status.EXPIRED, Status.REVOKED, Status.REJECTED})
_GROUPS = {Status.REQUESTED: 0, Status.MALFORMED: 1, **dict.fromkeys(ENDED, 3)}


def status(waiver: WaiverView, now: datetime) -> Status:
    """Derive the status at ``now``; within 14 days of its end a waiver is expiring, an emergency one within its day."""
    if waiver.status == "malformed":
        return Status.MALFORMED
    if waiver.status == "revoked":
        return Status.REVOKED if waiver.approved_by or waiver.emergency else Status.REJECTED
    if waiver.status == "expired" or (waiver.ends is not None and waiver.ends <= now):
        return Status.EXPIRED
    if waiver.status == "requested":
        return Status.REQUESTED
    if waiver.starts is not None and now < waiver.starts:
        return Status.FUTURE
    return Status.EXPIRING if waiver.ends is not None and waiver.ends - now <= SOON else Status.ACTIVE


def status_cell(found: Status, width: int = 12) -> Span:
    """Write a status as glyph and word."""
    glyph, role = LOOKS[found]
    return Span(fit(f"{glyph} {found}" if width > 2 else glyph, width), role)


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
        note=line(Span(_counts(found) if waivers is not None else "not fetched" if error else "", "dim")),
        head=[_headings(width - 1)],
        rows=[(key, row(waiver, model.now, width - 1)) for key, waiver in rows],
        empty=[line(Span(f" {_nothing(waivers, typed, error, busy, model.keymap)}", "dim"))],
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


def _nothing(waivers: Sequence[WaiverView] | None, typed: str, error: str, busy: str, keymap: Keymap) -> str:
    if error:
        return f"not fetched: {clean(error)}"
    if waivers is None:
        return busy or "…"
    if waivers and typed:
        return f"0 of {len(waivers)} match “{clean(typed, 40)}”: {keymap.named('go.back')} clears the filter"
    return f"No waiver is in the file: {keymap.named('waiver.request')} requests one, on a finding or here"


def _widths(width: int) -> tuple[int, int, int, int]:
    """Share the width: id, scope, requester (0: not shown), approver; the reason has the rest."""
    wide = width >= WIDE
    named = 12 if wide else 9
    room = width - 32 - (12 if width >= WIDE else 2) - named - (named + 1 if wide else 0)
    return 12, max(12, min(44, room * 3 // 5)), named if wide else 0, named


def _headings(width: int) -> Line:
    name, about, asked, approved = _widths(width)
    cells = [
        fit("Status", 12) if width >= WIDE else "  ",
        fit("Id", name),
        " ",
        fit("Scope", about),
        " ",
        fit("Rows", 5, right=True),
        " ",
    ]
    cells += [fit("Requested", asked), " "] if asked else []
    cells += [fit("Approved", approved), " ", fit("Ends", 11), " ", "Reason"]
    return line(Span(" " + "".join(cells), "dim"))


def row(waiver: WaiverView, now: datetime, width: int) -> Line:
    """Write one waiver in a row; who approved is only claimed, and marked so."""
    name, about, asked, approved = _widths(width)
    found = status(waiver, now)
    approver = f"~{clean(waiver.approved_by)}" if waiver.approved_by else "–"
    count = reopened(waiver, now) if found in ENDED else waiver.covers
    rows = fitting(5, number(count), compact(count))
    cells = [
        status_cell(found, 12 if width >= WIDE else 2),
        Span(fit(clean(waiver.id) or "–", name), "strong"),
        Span(" " + fit(scope(waiver), about)),
        Span(" " + fit(rows, 5, right=True), ("warn" if found in ENDED else "text") if count else "dim"),
    ]
    if asked:
        cells.append(Span(" " + fit(clean(waiver.requested_by) or "–", asked), "dim"))
    cells += [
        Span(" " + fit(approver, approved), "dim"),
        Span(" " + fit(_ends(waiver, now, narrow=width < WIDE), 11), LOOKS[found][1]),
    ]
    if waiver.emergency:
        cells.append(Span(" EMERGENCY", "bold.warn"))
    if found in ENDED and count:
        cells.append(Span(f" {number(count)} reopened", "warn"))
    cells.append(Span(f" {clean(waiver.fault or waiver.reason)}", "dim"))
    return tuple(cells)


def reopened(waiver: WaiverView, now: datetime) -> int:
    """Count the findings that were under a waiver that has ended and are open again; a request never held any."""
    ended = status(waiver, now) in ENDED and bool(waiver.approved_by or waiver.emergency)
    return waiver.alone if ended else 0


def _ends(waiver: WaiverView, now: datetime, *, narrow: bool) -> str:
    if waiver.ends is None:
        return "–"
    left = waiver.ends - now
    if left <= timedelta(0):
        ago, word = f"{age(-left)} ago", status(waiver, now)
        return fitting(11, f"{word} {age(-left)}", f"{word} {age3(-left)}", ago) if narrow else ago
    ends = zoned(waiver.ends, now)
    return f"{ends:%d %b} {age(left)}" if left < timedelta(days=100) else f"{ends:%d %b %Y}"


def day_of(typed: str) -> date | None:
    """Read a day, ``2027-02-19``; None of what is none."""
    try:
        return date.fromisoformat(typed) if _DAY.fullmatch(typed) else None
    except ValueError:
        return None


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
    return " ".join(word for word in certain(subject).split() if word[0] not in "!~")


def covers(subject: str, row: Row) -> bool:
    """Tell whether a waiver of a subject, label or glob covers a finding, as the engine does: never what is unknown."""
    return row.is_waivable and matching(subject)(row.subject, row.label)


def would_cover(rows: Sequence[Row], total: int, *, whole: bool, wild: bool) -> Line:
    """Say what a request would cover now, of ``total`` open findings; ``whole``: all of them were counted."""
    count = number(len(rows)) if whole else f"at least {number(len(rows))}"
    names = ": " + ", ".join(clean(row.label, 40) for row in rows[:3]) if rows else ""
    more = " …" if len(rows) > 3 else ""
    later = "; a wildcard covers what comes later too" if wild else ""
    held = sum(row.waiver is not None for row in rows)
    too = f", {number(held)} under a waiver already" if held else ""
    told = f" would cover {count} of {number(total)} open findings now{too}{later}{names}{more}"
    return line(Span(told, "warn" if wild or not rows else "text"))
