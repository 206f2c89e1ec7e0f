"""A small estate for engine tests: scripted sources that really stream, and a configuration over them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

import checks
from checks.model.records import Account, Person, Record
from engine.config import CheckConfig, Config, SourceConfig
from engine.settings import CheckCommon, EngineSettings, SourceCommon
from sources.common.source import Context, Page, Probe, Source
from tests.support.clock import NOW


class NoKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A source without keys of its own."""


@dataclass
class Script:
    """What a scripted source does at its next run; a test changes it between runs."""

    pages: list[Page] = field(default_factory=list)
    error: Exception | None = None
    """Raised after the pages."""
    hang: asyncio.Event | None = None
    """Waited for after the pages."""
    runs: int = 0

    def tell(self, *records: Record) -> None:
        """Bring these records on one page, and end well."""
        self.pages, self.error, self.hang = [Page(records=records)], None, None


@dataclass
class Clock:
    """A clock that a test moves."""

    at: datetime = NOW

    def __call__(self) -> datetime:
        """Tell the time."""
        return self.at

    def move(self, step: timedelta) -> None:
        """Let time pass."""
        self.at += step


def scripted(script: Script, yields: Sequence[type[Record]] = (Account,)) -> Source:
    """Make a source kind of a script."""

    async def fetch(_config: Any, context: Context) -> AsyncGenerator[Page, None]:
        del context
        script.runs += 1
        for page in script.pages:
            yield page
        if script.hang is not None:
            await script.hang.wait()
        if script.error is not None:
            raise script.error

    async def test(_config: Any, _context: Context) -> Sequence[Probe]:
        return [Probe(asked="anything", ok=True)]

    return Source("scripted", NoKeys, tuple(yields), fetch, test, (), timedelta(minutes=15))


def source_config(name: str, source: Source, **common: Any) -> SourceConfig:
    """Configure a scripted source."""
    settings = SourceCommon(kind="scripted", **common)
    return SourceConfig(name, settings, NoKeys(), {"kind": "scripted"}, source, digest=f"sha256:{name}")


def check_config(name: str, unit: str, judged: Sequence[str], joined: Sequence[str] = (), **common: Any) -> CheckConfig:
    """Configure a real check over scripted sources."""
    check = checks.discover()[unit]
    settings = CheckCommon(check=unit, sources=(*judged, *joined), **common)
    return CheckConfig(name, settings, check.policy(), {}, check, tuple(judged), tuple(joined), digest=f"sha256:{name}")


def estate(folder: Path, sources: Sequence[SourceConfig], configured: Sequence[CheckConfig], **engine: Any) -> Config:
    """Make a configuration."""
    return Config(
        path=folder / "controlwatch.toml",
        folder=folder,
        engine=EngineSettings(**engine),
        sources={source.name: source for source in sources},
        checks={check.name: check for check in configured},
        digest="sha256:estate",
    )


def roster_types() -> tuple[type[Record], ...]:
    """Name what a roster tells."""
    return (Person,)


def by_name(items: Sequence[Any]) -> Mapping[str, Any]:
    """Index views by name."""
    return {item.name: item for item in items}
