"""What an engine has under way; nothing of it survives a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from engine.port import CheckView, Selftest

if TYPE_CHECKING:
    from engine.store import CheckMemory, SourceMemory

SPAN_SECONDS = 300.0
SLOT_SECONDS = 10.0
MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Judging:
    """The attempts to judge one check since the engine started."""

    attempts: int = 0
    failures: int = 0
    """Of them, those that failed inside controlwatch."""
    seconds: float | None = None
    """How long the latest that did not fail took; None before that."""

    def after(self, seconds: float, *, held: bool) -> Judging:
        """Count one more attempt."""
        if held:
            return Judging(self.attempts + 1, self.failures, seconds)
        return Judging(self.attempts + 1, self.failures + 1, self.seconds)


@dataclass(slots=True)
class Worst:
    """The greatest of what was measured in the last five minutes, kept in slots of ten seconds."""

    _slots: dict[int, float] = field(default_factory=dict)

    def add(self, at: float, value: float) -> None:
        """Take in a measurement at a monotonic instant."""
        self._drop(at)
        slot = int(at // SLOT_SECONDS)
        self._slots[slot] = max(value, self._slots.get(slot, 0.0))

    def of(self, at: float) -> float:
        """Tell the greatest; 0 when nothing was measured."""
        self._drop(at)
        return max(self._slots.values(), default=0.0)

    def _drop(self, at: float) -> None:
        first = int((at - SPAN_SECONDS) // SLOT_SECONDS)
        self._slots = {slot: value for slot, value in self._slots.items() if slot > first}


@dataclass(slots=True)
class Doings:
    """What the engine has under way."""

    due_checks: set[str] = field(default_factory=set)
    not_before: dict[str, datetime] = field(default_factory=dict)
    """When a check may be judged again: a heavy one, or one that could not be stored, is spaced."""
    judging: dict[str, Judging] = field(default_factory=dict)
    """By check, those that were removed too: what is counted never goes down."""
    selftest: Selftest = field(default_factory=Selftest)
    selftest_at: datetime | None = None
    swept_at: datetime | None = None
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    config_error: str | None = None
    web_config_ok: bool | None = None
    """Whether the listener's web configuration is in force as its files hold it; None without one."""
    config_loaded_at: datetime | None = None
    lag: float = 0.0
    lags: Worst = field(default_factory=Worst)
    ticked_at: datetime | None = None
    published_at: datetime | None = None
    metrics_address: str | None = None
    scraped_at: datetime | None = None
    """When somebody last read the metrics."""
    dirty: bool = True

    def told(self, view: CheckView, memory: CheckMemory | None, sources: Mapping[str, SourceMemory]) -> CheckView:
        """Tell how a check was judged.

        Of one that is due again it is as of before its sources told something new: so whoever sees it judged after a
        source's end knows that what the source told was judged.
        """
        judging = self.judging.get(view.name, Judging())
        at = memory.result.now if memory is not None and memory.result is not None else None
        if at is not None and view.name in self.due_checks:
            told = [sources[name].completed_at for name in view.sources if name in sources]
            at = min(at, max((end - MOMENT for end in told if end is not None), default=at))
        return msgspec.structs.replace(
            view,
            judged_at=at,
            judging_seconds=judging.seconds,
            judgements=judging.attempts,
            judgement_failures=judging.failures,
        )
