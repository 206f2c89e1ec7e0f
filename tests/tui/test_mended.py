"""What is mended of Textual."""

from __future__ import annotations

import gc
import weakref

from textual._styles_cache import StylesCache
from textual.color import Color

from tui.mended import mend


def test_the_cache_of_a_widget_that_is_gone_is_forgotten() -> None:
    """Colours are looked up as before, and nothing holds the cache that asked for them."""
    black, red = Color(0, 0, 0), Color(255, 0, 0)
    before = StylesCache().get_inner_outer(black, red)
    mend()
    mend()
    cache = StylesCache()
    assert cache.get_inner_outer(black, red) == before
    gone = weakref.ref(cache)
    del cache
    gc.collect()
    assert gone() is None
