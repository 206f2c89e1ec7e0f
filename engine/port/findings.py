"""Findings: which to ask for, a page of them, one in detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

import msgspec

from checks.model.doubt import Cause
from checks.model.judgement import Outcome, Scalar
from engine.port.checks import CheckView
from engine.port.events import Event


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings, in which order, which page."""

    check: str | None = None
    """A configured check's name."""
    family: str | None = None
    view: Literal["open", "all", "new", "waived", "resolved"] = "open"
    """``open``: not resolved, those under a live waiver too, which ends by itself; ``new``: open, opened within a day;
    ``waived``: open, and under a live waiver; ``resolved``: open no more, which proves nothing of the subject; ``all``.
    Findings of removed checks and sources are in none."""
    text: str = ""
    """Words that label, subject, reason or check must contain; ``!word`` must not; ``~regex``."""
    checks: Sequence[str] = ()
    """Configured checks, any of which; empty: all. Beside ``check`` and ``family``, all of which narrow."""
    source: str | None = None
    """A source's name."""
    reason: str = ""
    """Words that the reason must contain, as in ``text``."""
    reason_is: str = ""
    """The whole reason, letter by letter; empty: any. Beside ``reason``; both narrow."""
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
    soon: bool = False
    """Rows from the first, or about ``around``, before they are counted, if counting takes longer."""


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
    acked_by: str = ""
    """Who made that, as claimed; empty when nobody did, or nobody knows who."""
    urgent: bool = False
    alarmed: bool = False
    """Whether it raised an alarm that has not ended; a waiver covers it then though it is unknown since."""

    @property
    def is_waivable(self) -> bool:
        """Tell whether a waiver of subjects can cover it: what is unknown is no accepted deviation."""
        return (self.outcome is Outcome.FAIL or self.alarmed) and self.resolved_at is None


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
    counted: bool = True
    """Whether places and counts are told.

    Only an answer ``soon`` may leave them out, never one without a row: its rows are right and follow each other
    without a hole, ``place`` is one among them, and ``matching`` and ``total`` are no more than they prove.
    """


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
