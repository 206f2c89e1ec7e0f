"""One run of a source: records are spooled, and every failure becomes a gap.

This is the one place that catches what a source raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from checks.model.doubt import STRUCTURAL, Cause, Gap
from checks.model.records import RECORD_TYPES, Backup, tag_of
from checks.model.units import format_duration
from engine.evidence import Manifest
from engine.spool import Spooler
from engine.store import StoreError
from sources.common.errors import Absent, SourceError

if TYPE_CHECKING:
    from engine.blobs import Blob, FolderBlobs
    from engine.config import SourceConfig
    from sources.common.source import Context, Page

LOG = logging.getLogger(__name__)
SUBJECT_TAGS = tuple(tag_of(kind) for kind in RECORD_TYPES if kind is not Backup)
"""Record types whose loss is a lost subject; backups are pruned as a matter of course."""
SHRINK_FLOOR = 5
SHRINK_SHARE = 0.10


@dataclass(frozen=True, slots=True)
class Collected:
    """What became of one run."""

    manifest: Manifest
    error: str | None
    """Why it is not complete, for people; None when it is."""
    cause: Cause | None


@dataclass(slots=True)
class _Run:
    """What a run has brought so far."""

    as_of: datetime
    """The oldest data time told so far, and never later than the instant before the first request."""
    pages: int = 0
    claimed: int | None = None
    scopes: dict[str, None] = field(default_factory=dict)


async def collect(
    config: SourceConfig,
    context: Context,
    blobs: FolderBlobs,
    baseline: Mapping[str, int] | None,
    version: str,
    last: datetime | None = None,
) -> Collected:
    """Run a source once; ``last`` is the end of its latest complete run under this configuration.

    Raises only what the blob store raises (``StoreFull``, ``StoreReadOnly``) and cancellation.
    """
    spooler = Spooler(config.name, blobs.spool(), config.common.classify)
    run = _Run(context.started)
    try:
        fault = await _drain(config, context, spooler, run, last)
        gaps = _gaps(config.name, spooler, run, fault, baseline)
        blob = await asyncio.to_thread(spooler.commit)
    except BaseException:
        spooler.abort()
        raise
    decisive = _decisive(gaps, fault)
    manifest = msgspec.structs.replace(
        _brought(config, context, run, spooler, blob),
        complete=decisive is None,
        gaps=gaps,
        baseline=baseline,
        version=version,
    )
    if decisive is None:
        return Collected(manifest, None, None)
    return Collected(manifest, decisive.detail, decisive.cause)


def _decisive(gaps: Sequence[Gap], fault: Gap | None) -> Gap | None:
    """Give what makes a run incomplete, the first of it; None when it is complete."""
    if fault is not None:
        return fault
    return next((gap for gap in gaps if gap.kind == "members" and gap.cause not in STRUCTURAL), None)


async def _drain(
    config: SourceConfig, context: Context, spooler: Spooler, run: _Run, last: datetime | None
) -> Gap | None:
    """Read a source to its end; return the gap that ended it early, if one did."""
    longest = min(config.common.timeout, context.deadline)
    limit = asyncio.timeout(longest.total_seconds())
    try:
        async with limit, contextlib.aclosing(config.source.fetch(config.own, context)) as pages:
            async for page in pages:
                _take(page, spooler, run)
                await asyncio.sleep(0)
    except SourceError as error:
        known = error.gone(last) if isinstance(error, Absent) and last is not None else error
        return _fault(config.name, known.cause, str(known))
    except StoreError:
        raise  # the disk's fault, not the source's
    except TimeoutError:
        advice = "; see timeout" if longest == config.common.timeout else ""
        told = f"did not end within {format_duration(longest)}{advice}" if limit.expired() else "got no answer in time"
        return _fault(config.name, Cause.UNREACHABLE, f"{config.name}: the run {told}")
    except Exception as error:  # the one place where a source's own fault is caught, as a gap that bars PASS
        LOG.exception("source %s failed inside controlwatch", config.name)
        return _fault(
            config.name, Cause.INTERNAL, f"{config.name}: {type(error).__name__} inside controlwatch; see the log"
        )
    return None


def _brought(config: SourceConfig, context: Context, run: _Run, spooler: Spooler, blob: Blob) -> Manifest:
    """Tell how it was asked for and what it brought; not complete, for that is found elsewhere."""
    return Manifest(
        source=config.name,
        kind=config.common.kind,
        query=query_of(config.raw),
        scopes=sorted(run.scopes),
        started_at=context.started,
        finished_at=context.now(),
        as_of=run.as_of,
        complete=False,
        pages=run.pages,
        read=spooler.read,
        records=dict(sorted(spooler.kept.items())),
        merged=spooler.merged,
        claimed=run.claimed,
        blob=blob.digest,
        bytes=blob.size_bytes,
        config_digest=config.digest,
    )


def _take(page: Page, spooler: Spooler, run: _Run) -> None:
    """Take in one page."""
    run.pages += 1
    spooler.add(page.records)
    for gap in page.gaps:
        spooler.gaps[msgspec.structs.replace(gap, source=spooler.source)] = None
    if page.claimed is not None:
        run.claimed = max(page.claimed, run.claimed or 0)
    if page.as_of is not None:
        run.as_of = min(page.as_of, run.as_of)
    run.scopes.update(dict.fromkeys(page.scopes))


def _fault(source: str, cause: Cause, detail: str) -> Gap:
    return Gap(source=source, cause=cause, kind="members", detail=detail)


def _gaps(
    source: str,
    spooler: Spooler,
    run: _Run,
    fault: Gap | None,
    baseline: Mapping[str, int] | None,
) -> list[Gap]:
    """Add up the doubt of a run."""
    gaps = list(spooler.gaps)
    if fault is not None:
        return [fault, *gaps]
    kept = spooler.kept.total()
    if run.claimed is not None and run.claimed > kept:  # a record that came twice is no substitute for one that did not
        short = run.claimed - kept
        detail = f"{source}: the provider claims {run.claimed} records and gave {kept}"
        gaps.append(Gap(source=source, cause=Cause.TRUNCATED, kind="members", detail=detail, missing=short))
    lost = shrunken(baseline, spooler.kept)
    if lost:
        advice = f"when that is right: controlwatch source accept {source} --reason …"
        detail = f"{source}: {lost} fewer subjects than before; {advice}"
        gaps.append(Gap(source=source, cause=Cause.SHRUNKEN, kind="members", detail=detail, missing=lost))
    return gaps


def shrunken(baseline: Mapping[str, int] | None, kept: Mapping[str, int]) -> int:
    """Count the subjects lost against the baseline; 0 while no record type lost more than max(5, 10 %)."""
    lost = 0
    for tag, before in (baseline or {}).items():
        missing = before - kept.get(tag, 0)
        if lost_too_many(before, kept.get(tag, 0)):
            lost += missing
    return lost


def lost_too_many(before: int, after: int) -> bool:
    """Tell whether more than max(5, 10 %) are missing."""
    return before - after > max(SHRINK_FLOOR, SHRINK_SHARE * before)


def baseline_of(kept: Mapping[str, int]) -> dict[str, int]:
    """Take a collection's subjects by record type as what the next is compared with."""
    return {tag: count for tag, count in kept.items() if tag in SUBJECT_TAGS}


def query_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """Write a source's configuration as JSON texts by key; secrets are references."""
    return {key: json.dumps(value, default=str, sort_keys=True) for key, value in sorted(raw.items())}
