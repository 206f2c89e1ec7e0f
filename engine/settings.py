"""What may stand in each section of the configuration: types with defaults, from which schema and reference come."""

from __future__ import annotations

from datetime import date

import msgspec

from checks.model.check import Severity
from checks.model.units import Duration, duration
from engine.exposition import CAP


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[engine]``."""

    state_dir: str = "state"
    """Folder of the evidence, the SQLite store and the local socket; made with mode 0700."""
    store: str = "sqlite"
    """Where state and history are kept; ``sqlite`` is the file ``store.sqlite`` in ``state_dir``."""
    concurrency: int = 8
    """Sources that may run at the same time."""
    read_only: bool = False
    """Whether screens may change nothing."""


class MetricsSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[metrics]``."""

    listen: str = "127.0.0.1:10965"
    """Address of ``/metrics``; an empty text turns the listener off."""
    allow_public: bool = False
    """Whether an address that others can reach may be used without TLS and without authentication."""
    web_config: str = ""
    """A file in the shape of the exporter toolkit's ``--web.config.file``: TLS, client certificates, users."""
    max_series: int = CAP
    """Series of one exposition, 1000 to 1000000, past which optional families are left out."""
    textfile: str = ""
    """A ``.prom`` file that the engine also writes the exposition to, for node_exporter's textfile collector."""


class AlertSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[alerts]``: what ``controlwatch rules`` writes."""

    job: str = "controlwatch"
    """The job name under which Prometheus scrapes it."""
    page: tuple[str, ...] | None = None
    """Names of the alerts that wake somebody; unset: those that docs/alerts.md marks."""
    runbooks: str = ""
    """Address under which your copy of docs/runbooks is read; alerts link to it."""
    waiver_lead: Duration = duration("14d")
    """Time before the end of a waiver at which it becomes a ticket."""
    credential_lead: Duration = duration("14d")
    """Time before the end of a source's credential at which it becomes a ticket."""


class WaiverSettings(msgspec.Struct, frozen=True, kw_only=True):
    """``[waivers]``."""

    file: str = "waivers.toml"
    """The waivers, reviewed like code; a missing file means that there are none."""


class Classify(msgspec.Struct, frozen=True, kw_only=True):
    """``[[sources.NAME.classify]]``: one rule that tells the class of accounts."""

    match: dict[str, str]
    """Record field to a glob, all of which must match: ``login`` (or ``label``), ``id``, ``status``,
    ``roles``, ``keys``."""
    klass: str = msgspec.field(name="class")
    """``human``, ``service``, ``guest``, ``bot``, ``break_glass``, or ``privileged`` (an administrator of its
    class)."""
    reason: str
    """Why, for the auditor."""
    owner: str = ""
    """Who answers for the rule."""
    review_by: date | None = None
    """When the rule must be looked at again."""


class SourceCommon(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that every ``[sources.NAME]`` takes beside its kind's own."""

    kind: str
    """The provider kind; ``controlwatch source kinds`` lists them."""
    every: Duration | None = None
    """Interval between runs; the kind has a default."""
    max_age: Duration | None = None
    """Time after which what it told is stale; the kind has a default."""
    timeout: Duration = duration("30m")
    """Time that one run may take."""
    classify: tuple[Classify, ...] = ()
    """Rules that tell the class of accounts; the first that matches decides."""


class Exclude(msgspec.Struct, frozen=True, kw_only=True):
    """``[[checks.NAME.exclude]]``: subjects left out of scope, counted by reason."""

    match: dict[str, str]
    """Record field to a glob, all of which must match."""
    reason: str
    """Why, for the auditor; exclusions are counted by it."""


class CheckCommon(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that every ``[checks.NAME]`` takes beside its check's own policy."""

    check: str
    """The check; ``docs/checks`` lists them."""
    sources: tuple[str, ...]
    """The sources whose records it judges, and those that it joins with (a roster)."""
    min_coverage: float = 1.0
    """The share of the population that must pass, above 0 and up to 1."""
    max_age: Duration | None = None
    """Time after which its populations are stale; the check has a default."""
    remediate_within: Duration = duration("0s")
    """Time, at most 180d, in which a new failure may be mended before it counts; frozen at first sight."""
    severity: Severity | None = None
    """``critical``, ``high``, ``medium`` or ``low``; the check has a default."""
    team: str = ""
    """Who mends it."""
    runbook: str = ""
    """Where it says how."""
    policy_ref: str = ""
    """The paragraph of your own policy that it tests."""
    controls: tuple[str, ...] | None = None
    """Controls that it tests; the check has a mapping of its own."""
    exclude: tuple[Exclude, ...] = ()
    """Subjects left out of scope, each with a reason."""
    allow_empty: str = ""
    """A reason why an empty population is right; without one it is unknown."""
    was: str = ""
    """Its former name: its findings keep their history over the rename."""
