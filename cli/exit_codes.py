"""Exit codes of one-shot commands."""

from __future__ import annotations

from collections.abc import Iterable

from checks.model.state import BLIND, GREEN, State

HELD = 0
"""All pass, warn or waived (``--strict``: pass)."""
FAILS = 1
"""Something fails."""
USAGE = 2
"""Usage or configuration."""
BLIND_CODE = 3
"""Nothing fails, but something is unknown, stale or pending."""
OWN_FAULT = 4
"""Our own fault."""


def exit_code(states: Iterable[State], *, strict: bool = False) -> int:
    """Tell the exit code of several states."""
    seen = set(states)
    if State.FAIL in seen:
        return FAILS
    if not seen or seen & BLIND:
        return BLIND_CODE
    if strict and seen - {State.PASS}:
        return FAILS
    assert seen <= GREEN | {State.WAIVED}
    return HELD
