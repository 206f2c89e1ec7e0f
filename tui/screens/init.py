"""The guided start: what was found, each source tested as it is added, and one commented file written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget

from tui.keys import INIT, Key, bindings
from tui.lines import Line, Span, crop, line
from tui.screens.form import Fault, Field, Form, Values, needed
from tui.screens.page import Page
from tui.setup import (
    KIND,
    Asked,
    Draft,
    Entry,
    Kind,
    Proposed,
    Setup,
    SetupFault,
    Trial,
    done,
    free_name,
    listed,
    name_fault,
    preview,
    reached,
    reference_fault,
    told,
)
from tui.widgets.board import Board, Content
from tui.work import start

NOT_HERE = frozenset({"overview", "sources", "history", "events", "waivers", "command", "travel", "last", "zone"})
"""Actions of the app that need an engine."""
WIDE = 120
"""From this width on the selected source is told beside the list."""
TYPED = " typed"
"""After the key of a secret setting: the field into which the secret itself is typed."""


class InitScreen(Page):
    """A list of sources, found and added, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(INIT)
    KEYS: ClassVar[tuple[Key, ...]] = INIT
    FOOTER: ClassVar[tuple[str, ...]] = (
        "init.add",
        "init.again",
        "init.drop",
        "init.preview",
        "init.write",
        "app.quit",
    )

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._kinds: Mapping[str, Kind] = {kind.kind: kind for kind in setup.kinds()}
        self._entries: dict[str, Entry] = {}
        self._looking = True
        self._shows_file = False
        self.commands: Sequence[str] = ()
        """What to do next; empty until the file is written."""
        self._list = Board(self._list_content, id="sources")
        self._detail = Board(self._detail_content, id="source", selects=False)
        super().__init__()

    def shared_keys(self) -> list[Key]:
        """Leave out the keys that need an engine."""
        return [key for key in super().shared_keys() if not _needs_engine(key)]

    def takes_key(self, typed: events.Key) -> bool:
        """Say why a key that needs an engine does nothing."""
        meant = [key for key in super().shared_keys() if _needs_engine(key) and typed.key in key.keys.split(",")]
        if meant:
            self.say(f"{meant[0].label}: no engine runs here, finish init first", "dim")
        return bool(meant)

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ init"

    def body(self) -> Sequence[Widget]:
        """Give the list and the detail."""
        return [Container(self._list, self._detail, id="waived")]

    def _top_lines(self, width: int) -> list[Line]:
        """Say what this is, in the place of an engine's pulse."""
        title = line(
            Span(" controlwatch ▸ ", "dim"), Span("init", "strong"), Span(f"  writes {self._setup.path}", "dim")
        )
        promise = " sources are tested as they are added; the file only refers to secrets"
        return [crop(title, width), crop(line(Span(promise, "dim")), width)]

    def on_mount(self) -> None:
        """Look for sources."""
        self._list.focus()
        start(self, self._find, group="find")

    def lay_out(self, width: int, height: int) -> None:
        """Put the detail beside the list, or below it."""
        self.set_class(width >= WIDE, "wide")
        self.set_class(height < 16, "short")
        self._list.styles.height = "1fr" if width >= WIDE or height < 16 else max(5, (height - 3) // 2)

    async def _find(self) -> None:
        for found in await self._setup.find():
            name = free_name(found.name, list(self._entries))
            self._entries[name] = Entry(name=name, kind=found.kind, basis=found.basis, values=found.values)
        self._looking = False
        self._show()
        if self._entries and (self._list.key or KIND).startswith(KIND):
            self._list.select(next(iter(self._entries)))

    def _show(self) -> None:
        self._list.redraw()
        self._detail.redraw()

    def _list_content(self, width: int) -> Content:
        return listed(self._entries, list(self._kinds.values()), width, looking=self._looking)

    def _detail_content(self, width: int) -> Content:
        if self.commands:
            return done(self._setup.path, self.commands, width, self.home.keymap)
        if self._shows_file:
            return preview(self._setup.text(self._drafts), self._setup.path)
        return told(self._entry, self._kind, self._checks(), width, self.home.keymap)

    def _checks(self) -> Sequence[Proposed]:
        return self._setup.proposed([draft for draft, _ in self._drafts.values()])

    @property
    def _drafts(self) -> Mapping[str, tuple[Draft, Trial | None]]:
        return {key: (each.draft, each.tested) for key, each in self._entries.items() if each.draft is not None}

    @property
    def _entry(self) -> Entry | None:
        return self._entries.get(self._list.key or "")

    @property
    def _kind(self) -> Kind | None:
        entry = self._entry
        return self._kinds.get(entry.kind if entry is not None else (self._list.key or "").removeprefix(KIND))

    def on_board_moved(self) -> None:
        """Tell about another row."""
        if self._shows_file and self._list.has_focus:
            self._shows_file = False
            self.remove_class("told")
        self._detail.redraw()

    def on_board_opened(self) -> None:
        """Add what is selected."""
        self.action_add()

    def action_add(self) -> None:
        """Ask for the settings of what is selected, filled with what was found."""
        kind, entry = self._kind, self._entry
        if kind is None or self.commands:
            return
        name = entry.name if entry is not None else free_name(kind.kind.replace("_", "-"), list(self._entries))
        values = (entry.draft.values if entry.draft is not None else entry.values) if entry is not None else {}
        form = Form(f"{kind.title}", _fields(kind, name, values, [each for each in self._entries if each != name]))
        self.fill(form, lambda typed: self._added(kind, entry, typed))

    def _added(self, kind: Kind, entry: Entry | None, typed: Values) -> None:
        start(self, partial(self._add, kind, entry, typed), group="add")

    async def _add(self, kind: Kind, entry: Entry | None, typed: Values) -> None:
        """Keep what secrets were typed, then add the source and test it."""
        name = typed["name"]
        values = {asked.key: typed[asked.key] for asked in kind.asked if typed[asked.key]}
        try:
            for asked in kind.asked:
                secret = typed.get(asked.key + TYPED, "")
                if secret:
                    values[asked.key] = await self._setup.keep(_secret_name(kind, asked, name), secret)
        except SetupFault as fault:
            self.say(str(fault), "fail")
            return
        basis = entry.basis if entry is not None else "typed"
        made = Entry(name=name, kind=kind.kind, basis=basis, values=values)
        old = entry.name if entry is not None else name
        self._entries[old] = replace(made, draft=Draft(name=name, kind=kind.kind, values=values))
        self._entries = {each.name: each for each in self._entries.values()}
        self._show()
        self._list.select(name)
        await self._test(name)

    async def _test(self, name: str) -> None:
        entry = self._entries[name]
        if entry.draft is None:
            return
        self._entries[name] = replace(entry, testing=True, tested=None)
        self._show()
        tested = await self._setup.test(entry.draft)
        now = self._entries.get(name)
        if now is not None and now.draft is entry.draft:
            self._entries[name] = replace(now, testing=False, tested=tested)
        self._show()

    def action_again(self) -> None:
        """Test the selected source again."""
        if self._entry is not None and self._entry.draft is not None:
            start(self, partial(self._test, self._entry.name), group="test")

    def action_drop(self) -> None:
        """Leave the selected source out of the file."""
        entry = self._entry
        if entry is not None and not self.commands:
            self._entries[entry.name] = replace(entry, draft=None, tested=None, testing=False)
            self._show()

    def action_preview(self) -> None:
        """Show the file as it would be written, or the selected source again."""
        self._shows_file = not self._shows_file
        self.set_class(self._shows_file, "told")
        (self._detail if self._shows_file else self._list).focus()
        self._detail.redraw()

    def action_write(self) -> None:
        """Write the file; where a source tells nothing, ask first."""
        if self.commands:
            return
        added = [entry for entry in self._entries.values() if entry.draft is not None]
        silent = [entry.name for entry in added if not reached(entry)]
        if not added:
            self.say(f"nothing is added yet: {self.home.keymap.named('move.open')} on a row adds it", "warn")
        elif silent:
            self.ask(f"{', '.join(silent)} told nothing: blind until it does. Write the file?", self._start)
        else:
            self._start()

    def _start(self) -> None:
        start(self, self._write, group="write", exclusive=True)

    async def _write(self) -> None:
        try:
            self.commands = await self._setup.write(self._drafts)
        except SetupFault as fault:
            self.say(str(fault), "fail")
            return
        self._shows_file = False
        self.add_class("told")
        self._detail.focus()
        self._show()

    def close_prompt(self) -> bool:
        """Close the preview; False when it is not open."""
        was = self._shows_file
        if was:
            self.action_preview()
        return was


def _needs_engine(key: Key) -> bool:
    return key.action.removeprefix("app.").partition("(")[0] in NOT_HERE


def _secret_name(kind: Kind, asked: Asked, name: str) -> str:
    """Name a secret of the keyring: after the source, and its setting where it has several."""
    several = sum(each.secret for each in kind.asked) > 1
    return f"{name}-{asked.key.replace('_', '-')}" if several else name


def _fields(kind: Kind, name: str, values: Mapping[str, str], taken: Sequence[str]) -> list[Field]:
    """Ask for a name, for each setting, and for each secret a second way: typed, into the keyring."""
    hint = "of the source, yours to choose: a label of its metrics"
    fields = [Field(name="name", label="Name", value=name, hint=hint, fault=lambda value, _: name_fault(value, taken))]
    for asked in kind.asked:
        fields.append(
            Field(
                name=asked.key,
                label=asked.label,
                value=values.get(asked.key, ""),
                hint=f"{asked.hint}{': env:NAME, file:PATH or keyring:NAME' if asked.secret else ''}",
                fault=_fault(asked),
            )
        )
        if asked.secret:
            kept = "goes straight to the system's keyring, never to a file; empty: the reference above is used"
            fields.append(Field(name=asked.key + TYPED, label="  or type it", hint=kept, secret=True))
    return fields


def _fault(asked: Asked) -> Fault:
    """Say what a setting must be."""
    if asked.secret:
        return partial(_secret_fault, asked)
    return needed(asked.hint or "it must be there") if asked.needed else lambda _value, _values: ""


def _secret_fault(asked: Asked, value: str, values: Values) -> str:
    return reference_fault(value, values.get(asked.key + TYPED, ""), needed=asked.needed)
