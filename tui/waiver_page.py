"""Everything about one waiver: who, what for, until when, what it covers, what became of it; pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from checks.model.state import Tally, settle
from engine.port import Event, Row, WaiverView
from engine.port.people import same_person
from tui.findings import pair
from tui.format import age, clean, full, moment, number, percent
from tui.keymap import PLAIN, Keymap
from tui.lines import BLANK, Line, Span, line, rule
from tui.model import WORD_OF, Item, Model
from tui.status import row_word, word_cell
from tui.waivers import ENDED, Status, ordered, reopened, status, status_cell
from tui.widgets.board import Content

_MOST_ROWS = 12
_WHEN = 16
_IN_FORCE = {
    Status.REQUESTED: "requested, not in force",
    Status.MALFORMED: "malformed, waives nothing",
    Status.EXPIRING: "in force, ends soon",
    Status.ACTIVE: "in force",
    Status.FUTURE: "not yet in force",
    Status.EXPIRED: "ended, waives nothing",
    Status.REVOKED: "revoked, waives nothing",
    Status.REJECTED: "never in force",
}


@dataclass(frozen=True, slots=True)
class Beside:
    """What was looked up about a waiver."""

    rows: Sequence[Row] = ()
    """Some of the findings that it names now."""
    whole: bool = True
    """Whether those are all that were looked for."""
    log: Sequence[Event] = ()
    """What became of it, newest first, as far back as events are kept."""


def told(
    waiver: WaiverView | None, model: Model, width: int, *, by: str, beside: Beside | None = None, log: bool = False
) -> Content:
    """Tell everything about one waiver, and what ``by`` can do about it; or, with ``log``, what became of it alone."""
    if waiver is None:
        return Content(title=line(Span("Waiver", "strong")), empty=[line(Span("  nothing selected", "dim"))])
    found = status(waiver, model.now)
    title = line(status_cell(found, len(found) + 3), Span(clean(waiver.id) or "–", "strong"))
    do = pair("do", todo(waiver, model.now, by, model.keymap), width, "strong")
    lines = [] if log else [*do, *page(waiver, model, width)]
    if beside is not None:
        lines += [*([BLANK] if lines else []), *_rows(waiver, beside, model, width)]
        lines += [BLANK, *history(waiver, beside.log, model.now, width)]
    return Content(
        title=title,
        note=line(Span(f"{model.keymap.named('waiver.log')} everything" if log else _IN_FORCE[found], "dim")),
        rows=[(str(index), each) for index, each in enumerate(lines)],
    )


def page(waiver: WaiverView, model: Model, width: int) -> list[Line]:
    """Write everything about a waiver."""
    lines: list[Line] = pair("fault", clean(waiver.fault), width, "blind") if waiver.fault else []
    lines += pair("reason", clean(waiver.reason), width)
    control = clean(waiver.compensating_control)
    lines += pair("instead", control or "no compensating control is named", width, "text" if control else "warn")
    lines += pair("impact", impact(waiver, model.check(waiver.check), model.now), width)
    lines += _people(waiver, width)
    lines += pair("holds", _holds(waiver, model.now), width)
    return [*lines, *pair("scope", _whole_scope(waiver, model), width)]


def _rows(waiver: WaiverView, beside: Beside, model: Model, width: int) -> list[Line]:
    """List the findings that it names now."""
    ended = status(waiver, model.now) in ENDED
    more = "" if beside.whole else ", the first of them"
    what = "Open again" if ended and reopened(waiver, model.now) else "Findings that it names now"
    lines = [rule(line(Span(f"{what} {number(len(beside.rows))}{more}", "strong")), (), width, "faint")]
    if not beside.rows:
        told_ = "what a source does not tell is counted, not listed" if waiver.cause else "none is open"
        return [*lines, line(Span(f"  {told_}", "dim"))]
    lines += [
        line(Span(" "), word_cell(row_word(row)), Span(f" {clean(row.label, 60)}"), _apart(row, waiver))
        for row in beside.rows[:_MOST_ROWS]
    ]
    if len(beside.rows) > _MOST_ROWS:
        lists = f"{model.keymap.named('move.open')} lists them"
        lines.append(line(Span(f"  … {number(len(beside.rows) - _MOST_ROWS)} more: {lists}", "dim")))
    return lines


def _apart(row: Row, waiver: WaiverView) -> Span:
    """Name the other waiver under which a finding is."""
    other = row.waiver is not None and row.waiver != waiver.id
    return Span(f"  also {clean(row.waiver or '', 30)}" if other else "", "dim")


def history(waiver: WaiverView, log: Sequence[Event], now: datetime, width: int) -> list[Line]:
    """Write what became of it: events, newest first, then what its entry says by itself."""
    lines = [rule(line(Span("Log ", "strong"), Span("append-only in the chain", "dim")), (), width, "faint")]
    for event in log:
        text = clean(event.text).removeprefix(f"{waiver.check}: ")
        lines += pair(moment(event.at, now), text, width, margin=_WHEN)
    if not log:
        lines.append(line(Span("  no event is kept; the entry in the file says:", "dim")))
        lines += pair("starts", full(waiver.starts, now), width)
        lines += pair("by", f"{clean(waiver.requested_by)} (claimed)", width) if waiver.requested_by else []
    if waiver.revoked_by or waiver.revoked_reason:
        who = clean(waiver.revoked_by) or "nobody named"
        lines += pair("ended by", f"{who}: {clean(waiver.revoked_reason)}", width)
    if waiver.extends:
        lines += pair("extends", clean(waiver.extends), width)
    if waiver.entry:
        lines += pair("entry", clean(waiver.entry), width, "dim")
    return lines


def _people(waiver: WaiverView, width: int) -> list[Line]:
    ticket = f", ticket {clean(waiver.ticket)}" if waiver.ticket else ""
    ticket += ", waits for a vendor" if waiver.vendor else ""
    ticket += f", extends {clean(waiver.extends)}" if waiver.extends else ""
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


def _whole_scope(waiver: WaiverView, model: Model) -> str:
    item = model.check(waiver.check)
    owner = f" (owner: {item.view.team or 'nobody'})" if item is not None else ""
    if waiver.cause or waiver.source:
        cause = waiver.cause.replace("_", " ")
        told_ = f"{waiver.check}{owner}, what {waiver.source} does not tell ({cause}); it is then waived, never pass"
        return clean(told_)
    return clean(f"{waiver.check}{owner}: {', '.join(waiver.subjects) or 'no subject is named'}", 2_000)


def impact(waiver: WaiverView, item: Item | None, now: datetime) -> str:
    """Say how many of its check's findings it covers, which of them it alone, and what is with and without it."""
    if item is None:
        return f"no configured check {clean(waiver.check) or 'is named'}: it covers nothing"
    tally = item.view.standing.tally
    if status(waiver, now) in ENDED:
        count = reopened(waiver, now)
        return f"none any more; {number(count)} that it named are open again" if count else "none any more"
    would = "would cover" if waiver.status in {"requested", "future"} else "covers"
    if waiver.status == "malformed":
        would = "would cover, were it well-formed,"
    if tally is None:
        return f"{would} {number(waiver.covers)} open findings; the check was not judged yet"
    shared = waiver.covers - waiver.alone
    too = f", {number(shared)} of them under another waiver too" if shared > 0 else ""
    return f"{would} {number(waiver.covers)} of {number(tally.failed + tally.unknown)} open{too}; {_net(waiver, item)}"


