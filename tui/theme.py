"""What each role looks like: our own dark and light themes in Okabe–Ito hues, and one in the terminal's own colours.

Colour only reinforces: shape, word and position carry every status. Hues of the dark theme keep a contrast of at least
4.5 on its background, the light theme has a darker set.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.style import Style
from textual.theme import Theme

DARK = "controlwatch-dark"
LIGHT = "controlwatch-light"
ANSI = "ansi-dark"
"""Textual's theme of the terminal's own sixteen colours; with NO_COLOR it emits none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hues:
    """The colours of one theme, as CSS hex."""

    background: str
    raised: str
    """Behind the cursor's row."""
    text: str
    strong: str
    dim: str
    faint: str
    """Borders and rules."""
    focus: str
    fail: str
    warn: str
    blind: str
    stale: str
    waived: str
    passed: str


HUES: Mapping[str, Hues] = {
    DARK: Hues(
        background="#101418",
        raised="#1e2731",
        text="#c9d1d9",
        strong="#f0f4f8",
        dim="#87919c",
        faint="#333c46",
        focus="#7f9cb8",
        fail="#f0741a",
        warn="#e6a817",
        blind="#d58bb5",
        stale="#f0e442",
        waived="#56b4e9",
        passed="#1fb78c",
    ),
    LIGHT: Hues(
        background="#fbfaf7",
        raised="#e6ebf0",
        text="#2b3138",
        strong="#0b0f14",
        dim="#5d6670",
        faint="#c6ccd2",
        focus="#3d617f",
        fail="#a63d00",
        warn="#7a5200",
        blind="#8a3a68",
        stale="#6b6000",
        waived="#0b5e92",
        passed="#006b4e",
    ),
}

_STATES = {"fail": "fail", "warn": "warn", "blind": "blind", "stale": "stale", "waived": "waived", "pass": "passed"}

_PLAIN = ("text", "strong", "dim", "faint", "focus")
_LIT = frozenset(f"cursor.{role}" for role in _STATES)

Palette = Mapping[str, Style]


def themes() -> list[Theme]:
    """Give our themes for Textual's own widgets (prompt, scrollbar)."""
    return [_theme(name, hues) for name, hues in HUES.items()]


def palette(name: str, *, frozen: bool = False) -> Palette:
    """Give the style of every role; a theme that is not ours uses the terminal's sixteen colours.

    ``frozen``: no status has its colour, since nothing newer than what is shown is known.
    """
    hues = HUES.get(name)
    found = _ansi() if hues is None else _hued(hues)
    if not frozen:
        return found
    return {
        role: found["dim"] if role.removeprefix("bold.") in _STATES else found["cursor.dim"] if role in _LIT else style
        for role, style in found.items()
    }


def after(name: str) -> str:
    """Name the next theme: dark, light, the terminal's own colours."""
    order = (DARK, LIGHT, ANSI)
    return order[(order.index(name) + 1) % len(order)] if name in order else DARK


def _theme(name: str, hues: Hues) -> Theme:
    return Theme(
        name=name,
        primary=hues.focus,
        secondary=hues.waived,
        warning=hues.warn,
        error=hues.fail,
        success=hues.passed,
        accent=hues.focus,
        foreground=hues.text,
        background=hues.background,
        surface=hues.background,
        panel=hues.raised,
        dark=name == DARK,
        variables={
            "scrollbar": hues.faint,
            "scrollbar-hover": hues.dim,
            "scrollbar-active": hues.dim,
            "scrollbar-background": hues.background,
            "scrollbar-background-hover": hues.background,
            "scrollbar-background-active": hues.background,
        },
    )


def _hued(hues: Hues) -> Palette:
    states = {role: getattr(hues, field) for role, field in _STATES.items()}
    lit = {**states, **{role: getattr(hues, role) for role in _PLAIN}}
    return {
        "text": Style(color=hues.text),
        "strong": Style(color=hues.strong, bold=True),
        "dim": Style(color=hues.dim),
        "faint": Style(color=hues.faint),
        "focus": Style(color=hues.focus),
        "key": Style(color=hues.strong),
        "cursor": Style(bgcolor=hues.raised),
        "mark": Style(color=hues.focus, bold=True),
        "chip": Style(color=hues.background, bgcolor=hues.dim, bold=True),
        **{role: Style(color=hue) for role, hue in states.items()},
        **{f"bold.{role}": Style(color=hue, bold=True) for role, hue in states.items()},
        **{f"chip.{role}": Style(color=hues.background, bgcolor=hue, bold=True) for role, hue in states.items()},
        **{f"cursor.{role}": Style(color=hue, bgcolor=hues.raised) for role, hue in lit.items()},
    }


def _ansi() -> Palette:
    states = {
        "fail": "red",
        "warn": "yellow",
        "blind": "magenta",
        "stale": "yellow",
        "waived": "cyan",
        "pass": "green",
    }
    return {
        "text": Style(),
        "strong": Style(bold=True),
        "dim": Style(dim=True),
        "faint": Style(dim=True),
        "focus": Style(bold=True),
        "key": Style(bold=True),
        "cursor": Style(reverse=True),
        "mark": Style(bold=True),
        "chip": Style(reverse=True),
        **{role: Style(color=hue) for role, hue in states.items()},
        **{f"bold.{role}": Style(color=hue, bold=True) for role, hue in states.items()},
        **{f"chip.{role}": Style(color=hue, reverse=True, bold=True) for role, hue in states.items()},
        **{f"cursor.{role}": Style(color=hue, reverse=True) for role, hue in states.items()},
        **{f"cursor.{role}": Style(reverse=True) for role in _PLAIN},
    }
