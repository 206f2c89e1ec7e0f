"""What the rules take from a configuration, and the faults of its ``[alerts]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Final, Protocol

from checks.model.check import Check
from engine.alerting.alerts import ALERTS
from engine.convert import choice, shown

NAMES: Final = tuple(alert.name for alert in ALERTS)
_JOB: Final = re.compile(r"[A-Za-z0-9_./:-]{1,200}")
_ADDRESS: Final = re.compile(r"https?://[^\s\"{}]+")


class Wanted(Protocol):
    """``[alerts]``, as ``engine.config.AlertSettings`` reads it."""

    @property
    def job(self) -> str:
        """The job name under which Prometheus scrapes it."""
        ...

    @property
    def page(self) -> Sequence[str] | None:
        """Names of the alerts that wake somebody; None: the default ones."""
        ...

    @property
    def runbooks(self) -> str:
        """Address under which the runbooks are read; empty: none."""
        ...

    @property
    def waiver_lead(self) -> timedelta:
        """Time before the end of a waiver at which it becomes a ticket."""
        ...

    @property
    def credential_lead(self) -> timedelta:
        """Time before the end of a credential at which it becomes a ticket."""
        ...


class Common(Protocol):
    """Keys that every configured check takes."""

    @property
    def runbook(self) -> str:
        """Where it says how to mend it; empty: nowhere."""
        ...


class Configured(Protocol):
    """A configured check."""

    @property
    def common(self) -> Common:
        """Keys that every check takes."""
        ...

    @property
    def check(self) -> Check:
        """What it tests."""
        ...


class Configuration(Protocol):
    """A whole configuration, as ``engine.config.Config``."""

    @property
    def digest(self) -> str:
        """Digest of its text, ``sha256:…``."""
        ...

    @property
    def alerts(self) -> Wanted:
        """What is wanted of alerts."""
        ...

    @property
    def checks(self) -> Mapping[str, Configured]:
        """Configured checks by name."""
        ...


def faults(wanted: Wanted) -> Iterator[tuple[str, str]]:
    """Find the faults of ``[alerts]`` that no type can say, as key and message."""
    if not _JOB.fullmatch(wanted.job):
        yield "job", f"expected one word of letters, digits and _ . / : -, found {shown(wanted.job)}"
    if wanted.runbooks and not _ADDRESS.fullmatch(wanted.runbooks):
        yield (
            "runbooks",
            f'expected an address that begins with https:// or http://, or "", found {shown(wanted.runbooks)}',
        )
    page = wanted.page or ()
    for index, name in enumerate(page):
        fault = _page_fault(name, page[:index])
        if fault is not None:
            yield f"page[{index}]", fault


def _page_fault(name: str, before: Sequence[str]) -> str | None:
    if name not in NAMES:
        return f"no alert {shown(name)}{choice(name, NAMES)}"
    if name in before:
        return f"{shown(name)} is named twice"
    if next(alert.severity for alert in ALERTS if alert.name == name) == "none":
        return f"{shown(name)} always fires; the heartbeat service that it goes to is what wakes somebody"
    return None
