"""What a row is about to run into: backup ages against their RPO, and when attestations, TLS and waivers end; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.port import Deadline, WaiverView
from engine.port.timeline import DAY
from tui.format import age, clean, fit, moment
from tui.lines import BLANK, Line, Span, line, rule
from tui.model import FAMILIES, Model
from tui.plots import bar, distance, left
from tui.scene import Scene

_EXPIRES = {"tls_not_after": "TLS", "attestation_until": "attestation"}
_SOON = 14 * DAY
_HORIZONS = tuple(days * DAY for days in (30, 90, 180, 365, 730))
_TOLD = 38
"""Cells right of a bar or an axis."""


@dataclass(frozen=True, slots=True)
class _End:
    """Something that ends."""

    name: str
    what: str
    at: datetime


def ahead(model: Model, drawn: Scene, key: str | None, height: int, waivers: Sequence[WaiverView] = ()) -> list[Line]:
    """Fill the plots' place with what is ahead of a row's family."""
    family, _, name = (key or "").partition("/")
    checks = {item.view.name for item in model.family(family) if name in {"", item.view.name}}
    deadlines = [each for item in model.family(family) if item.view.name in checks for each in item.view.deadlines]
    backups = [each for each in deadlines if each.what == "backup_newest"] if family == "backup" else []
    ends = _ends(model, family, checks, waivers)
    rows = [*_backups(model, drawn, backups), *([BLANK] if backups and ends else []), *_expiries(model, drawn, ends)]
    if not rows:
        title = rule(line(Span("Ahead", "strong")), line(Span("v coverage again", "dim")), drawn.width + 1, "faint")
        told = f"  nothing of {FAMILIES.get(family, 'this')} has an age or an end, and no waiver ends"
        rows = [title, line(Span(told, "dim"))]
    if len(rows) > height:
        rows = [*rows[: height - 1], line(Span(f"  … {len(rows) - height + 1} more", "dim"))]
    return [*rows, *[BLANK] * (height - len(rows))]


def _backups(model: Model, drawn: Scene, found: Sequence[Deadline]) -> list[Line]:
    """Draw ages on a common scale of twice the RPO, which is the mark in the middle; those nearest to it first."""
    if not found:
        return []
    title = line(Span("Backup age against RPO ", "strong"), Span(f"{len(found)} sets", "dim"))
    lines = [rule(title, line(Span("│ is the RPO · v coverage again", "dim")), drawn.width + 1, "faint")]
    width = max(8, drawn.width - drawn.name_width - _TOLD)
    for each in sorted(found, key=lambda each: -_share(each, model.now)):
        share = _share(each, model.now)
        role = "fail" if model.now >= each.at else "warn" if share > 1.0 else "focus"
        rpo = timedelta(seconds=each.rpo_seconds)
        late = model.now - each.at
        told = f"LATE {age(late)}" if late >= timedelta(0) else f"due in {age(-late)}"
        lines.append(
            line(
                Span(" " + fit(_named(model, each.source, each.id), drawn.name_width)),
                Span(" "),
                *bar(share / 2, width, 0.5, role),
                Span(f" {age(_old(each, model.now)):>4} of {age(rpo):<4}", "strong" if share > 1.0 else "text"),
                Span(f" {told}", "bold.fail" if late >= timedelta(0) else "dim"),
            )
        )
    return lines


def _old(each: Deadline, now: datetime) -> timedelta:
    return now - each.at + timedelta(seconds=each.rpo_seconds + each.grace_seconds)


def _share(each: Deadline, now: datetime) -> float:
    return _old(each, now).total_seconds() / each.rpo_seconds if each.rpo_seconds else 0.0


def _ends(model: Model, family: str, checks: set[str], waivers: Sequence[WaiverView]) -> list[_End]:
    """Give what ends, the nearest first; what a waiver covers comes back when that ends."""
    times = model.snapshot.times if model.snapshot is not None and family == "certification" else ()
    found = [
        _End(_named(model, each.source, each.id, each.name), _EXPIRES[each.what], each.at)
        for each in times
        if each.what in _EXPIRES
    ]
    found += [
        _End(clean(each.id, 60), "waiver", each.ends)
        for each in waivers
        if each.check in checks and each.status in {"active", "future"} and each.ends is not None
    ]
    return sorted(found, key=lambda each: each.at)


def _expiries(model: Model, drawn: Scene, found: Sequence[_End]) -> list[Line]:
    if not found:
        return []
    furthest = max(each.at for each in found) - model.now
    horizon = next((each for each in _HORIZONS if furthest < each), _HORIZONS[-1])
    width = max(8, drawn.width - drawn.name_width - _TOLD)
    title = line(Span("Ends next ", "strong"), Span(f"{len(found)} until {moment(found[-1].at, model.now)}", "dim"))
    lines = [rule(title, line(Span("v coverage again", "dim")), drawn.width + 1, "faint")]
    lines.append(line(Span(" " * (drawn.name_width + 2)), Span(_axis(horizon, width), "dim")))
    for each in found:
        span = each.at - model.now
        role = "fail" if span <= timedelta(0) else "warn" if span < _SOON else "focus"
        look = {"fail": "bold.fail", "warn": "strong"}.get(role, "dim")
        lines.append(
            line(
                Span(" " + fit(each.name, drawn.name_width)),
                Span(" "),
                *distance(max(timedelta(0), span), horizon, width, role),
                Span(f" {left(span):>9}", look),
                Span(f" {each.what:<11}", "dim"),
                Span(f" {moment(each.at, model.now)}", "dim"),
            )
        )
    return lines


def _axis(horizon: timedelta, width: int) -> str:
    """Label an axis at each third."""
    cells = [" "] * width
    for share in range(3):
        label = "now" if share == 0 else f"{horizon.days * share // 3}d"
        place = share * width // 3
        cells[place : place + len(label)] = label
    return "".join(cells)[:width]


def _named(model: Model, source: str, key: str, name: str = "") -> str:
    """Name a target or set as its configuration does."""
    view = model.source(source)
    told = name or (view.labels.get(key, key) if view is not None else key)
    return clean(told.rpartition("@")[2] or told, 60).removesuffix(":443")
