"""The configuration is read whole and validated whole: every fault at once.

Each fault says its path, what was found and what is allowed.

Nothing starts on a bad file. Paths are relative to the file's folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import tomli

import checks
import sources
from checks.model.check import Check, Severity
from checks.model.units import Duration, duration
from engine.convert import Faults, convert_table, nearest
from sources.common.source import Source

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class ConfigError(Exception):
    """The configuration cannot be used; ``faults`` says why, one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults in the order of the file."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


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
    """Whether an address that others can reach may be used without TLS."""


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
    """When the rule must be looked at again; past it the rule is shown as overdue."""


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
    was: str = ""
    """Its former name, which keeps history over a rename."""
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
    """The share of the population that must pass, 0 to 1."""
    max_age: Duration | None = None
    """Time after which its populations are stale; the check has a default."""
    remediate_within: Duration = duration("0s")
    """Time in which a new failure may be mended before it counts; frozen per finding at first sight."""
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
    """Its former name, which keeps history over a rename."""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One configured source."""

    name: str
    common: SourceCommon
    own: Any
    """The kind's own keys, typed."""
    raw: Mapping[str, Any]
    """As written; secrets are references."""
    source: Source
    digest: str

    @property
    def every(self) -> timedelta:
        """Interval between runs."""
        return self.common.every or self.source.every

    @property
    def max_age(self) -> timedelta:
        """Time after which what it told is stale."""
        return self.common.max_age or self.source.max_age


@dataclass(frozen=True, slots=True)
class CheckConfig:
    """One configured check."""

    name: str
    common: CheckCommon
    policy: Any
    raw: Mapping[str, Any]
    check: Check
    judged: tuple[str, ...]
    """Sources whose records it judges."""
    joined: tuple[str, ...]
    """Sources that it joins with."""
    digest: str

    @property
    def max_age(self) -> timedelta:
        """Time after which its populations are stale."""
        return self.common.max_age or self.check.max_age(self.policy)

    @property
    def severity(self) -> Severity:
        """How bad a failure is."""
        return self.common.severity or self.check.severity


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration."""

    path: Path
    folder: Path
    engine: EngineSettings = field(default_factory=EngineSettings)
    metrics: MetricsSettings = field(default_factory=MetricsSettings)
    waivers: WaiverSettings = field(default_factory=WaiverSettings)
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    checks: Mapping[str, CheckConfig] = field(default_factory=dict)
    digest: str = ""

    @property
    def state_dir(self) -> Path:
        """Folder of evidence and store, absolute."""
        return (self.folder / self.engine.state_dir).resolve()


def load(path: Path) -> Config:
    """Read a configuration file; raises ``ConfigError`` with every fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path.name}: cannot be read: {error}"]) from None
    return parse(text, path)


def parse(text: str, path: Path) -> Config:
    """Validate a configuration text as if it were read from ``path``; raises ``ConfigError`` with every fault."""
    try:
        tree = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        raise ConfigError([f"{path.name}: not valid TOML: {error}"]) from None
    faults = Faults(path.name)
    sections = ("engine", "metrics", "waivers", "sources", "checks")
    for key in tree:
        if key not in sections:
            faults.add(key, f"unknown section{nearest(key, sections)}")
    found = {
        name: settings
        for name, table in _tables(tree, "sources", faults)
        if (settings := _source(name, table, path.parent, faults)) is not None
    }
    declared = set(tree.get("sources", {})) if isinstance(tree.get("sources", {}), dict) else set()
    judged = {
        name: check
        for name, table in _tables(tree, "checks", faults)
        if (check := _check(name, table, found, declared, faults)) is not None
    }
    config = Config(
        path=path,
        folder=path.parent.resolve(),
        engine=_section(EngineSettings, tree, "engine", faults),
        metrics=_section(MetricsSettings, tree, "metrics", faults),
        waivers=_section(WaiverSettings, tree, "waivers", faults),
        sources=found,
        checks=judged,
        digest="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
    )
    _across(config, faults)
    if faults.lines:
        raise ConfigError(faults.lines)
    return config


