"""The configuration is read whole and validated whole: every fault at once.

Each fault says its path, what was found and what is allowed.

Nothing starts on a bad file. Paths are relative to the file's folder.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import tomli

import checks
import sources
from checks.model.check import Check, Severity
from checks.model.records import Account, Record
from checks.model.units import duration, format_duration
from engine import rules
from engine.alerting import settings as alerting
from engine.convert import Faults, choice, convert_table, shown
from engine.serve import KEY, check_listen
from engine.settings import AlertSettings, CheckCommon, EngineSettings, MetricsSettings, SourceCommon, WaiverSettings
from engine.textfile import KEY as TEXTFILE
from engine.textfile import textfile_fault
from sources.common.local import open_at_once
from sources.common.source import Source

LONGEST_REMEDY = duration("180d")
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SERIES = range(1_000, 1_000_001)
"""What ``metrics.max_series`` may be: the least shows a small estate, the most is still rendered in time."""
SECTIONS = ("engine", "metrics", "alerts", "waivers", "sources", "checks")


class ConfigError(Exception):
    """The configuration cannot be used; ``faults`` says why, one line each."""

    def __init__(self, faults: Sequence[str]) -> None:
        """Keep the faults in the order of the file."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


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
    alerts: AlertSettings = field(default_factory=AlertSettings)
    waivers: WaiverSettings = field(default_factory=WaiverSettings)
    sources: Mapping[str, SourceConfig] = field(default_factory=dict)
    checks: Mapping[str, CheckConfig] = field(default_factory=dict)
    digest: str = ""
    told_web_config: str = ""
    """What the command line names instead of ``metrics.web_config``, absolute; a reload keeps it."""

    @property
    def web_config(self) -> Path | None:
        """The listener's web configuration; None when there is none."""
        return self.folder / self.metrics.web_config if self.metrics.web_config else None

    @property
    def textfile(self) -> Path | None:
        """The file that follows the exposition; None when there is none."""
        return self.folder / self.metrics.textfile if self.metrics.textfile else None

    @property
    def state_dir(self) -> Path:
        """Folder of evidence and store, absolute."""
        return (self.folder / self.engine.state_dir).resolve()


def load(path: Path, web_config: str = "") -> Config:
    """Read a configuration file; raises ``ConfigError`` with every fault.

    ``web_config``, absolute, stands for ``metrics.web_config``. That file is not read here: who may read a
    configuration need not be able to read the listener's key.
    """
    try:
        with open_at_once(path) as file:
            octets = file.read()
        text = octets.decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([f"{path.name}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{path.name}: line {line}: not UTF-8 text, as TOML must be; save it as UTF-8"]) from None
    return parse(text, path, web_config)


