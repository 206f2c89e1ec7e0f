"""The port is all that a screen sees of the engine: a snapshot, pages of findings, one in detail, commands.

In-process and attached engines implement the same protocol under one contract suite. A snapshot carries standings,
not states:
whoever reads it derives the state at the reader's own instant, so a hung engine turns stale by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, Protocol

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome, Scalar
from checks.model.result import Doubted
from checks.model.state import SKEW, WORST_FIRST, Standing, State, Tally, state_of

SELFTEST_MAX_AGE = timedelta(hours=2)
"""Past this nobody may believe any state."""
STALLED_AFTER = timedelta(seconds=30)
"""A snapshot older than this says that the engine has stalled."""


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
    opened_24h: int = 0
    resolved_24h: int = 0

    @property
    def tally(self) -> Tally:
        """The latest counts; zeros of a check that was never judged."""
        return self.standing.tally or Tally()


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider last told of one of its rate limits."""

    remaining: int
    """Requests left in the window."""
    limit: int | None = None
    """Requests a window; None when not told."""
    reset_at: datetime | None = None
    """When the window starts anew, UTC; None when not told."""


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


EventKind = Literal["state", "source", "finding", "config", "waiver", "engine", "operator"]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something changed."""

    at: datetime
    kind: EventKind
    what: str
    """The object's name: a check, a source."""
    text: str
    state: State | None = None
    """The state that a check entered."""


class KnownTime(msgspec.Struct, frozen=True, kw_only=True):
    """A time that a configured target or declared set is known by, kept while it cannot be read."""

    source: str
    id: str
    what: Literal["tls_not_after", "backup_newest", "attestation_until"]
    at: datetime
    """UTC."""
    name: str = ""
    """A metric label of its own, where the source's configuration gives none."""
    limit_seconds: float | None = None
    """Of a backup: the set's own RPO; None when it has none."""
    grace_seconds: float | None = None
    """Of a backup: the set's own grace; None when it has none."""


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """How the evidence is kept."""

    writes: int = 0
    """Writes that succeeded since the engine started."""
    written_at: datetime | None = None
    """The latest of them, UTC."""
    failing_since: datetime | None = None
    """The first write after which none succeeded, UTC; None when the latest did."""
    bytes: int | None = None
    """Size of the state folder's evidence and store; None when it was not measured yet."""
    chain_valid: bool | None = None
    """Whether the chain held when it was last read whole; None before that."""
    chain_fault: str | None = None
    """Where and how it broke."""
    chain_verified_at: datetime | None = None
    """When it was last read whole, UTC."""
    chain_entries: int | None = None
    """Entries that held then; None before that."""


