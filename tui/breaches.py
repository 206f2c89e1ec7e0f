"""The breaches of a period: when, how long, of which check, whose, which waiver, found by which evidence; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from checks.model.state import State
from engine.port import WaiverView
from engine.port.timeline import Breach, Timeline
from tui.calendar import state_role
from tui.format import age, age2, clean, fit, fitting, in_zone, number, zone_mark
from tui.lines import Line, Span, line, rule
from tui.scene import Scene
from tui.status import GLYPHS
from tui.widgets.board import Content

_FIXED = 25
"""Cells of start and length."""
_UNTIL = 15
"""Cells of the end, with its arrow."""
_LONG = 7
"""Cells of the length."""
_OWNER, _WAIVER, _EVIDENCE = 12, 13, 9


def breach_list(
    drawn: Scene, key: str | None, width: int, waivers: Sequence[WaiverView] | None = (), selected: str | None = None
) -> Content:
    """List the breaches of a row, the latest first; ``waivers``: None where they are not known."""
    found = drawn.breaches(key) if key is not None else []
    closed = [breach.end - breach.start for breach in found if breach.end is not None]
    mean = f"mean {age2(sum(closed, timedelta(0)) / len(closed))}" if closed else ""
    rows = [(f"{index}", _breach(breach, drawn, width - 1, waivers)) for index, breach in enumerate(found)]
    return Content(
        title=line(Span("Breaches", "strong"), Span(f" {len(found)}" if found else "", "text")),
        note=line(Span(mean, "dim")),
        head=[_headings(drawn, width - 1)] if found else (),
        rows=rows,
        empty=[line(_clear(drawn.of(key) if key is not None else ()))],
        foot=_told(drawn, found, selected, width, waivers),
    )


def _clear(lines: Sequence[Timeline]) -> Span:
    """Say what it means that there is no breach: where nobody could tell, nothing."""
    blind = sum(not each.known for each in lines)
    if not lines:
        return Span("  nothing told yet", "dim")
    if not blind:
        return Span("  ✔ no breach in what is covered", "dim")
    unknown = "nothing was conclusive" if blind == len(lines) else f"{blind} of {len(lines)} checks knew nothing"
    return Span(f"  ? no breach is known; {unknown}", "blind")


def _told(
    drawn: Scene, found: Sequence[Breach], selected: str | None, width: int, waivers: Sequence[WaiverView] | None
) -> list[Line]:
    """Tell everything about the selected breach, or the latest."""
    if not found:
        return []
    place = int(selected) if selected is not None and selected.isdigit() else 0
    one = found[min(place, len(found) - 1)]
    until = one.end or drawn.horizon
    team = next((item.view.team for item in drawn.items if item.view.name == one.check), "")
    unseen = f", {age2(one.unseen)} of it in gaps" if one.unseen else ""
    digest = one.evidence[0] if one.evidence else "not kept"
    facts = (
        ("check", clean(one.check), "text"),
        ("owner", clean(team) or "no owner", "text" if team else "warn"),
        ("failing", f"{number(one.failed)} at most{unseen}", "text"),
        ("waiver", "waivers are not fetched" if waivers is None else clean(waiver_of(one, until, waivers)), "waived"),
        ("evidence", digest, "dim"),
    )
    return [
        rule(line(Span("Breach", "dim")), (), width, "faint"),
        *(line(Span(f" {fit(name, 9)}", "dim"), Span(text, role)) for name, text, role in facts),
    ]


def waiver_of(breach: Breach, until: datetime, waivers: Sequence[WaiverView]) -> str:
    """Name the waivers of the check that were in force during a breach; it was not waived for all of it."""
    names = [
        each.id
        for each in waivers
        if each.check == breach.check
        and each.status in {"active", "expired", "revoked"}
        and (each.approved_by or each.emergency)
        and each.starts is not None
        and each.ends is not None
        and each.starts < until
        and each.ends > breach.start
    ]
    return names[0] + (f" +{len(names) - 1}" if len(names) > 1 else "") if names else "–"


def _has_until(width: int) -> bool:
    """Tell whether there is room for the end; start and length say it too, and neither is ever cut."""
    return width >= _FIXED + _UNTIL - 2  # Nothing need stand right of the length.


def _columns(width: int) -> tuple[int, int, int, int]:
    """Share what is right of the length: check, owner, waiver, evidence; 0 is not shown."""
    room = width - _FIXED - (_UNTIL if _has_until(width) else 0)
    found = []
    for size in (_OWNER, _WAIVER, _EVIDENCE):
        fits = room - size - 1 >= 12
        found.append(size if fits else 0)
        room -= size + 1 if fits else 0
    return (max(0, room - 1), *found)  # type: ignore[return-value]  # there are three of them


def _headings(drawn: Scene, width: int) -> Line:
    check, owner, waiver, evidence = _columns(width)
    zone = zone_mark(drawn.period.until)
    until = ["   ", fit("Until", _UNTIL - 3)] if _has_until(width) else []
    cells = [fit(f" From {zone}", 13), *until, "   ", fit("Long", _LONG, right=True)]
    named = ((check, "Check"), (owner, "Owner"), (waiver, "Waiver"), (evidence, "Evidence"))
    cells += [" " + fit(name, size) for size, name in named if size >= 4]
    return line(Span("".join(cells), "dim"))


def _breach(breach: Breach, drawn: Scene, width: int, waivers: Sequence[WaiverView] | None) -> Line:
    until = breach.end or drawn.horizon
    start = ("≤" if breach.is_older else " ") + f"{in_zone(breach.start, drawn.zone):%d %b %H:%M}"
    end = f"{in_zone(breach.end, drawn.zone):%d %b %H:%M}" if breach.end else "not over"
    glyph, role = (
        ("✖", "fail") if breach.end is None else (("·", "dim") if breach.ended is None else _ended(breach.ended))
    )
    check, owner, waiver, evidence = _columns(width)
    team = next((item.view.team for item in drawn.items if item.view.name == breach.check), "")
    digest = breach.evidence[0].removeprefix("sha256:")[:8] if breach.evidence else "–"
    rest = (
        (check, clean(breach.check), "text"),
        (owner, clean(team) or "no owner", "text" if team else "warn"),
        (waiver, "?" if waivers is None else clean(waiver_of(breach, until, waivers)), "waived"),
        (evidence, digest, "dim"),
    )
    ended = (Span(" → ", "dim"), Span(fit(end, _UNTIL - 3), "text" if breach.end else "bold.fail"))
    long = fitting(_LONG, age2(until - breach.start), age(until - breach.start))
    return (
        Span(start, "text"),
        *(ended if _has_until(width) else ()),
        Span(f" {glyph} ", role),
        Span(fit(long, _LONG, right=True), "strong"),
        *(Span(" " + fit(text, size), look) for size, text, look in rest if size >= 4),
    )


def _ended(state: State) -> tuple[str, str]:
    return GLYPHS[state], state_role(state)
