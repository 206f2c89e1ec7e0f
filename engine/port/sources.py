"""A configured source as a screen sees it: its latest run, and what it told last."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from checks.model.doubt import Cause, Gap


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider last told of one of its rate limits."""

    remaining: int
    """Requests left in the window."""
    limit: int | None = None
    """Requests a window; None when not told."""
    reset_at: datetime | None = None
    """When the window starts anew, UTC; None when not told."""


class Silence(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which no run of a source ended, though one was due: nobody looked."""

    start: datetime
    end: datetime


class SourceView(msgspec.Struct, frozen=True, kw_only=True):
    """A configured source."""

    name: str
    kind: str
    title: str = ""
    attempted_at: datetime | None = None
    """Start of the latest run, UTC."""
    completed_at: datetime | None = None
    """End of the latest complete run, UTC."""
    complete: bool = False
    """Whether the latest run was complete."""
    running: bool = False
    as_of: datetime | None = None
    """Data time of the latest complete collection, UTC."""
    records: int = 0
    """Records of the latest complete collection."""
    last_error: str | None = None
    cause: Cause | None = None
    """Why the latest run was not complete."""
    failing_since: datetime | None = None
    """Start of the first run after which none completed, UTC."""
    gaps: Sequence[Gap] = ()
    """Gaps of the latest complete collection, and of the latest run when that was not complete."""
    next_run: datetime | None = None
    every: timedelta = timedelta(0)
    max_age: timedelta = timedelta(0)
    duration_seconds: float | None = None
    """Of the latest finished run."""
    requests_done: int = 0
    """Of the run under way, or of the latest."""
    requests_planned: int | None = None
    plan_seconds: float | None = None
    """Time to full coverage, told before an N+1 run starts."""
    checks: Sequence[str] = ()
    """Configured checks that read it."""
    runs: int = 0
    """Finished runs since the engine started."""
    failures: int = 0
    """Of them, not complete."""
    requests: int = 0
    """Requests answered since the engine started, retries included."""
    request_failures: Mapping[str, int] = {}
    """Requests that failed since the engine started, by cause; one that a retry mended counts too."""
    throttled: int = 0
    """Answers since the engine started by which the provider asked us to wait."""
    throttle_seconds: float = 0.0
    """Time since the engine started in which requests were held back for a provider's limit."""
    quota: Quota | None = None
    """The scarcest rate limit that the provider told last."""
    credential_expires_at: datetime | None = None
    """When the credential ends, where the provider tells, UTC."""
    digest: str | None = None
    """Of the latest complete collection's blob."""
    labels: Mapping[str, str] = {}
    """Record ids that its configuration names, as id to metric label."""
    failures_in_a_row: int = 0
    """Runs since the latest complete one, as far as the engine has seen them since it started."""
    runs_24h: int = 0
    """Runs that ended within the last day, before the engine started too; at most 1440."""
    complete_24h: int = 0
    """Of them, complete."""
    known_since: datetime | None = None
    """Since when all its runs are known, UTC: a day ago at the earliest; None before the first."""
    silences: Sequence[Silence] = ()
    """Times since then in which none ended, though one was due."""
    p50_seconds: float | None = None
    """What half of the complete ones took at most; None when none was."""
    p95_seconds: float | None = None
    """What 95 % of them took at most; None when none was."""
