"""The contract ``controlwatch.check/1`` as a JSON Schema, and small real configurations that bring each state."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any, Final

import jsonschema

from tests.support.console import write_estate

STATES: Final = ["fail", "unknown", "stale", "pending", "waived", "warn", "pass"]
CAUSES: Final = [
    *("denied", "unlicensed", "not_exposed", "federated", "not_configured", "unsupported"),
    *("unreachable", "throttled", "busy", "truncated", "malformed", "shrunken", "internal"),
]
_INSTANT: Final = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}
_PERHAPS: Final = {"anyOf": [_INSTANT, {"type": "null"}]}
_COUNT: Final = {"type": "integer", "minimum": 0}
_SHARE: Final = {"type": "number", "minimum": 0, "maximum": 1}
_TEXT: Final = {"type": "string"}
_TEXTS: Final = {"type": "array", "items": _TEXT}
_DIGESTS: Final = {"type": "array", "items": {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}}


def _object(**properties: Any) -> dict[str, Any]:
    """Describe an object whose every key must be there; it may have more."""
    return {"type": "object", "required": sorted(properties), "properties": properties}


_GAP: Final = _object(
    source=_TEXT, cause={"enum": CAUSES}, kind={"enum": ["members", "facts"]}, fields=_TEXTS, detail=_TEXT
)
_FINDING: Final = _object(
    subject=_TEXT,
    label=_TEXT,
    verdict={"enum": ["fail", "warn", "unknown"]},
    reason=_TEXT,
    facts={"type": "object"},
    first_seen=_INSTANT,
    due=_PERHAPS,
)
_CHECK: Final = _object(
    name=_TEXT,
    check=_TEXT,
    family={"enum": ["mfa", "access", "backup", "certification"]},
    state={"enum": STATES},
    verdict={"enum": ["pass", "warn", "fail", "unknown", None]},
    as_of=_PERHAPS,
    valid_until=_PERHAPS,
    read=_COUNT,
    excluded={"type": "object", "additionalProperties": _COUNT},
    population=_COUNT,
    passed=_COUNT,
    warned=_COUNT,
    failed=_COUNT,
    unknown=_COUNT,
    coverage={"type": "array", "items": _SHARE, "minItems": 2, "maxItems": 2},
    visibility=_SHARE,
    gaps={"type": "array", "items": _GAP},
    findings={"type": "array", "items": _FINDING},
    policy={"type": "object", "additionalProperties": _object(value={}, **{"from": _TEXT})},
    controls={"type": "array", "items": {"type": "string", "pattern": "^[a-z0-9]+:"}},
    evidence=_DIGESTS,
)
_SOURCE: Final = _object(
    name=_TEXT,
    kind=_TEXT,
    complete={"type": "boolean"},
    records={"anyOf": [_COUNT, {"type": "null"}]},
    as_of=_PERHAPS,
    last_error={"type": ["string", "null"]},
)
CONTRACT: Final = _object(
    schema={"const": "controlwatch.check/1"},
    as_of=_INSTANT,
    state={"enum": STATES},
    checks={"type": "array", "items": _CHECK},
    sources={"type": "array", "items": _SOURCE},
)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Read what ``check --format json`` printed, and hold it to the contract and to its own arithmetic."""
    document: dict[str, Any] = json.loads(done.stdout)
    jsonschema.Draft202012Validator(CONTRACT).validate(document)
    for check in document["checks"]:
        assert check["population"] == check["passed"] + check["failed"] + check["unknown"]
        assert check["read"] == check["population"] + sum(check["excluded"].values())
        assert check["coverage"][0] <= check["coverage"][1]
    return document


def estate(folder: Path, hours: float = 1, more: str = "") -> Path:
    """Write a configuration over one dump that is so many hours old: rpo 24 h, grace 6 h; ``more`` is added to it."""
    path = write_estate(folder)
    then = time.time() - 3_600 * hours
    os.utime(folder / "dumps" / "db.sql", (then, then))
    path.write_text(path.read_text() + more)
    return path


BLIND: Final = """
[sources.register]
kind = "register"
[checks.attestations]
check = "certification_expiry"
sources = ["register"]
"""
"""A register that is not there."""


def waive(folder: Path) -> None:
    """Waive the set of the estate from yesterday on, for a month."""
    day = 86_400
    starts, ends = (time.strftime("%Y-%m-%d", time.gmtime(time.time() + shift * day)) for shift in (-1, 30))
    (folder / "waivers.toml").write_text(
        f"""
[[waiver]]
id = "w1"
check = "backups"
subjects = ["dumps/nightly"]
reason = "the dump host is being replaced this month"
requested_by = "ana"
approved_by = "bob"
starts = {starts}
expires = {ends}
""",
    )
