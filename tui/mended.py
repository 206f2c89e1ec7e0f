"""A fault of Textual that is mended here for as long as it is there."""

from __future__ import annotations

from collections.abc import Callable
from functools import _lru_cache_wrapper, lru_cache
from typing import Any

from textual._styles_cache import StylesCache

_LEAKY = "get_inner_outer"


def mend() -> None:
    """Let widgets that are gone be forgotten; does nothing where Textual does that by itself.

    ``StylesCache.get_inner_outer`` of Textual 8.2 is cached by colours and also by its instance, so that up to 1 024
    caches of widgets that left the screen are held with all that they have drawn: 90 MB after twenty minutes of going
    through the screens (github.com/Textualize/textual/issues/6665).
    """
    leaky = vars(StylesCache).get(_LEAKY)
    if isinstance(leaky, _lru_cache_wrapper):
        by_colors: Callable[..., Any] = lru_cache(1024)(leaky.__wrapped__)
        setattr(StylesCache, _LEAKY, classmethod(by_colors))
