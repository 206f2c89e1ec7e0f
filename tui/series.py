"""Commands that a person gave in one go: sent one after the other, and told by name what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.port import (
    Accept,
    Ack,
    ApproveWaiver,
    Command,
    NotSent,
    Pause,
    Port,
    RejectWaiver,
    Reload,
    RequestWaiver,
    RevokeWaiver,
    Run,
)
from tui.format import clean, number

NAMED = 60
"""Cells of the name of what a command is about."""


@dataclass(slots=True)
class Series:
    """Commands, how many of them were done, and how the one after those is called."""

    commands: Sequence[Command]
    of: Sequence[str] = ()
    """What each is about, where that says more than the command; else none."""
    done: int = 0

    async def send(self, port: Port) -> tuple[str, str]:
        """Send them up to the first that is not done; give what to say of it all, and the role of that."""
        reply = ""
        try:
            for command in self.commands[self.done :]:
                answer = await port.send(command)
                if not answer.ok:
                    name = f"{self.name}: " if self.of or len(self.commands) > 1 else ""
                    return f"✖ {name}{answer.message}{self._rest()}", "fail"
                self.done, reply = self.done + 1, answer.message
        except NotSent as fault:
            return f"✖ {self.name} was not sent: {fault}{self._rest()}", "fail"
        except (OSError, TimeoutError) as fault:
            return f"✖ no answer to the {self.name}: it may have been done{self._rest()}: {fault}", "fail"
        if len(self.commands) > 1:
            return f"✔ {number(self.done)} done: {reply}", "pass"
        return f"✔ {clean(self.of[0], NAMED)}: {reply}" if self.of else f"✔ {reply}", "pass"

    @property
    def name(self) -> str:
        """Name the command after those that were done: what it does, and to what."""
        at = min(self.done, len(self.commands) - 1)
        return _named(self.commands[at], clean(self.of[at], NAMED) if self.of else "")

    @property
    def asked(self) -> str:
        """Say what is asked, while it is on its way."""
        return f"… asking the engine: {self.name}{self._far()}"

    def left(self) -> str:
        """Say what is not known to be done, while it is on its way."""
        return f"no answer yet to the {self.name}: it may have been done{self._rest()}"

    def _far(self) -> str:
        many = len(self.commands)
        return f" ({number(self.done)} of {number(many)} done)" if many > 1 else ""

    def _rest(self) -> str:
        """Say how many of several were done, and how many never left."""
        if len(self.commands) == 1:
            return ""
        waiting = len(self.commands) - self.done - 1
        unsent = f", {number(waiting)} not sent" if waiting else ""
        return f" ({number(self.done)} of {number(len(self.commands))} done{unsent})"


def _named(command: Command, of: str) -> str:  # noqa: PLR0911 - one a command
    match command:
        case Run(source=source):
            return f"run of {clean(source, NAMED) or 'every source'}"
        case Reload():
            return "reload"
        case Accept(source=source):
            return f"acceptance of {clean(source, NAMED)}"
        case Pause(check=check, reason=reason):
            return f"{'pause' if reason else 'end of the pause'} of {clean(check, NAMED)}"
        case Ack(finding=finding):
            return f"acknowledgement of {of or f'finding {finding}'}"
        case RequestWaiver(check=check):
            return f"request for a waiver of {clean(check, NAMED)}"
        case ApproveWaiver(id=name):
            return f"approval of {clean(name, NAMED)}"
        case RevokeWaiver(id=name):
            return f"revocation of {clean(name, NAMED)}"
        case RejectWaiver(id=name):
            return f"rejection of {clean(name, NAMED)}"
