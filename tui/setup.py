"""What the guided ``init`` shows: what was found, what each source was tested to tell, and the file; pure.

What finds, tests and writes is behind ``Setup``, which the command line implements. No secret is ever in these
structures: a value of a secret setting is a reference to one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from checks.model.doubt import Cause
from tui.findings import pair
from tui.format import clean, fit
from tui.keymap import PLAIN, Keymap
from tui.lines import BLANK, Line, Span, line
from tui.widgets.board import Content

REFERENCE = re.compile(r"(keyring|env|file):\S.*")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
KIND = "kind:"
"""Prefix of the key of a row that adds another source of a kind."""


class SetupFault(OSError):
    """Something could not be kept or written; the message says why and what to do next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One setting of a kind of source, as a person is asked for it."""

    key: str
    label: str
    hint: str = ""
    secret: bool = False
    """It is a reference to a secret: ``env:NAME``, ``file:PATH`` or ``keyring:NAME``."""
    needed: bool = True
    listed: bool = False
    """Several values, by comma."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of source that can be added."""

    kind: str
    title: str
    asked: Sequence[Asked]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A source that the machine suggests."""

    name: str
    kind: str
    basis: str
    """Where it was found, as ``environment: OKTA_ORG_URL, OKTA_API_TOKEN``."""
    values: Mapping[str, str]
    """By key; of secrets the references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A source as it will be written."""

    name: str
    kind: str
    values: Mapping[str, str]


SILENT = frozenset({Cause.UNREACHABLE, Cause.THROTTLED, Cause.BUSY})
"""Nobody answered, or only to say later: nothing was refused."""
DENIALS = frozenset({None, Cause.DENIED, Cause.UNLICENSED, Cause.FEDERATED})
"""Somebody said no; so it is taken where a source does not say why."""
MARK_CELLS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """One thing that was tried."""

    asked: str
    ok: bool | None
    """None: it could not be tried."""
    detail: str = ""
    costs: Sequence[str] = ()
    """Facts that are unknown without it."""
    cause: Cause | None = None
    """Why it was not granted, where that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What became of the test of a draft."""

    probes: Sequence[Probed] = ()
    faults: Sequence[str] = ()
    """What is wrong with its settings, so that nothing was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """A check over the sources of the drafts."""

    name: str
    check: str
    title: str
    sources: Sequence[str]


class Setup(Protocol):
    """What finds, tests and writes."""

    @property
    def path(self) -> str:
        """The file that is written."""
        ...

    def kinds(self) -> Sequence[Kind]:
        """Give the kinds of sources that can be added."""
        ...

    def proposed(self, drafts: Sequence[Draft]) -> Sequence[Proposed]:
        """Propose the checks that the drafts' records allow."""
        ...

    def text(self, drafts: Mapping[str, tuple[Draft, Trial | None]]) -> str:
        """Write the file's text, commented with what each test said."""
        ...

    async def find(self) -> Sequence[Found]:
        """Look for what may be sources; never raises, never reads a secret."""
        ...

    async def keep(self, name: str, secret: str) -> str:
        """Keep a secret in the system's keyring, and give its reference; raises ``SetupFault``."""
        ...

    async def test(self, draft: Draft) -> Trial:
        """Try reach and permissions of a draft."""
        ...

    async def write(self, drafts: Mapping[str, tuple[Draft, Trial | None]]) -> Sequence[str]:
        """Write the file where there is none, and give the next commands; raises ``SetupFault``."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the list: found, or added."""

    name: str
    kind: str
    basis: str = ""
    values: Mapping[str, str]
    draft: Draft | None = None
    testing: bool = False
    tested: Trial | None = None


def mark(entry: Entry) -> tuple[str, str, str]:
    """Give glyph, word and role of an entry."""
    if entry.draft is None:
        return "+", "FOUND", "dim"
    if entry.testing or entry.tested is None:
        return "…", "TESTING", "warn"
    if entry.tested.faults:
        return "✖", "NOT VALID", "fail"
    told = [probe.ok for probe in entry.tested.probes]
    if told and all(told):
        return "✔", "REACHED", "pass"
    return ("▲", "PARTLY", "warn") if True in told else _nothing(entry.tested.probes)


def _nothing(probes: Sequence[Probed]) -> tuple[str, str, str]:
    """Say why nothing was granted: nobody answered, somebody said no, or it was not tried."""
    causes = {probe.cause for probe in probes}
    if causes & SILENT:
        return "✖", "UNREACHABLE", "fail"
    if all(probe.ok is None for probe in probes):
        return "?", "NOT TRIED", "blind"
    return "✖", "REFUSED" if causes & DENIALS else "FAILED", "fail"


def reached(entry: Entry) -> bool:
    """Tell whether a source told anything."""
    return mark(entry)[1] in {"REACHED", "PARTLY"}


def listed(entries: Mapping[str, Entry], kinds: Sequence[Kind], width: int, *, looking: bool) -> Content:
    """List what was found and added, and below it the kinds of which another can be added."""
    rows = [(key, _row(entry, width - 1)) for key, entry in entries.items()]
    rows += [(KIND + kind.kind, _kind_row(kind, width - 1)) for kind in kinds]
    added = sum(entry.draft is not None for entry in entries.values())
    note = "looking …" if looking else f"{len(entries)} found or added, {added} in the file"
    return Content(
        title=line(Span("Sources", "strong")),
        note=line(Span(note, "dim")),
        head=[line(Span(f" {fit('', MARK_CELLS)}{fit('Source', 18)} {fit('Kind', 9)} Where it was found", "dim"))],
        rows=rows,
    )


