"""A configured check as a screen sees it: its standing, never its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Scalar
from checks.model.result import Doubted
from checks.model.state import Standing, State, Tally


class BlindBy(msgspec.Struct, frozen=True, kw_only=True):
    """Why a check is blind."""

    source: str
    """The source that does not tell; empty when the engine itself is at fault."""
    cause: Cause
    since: datetime
    """Since when, UTC."""
    detail: str = ""


class Was(msgspec.Struct, frozen=True, kw_only=True):
    """The last state that was known."""

    state: State
    at: datetime
    """The last instant at which it was known to hold, UTC."""


class PolicyValue(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter and where it comes from."""

    value: Scalar
    origin: str = msgspec.field(name="from")
    """``default`` or the configuration's path to it."""


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Failures of a check that may be worth waking somebody for."""

    count: int = 0
    """Open findings of this kind: they fail, or cannot be judged any more since; without those that a live waiver
    covers. A use or a loss it covers only when it began no earlier than that was told."""
    at: datetime | None = None
    """When the latest of them was raised, UTC; None when there are none."""


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """When what is known of a declared set or a configured target is too old, as one check judges it."""

    source: str
    id: str
    """The record id of the set or target."""
    what: Literal["backup_newest", "tls_not_after"] = "backup_newest"
    """The known time that it comes from."""
    at: datetime
    """Data time of the newest known backup + RPO + grace, or the known end of the target's certificate, UTC."""
    rpo_seconds: float = 0.0
    """Of a set."""
    grace_seconds: float = 0.0
    """Of a set."""


class CheckView(msgspec.Struct, frozen=True, kw_only=True):
    """A configured check."""

    name: str
    check: str
    """The check's id (its module)."""
    title: str
    family: str
    severity: str
    team: str = ""
    runbook: str = ""
    policy_ref: str = ""
    controls: Sequence[str] = ()
    sources: Sequence[str] = ()
    """All sources that it reads, joined ones included."""
    standing: Standing
    """What its state is derived from."""
    verdict: str | None = None
    as_of: datetime | None = None
    read: int = 0
    excluded: Mapping[str, int] = {}
    gaps: Sequence[Doubted] = ()
    depths: Mapping[str, int] = {}
    urgent: int = 0
    alarms: Mapping[str, Alarm] = {}
    """By kind of alarm, all kinds that the check declares."""
    deadlines: Sequence[Deadline] = ()
    """Of declared backup sets and configured TLS targets that no exclusion and no live waiver covers."""
    max_age: timedelta = timedelta(0)
    """Time after which its populations are stale."""
    judged_at: datetime | None = None
    """When it was last judged, UTC; None when never."""
    judging_seconds: float | None = None
    """How long the latest judgement took, shared with the checks that were judged with it."""
    judgements: int = 0
    """Attempts to judge it since the engine started."""
    judgement_failures: int = 0
    """Of them, those that failed inside controlwatch."""
    waivers: int = 0
    """Live waivers that name the check."""
    waiver_ends: datetime | None = None
    """The first end of a live waiver that names the check, UTC."""
    state_since: datetime | None = None
    """When the state last changed, UTC."""
    was: Was | None = None
    """The last known state while blind."""
    blind_by: BlindBy | None = None
    """Of a blind check; its sources' doubt, worst first."""
    policy: Mapping[str, PolicyValue] = {}
    evidence: Sequence[str] = ()
    """Digests of the manifests that the result cites."""
    explain: Mapping[str, str] = {}
    """Reason of a finding to what to do next."""
    paused_until: datetime | None = None
    paused_by: str = ""
    """Who paused it, as claimed; empty where that is not known."""
    paused_reason: str = ""
    opened_24h: int = 0
    resolved_24h: int = 0

    @property
    def tally(self) -> Tally:
        """The latest counts; zeros of a check that was never judged."""
        return self.standing.tally or Tally()
