"""Asking for a period by its first and its last day, as of an audit; whole days of the reader's zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tui.format import zone_mark
from tui.period import NoPeriod, Period, asked
from tui.screens.form import Field, Form, Values
from tui.screens.page import Page


def period_form(on: Page, first: datetime, last: datetime, then: Callable[[Period], None]) -> None:
    """Ask for a period, and go on with it."""
    zone = on.model.now.tzinfo
    hint = "UTC" if not on.model.now.utcoffset() else f"of your zone, {zone_mark(on.model.now)}"
    form = Form(
        "Audit period",
        [
            Field(name="first", label="First day", value=f"{first:%Y-%m-%d}", hint=hint, fault=_day_fault),
            Field(name="last", label="Last day", value=f"{last:%Y-%m-%d}", hint="may be ahead", fault=_last_fault),
        ],
    )
    on.fill(form, lambda values: then(asked(f"{values['first']} {values['last']}", zone)))


def _day_fault(value: str, _values: Values) -> str:
    try:
        _ = asked(f"{value} {value}")
    except NoPeriod:
        return "a day, as in 2026-10-01"
    return ""


def _last_fault(value: str, values: Values) -> str:
    try:
        _ = asked(f"{values.get('first', value)} {value}")
    except NoPeriod as fault:
        return str(fault)
    return ""
