"""What a source's requests meet is counted where they are made, in an object that the engine lends for all its runs.

Counts only grow. What a provider told of its limits is that of the latest run that was told any; the end of the
credential is forgotten once a complete run was told none.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from checks.model.doubt import Cause

ENDS: Final = "github-authentication-token-expiration"
"""GitHub's header of a token that ends (docs.github.com, "Personal access tokens"; no other provider tells so)."""
_FORM: Final = "%Y-%m-%d %H:%M:%S %z"
"""``UTC`` stands for the offset with most tokens (google/go-github#2649)."""


@dataclass(frozen=True, slots=True)
class Window:
    """What a provider told of one of its limits."""

    remaining: int
    """Requests left."""
    limit: int | None
    """Requests a window; None when not told."""
    reset_at: datetime | None
    """When the window starts anew, UTC; None when not told."""

    @property
    def left(self) -> float:
        """Share that is left; of an unknown whole, all of it unless nothing is left."""
        if self.limit is None or self.limit <= 0:
            return float(self.remaining > 0)
        return self.remaining / self.limit


@dataclass(slots=True)
class Traffic:
    """One source's requests since the engine started."""

    requests: int = 0
    """Answers, those to retries included."""
    failures: dict[Cause, int] = field(default_factory=dict)
    """Attempts that failed, those that a retry mended included."""
    throttled: int = 0
    """Answers by which the provider asked us to wait."""
    throttle_seconds: float = 0.0
    """Time in which any request was held back for the provider's limit."""
    credential_ends: datetime | None = None
    """When the credential ends, UTC; None when not told."""
    _windows: dict[tuple[str, str], Window] = field(default_factory=dict)
    _old: bool = True
    """Whether the windows are those of an earlier run."""
    _ends_told: bool = False
    """Whether this run was told the end of the credential."""
    _held: int = 0
    _held_since: float = 0.0

    def begin(self) -> None:
        """Begin a run."""
        self._old, self._ends_told = True, False

    def end(self, *, complete: bool) -> None:
        """End a run; after a complete one that was told no end, the credential is one that has none."""
        if complete and not self._ends_told:
            self.credential_ends = None

    def forget(self) -> None:
        """Let go of what was told under another configuration; the counts stay."""
        self._windows.clear()
        self.credential_ends = None

    def fail(self, cause: Cause) -> None:
        """Count an attempt that failed."""
        self.failures[cause] = self.failures.get(cause, 0) + 1

    def hear(self, headers: Mapping[str, str]) -> None:
        """Count an answer, and read when its credential ends."""
        self.requests += 1
        ends = ends_at(headers.get(ENDS))
        if ends is not None:
            self.credential_ends, self._ends_told = ends, True

    def learn(self, provider: str, bucket: str, window: Window) -> None:
        """Note what a provider told of one of its limits; the first of a run replaces those of earlier ones."""
        if self._old:
            self._windows.clear()
            self._old = False
        self._windows[provider, bucket] = window

    def hold(self, at: float) -> None:
        """Begin to hold a request back, at a monotonic instant; several at once are one time."""
        if self._held == 0:
            self._held_since = at
        self._held += 1

    def let_go(self, at: float) -> None:
        """End what ``hold`` began."""
        self._held -= 1
        if self._held == 0:
            self.throttle_seconds += max(0.0, at - self._held_since)

    @property
    def scarcest(self) -> Window | None:
        """The limit of which the least share is left; None when none was told."""
        return min(self._windows.values(), key=lambda window: (window.left, window.remaining), default=None)


def ends_at(text: str | None) -> datetime | None:
    """Read ``2027-10-12 09:00:00 UTC`` or ``2027-10-12 11:00:00 +0200``; None when it is neither."""
    with suppress(ValueError, OverflowError):
        return datetime.strptime((text or "").strip().replace("UTC", "+0000"), _FORM).astimezone(UTC)
    return None
