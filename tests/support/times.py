"""Times that configured things are known by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from checks.model.records import Record
from engine.port import KnownTime
from sources.common.source import Source
from tests.support.estate import Script, scripted

NIGHTLY = {"web": "web"}


def naming(script: Script, labels: Mapping[str, str], yields: Sequence[type[Record]]) -> Source:
    """Make a source kind whose configuration names these ids."""
    return dataclasses.replace(scripted(script, yields), labels=lambda _config: labels)


def newest(at: datetime, name: str = "web", **more: Any) -> KnownTime:
    """Build the time of a set's newest backup."""
    return KnownTime(source="it", id=name, what="backup_newest", at=at, **more)


def expiry(at: datetime, name: str = "web") -> KnownTime:
    """Build the time of a target's certificate."""
    return KnownTime(source="it", id=name, what="tls_not_after", at=at)
