"""Asking for an evidence pack: where to, of what; the engine makes it, and nobody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path

from engine.port import PackQuery
from tui.format import clean
from tui.lines import Line, Span, line
from tui.pack import put, target_fault, told_of
from tui.period import Period
from tui.screens.form import Field, Form, Values
from tui.screens.page import Page
from tui.work import Answered, report, tell

PACK = "pack"
_ALL, _ONE = "all checks", "this check"


def pack_form(on: Page, period: Period, told: Callable[[str], None]) -> None:
    """Ask where an evidence pack of a period goes, and make it; ``told`` takes what becomes of it."""
    last = (period.until - timedelta(microseconds=1)).astimezone(UTC)
    name = f"controlwatch-evidence-{period.since.astimezone(UTC):%Y-%m-%d}-{last:%Y-%m-%d}.zip"
    check = on.check_here()
    fields = [
        Field(
            name="to",
            label="Write to",
            value=str(Path.cwd() / name),
            hint="a name that ends in .zip, or a new folder; 0600, and never over what is there",
            fault=lambda value, _values: target_fault(value),
        ),
        *([Field(name="of", label="Of", choices=(_ALL, _ONE), hint=clean(check, 60))] if check else []),
    ]

    def asked(values: Values, answered: Answered) -> None:
        checks = (check,) if values.get("of") == _ONE else ()
        query = PackQuery(since=period.since.astimezone(UTC), until=period.until.astimezone(UTC), checks=checks)
        work = partial(_make, on, query, values["to"], told, answered)
        if on.home.errands.begin(PACK, f"the evidence pack {values['to']}", work):
            told("… the evidence pack is made")
        else:
            report(on.app, f"✖ another is being made: {on.home.errands.said(PACK)}", "fail", answered)

    on.request(Form(f"Evidence pack, {period.title}", fields, about=_about), asked)


def _about(_values: Values, _width: int) -> list[Line]:
    told = " Days, turns, gaps, breaches, waivers, policy, manifests and the chain: JSON, CSV, SHA256SUMS"
    return [line(Span(told, "dim"))]


async def _make(on: Page, query: PackQuery, target: str, told: Callable[[str], None], answered: Answered) -> None:
    """Make a pack and put it in its place; what became of it is told on whichever screen is on top by then."""
    app = on.app
    try:
        pack = await on.home.port.pack(query)
        said = await asyncio.to_thread(put, pack, target)
    except (OSError, TimeoutError) as error:
        told("")
        report(app, f"✖ no evidence pack: {told_of(error)}", "fail", answered)
        return
    told(f"✔ {said}")
    _ = answered("", "pass")
    tell(app, f"✔ {said}", "pass" if pack.holds else "fail")