def _row(entry: Entry, width: int) -> Line:
    glyph, word, role = mark(entry)
    return (
        Span(fit(f"{glyph} {word}", MARK_CELLS), _bold(role)),
        Span(fit(clean(entry.name), 18), "strong" if entry.draft is not None else "text"),
        Span(" " + fit(clean(entry.kind), 9), "dim"),
        Span(" " + fit(clean(entry.basis), max(0, width - 29 - MARK_CELLS)), "dim"),
    )


def _bold(role: str) -> str:
    return role if role == "dim" else f"bold.{role}"


def _kind_row(kind: Kind, width: int) -> Line:
    return (Span(fit("  add …", MARK_CELLS), "dim"), Span(fit(kind.title, max(0, width - MARK_CELLS)), "dim"))


def told(
    entry: Entry | None, kind: Kind | None, checks: Sequence[Proposed], width: int, keymap: Keymap = PLAIN
) -> Content:
    """Tell everything about the selected row."""
    if kind is None:
        return Content(title=line(Span("Source", "strong")), empty=[line(Span("  nothing was found yet", "dim"))])
    if entry is None:
        lines = [line(Span(f"  {keymap.named('move.open')} asks for:", "dim"))]
        lines += [each for asked in kind.asked for each in pair(asked.label, asked.hint, width, "dim", 16)]
        return _content(line(Span(kind.title, "strong")), "", lines)
    glyph, word, role = mark(entry)
    lines = _settings(kind, entry.draft.values if entry.draft is not None else entry.values, width)
    lines += [BLANK, *_results(entry, width, keymap)]
    for check in checks if entry.draft is not None else ():
        if entry.name in check.sources:
            lines += pair("check", f"{check.name}: {check.title}", width)
    return _content(line(Span(f"{glyph} ", _bold(role)), Span(clean(entry.name), "strong")), word, lines)


def _content(title: Line, note: str, lines: Sequence[Line]) -> Content:
    rows = [(str(index), each) for index, each in enumerate(lines)]
    return Content(title=title, note=line(Span(note, "dim")), rows=rows)


def _settings(kind: Kind, values: Mapping[str, str], width: int) -> list[Line]:
    lines: list[Line] = []
    for asked in kind.asked:
        value = clean(values.get(asked.key, ""), 1_000)
        if value or asked.needed:
            role = "text" if value else "dim"
            lines += pair(asked.label, value or f"– {asked.hint}", width, role, 16)
    return lines


def _results(entry: Entry, width: int, keymap: Keymap) -> list[Line]:
    if entry.draft is None:
        adds = f"  {keymap.named('move.open')} adds it, after you have looked at what was found; it is then tested"
        return [line(Span(adds, "dim"))]
    if entry.testing or entry.tested is None:
        return [line(Span("  … it is being tested", "warn"))]
    lines = [each for fault in entry.tested.faults for each in pair("✖", clean(fault), width, "fail", 3)]
    for probe in entry.tested.probes:
        glyph, role = {True: ("✔", "pass"), False: ("✖", "fail"), None: ("?", "blind")}[probe.ok]
        detail = f": {clean(probe.detail)}" if probe.detail else ""
        lines += pair(glyph, f"{clean(probe.asked)}{detail}", width, "text" if probe.ok else role, 3)
        if probe.costs and probe.ok is not True:
            lines += pair("", f"unknown without it: {clean(', '.join(probe.costs), 1_000)}", width, "dim", 3)
    return lines


def preview(text: str, path: str) -> Content:
    """Show the file as it would be written."""
    lines = [
        line(Span(f" {clean(each, 2_000)}", "dim" if each.startswith("#") else "text")) for each in text.splitlines()
    ]
    return _content(line(Span(clean(path), "strong")), "as it would be written", lines)


def done(path: str, commands: Sequence[str], width: int, keymap: Keymap = PLAIN) -> Content:
    """Say that the file is there, and what comes next."""
    lines = [line(Span(f" ✔ {clean(path)} is written.", "pass")), BLANK, line(Span(" Next:", "strong"))]
    for command in commands:
        lines += pair("", command, width, "text", 2)
    lines += [BLANK, line(Span(f" {keymap.named('app.quit')} leaves this screen.", "dim"))]
    return _content(line(Span("Done", "strong")), "", lines)


def name_fault(name: str, taken: Sequence[str]) -> str:
    """Say what is wrong with a source's name."""
    if not NAME.fullmatch(name):
        return "lower-case letters, digits and hyphens, at most 63"
    return f"there is a source {name} already" if name in taken else ""


def reference_fault(value: str, typed: str, *, needed: bool) -> str:
    """Say what is wrong with a reference to a secret; where one is typed, none is needed."""
    if REFERENCE.fullmatch(value) or (typed and not value) or not (value or needed):
        return ""
    return "env:NAME, file:PATH or keyring:NAME; or leave it empty and type the secret below"


def free_name(wanted: str, taken: Sequence[str]) -> str:
    """Give a name that no other source has."""
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, 1_000)))
    return next(name for name in names if name not in taken)
