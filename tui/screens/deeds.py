"""What asks something of the engine from any screen: run, pause, resume, acknowledge, accept; what is missing is asked.

Every one of them is done by a key on what is selected, and by the command line on a name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from engine.port import Accept, Command, Port, Run
from tui.actor import actor
from tui.deeds import acks, pause, pause_fault, resume
from tui.model import Model
from tui.screens.form import Field, Form, Values, needed


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

    def fill(self, form: Form, then: Callable[[Values], None]) -> None:
        """Show a form, and go on with what was filled in."""
        ...

    def send(self, *commands: Command) -> None:
        """Send commands and show what became of them."""
        ...


def run_sources(page: Asking, names: Sequence[str]) -> None:
    """Ask sources to run now."""
    if not names:
        page.say("no source is selected", "dim")
        return
    page.send(*(Run(source=name) for name in names))


def run_all(page: Asking) -> None:
    """Ask every source to run now, after a question."""
    page.ask(f"Run all {len(page.model.sources)} sources now?", lambda: page.send(Run()))


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
    page.send(resume(check, actor(), page.model.now))


def pause_check(page: Asking, check: str, reason: str = "", span: str = "") -> None:
    """Pause a check for a while, with a reason."""

    def paused(values: Values) -> None:
        page.send(pause(check, values["reason"], values["for"], actor(), page.model.now))

    if reason and span:
        paused({"reason": reason, "for": span})
    else:
        page.fill(_pause_form(check, span or "4h"), paused)


def acknowledge(page: Asking, findings: Sequence[int], note: str = "") -> None:
    """Acknowledge findings with a note; more than one by the form alone, which asks for their number."""

    def acked(values: Values) -> None:
        page.send(*acks(findings, values["note"], values["ticket"], actor()))

    if not findings:
        page.say("no finding is selected", "dim")
    elif note and len(findings) == 1:
        acked({"note": note, "ticket": ""})
    else:
        page.fill(_ack_form(len(findings), note), acked)


def accept_source(page: Asking, source: str, reason: str = "") -> None:
    """Accept that a source's population shrank."""

    def accepted(values: Values) -> None:
        page.send(Accept(source=source, reason=values["reason"], by=actor()))

    if not source:
        page.say("no source is selected", "dim")
    elif reason:
        accepted({"reason": reason})
    else:
        page.fill(
            Form(f"Accept that {source} tells of fewer subjects than before", [_reason("why is it right?")]), accepted
        )


def _reason(missing: str) -> Field:
    hint = f"kept as evidence with the name {actor()} (claimed)"
    return Field(name="reason", label="Reason", hint=hint, fault=needed(missing))


def _pause_form(check: str, span: str) -> Form:
    length = Field(
        name="for",
        label="For",
        value=span,
        hint="from 1h to 7d; it ends by itself, and p ends it before",
        fault=lambda value, _values: pause_fault(value),
    )
    return Form(f"Pause {check}: BLIND in the ledger, silent in alerts", [_reason("a pause needs a reason"), length])


def _ack_form(count: int, note: str) -> Form:
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
    what = "the finding" if count == 1 else f"{count} findings"
    return Form(f"Acknowledge {what}", [said, ticket, many] if count > 1 else [said, ticket])


async def sent(port: Port, commands: Sequence[Command], say: Callable[[str, str], None]) -> None:
    """Send commands one after the other, and tell of the first that was refused, or how many were done."""
    many = len(commands) > 1
    done, told = 0, ""
    try:
        for command in commands:
            reply = await port.send(command)
            if not reply.ok:
                say(f"✖ {reply.message}" + (f" ({done} of {len(commands)} done)" if many else ""), "fail")
                return
            done, told = done + 1, reply.message
    except (OSError, TimeoutError) as error:
        say(f"not sent: {error}" + (f" ({done} of {len(commands)} done)" if many else ""), "fail")
        return
    say(f"✔ {done} done: {told}" if many else f"✔ {told}", "pass")
