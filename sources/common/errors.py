"""Errors of a source are named by who must act.

SourceError
├── Unreachable   time will: the network, the host, a 5xx, our deadline
├── Throttled     time will: the provider asks us to wait longer than our deadline allows
├── Busy          time will: the tool holds a lock
├── Refused       an operator must: wrong credential, missing scope or licence (``cause`` says which)
├── Unconfigured  an operator must: a secret, a binary or a file that the configuration names is not there
│   └── Absent    the same of a place; the engine tells one that was there before as gone, which is ``Unreachable``
└── Malformed     a developer must: the answer has not the shape that we know

A message says the instance, what was asked, what came back and what to do next; never a token, never a body.
"""

from __future__ import annotations

from datetime import datetime

from checks.model.doubt import Cause
from checks.model.units import rfc3339


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


class Absent(Unconfigured):
    """A file, folder or repository that the configuration names is not there, or is something else.

    A source that raises it need not know the past: whoever knows of a complete run under the same configuration tells
    it as ``gone``.
    """

    def __init__(self, found: str, at_first: str, key: str) -> None:
        """Keep what was found, what to do when it never was there, and the configuration's key that names it."""
        super().__init__(f"{found}; {at_first}")
        self._found = found
        self._key = key

    def gone(self, last: datetime) -> Unreachable:
        """Tell it as what went away since the complete run that ended at ``last``, under the same configuration."""
        was = f"the run that ended {rfc3339(last)} found it, under this same configuration"
        return Unreachable(
            f"{self._found}, and {was}; bring it back (is what holds it mounted?), or mend {self._key} if it has moved"
        )


class Malformed(SourceError):
    """The answer does not have the shape that we know; a developer must act."""

    cause = Cause.MALFORMED


class Truncated(SourceError):
    """The answer was cut off: a page cap, a short body, a list that never ends."""

    cause = Cause.TRUNCATED