class Selftest(msgspec.Struct, frozen=True, kw_only=True):
    """The monitor's own check."""

    passed_at: datetime | None = None
    """The last instant at which every example came out right, UTC."""
    error: str | None = None
    """What came out wrong at the latest run; None when it was right."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown, at one instant."""

    seq: int
    at: datetime
    """The engine's clock when it was taken, UTC."""
    started_at: datetime
    version: str = ""
    phase: Literal["starting", "live", "stopping"] = "starting"
    demo: bool = False
    read_only: bool = False
    config_digest: str = ""
    config_path: str = ""
    config_loaded_at: datetime | None = None
    """When the configuration in force was put in force, UTC."""
    config_error: str | None = None
    """Why the latest reload was refused; the last good configuration is in force."""
    web_config_ok: bool | None = None
    """Whether the listener goes by its web configuration as it stands in the file; None when it has none."""
    selftest: Selftest = Selftest()
    checks: Sequence[CheckView] = ()
    sources: Sequence[SourceView] = ()
    events: Sequence[Event] = ()
    """The latest, newest first; at most 200."""
    times: Sequence[KnownTime] = ()
    evidence: EvidenceView = EvidenceView()
    evidence_error: str | None = None
    """Why the latest write of evidence failed; None when it did not."""
    evidence_failures: int = 0
    waivers_active: int = 0
    waivers_expired: int = 0
    """Waivers in the file that have ended."""
    waivers_error: str | None = None
    loop_lag_seconds: float = 0.0
    loop_lag_max_seconds: float = 0.0
    """The greatest of the last five minutes."""
    ticked_at: datetime | None = None
    """The scheduler's last tick, UTC."""


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings, in which order, which page."""

    check: str | None = None
    """A configured check's name."""
    family: str | None = None
    view: Literal["open", "all", "new", "waived", "resolved"] = "open"
    text: str = ""
    """Words that label, subject, reason or check must contain; ``!word`` must not; ``~regex``."""
    checks: Sequence[str] = ()
    """Configured checks, any of which; empty: all. Beside ``check`` and ``family``, all of which narrow."""
    source: str | None = None
    """A source's name."""
    reason: str = ""
    """Words that the reason must contain, as in ``text``."""
    around: int | None = None
    """A finding's id: the page that holds it instead of ``offset``, where it matches."""
    outcome: Outcome | None = None
    outcomes: Sequence[Outcome] = ()
    """Any of these; empty: all. Beside ``outcome``; both narrow."""
    waived: bool | None = None
    """Whether a live waiver covers it; None: either."""
    due_by: datetime | None = None
    """Only findings that are due until then; one that is not due at any time never is."""
    ids: Sequence[int] = ()
    """Only these findings; empty: all."""
    sort: Literal["worst", "label", "since", "reason", "check", "source"] = "worst"
    reverse: bool = False
    offset: int = 0
    limit: int = 200


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One finding in a list."""

    id: int
    check: str
    family: str
    subject: str
    label: str
    outcome: Outcome
    reason: str
    facts: Mapping[str, Scalar] = {}
    cause: Cause | None = None
    first_seen: datetime
    due: datetime | None = None
    """When ``remediate_within`` ends; frozen at first sight."""
    resolved_at: datetime | None = None
    regressions: int = 0
    """How often it came back after it was resolved."""
    waiver: str | None = None
    """Id of the live waiver that covers it."""
    acked: str | None = None
    """The note of its acknowledgement."""
    urgent: bool = False


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """A page of findings."""

    rows: Sequence[Row]
    offset: int = 0
    """Place of the first row among those that match."""
    place: int | None = None
    """Place of the finding that was asked ``around``; None when none was, or it does not match."""
    matching: int
    """Findings that match the query."""
    total: int
    """Findings without the query's text and outcome."""


