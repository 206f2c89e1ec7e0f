"""The command refuses to start when one of its packages was loaded from elsewhere: it handles credentials."""

from __future__ import annotations

import importlib.util
from pathlib import Path

PACKAGES = ("checks", "sources", "engine", "tui", "cli", "demo")


def shadowed(packages: tuple[str, ...] = PACKAGES) -> str | None:
    """Name the first package that does not stand beside this one; None when all do."""
    home = Path(__file__).resolve().parent.parent
    for name in packages:
        found = importlib.util.find_spec(name)
        where = Path(found.origin).resolve().parent if found is not None and found.origin is not None else None
        if where != home / name:
            told = f"would be loaded from {where}" if where is not None else "is missing"
            return f"the package {name!r} {told}, not from {home}; install it in an environment of its own (pipx)"
    return None
