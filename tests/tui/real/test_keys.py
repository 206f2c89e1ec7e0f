"""Every key does on every screen what the table says, in a real terminal."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from textual._xterm_parser import XTermParser
from textual.events import Key

import tui.keys
import tui.screens
from tests.support.keyscenes import SCENES
from tests.support.keysteps import Scene
from tests.support.programs import canned
from tests.support.terminal import encoded, kitty
from tests.support.walking import follow, walk
from tui.keymap import screen_keys

PRESSED = sorted({name for keys in screen_keys().values() for key in keys for name in key.keys.split(",")})


@pytest.mark.parametrize("scene", SCENES, ids=[scene.name or scene.screen for scene in SCENES])
def test_every_key_does_what_the_table_says(scene: Scene, tmp_path: Path) -> None:
    """Each name of each key is pressed on its screen, and what must be seen is seen."""
    keys = {key.id: key.keys.split(",") for key in screen_keys()[scene.screen]}
    left = [(name, pressed) for name in scene.steps for pressed in keys[name]]
    last, failed = left[0], list[str]()
    while left:
        with canned(*scene.words, home=tmp_path, size=scene.size, TZ="Asia/Tokyo") as terminal:
            terminal.expect(scene.ready)
            follow(terminal, scene.way)
            terminal.expect(scene.home)
            try:
                while left:
                    last = left.pop(0)
                    walk(terminal, scene.steps[last[0]], partial(terminal.press, last[1]), scene.home)
            except AssertionError as error:
                failed.append(f"{scene.screen}: {last}: {error}")
    assert not failed, "\n\n".join(failed)


def test_the_table_covers_every_key() -> None:
    """A key without a row in the table fails here, and so does a row without a key."""
    told = {
        screen: {name for scene in SCENES if scene.screen == screen for name in scene.steps} for screen in screen_keys()
    }
    assert told == {screen: {key.id for key in keys} for screen, keys in screen_keys().items()}


def test_every_screen_that_has_keys_is_in_the_table() -> None:
    """Keys are found by the classes of screens, so none can be left out of ``tui.keys``."""
    groups = [value for value in vars(tui.keys).values() if isinstance(value, tuple)]
    for found in pkgutil.iter_modules(tui.screens.__path__):
        module = importlib.import_module(f"tui.screens.{found.name}")
        for each in vars(module).values():
            keys = getattr(each, "KEYS", ()) if isinstance(each, type) else ()
            assert not keys or any(keys is group for group in groups), each


@pytest.mark.parametrize("scene", [scene for scene in SCENES if scene.writes], ids=lambda scene: scene.screen)
def test_a_key_that_writes_says_why_it_does_not_while_read_only(scene: Scene, tmp_path: Path) -> None:
    """No footer offers it, and pressing it says that the screen is read-only."""
    with canned("mixed", "300", "unicode", "read-only", home=tmp_path, size=(160, 30)) as terminal:
        terminal.expect(scene.ready)
        follow(terminal, scene.way)
        terminal.expect(scene.home)
        footer = terminal.lines[-1]
        for key in scene.writes:
            assert f" {key.label} " not in footer
            terminal.press(key.keys.partition(",")[0])
            terminal.expect(rf"^ {re.escape(key.label)}: this screen is read-only")


KEYS_TOML = """
[keys]
"go.sources" = "ctrl+g"
"list.filter" = ["ctrl+f", "/"]
"list.sort" = "ctrl+o"
"move.down" = "ctrl+n"
"menu.cancel" = "ctrl+x"
"form.send" = "ctrl+g"
"waiver.request" = "M"
"""


def test_keys_of_the_keys_file_work_and_are_shown(tmp_path: Path) -> None:
    """On pages, lists, menus and forms; the keys that they took the place of do nothing there."""
    (tmp_path / "controlwatch").mkdir()
    (tmp_path / "controlwatch" / "keys.toml").write_text(KEYS_TOML)
    with canned("mixed", "300", "unicode", home=tmp_path, size=(132, 30), XDG_CONFIG_HOME=str(tmp_path)) as terminal:
        terminal.expect("ctrl\\+g sources")
        terminal.press("ctrl+g")
        terminal.expect(r"\A controlwatch ▸ Sources")
        terminal.press("ctrl+n")
        terminal.expect("▌.*dumps")
        terminal.press("0", "1", "1")
        terminal.expect(r"ctrl\+f / filter .*ctrl\+o sort…")
        terminal.press("s", "j", "ctrl+o")
        terminal.expect("Sort by")
        terminal.expect(r"ctrl\+x cancel")
        terminal.press("ctrl+x")
        terminal.expect("ctrl\\+o sort…")
        terminal.press("ctrl+f")
        terminal.expect("status:")
        terminal.press("enter", "M")
        terminal.expect(r"ctrl\+g done")
        terminal.press("ctrl+g")
        terminal.expect("✖ Reason")
        terminal.expect("^▌.*user00036@")


@pytest.mark.parametrize("key", PRESSED)
@pytest.mark.parametrize("protocol", [encoded, kitty], ids=["xterm", "kitty"])
def test_both_protocols_mean_the_same_key(key: str, protocol: Callable[[str], bytes]) -> None:
    """What xterm sends, and what terminals of the kitty protocol send for every key, is read as that key."""
    parser = XTermParser()
    found = [*parser.feed(protocol(key).decode()), *parser.feed("")]
    assert [event.key for event in found if isinstance(event, Key)] == [key]