class EvidenceRef(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence that a result cites."""

    source: str
    digest: str
    """Of the manifest, ``sha256:…``."""
    blob: str
    """Of the records, ``sha256:…``."""
    as_of: datetime | None
    records: int
    complete: bool


class Detail(msgspec.Struct, frozen=True, kw_only=True):
    """One finding with its history and evidence."""

    row: Row
    check: CheckView
    history: Sequence[Event] = ()
    """Newest first."""
    evidence: Sequence[EvidenceRef] = ()
    record: str | None = None
    """The subject's records as JSON Lines from the evidence, when they are kept."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A change of a check's state or counts; it holds until the next."""

    at: datetime
    """UTC."""
    state: State | None = None
    """None: it was not judged yet, or retired."""
    verdict: str | None = None
    passed: int = 0
    warned: int = 0
    failed: int = 0
    unknown: int = 0


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The judgements of a check on one day, UTC."""

    day: date
    judged: int
    """Judgements."""
    conclusive: int
    """Of them, those with a verdict other than unknown."""
    first_at: datetime
    last_at: datetime
    longest_gap_seconds: float
    """The longest time from one judgement to the next that ended on this day."""


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one check over a period."""

    check: str
    turns: Sequence[Turn] = ()
    """Oldest first; the first is the one that held when the period began.

    Of more than 20 000 (200 000 over all checks asked), where counts alone changed the last of each day stands for the
    day; if that is not enough the oldest are left out, and nothing is told of the time before the first."""
    days: Sequence[Day] = ()
    """Oldest first; a day without a judgement is not among them, which is a gap and never a pass."""


class PastQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which checks, which period."""

    checks: Sequence[str]
    since: datetime
    until: datetime


class EventQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which events, newest first."""

    kinds: Sequence[EventKind] = ()
    """Empty: all."""
    what: str = ""
    """The object's name; empty: any."""
    text: str = ""
    """Words that object or text must contain; ``!word`` must not."""
    since: datetime | None = None
    until: datetime | None = None
    offset: int = 0
    limit: int = 200


class Events(msgspec.Struct, frozen=True, kw_only=True):
    """A page of events."""

    events: Sequence[Event]
    matching: int


class WaiverView(msgspec.Struct, frozen=True, kw_only=True):
    """One waiver of the file, as it stands."""

    id: str
    check: str
    status: Literal["requested", "future", "active", "expired", "revoked", "malformed"]
    """``requested``: not yet approved by another person, so it waives nothing."""
    subjects: Sequence[str] = ()
    source: str = ""
    """Of a structural unknown."""
    cause: str = ""
    reason: str = ""
    compensating_control: str = ""
    requested_by: str = ""
    approved_by: str = ""
    """As claimed in the file; empty when nobody has."""
    emergency: bool = False
    ticket: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    covers: int = 0
    """Open findings that it covers now; of a requested one, those that it would."""
    fault: str = ""
    """What makes it malformed."""


class RequestWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Ask for a waiver: it is written to the file, and waives nothing until another person approves it."""

    check: str
    subjects: Sequence[str] = ()
    source: str = ""
    cause: str = ""
    reason: str
    compensating_control: str = ""
    ticket: str = ""
    days: int = 90
    emergency: bool = False
    """One person decides, for at most 24 hours; then ``days`` does not count."""
    by: str


class ApproveWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Approve a requested waiver; another person than the requester must."""

    id: str
    by: str


class RevokeWaiver(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """End a waiver now, or take back a request; its entry stays in the file with its end."""

    id: str
    reason: str
    by: str


class Run(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Ask a source to run now, or all (empty name)."""

    source: str = ""


class Reload(msgspec.Struct, frozen=True, tag=True):
    """Read the configuration again."""


class Accept(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Accept that a source's population shrank."""

    source: str
    reason: str
    by: str


class Pause(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Pause a check for at most 7 days: blind in the ledger, silent in alerts. An empty reason ends a pause."""

    check: str
    reason: str
    by: str
    until: datetime


class Ack(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Acknowledge a finding; changes no state."""

    finding: int
    note: str
    by: str


Command = Run | Reload | Accept | Pause | Ack | RequestWaiver | ApproveWaiver | RevokeWaiver


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command."""

    ok: bool
    message: str


class PortFault(OSError):
    """The engine could not answer; the message says why and what to do next."""


class Port(Protocol):
    """What a screen may ask of an engine, in-process or attached."""

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot at once; None before the first."""
        ...

    def fault(self) -> str | None:
        """Say why there will be no newer snapshot (the engine died, the connection is lost); None while all is well."""
        ...

    async def rows(self, query: Query) -> Rows:
        """Give a page of findings; raises ``PortFault``, as do the other questions."""
        ...

    async def detail(self, finding: int) -> Detail | None:
        """Give one finding; None when it is gone."""
        ...

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period, in the order asked; a check that is not known has no turns."""
        ...

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events, newest first."""
        ...

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers of the file, in its order, malformed ones too."""
        ...

    async def send(self, command: Command) -> Reply:
        """Ask for something to be done."""
        ...


def selftest_holds(snapshot: Snapshot, now: datetime) -> bool:
    """Tell whether the monitor has proven itself within the last two hours."""
    proof = snapshot.selftest
    if proof.error is not None or proof.passed_at is None:
        return False
    return -SKEW <= now - proof.passed_at <= SELFTEST_MAX_AGE


def state_at(view: CheckView, snapshot: Snapshot, now: datetime) -> State:
    """Derive a check's state at the reader's instant."""
    if view.paused_until is not None and now < view.paused_until:
        return State.UNKNOWN
    state = state_of(view.standing, now)
    if state is State.PENDING or selftest_holds(snapshot, now):
        return state
    return State.UNKNOWN


def worst(states: Sequence[State]) -> State | None:
    """Give the worst of several states; None of none."""
    return min(states, key=WORST_FIRST.index, default=None)
