"""Doubt has two carriers: an unknown is a subject we see and cannot judge, a gap says what we may not see.

One closed set of causes serves both, the JSON and the metrics.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec


class Cause(StrEnum):
    """Why something is not told. The first six are structural: somebody must decide. The rest pass with time."""

    DENIED = "denied"
    UNLICENSED = "unlicensed"
    NOT_EXPOSED = "not_exposed"
    FEDERATED = "federated"
    NOT_CONFIGURED = "not_configured"
    UNSUPPORTED = "unsupported"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    BUSY = "busy"
    TRUNCATED = "truncated"
    MALFORMED = "malformed"
    SHRUNKEN = "shrunken"
    INTERNAL = "internal"


STRUCTURAL = frozenset(
    {
        Cause.DENIED,
        Cause.UNLICENSED,
        Cause.NOT_EXPOSED,
        Cause.FEDERATED,
        Cause.NOT_CONFIGURED,
        Cause.UNSUPPORTED,
    },
)


class Gap(msgspec.Struct, frozen=True, order=True, kw_only=True):
    """What a source may not have shown us."""

    source: str
    """Name of the configured source; empty while the source itself builds the gap (the engine fills it in)."""
    cause: Cause
    kind: Literal["members", "facts"]
    """``members``: subjects may be missing, which bars PASS for every check. ``facts``: only ``fields`` are
    doubtful."""
    fields: tuple[str, ...] = ()
    """Record fields, as ``account.mfa``, that a ``facts`` gap makes doubtful; empty for ``members``."""
    detail: str = ""
    """What was asked, what came back and what to do next. Never a token, never a body."""
    missing: int | None = None
    """Subjects that a ``members`` gap may hide (claimed total minus seen); None when there is no bound."""


def members_gap(cause: Cause, detail: str, *, missing: int | None = None) -> Gap:
    """Say that subjects may be missing."""
    return Gap(source="", cause=cause, kind="members", detail=detail, missing=missing)


def facts_gap(cause: Cause, fields: tuple[str, ...], detail: str) -> Gap:
    """Say that the named fields are not told by this source."""
    return Gap(source="", cause=cause, kind="facts", fields=tuple(sorted(fields)), detail=detail)
