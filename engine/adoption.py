"""What a new configuration changes in what is remembered; nothing that was proven under another one stays green.

A source whose configuration changed has completed nothing under it: its population is unknown until it does. A check
that changed, or reads such a source, is unknown until it was judged again. What was removed is retired, never
"resolved".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from engine.judge import chained
from engine.store import CheckMemory, Reconfigured, SourceMemory

if TYPE_CHECKING:
    from engine.config import CheckConfig, Config


@dataclass(frozen=True, slots=True)
class Adoption:
    """What is remembered under a configuration, and what became of the rest."""

    sources: Mapping[str, SourceMemory]
    checks: Mapping[str, CheckMemory]
    stored: Reconfigured
    """What is to be stored of it."""
    changed_sources: Sequence[str]
    due: frozenset[str]
    """Checks to judge."""


def adoption(
    config: Config,
    sources: Mapping[str, SourceMemory],
    checks: Mapping[str, CheckMemory],
    now: datetime,
) -> Adoption:
    """Tell what a configuration that comes into force makes of what is remembered."""
    renamed = _renamed(config, checks)
    checks = {
        renamed.get(name, name): msgspec.structs.replace(memory, name=renamed.get(name, name))
        for name, memory in checks.items()
    }
    gone_checks = [name for name in checks if name not in config.checks]
    gone_sources = [name for name in sources if name not in config.sources]
    known = {name: source for name, source in config.sources.items() if name in sources}
    changed = [name for name, source in known.items() if sources[name].config_digest != source.digest]
    chain = [
        chained("config", {"source": name, "before": sources[name].config_digest, "after": config.sources[name].digest})
        for name in changed
    ]
    if gone_checks or gone_sources:
        chain.append(chained("retire", {"checks": gone_checks, "sources": gone_sources}))
    kept = {name: memory for name, memory in sources.items() if name in config.sources}
    kept |= {name: _unproven(kept[name], config.sources[name].digest) for name in changed}
    return Adoption(
        sources=kept,
        checks={name: _check(check, checks.get(name), changed, now) for name, check in config.checks.items()},
        stored=Reconfigured(renamed=renamed, gone_checks=gone_checks, gone_sources=gone_sources, chain=chain),
        changed_sources=changed,
        due=frozenset(name for name, check in config.checks.items() if _tried(check, kept)),
    )


def _renamed(config: Config, checks: Mapping[str, CheckMemory]) -> dict[str, str]:
    """Give the new names of checks, by their former ones; a name that is known already is no new one."""
    found: dict[str, str] = {}
    for name, check in config.checks.items():
        if name not in checks and check.common.was in checks:
            found.setdefault(check.common.was, name)
    return found


def _unproven(memory: SourceMemory, digest: str) -> SourceMemory:
    """Let go of what a source told under another configuration, but for what people know it by."""
    return msgspec.structs.replace(
        memory,
        config_digest=digest,
        complete=None,
        partial=None,
        baseline=None,
        shrunken=None,
        former=memory.complete or memory.former,
        completed_at=None,
        last_error=f"{memory.name} has not completed under its present configuration",
        cause=None,
        failing_since=None,
        last_gaps=(),
    )


def _check(check: CheckConfig, memory: CheckMemory | None, changed: Sequence[str], now: datetime) -> CheckMemory:
    if memory is None:
        return CheckMemory(
            name=check.name,
            check=check.common.check,
            config_digest=check.digest,
            configured_at=now,
            max_age_seconds=check.max_age.total_seconds(),
        )
    if memory.config_digest == check.digest and not set(changed) & {*check.judged, *check.joined}:
        return memory
    return msgspec.structs.replace(memory, completed=False)


def _tried(check: CheckConfig, sources: Mapping[str, SourceMemory]) -> bool:
    """Tell whether every source of a check was ever run, so that there is something to judge."""
    return all(name in sources and sources[name].attempted_at is not None for name in (*check.judged, *check.joined))