def _net(waiver: WaiverView, item: Item) -> str:
    """Compare what is with it and without; waived is never passed, so the bare share that passes is told beside."""
    tally = item.view.tally
    with_it, without = _pair(waiver, tally)
    standing = item.view.standing
    states = [
        WORD_OF[settle(each, standing.threshold, allow_empty=standing.allow_empty)].value for each in (with_it, without)
    ]
    same = states[0] == states[1]
    becomes = f"{states[0]} with it and without" if same else f"{states[0]} with it, {states[1]} without"
    whole = tally.population + (tally.missing or 0)
    if not whole or tally.missing is None:
        return f"{becomes}; no coverage is known"
    net = [each.passed + each.waived + each.waived_unknown for each in (with_it, without)]
    shares = [percent(min(1.0, each / whole)) for each in net]
    return f"{becomes}; net of waivers {shares[0]} with it, {shares[1]} without, {percent(tally.passed / whole)} pass"


def _pair(waiver: WaiverView, tally: Tally) -> tuple[Tally, Tally]:
    """Give the counts with a waiver in force and without; what another covers too stays covered."""
    live = waiver.status == "active"
    if waiver.cause:
        count = min(waiver.alone, tally.waived_unknown if live else tally.unknown - tally.waived_unknown)
        other = msgspec.structs.replace(tally, waived_unknown=tally.waived_unknown + (-count if live else count))
    else:
        count = min(waiver.alone, tally.waived if live else tally.failed - tally.waived)
        undue = min(tally.undue, tally.failed - tally.waived - (0 if live else count))
        other = msgspec.structs.replace(tally, waived=tally.waived + (-count if live else count), undue=max(0, undue))
    return (tally, other) if live else (other, tally)


