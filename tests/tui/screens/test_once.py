"""When a screen is painted."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from rich.console import RenderableType
from textual.geometry import Region
from textual.screen import Screen

import tui
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_pass, many_rows, mixed
from tui.app import ControlwatchApp
from tui.screens.page import Page


class Painting(ControlwatchApp):
    """Remembers which screens were painted, in order."""

    CSS_PATH = str(Path(tui.__file__).with_name("tui.tcss"))

    def __init__(self, port: CannedPort) -> None:
        super().__init__(port, glyphs="unicode", clock=lambda: NOW)
        self.painted: list[type[Screen[object]]] = []

    def _display(self, screen: Screen[object], renderable: RenderableType | None) -> None:
        if renderable is not None:
            self.painted.append(type(screen))
        super()._display(screen, renderable)


async def test_what_was_hidden_is_drawn_anew_when_it_is_shown() -> None:
    """A panel that was hidden while its checks changed tells of the change, though its size is that of before."""
    port = CannedPort(mixed(), many_rows(30))
    app = Painting(port)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.1)
        assert "✖ FAIL" in _panels(app)
        await pilot.press("d")
        await pilot.pause(0.1)
        port.now_shown = msgspec.structs.replace(all_pass(), seq=2)
        app.poll()
        await pilot.press("d")
        await pilot.pause(0.1)
        assert "✔ PASS" in _panels(app)
        assert "✖ FAIL" not in _panels(app)


def _panels(app: ControlwatchApp) -> str:
    return "\n".join(_text(app).splitlines()[7:-4])


def _text(app: ControlwatchApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def test_a_screen_that_goes_does_not_lay_out_the_one_below(monkeypatch: pytest.MonkeyPatch) -> None:
    """Textual has all of it laid out and painted again when the screen is removed at last."""
    app = Painting(CannedPort(mixed(), many_rows(30)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("R")
        await pilot.pause(0.1)
        page = app.stack.page
        assert page is not None
        assert app.screen is not page
        asked: list[bool] = []
        kept = page.refresh

        def refresh(*regions: Region, layout: bool = False, **more: bool) -> Page:
            asked.append(layout)
            return kept(*regions, layout=layout, **more)

        monkeypatch.setattr(page, "refresh", refresh)
        await pilot.press("n")
        await pilot.pause(0.1)
        assert app.screen is page
        assert asked
        assert not any(asked)
