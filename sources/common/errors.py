"""Errors of a source are named by who must act.

SourceError
├── Unreachable   time will: the network, the host, a 5xx, our deadline
├── Throttled     time will: the provider asks us to wait longer than our deadline allows
├── Busy          time will: the tool holds a lock
├── Refused       an operator must: wrong credential, missing scope or licence (``cause`` says which)
├── Unconfigured  an operator must: a secret, a binary or a file that the configuration names is not there
└── Malformed     a developer must: the answer has not the shape that we know

A message says the instance, what was asked, what came back and what to do next; never a token, never a body.
"""

from __future__ import annotations

from checks.model.doubt import Cause


class SourceError(Exception):
    """A source could not tell."""

    cause: Cause = Cause.INTERNAL

    def __init__(self, message: str, *, cause: Cause | None = None) -> None:
        """Keep the message, and a cause that is more precise than the class's own."""
        super().__init__(message)
        if cause is not None:
            self.cause = cause


class Unreachable(SourceError):
    """The provider did not answer; time will mend it."""

    cause = Cause.UNREACHABLE


class Throttled(SourceError):
    """The provider asks us to wait for longer than the run may last."""

    cause = Cause.THROTTLED


class Busy(SourceError):
    """The tool holds a lock; time will mend it."""

    cause = Cause.BUSY


class Refused(SourceError):
    """The provider said no; an operator must act. ``cause`` is ``denied``, ``unlicensed`` or ``federated``."""

    cause = Cause.DENIED


class Unconfigured(SourceError):
    """Something that the configuration names is not there; an operator must act."""

    cause = Cause.NOT_CONFIGURED


class Malformed(SourceError):
    """The answer does not have the shape that we know; a developer must act."""

    cause = Cause.MALFORMED


class Truncated(SourceError):
    """The answer was cut off: a page cap, a short body, a list that never ends."""

    cause = Cause.TRUNCATED
