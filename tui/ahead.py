"""What a row is about to run into: backup ages against their RPO, and when attestations, TLS and waivers end; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from engine.port import WaiverView
from engine.port.timeline import DAY
from tui.deadlines import SOON, Aged, End, axis, backups, expiries, waiver_ends
from tui.format import age, fit, moment
from tui.lines import BLANK, Line, Span, line, rule
from tui.model import FAMILIES, Model
from tui.plots import bar, distance, left
from tui.scene import Scene

_HORIZONS = tuple(days * DAY for days in (30, 90, 180, 365, 730))
_TOLD = 38
"""Cells right of a bar or an axis."""


def ahead(
    model: Model, drawn: Scene, key: str | None, height: int, waivers: Sequence[WaiverView] | None = ()
) -> list[Line]:
    """Fill the plots' place with what is ahead of a row's family; ``waivers``: None where they are not known."""
    family, _, name = (key or "").partition("/")
    items = [item for item in model.family(family) if name in {"", item.view.name}]
    aged = backups(model, items) if family == "backup" else []
    dates = expiries(model) if family == "certification" else []
    dates += waiver_ends(model, {item.view.name for item in items}, waivers or ())
    dates.sort(key=lambda each: each.at)
    rows = [*_backups(model, drawn, aged), *([BLANK] if aged and dates else []), *_expiries(model, drawn, dates)]
    if not rows:
        title = rule(line(Span("Ahead", "strong")), line(Span(_back(model), "dim")), drawn.width + 1, "faint")
        none = ", and no waiver ends" if waivers is not None else ""
        told = f"  nothing of {FAMILIES.get(family, 'this')} has an age or an end{none}"
        rows = [title, line(Span(told, "dim"))]
    if waivers is None:
        rows.insert(1, line(Span("  ! waivers are not fetched: when they end is not known", "warn")))
    if len(rows) > height:
        rows = [*rows[: height - 1], line(Span(f"  … {len(rows) - height + 1} more", "dim"))]
    return [*rows, *[BLANK] * (height - len(rows))]


def _back(model: Model) -> str:
    return f"{model.keymap.named('history.ahead')} coverage again"


def _backups(model: Model, drawn: Scene, found: Sequence[Aged]) -> list[Line]:
    """Draw ages on a common scale of twice the RPO, which is the mark in the middle; those nearest to it first."""
    if not found:
        return []
    title = line(Span("Backup age against RPO ", "strong"), Span(f"{len(found)} sets", "dim"))
    lines = [rule(title, line(Span(f"│ is the RPO · {_back(model)}", "dim")), drawn.width + 1, "faint")]
    width = max(8, drawn.width - drawn.name_width - _TOLD)
    for each in found:
        is_late = each.left <= timedelta(0)
        lines.append(
            line(
                Span(" " + fit(each.name, drawn.name_width)),
                Span(" "),
                *bar(each.share / 2, width, 0.5, each.role),
                Span(f" {age(each.old):>4} of {age(each.rpo):<4}", "strong" if each.share > 1.0 else "text"),
                Span(
                    f" LATE {age(-each.left)}" if is_late else f" due in {age(each.left)}",
                    "bold.fail" if is_late else "dim",
                ),
            )
        )
    return lines


def _expiries(model: Model, drawn: Scene, found: Sequence[End]) -> list[Line]:
    """Draw what ends on an axis, the nearest first; ``?`` where nobody can vouch for the date."""
    if not found:
        return []
    furthest = max(each.at for each in found) - model.now
    horizon = next((each for each in _HORIZONS if furthest < each), _HORIZONS[-1])
    width = max(8, drawn.width - drawn.name_width - _TOLD)
    title = line(Span("Ends next ", "strong"), Span(f"{len(found)} until {moment(found[-1].at, model.now)}", "dim"))
    lines = [rule(title, line(Span(_back(model), "dim")), drawn.width + 1, "faint")]
    lines.append(line(Span(" " * (drawn.name_width + 2)), Span(axis(horizon.days, width), "dim")))
    for each in found:
        span = each.at - model.now
        role = "fail" if span <= timedelta(0) else "warn" if span < SOON else "focus"
        look = {"fail": "bold.fail", "warn": "strong"}.get(role, "dim") if each.is_sure else "dim"
        lines.append(
            line(
                Span(" " + fit(each.name, drawn.name_width), "text" if each.is_sure else "dim"),
                Span(" "),
                *distance(max(timedelta(0), span), horizon, width, role, is_sure=each.is_sure),
                Span(f" {left(span):>9}", look),
                Span(f" {each.what:<11}", "dim"),
                Span(f" {moment(each.at, model.now)}", "dim"),
            )
        )
    return lines
