"""Which screens this build has: each is a module of its own, found by its name."""

from __future__ import annotations

from importlib import import_module

from tui.place import Place
from tui.screens.page import Page


def screen_of(place: Place) -> type[Page] | None:
    """Find the class of a place's screen; None where this build has none."""
    name = f"tui.screens.{place.screen}"
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == name]
    return next((each for each in own if issubclass(each, Page)), None)