def todo(waiver: WaiverView, now: datetime, by: str, keymap: Keymap = PLAIN) -> str:
    """Say what can be done next, by whom."""
    found = status(waiver, now)
    names = ("waiver.approve", "waiver.reject", "waiver.extend", "waiver.revoke")
    approve, reject, extend, revoke = map(keymap.named, names)
    if found is Status.REQUESTED:
        mine = not_approvable(waiver, now, by)
        decide = f"{approve} approves it, in your name · {reject} rejects it"
        return f"{mine} · {revoke} takes it back" if mine else decide
    if found is Status.EXPIRED and not waiver.approved_by and not waiver.emergency:
        return f"it ended without approval; {extend} asks for it again"
    return {
        Status.MALFORMED: "mend it in the waiver file; until then it waives nothing",
        Status.EXPIRING: f"{extend} asks for it to go on, or mend what it covers · {revoke} ends it now",
        Status.ACTIVE: f"{extend} asks for it to go on · {revoke} ends it now",
        Status.FUTURE: f"{revoke} takes it back",
        Status.EXPIRED: f"what it covered is open again; {extend} asks for it to go on",
        Status.REVOKED: f"what it covered is open again; {extend} asks for it anew",
        Status.REJECTED: f"nothing was ever waived; {extend} asks again",
    }[found]


def not_approvable(waiver: WaiverView, now: datetime, by: str) -> str:
    """Say why ``by`` cannot approve it, and what to do; empty when he can."""
    found = status(waiver, now)
    if found is not Status.REQUESTED:
        return f"{clean(waiver.id)} is {found.casefold()}: only a request can be approved"
    if same_person(waiver.requested_by, by):
        return f"your own request: another person than {clean(by)} approves it"
    return ""


def not_rejectable(waiver: WaiverView, now: datetime, by: str, keymap: Keymap = PLAIN) -> str:
    """Say why ``by`` cannot reject it, and what to do; empty when he can."""
    found, key = status(waiver, now), keymap.named("waiver.revoke")
    if found is not Status.REQUESTED:
        only = "only a request can be rejected"
        return f"{clean(waiver.id)} is {found.casefold()}: {only}, {key} revokes what is in force"
    if same_person(waiver.requested_by, by):
        return f"your own request: {key} takes it back, another person than {clean(by)} rejects it"
    return ""


def not_extendable(waiver: WaiverView, now: datetime) -> str:
    """Say why nobody can ask for it to go on; empty when one can."""
    found = status(waiver, now)
    if found in {Status.MALFORMED, Status.REQUESTED}:
        return f"{clean(waiver.id)} is {found.casefold()}: there is nothing to go on with"
    return ""


def nameable(waivers: Sequence[WaiverView], now: datetime, by: str) -> dict[str, list[str]]:
    """Give by what ``by`` can do the ids of the waivers with which he can; what waits for somebody first."""
    refusals: Mapping[str, Callable[[WaiverView], str]] = {
        "approve": lambda each: not_approvable(each, now, by),
        "reject": lambda each: not_rejectable(each, now, by),
        "revoke": lambda each: not_revocable(each, now),
        "extend": lambda each: not_extendable(each, now),
    }
    known = [each for _, each in ordered(waivers, "", now) if each.id]
    return {what: [each.id for each in known if not why(each)] for what, why in refusals.items()}


def not_revocable(waiver: WaiverView, now: datetime) -> str:
    """Say why it cannot be revoked; empty when it can."""
    found = status(waiver, now)
    if found in {Status.MALFORMED, *ENDED}:
        return f"{clean(waiver.id)} is {found.casefold()}: it waives nothing, there is nothing to end"
    return ""
