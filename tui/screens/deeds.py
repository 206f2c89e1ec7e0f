"""What asks something of the engine from any screen: run, pause, resume, acknowledge, accept; what is missing is asked.

Every one of them is done by a key on what is selected, and by the command line on a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.port import Accept, Command, Row, Run
from tui.actor import actor
from tui.deeds import acks, pause, pause_fault, resume
from tui.format import clean, number
from tui.lines import Line, Span, line
from tui.model import Model
from tui.screens.form import Deed, Field, Form, Values, needed
from tui.series import Series
from tui.work import Answered

NAME = 60
"""Characters of the name of a finding."""
TOLD = 3
"""Findings that are named, of several that are acknowledged."""


class Asking(Protocol):
    """What a screen gives to those that ask through it."""

    @property
    def model(self) -> Model:
        """Give what is shown."""
        ...

    def say(self, text: str, role: str = "text") -> None:
        """Show a message for a while."""
        ...

    def ask(self, text: str, then: Callable[[], None]) -> None:
        """Ask before something is done."""
        ...

    def request(self, form: Form, deed: Deed) -> None:
        """Show a form that stays until what is asked with it is answered."""
        ...

    def send(self, *commands: Command, of: Sequence[str] = (), answered: Answered | None = None) -> Series:
        """Send commands and show what became of them; ``of`` names what each is about."""
        ...


def run_sources(page: Asking, names: Sequence[str]) -> None:
    """Ask sources to run now."""
    if not names:
        page.say("no source is selected", "dim")
        return
    _ = page.send(*(Run(source=name) for name in names))


def run_all(page: Asking) -> None:
    """Ask every source to run now, after a question."""
    page.ask(f"Run all {len(page.model.sources)} sources now?", lambda: run_sources(page, [""]))


def pause_or_resume(page: Asking, check: str) -> None:
    """Pause a check, or end its pause."""
    item = page.model.check(check)
    if item is None:
        page.say("no check is selected", "dim")
    elif item.is_paused:
        page.ask(f"Resume {check}?", lambda: resume_check(page, check))
    else:
        pause_check(page, check)


def resume_check(page: Asking, check: str) -> None:
    """End a pause."""
    _ = page.send(resume(check, actor(), page.model.now))


def pause_check(page: Asking, check: str, reason: str = "", span: str = "") -> None:
    """Pause a check for a while, with a reason."""

    def paused(values: Values, answered: Answered | None = None) -> None:
        command = pause(check, values["reason"], values["for"], actor(), page.model.now)
        _ = page.send(command, answered=answered)

    if reason and span:
        paused({"reason": reason, "for": span})
    else:
        page.request(_pause_form(check, span or "4h", page.model.keymap.named("do.pause")), paused)


def acknowledge(page: Asking, rows: Sequence[Row], note: str = "") -> None:
    """Acknowledge findings with a note; more than one by the form alone, which asks for their number.

    Where it went wrong in the middle, what is sent again is what was not done.
    """
    left, sent = list(rows), list[Series]()

    def acked(values: Values, answered: Answered | None = None) -> None:
        if sent:
            del left[: sent.pop().done]
        commands = acks([row.id for row in left], values["note"], values["ticket"], actor())
        sent.append(page.send(*commands, of=[_called(row) for row in left], answered=answered))

    if not rows:
        page.say("no finding is selected", "dim")
    elif note and len(rows) == 1:
        acked({"note": note, "ticket": ""})
    else:
        page.request(_ack_form(rows, note), acked)


def accept_source(page: Asking, source: str, reason: str = "") -> None:
    """Accept that a source's population shrank."""

    def accepted(values: Values, answered: Answered | None = None) -> None:
        _ = page.send(Accept(source=source, reason=values["reason"], by=actor()), answered=answered)

    if not source:
        page.say("no source is selected", "dim")
    elif reason:
        accepted({"reason": reason})
    else:
        page.request(
            Form(f"Accept that {source} tells of fewer subjects than before", [_reason("why is it right?")]), accepted
        )


def _reason(missing: str) -> Field:
    hint = f"kept as evidence with the name {actor()} (claimed)"
    return Field(name="reason", label="Reason", hint=hint, fault=needed(missing))


def _pause_form(check: str, span: str, key: str) -> Form:
    length = Field(
        name="for",
        label="For",
        value=span,
        hint=f"from 1h to 7d; it ends by itself, and {key} ends it before",
        fault=lambda value, _values: pause_fault(value),
    )
    return Form(f"Pause {check}: BLIND in the ledger, silent in alerts", [_reason("a pause needs a reason"), length])


def _called(row: Row) -> str:
    """Name a finding as a person knows it."""
    return clean(row.label or row.subject, NAME)


def _ack_form(rows: Sequence[Row], note: str) -> Form:
    count = len(rows)
    said = Field(
        name="note",
        label="Note",
        value=note,
        hint=f"changes no state; shown with the name {actor()} (claimed)",
        fault=needed("an acknowledgement needs a note"),
    )
    ticket = Field(name="ticket", label="Ticket", hint="optional")
    many = Field(
        name="count",
        label=f"Type {count}",
        hint=f"{count} findings are acknowledged with one note",
        fault=lambda value, _values: "" if value == str(count) else f"type {count}, the number of marked findings",
    )
    what = _called(rows[0]) if count == 1 else f"{count} findings"
    fields = [said, ticket, many] if count > 1 else [said, ticket]
    return Form(f"Acknowledge {what}", fields, about=lambda _values, width: _told(rows, width))


def _told(rows: Sequence[Row], width: int) -> list[Line]:
    """Say which findings are meant: one in full, of several the first few."""
    if len(rows) == 1:
        [row] = rows
        texts = [f"{row.check}: {row.reason}", row.subject]
    else:
        texts = [f"{row.label or row.subject}: {row.reason}" for row in rows[:TOLD]]
        texts += [f"… and {number(len(rows) - TOLD)} more"] if len(rows) > TOLD else []
    return [line(Span(f" {clean(text, max(10, width - 2))}", "dim")) for text in texts]
