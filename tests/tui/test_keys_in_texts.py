"""Texts name keys as a person has mapped them: on no screen is there a letter that does something no longer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec
import pytest

from engine.port import EventQuery
from tests.support.clock import NOW
from tests.support.estates import CannedPort, all_pass, empty, many_rows, mixed
from tests.support.pasts import DAY, some_waivers
from tests.support.screens import LARGE, SMALL, Shown, shown
from tui.ahead import ahead
from tui.attention import next_step, selection, worst_first
from tui.difference import difference
from tui.eventlog import held_back, kind_chips, nothing
from tui.family import nothing_found
from tui.keymap import Keymap, normal_key, screen_keys
from tui.keymap import shown as written
from tui.lines import Line, line, plain
from tui.model import build
from tui.outages import outages
from tui.period import named
from tui.scene import scene
from tui.setup import done
from tui.sources import table
from tui.waiver_page import not_rejectable, todo, told
from tui.waivers import listed
from tui.widgets.board import Content
from tui.yesterday import changed

IDS: Final = sorted({key.id for keys in screen_keys().values() for key in keys})
SIGNS: Final = [each for each in map(chr, range(0x400, 0x500)) if written(normal_key(each) or "") == each]
"""Letters that no text of ours has, and that are keys."""
OTHER: Final = Keymap({each: normal_key(sign) or "" for each, sign in zip(IDS, SIGNS, strict=False)})
"""Every key is another one."""
LETTER: Final = re.compile(
    r"(?<![\w.\u2019'/–+-])(?:[b-zA-HJ-Z](?= [a-z]{2,}|\))|(?:esc|tab) [a-z]+s\b|see \?|↵ [a-z])", re.MULTILINE
)
"""What names a key as it comes: a letter before a verb, or in brackets."""
MODEL: Final = build(mixed(), None, NOW, NOW, OTHER)
BARE: Final = build(empty(), None, NOW, NOW, OTHER)
DRAWN: Final = scene(MODEL, {}, named("30d", NOW), NOW, 100)
WAIVERS: Final = some_waivers()
PAUSED: Final = build(
    msgspec.structs.replace(
        mixed(), checks=[msgspec.structs.replace(each, paused_until=NOW + DAY) for each in mixed().checks]
    ),
    None,
    NOW,
    NOW,
    OTHER,
)
SILENT: Final = build(
    msgspec.structs.replace(
        all_pass(), sources=[msgspec.structs.replace(each, last_error="503") for each in all_pass().sources]
    ),
    None,
    NOW,
    NOW,
    OTHER,
)


def panel(content: Content) -> list[Line]:
    """Give the lines of a panel."""
    return [content.title, content.note, *content.empty, *content.foot, *(each for _, each in content.rows)]


def group() -> str:
    """Name the row of the checks that are blind for one reason."""
    return next(key for key, _ in worst_first(MODEL, 120).rows if key.startswith("source:"))


TEXTS: Final[dict[str, tuple[Sequence[Line], Sequence[str]]]] = {
    "ahead": (ahead(MODEL, DRAWN, "mfa", 8), ["history.ahead"]),
    "ahead, backups": (ahead(MODEL, DRAWN, "backup", 8, WAIVERS), ["history.ahead"]),
    "no check": (panel(worst_first(BARE, 120)), ["go.help"]),
    "no answer": (panel(worst_first(SILENT, 120)), ["go.sources"]),
    "a blind source": (selection(MODEL, group()), ["do.run"]),
    "a check": (selection(MODEL, "admin-mfa"), ["do.runbook"]),
    "a paused check": ([line(next_step(PAUSED.items[0], OTHER))], ["do.pause"]),
    "no day": (difference(DRAWN, None, 4, OTHER), ["history.later"]),
    "a day": (difference(scene(MODEL, {}, named("30d", NOW), NOW, 100), 3, 4, OTHER), []),
    "events held back": (held_back(3, 1, OTHER), ["events.pause"]),
    "kinds of events": ([kind_chips([], OTHER)], ["events.kinds"]),
    "no event": ([nothing(EventQuery(what="aws"), "x", OTHER)], ["go.back", "events.kinds", "events.all"]),
    "an empty family": ([nothing_found([], NOW, OTHER)], ["go.help"]),
    "sources that do not tell": (outages(SILENT.items, SILENT, 160, 1), ["go.sources"]),
    "no source": (panel(table(BARE, 100)), ["go.help"]),
    "yesterday": (panel(changed(MODEL, None, 80)), ["move.open"]),
    "a source to add": (panel(done("x.toml", (), 60, OTHER)), ["app.quit"]),
    "no waiver": (panel(listed([], "", MODEL, 100)), ["waiver.request"]),
    "no waiver that matches": (panel(listed(WAIVERS, "nope", MODEL, 100)), ["go.back"]),
    "a waiver's log": (panel(told(WAIVERS[0], MODEL, 100, by="kim", log=True)), ["waiver.log"]),
}


def letters(text: str) -> list[str]:
    """Give what names a key as it comes, with what is around it."""
    return [text[max(0, each.start() - 20) : each.end() + 20] for each in LETTER.finditer(text)]


def lacking(text: str, ids: Sequence[str]) -> list[str]:
    """Give the keys that a text should name and does not."""
    return [each for each in ids if OTHER.named(each) not in text]


def test_every_key_can_be_another_one() -> None:
    """There are letters enough for what follows."""
    assert len(SIGNS) >= len(IDS)
    assert OTHER.named("do.run") == SIGNS[IDS.index("do.run")]


@pytest.mark.parametrize(("lines", "ids"), TEXTS.values(), ids=TEXTS)
def test_a_text_names_the_key_as_it_is_mapped(lines: Sequence[Line], ids: Sequence[str]) -> None:
    """No key that does nothing any more is offered, and the one that does it is."""
    text = "\n".join(map(plain, lines))

    assert (letters(text), lacking(text, ids)) == ([], [])


@pytest.mark.parametrize("by", ["kim", WAIVERS[0].requested_by])
def test_what_to_do_about_a_waiver_names_keys_as_they_are_mapped(by: str) -> None:
    """Whatever its status."""
    every = [each for one in WAIVERS for each in (todo(one, NOW, by, OTHER), not_rejectable(one, NOW, by, OTHER))]

    assert letters("\n".join(every)) == []


async def acted(stage: Shown, *actions: str) -> str:
    """Do what keys would do, and give the screen after each."""
    seen = []
    for action in actions:
        scope, _, name = action.rpartition(":")
        await stage.app.run_action(name, stage.app if scope else stage.app.screen)
        await stage.settle()
        seen.append(stage.text)
    return "\n".join(seen)


WALKS: Final[dict[str, tuple[str, ...]]] = {
    "overview": ("changed", "app:interrupt"),
    "family": (
        "panel(1)",
        "view",
        "view",
        "view",
        "view",
        "sort",
        "cancel",
        "columns",
        "cancel",
        "pause_check",
        "cancel",
    ),
    "sources": ("app:sources", "waive"),
    "history": ("app:history", "difference", "difference", "ahead"),
    "events": ("app:events", "hold"),
    "waivers": ("app:waivers", "log", "extend"),
    "command": ("app:command",),
    "help": ("app:help",),
}


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "160x48"])
@pytest.mark.parametrize("actions", WALKS.values(), ids=WALKS)
async def test_a_screen_names_keys_as_they_are_mapped(actions: Sequence[str], size: tuple[int, int]) -> None:
    """Header, lists, empty lists, sheets and footer."""
    async with shown(port=CannedPort(mixed(), many_rows(100)), size=size, keymap=OTHER) as stage:
        text = stage.text + await acted(stage, *actions)

    assert letters(text) == []


async def test_a_finding_names_keys_as_they_are_mapped() -> None:
    """Its page beside the list, and alone; and a list that is filtered to nothing."""
    async with shown(port=CannedPort(mixed(), many_rows(100)), size=LARGE, keymap=OTHER) as stage:
        text = await acted(stage, "panel(1)", "panel(1)", "alike", "open_here", "raw", "ack")
        await acted(stage, "cancel", "app:climb(1)")
        stage.app.page.narrow("nobody")  # type: ignore[union-attr]  # there is one
        await stage.settle()
        text += stage.text

    assert letters(text) == []
    assert lacking(text, ["go.back", "finding.similar"]) == []