def parse(text: str, path: Path, web_config: str = "") -> Config:
    """Validate a configuration text as if it were read from ``path``; raises ``ConfigError`` with every fault."""
    try:
        tree = tomli.loads(text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError is a ValueError, and so is an endless number
        raise ConfigError([f"{path.name}: not valid TOML: {error}"]) from None
    faults = Faults(path.name)
    for key in tree:
        if key not in SECTIONS:
            faults.add(key, f"unknown section{choice(key, SECTIONS)}")
    asked = {name: _source(name, table, path.parent, faults) for name, table in _tables(tree, "sources", faults)}
    tells = {name: _yields(table) for name, table in _named(tree, "sources").items()}
    judged = {name: _check(name, table, tells, faults) for name, table in _tables(tree, "checks", faults)}
    config = Config(
        path=path,
        folder=path.parent.resolve(),
        engine=_section(EngineSettings, tree, "engine", faults),
        metrics=_metrics(tree, web_config, faults),
        alerts=_section(AlertSettings, tree, "alerts", faults),
        waivers=_section(WaiverSettings, tree, "waivers", faults),
        sources={name: source for name, source in asked.items() if source is not None},
        checks={name: check for name, check in judged.items() if check is not None},
        digest="sha256:" + hashlib.sha256(text.encode()).hexdigest(),
        told_web_config=web_config,
    )
    _across(config, faults)
    if faults.found:
        faults.sort(tree)
        raise ConfigError(faults.lines)
    return config


def digest_of(*tables: Mapping[str, Any]) -> str:
    """Digest configuration tables: equal for equal content, whatever the order of keys."""
    text = json.dumps(tables, sort_keys=True, default=str)
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _asked(table: Mapping[str, Any]) -> Mapping[str, Any]:
    """Leave out of a source's table what changes when it is asked, and not what."""
    return {key: value for key, value in table.items() if key not in {"every", "max_age", "timeout"}}


def _section(kind: type[Any], tree: Mapping[str, Any], key: str, faults: Faults) -> Any:
    table = tree.get(key, {})
    return convert_table(table, (kind,), key, faults)[0] or kind()


def _metrics(tree: Mapping[str, Any], web_config: str, faults: Faults) -> MetricsSettings:
    settings: MetricsSettings = _section(MetricsSettings, tree, "metrics", faults)
    return msgspec.structs.replace(settings, web_config=web_config) if web_config else settings


def _named(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Give a section of named tables, sound or not."""
    section = tree.get(key, {})
    return section if isinstance(section, dict) else {}


def _tables(tree: Mapping[str, Any], key: str, faults: Faults) -> list[tuple[str, Mapping[str, Any]]]:
    """List the named tables of a section."""
    if not isinstance(tree.get(key, {}), dict):
        faults.add(key, f"expected tables, as in [{key}.NAME], found {shown(tree[key])}")
    named: list[tuple[str, Mapping[str, Any]]] = []
    for name, table in _named(tree, key).items():
        fault = rules.name_fault(key, name, NAME)
        if fault is not None:
            faults.add(f"{key}.{name}", fault)
        elif not isinstance(table, dict):
            faults.add(f"{key}.{name}", f"expected a table, found {shown(table)}")
        else:
            named.append((name, table))
    return named


def _yields(table: object) -> tuple[type[Record], ...] | None:
    """Name what a declared source tells, whatever else is wrong with it; None when its kind is not known."""
    kind = table.get("kind") if isinstance(table, dict) else None
    return sources.load(kind).yields if isinstance(kind, str) and kind in sources.kinds() else None


def _unit(table: Mapping[str, Any], path: str, key: str, known: Sequence[str], faults: Faults) -> str | None:
    """Read which kind a source is of, or which check is configured; None when there is none of that name."""
    named = table.get(key)
    if isinstance(named, str) and named in known:
        return named
    said = "missing" if named is None else f"unknown {key} {shown(named)}"
    faults.add(f"{path}.{key}", f"{said}{choice(named, known)}")
    return None


def _source(name: str, table: Mapping[str, Any], folder: Path, faults: Faults) -> SourceConfig | None:
    path, before = f"sources.{name}", len(faults.found)
    for where in rules.passwords(table, path):
        faults.add(where, "holds a password; name the user alone, and give the password by a reference to a secret")
    kind = _unit(table, path, "kind", sources.kinds(), faults)
    if kind is None:
        return None
    source = sources.load(kind)
    common, own = convert_table(table, (SourceCommon, source.config), path, faults)
    for message in source.check(own, folder) if source.check is not None and own is not None else ():
        faults.add(f"{path}.{message.split(':', 1)[0]}", message.split(":", 1)[-1].strip())
    for key, message in _common_faults(common, source):
        faults.add(f"{path}.{key}", message)
    sound = len(faults.found) == before
    return SourceConfig(name, common, own, table, source, digest_of(_asked(table))) if sound else None


def _common_faults(common: SourceCommon, source: Source) -> Iterator[tuple[str, str]]:
    """Find the faults of the keys that every source takes, as key and message."""
    yield from rules.too_short({"every": common.every, "max_age": common.max_age, "timeout": common.timeout})
    if common.classify and Account not in source.yields:
        yield "classify", f"sources of kind {common.kind} tell no accounts"
    for index, rule in enumerate(common.classify):
        if rule.klass not in rules.CLASSES:
            yield f"classify[{index}].class", f"unknown class {shown(rule.klass)}{choice(rule.klass, rules.CLASSES)}"
        for key, message in rules.match_faults(rule.match, rule.reason, rules.CLASSIFIED_BY):
            yield f"classify[{index}].{key}", message


def _check(name: str, table: Mapping[str, Any], tells: rules.Tells, faults: Faults) -> CheckConfig | None:
    path, before = f"checks.{name}", len(faults.found)
    known = checks.discover()
    unit = _unit(table, path, "check", list(known), faults)
    if unit is None:
        return None
    check = known[unit]
    common, policy = convert_table(table, (CheckCommon, check.policy), path, faults)
    if common is None:
        return None
    if not 0.0 < common.min_coverage <= 1.0:
        faults.add(f"{path}.min_coverage", f"expected a share above 0 and up to 1, found {common.min_coverage}")
    if common.remediate_within > LONGEST_REMEDY:
        told = f"expected {format_duration(LONGEST_REMEDY)} or less, found {format_duration(common.remediate_within)}"
        faults.add(f"{path}.remediate_within", f"{told}; what takes longer needs a waiver, which somebody approves")
    roles = rules.roles(common.sources, check, unit, tells)
    for key, message in (*rules.too_short({"max_age": common.max_age}), *roles.faults):
        faults.add(f"{path}.{key}", message)
    fields = rules.fields_of(check.over if check.by is None else check.over[:1])
    for index, rule in enumerate(common.exclude):
        for key, message in rules.match_faults(rule.match, rule.reason, fields):
            faults.add(f"{path}.exclude[{index}].{key}", message)
    sound = len(faults.found) == before
    return (
        CheckConfig(name, common, policy, table, check, roles.judged, roles.joined, digest_of(table)) if sound else None
    )


def _across(config: Config, faults: Faults) -> None:
    """Find the faults that no single table shows."""
    if not config.engine.state_dir.strip():
        faults.add("engine.state_dir", "name a folder of its own")
    if config.engine.store != "sqlite":
        faults.add("engine.store", 'expected "sqlite", the only store of this version')
    if config.engine.concurrency < 1:
        faults.add("engine.concurrency", f"expected 1 or more, found {config.engine.concurrency}")
    metrics = config.metrics
    allowed = metrics.allow_public or bool(metrics.web_config)  # what that file protects is seen when it is read
    refused = check_listen(metrics.listen, allow_public=allowed) if metrics.listen else None
    if refused is not None:
        faults.add(KEY, refused.removeprefix(f"{KEY}: "))
    unread = textfile_fault(metrics.textfile) if metrics.textfile else None
    if unread is not None:
        faults.add(TEXTFILE, unread)
    if not SERIES[0] <= config.metrics.max_series <= SERIES[-1]:
        told = f"expected {SERIES[0]} to {SERIES[-1]}, found {config.metrics.max_series}"
        faults.add("metrics.max_series", told)
    for key, message in alerting.faults(config.alerts):
        faults.add(f"alerts.{key}", message)
    _freshness(config, faults)
    for name, message in rules.was_faults({name: check.common.was for name, check in config.checks.items()}):
        faults.add(f"checks.{name}.was", message)


def _freshness(config: Config, faults: Faults) -> None:
    """Find ages that are over before the next run could end; a joined source counts by its own."""
    joined = {name for check in config.checks.values() for name in check.joined}
    for source in config.sources.values():
        if (source.common.max_age is not None or source.name in joined) and source.max_age < source.every:
            told = f"{format_duration(source.max_age)} is shorter than every = {format_duration(source.every)}"
            faults.add(f"sources.{source.name}.max_age", f"{told}; it would be stale between runs")
    for check in config.checks.values():
        every = [config.sources[name].every for name in check.judged if name in config.sources]
        slowest = max(every, default=timedelta(0))
        if check.max_age < slowest:
            told = f"{format_duration(check.max_age)} is shorter than the interval of its slowest source"
            told = f"{told}, {format_duration(slowest)}; it would be stale between runs"
            faults.add(f"checks.{check.name}.max_age", told)