def digest_of(*tables: Mapping[str, Any]) -> str:
    """Digest configuration tables: equal for equal content, whatever the order of keys."""
    text = json.dumps(tables, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _section(kind: type[Any], tree: Mapping[str, Any], key: str, faults: Faults) -> Any:
    table = tree.get(key, {})
    converted = convert_table(table, (kind,), key, faults)
    return converted[0] if converted is not None else kind()


def _tables(tree: Mapping[str, Any], key: str, faults: Faults) -> list[tuple[str, Mapping[str, Any]]]:
    """List the named tables of a section."""
    section = tree.get(key, {})
    if not isinstance(section, dict):
        faults.add(key, f"expected tables, as in [{key}.NAME], found {type(section).__name__}")
        return []
    named: list[tuple[str, Mapping[str, Any]]] = []
    for name, table in section.items():
        if not NAME.fullmatch(name):
            faults.add(f"{key}.{name}", "a name has lower-case letters, digits and hyphens, at most 63")
        elif not isinstance(table, dict):
            faults.add(f"{key}.{name}", f"expected a table, found {type(table).__name__}")
        else:
            named.append((name, table))
    return named


def _source(name: str, table: Mapping[str, Any], folder: Path, faults: Faults) -> SourceConfig | None:
    path = f"sources.{name}"
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in sources.kinds():
        allowed = ", ".join(sources.kinds())
        hint = nearest(kind, sources.kinds()) if isinstance(kind, str) else ""
        faults.add(f"{path}.kind", f"{'missing' if kind is None else f'unknown kind {kind!r}'}{hint}; one of {allowed}")
        return None
    source = sources.load(kind)
    converted = convert_table(table, (SourceCommon, source.config), path, faults)
    if converted is None:
        return None
    common, own = converted
    for message in source.check(own, folder) if source.check is not None else ():
        faults.add(f"{path}.{message.split(':', 1)[0]}", message.split(":", 1)[-1].strip())
    for index, rule in enumerate(common.classify):
        if rule.klass not in {"human", "service", "guest", "bot", "break_glass", "privileged"}:
            allowed = "human, service, guest, bot, break_glass, privileged"
            faults.add(f"{path}.classify[{index}].class", f"unknown class {rule.klass!r}; one of {allowed}")
    return SourceConfig(name, common, own, table, source, digest_of(table))


def _check(
    name: str,
    table: Mapping[str, Any],
    found: Mapping[str, SourceConfig],
    declared: set[str],
    faults: Faults,
) -> CheckConfig | None:
    path = f"checks.{name}"
    known = checks.discover()
    unit = table.get("check")
    if not isinstance(unit, str) or unit not in known:
        hint = nearest(unit, known) if isinstance(unit, str) else ""
        said = "missing" if unit is None else f"unknown check {unit!r}"
        faults.add(f"{path}.check", f"{said}{hint}; one of {', '.join(known)}")
        return None
    check = known[unit]
    converted = convert_table(table, (CheckCommon, check.policy), path, faults)
    if converted is None:
        return None
    common, policy = converted
    if not 0.0 <= common.min_coverage <= 1.0:
        faults.add(f"{path}.min_coverage", f"expected a share from 0 to 1, found {common.min_coverage}")
    judged, joined = _roles(path, common, check, found, declared, faults)
    return CheckConfig(name, common, policy, table, check, judged, joined, digest_of(table))


def _roles(
    path: str,
    common: CheckCommon,
    check: Check,
    found: Mapping[str, SourceConfig],
    declared: set[str],
    faults: Faults,
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Tell which of a check's sources it judges and which it joins with."""
    judged: list[str] = []
    joined: list[str] = []
    for index, name in enumerate(common.sources):
        where = f"{path}.sources[{index}]"
        if name not in declared:
            faults.add(where, f"no source {name!r}{nearest(name, declared)}; declare [sources.{name}]")
        elif name in common.sources[:index]:
            faults.add(where, f"{name!r} is named twice")
        elif name in found:
            yields = found[name].source.yields
            if set(check.over) & set(yields):
                judged.append(name)
            elif check.knows is not None and not check.knows_own and check.knows in yields:
                joined.append(name)
            else:
                faults.add(
                    where,
                    f"{name!r} is of kind {found[name].common.kind!r}, which tells nothing that {common.check} reads",
                )
    clean = all(name in found for name in common.sources)
    if clean and not judged:
        faults.add(f"{path}.sources", f"{common.check} needs a source whose records it judges")
    if clean and check.knows is not None and not check.knows_own and not joined:
        faults.add(f"{path}.sources", f"{common.check} needs a source to join with, for example of kind roster")
    return tuple(judged), tuple(joined)


def _across(config: Config, faults: Faults) -> None:
    """Find the faults that no single table shows."""
    if config.engine.store != "sqlite":
        faults.add("engine.store", f'expected "sqlite", found {config.engine.store!r}')
    if config.engine.concurrency < 1:
        faults.add("engine.concurrency", f"expected 1 or more, found {config.engine.concurrency}")
    for check in config.checks.values():
        slowest = max((config.sources[name].every for name in (*check.judged, *check.joined)), default=timedelta(0))
        if check.max_age < slowest:
            faults.add(
                f"checks.{check.name}.max_age",
                f"shorter than the interval of its slowest source ({slowest}); it would be stale between runs",
            )
    for kind, table in (("sources", config.sources), ("checks", config.checks)):
        for name, item in table.items():
            if item.common.was and item.common.was in table:
                faults.add(f"{kind}.{name}.was", f"{item.common.was!r} still exists; `was` names a former name")
