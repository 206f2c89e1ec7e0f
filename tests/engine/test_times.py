"""What configured things are known by outlives what told it, and goes with the configuration."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import sources
from checks.model import codec
from checks.model.records import Attestation, Backup, BackupSet, Record
from engine.blobs import FolderBlobs
from engine.config import CheckConfig, SourceConfig
from engine.exposition import fits
from engine.port import KnownTime
from engine.settings import SourceCommon
from engine.times import Sought, currencies_of, known_times, label_names
from sources.common.errors import Unreachable
from tests.support.builders import ago, ahead, attestation, backup, backup_set, endpoint
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, source_config
from tests.support.running import Driven, driven
from tests.support.series import exposed
from tests.support.times import NIGHTLY, expiry, naming, newest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def read(folder: Path, *records: Record, checks_of: Sequence[CheckConfig] = (), **sought: Any) -> list[KnownTime]:
    """Read the known times of one collection."""
    blobs = FolderBlobs(folder)
    blob = blobs.put(b"".join(codec.encode(record) + b"\n" for record in records))
    currencies = currencies_of(checks_of, "it")
    asked = Sought(**{"source": "it", "labels": NIGHTLY, "currencies": currencies, **sought})
    return known_times(asked, blob.digest, blobs, NOW)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        pytest.param([endpoint("web")], [expiry(ahead("60d"))], id="an-endpoint"),
        pytest.param(
            [endpoint("web", effective_not_after=None, not_after=None, last_known_not_after=ahead("9d"))],
            [expiry(ahead("9d"))],
            id="the-last-that-was-known",
        ),
        pytest.param([endpoint("other")], [], id="not-configured"),
        pytest.param([backup_set(), backup(), backup("old", started_at=ago("9d"))], [newest(ago("3h"))], id="newest"),
        pytest.param([backup_set(), backup(status="partial")], [], id="a-partial-one-is-none"),
        pytest.param([backup_set(), backup(started_at=ahead("1h"))], [], id="one-of-the-future-is-none"),
        pytest.param([backup_set("found"), backup(set="found")], [], id="a-set-that-was-only-found"),
        pytest.param([attestation("web")], [], id="an-attestation-that-no-check-judges"),
    ],
)
def test_a_collection_tells_times_of_configured_names(
    tmp_path: Path, records: Sequence[Record], expected: Sequence[KnownTime]
) -> None:
    """What a source found by itself, or what proves no backup, has no time."""
    assert read(tmp_path, *records) == expected


@pytest.mark.parametrize(
    ("told", "own"),
    [
        pytest.param(3600.0, 3600.0, id="its-own"),
        pytest.param(0.0, None, id="zero-is-none"),
        pytest.param(None, None, id="not-told"),
        pytest.param(-1.0, None, id="negative"),
        pytest.param(1e300, None, id="longer-than-any-may-be"),
    ],
)
def test_a_backup_tells_the_set_s_own_objective(tmp_path: Path, told: float | None, own: float | None) -> None:
    """RPO and grace are the set's own, or none."""
    (one,) = read(tmp_path, backup_set(rpo_seconds=told, grace_seconds=7.0), backup())
    (other,) = read(tmp_path, backup_set(rpo_seconds=7.0, grace_seconds=told), backup())

    assert (one.limit_seconds, one.grace_seconds) == (own, 7.0)
    assert (other.limit_seconds, other.grace_seconds) == (7.0, own)


@pytest.mark.parametrize(
    ("former", "records", "expected"),
    [
        pytest.param(newest(ago("1d")), [backup_set(backups=0)], [newest(ago("1d"))], id="every-backup-is-gone"),
        pytest.param(newest(ago("1d")), [], [newest(ago("1d"))], id="the-set-is-not-even-told"),
        pytest.param(
            newest(ago("1d"), limit_seconds=5.0, grace_seconds=6.0),
            [],
            [newest(ago("1d"), limit_seconds=5.0, grace_seconds=6.0)],
            id="its-own-objective-stays",
        ),
        pytest.param(
            newest(ago("1d"), limit_seconds=5.0),
            [backup_set(rpo_seconds=60.0)],
            [newest(ago("1d"), limit_seconds=60.0)],
            id="a-new-objective-counts",
        ),
        pytest.param(newest(ago("1h")), [backup_set(), backup()], [newest(ago("3h"))], id="what-is-told-counts"),
        pytest.param(newest(ago("1d"), "gone"), [], [], id="no-longer-configured"),
        pytest.param(newest(ahead("2d")), [], [], id="by-a-clock-that-ran-ahead"),
        pytest.param(expiry(ahead("2d")), [], [expiry(ahead("2d"))], id="an-endpoint-that-is-gone"),
        pytest.param(expiry(ahead("2d"), "gone"), [], [], id="an-endpoint-no-longer-configured"),
        pytest.param(
            KnownTime(source="it", id="web", what="attestation_until", at=ahead("2d"), name="web"),
            [],
            [],
            id="an-attestation-that-no-longer-counts",
        ),
    ],
)
def test_a_time_outlives_what_told_it(
    tmp_path: Path, former: KnownTime, records: Sequence[Record], expected: Sequence[KnownTime]
) -> None:
    """A former time stays while its name is configured, until something else is told."""
    assert read(tmp_path, *records, former=[former]) == expected


def certification(name: str = "vendors", **policy: Any) -> CheckConfig:
    """Configure a check over the attestations of ``it``."""
    check = check_config(name, "certification_expiry", ["it"])
    return dataclasses.replace(check, policy=check.check.policy(**policy))


@pytest.mark.parametrize(
    ("judging", "record", "until"),
    [
        pytest.param([certification()], {}, datetime(2027, 6, 24, 5, 30, tzinfo=UTC), id="twelve-months"),
        pytest.param(
            [certification(current_months=6), certification()],
            {},
            datetime(2026, 12, 24, 5, 30, tzinfo=UTC),
            id="the-strictest-check",
        ),
        pytest.param([certification()], {"status": "withdrawn"}, None, id="withdrawn"),
        pytest.param(
            [certification()], {"kind": "pentest", "issued_at": datetime.max.replace(tzinfo=UTC)}, None, id="max"
        ),
        pytest.param([check_config("mfa", "mfa_coverage", ["it"])], {}, None, id="no-check-over-attestations"),
        pytest.param([check_config("x", "certification_expiry", ["elsewhere"])], {}, None, id="of-another-register"),
    ],
)
def test_an_attestation_is_current_as_its_check_says(
    tmp_path: Path, judging: Sequence[CheckConfig], record: Mapping[str, Any], until: datetime | None
) -> None:
    """The end is the check's own, under its policy; what does not count has none."""
    told = read(tmp_path, attestation(**record), checks_of=judging)

    assert [(time.what, time.at, time.name) for time in told] == (
        [] if until is None else [("attestation_until", until, "example-platform-soc2-type2")]
    )


def offering(vendor: str | None, name: str | None = "Platform", kind: str | None = "soc2_type2") -> Attestation:
    """Build an attestation as it is registered."""
    return attestation(f"{vendor}/{name}/{kind}", vendor=vendor, offering=name, kind=kind)


@pytest.mark.parametrize(
    ("registered", "names"),
    [
        pytest.param([offering("Acme, Inc.")], ["acme-inc-platform-soc2-type2"], id="plain"),
        pytest.param([offering("Zürcher Größe")], ["zurcher-grosse-platform-soc2-type2"], id="accents"),
        pytest.param([offering("self", "EU / US")], ["self-eu-us-soc2-type2"], id="separators"),
        pytest.param([offering("日本")], [""], id="nothing-is-left"),
        pytest.param([offering(None)], [""], id="not-told"),
        pytest.param([offering("ana@example.org")], [""], id="an-address"),
        pytest.param([offering("ana\uff20example.org")], [""], id="an-address-in-full-width"),
        pytest.param([offering("a" * 200)], [""], id="too-long"),
        pytest.param(
            [offering("Acme", "One"), offering("Acme One", "iso", "27001"), offering("Acme", "One iso", "27001")],
            ["acme-one-soc2-type2", "acme-one-iso-27001-HEX", "acme-one-iso-27001-HEX"],
            id="two-alike",
        ),
    ],
)
def test_an_offering_is_named_for_a_label(registered: Sequence[Attestation], names: Sequence[str]) -> None:
    """A name is a slug of vendor, offering and kind; no two are alike, and what fits no label is none."""
    found = label_names(registered)
    given = [found[record.id] for record in registered]

    assert [re.sub(r"(?<=-)[0-9a-f]{8}$", "HEX", name) for name in given] == names
    told = [name for name in given if name]
    assert len(set(told)) == len(told)
    assert all(fits("attestation", name) for name in told)


def test_a_name_that_looks_marked_never_doubles_another() -> None:
    """Whoever registers the very name that a mark makes gets no series of that name."""
    alike = [offering("Acme One", "iso", "27001"), offering("Acme", "One iso", "27001")]
    marked = label_names(alike)[alike[0].id]
    forged = offering(marked.partition("-")[0], marked.partition("-")[2].rpartition("-")[0], marked.rpartition("-")[2])

    names = list(label_names([*alike, forged]).values())

    assert "" in names
    assert len(set(names)) == 3


def rewritten(it: Driven, labels: Mapping[str, str], script: Script, *, name: str = "it") -> Any:
    """Give the configuration in force with another list of names."""
    source = dataclasses.replace(
        source_config(name, naming(script, labels, (BackupSet, Backup))), digest=f"sha256:{len(labels)}"
    )
    configured = [check_config("backups", "backup_freshness", [name])]
    return estate(it.engine.config.folder, [source], configured)


def times(it: Driven) -> list[tuple[str, datetime]]:
    """Give the known times as the latest snapshot tells them."""
    assert it.engine.snapshot is not None
    return [(time.id, time.at) for time in it.engine.snapshot.times]


def exported(it: Driven, name: str) -> dict[str, float]:
    """Give the series of a family, by set, as Prometheus would read them."""
    assert it.engine.snapshot is not None
    series = exposed(it.engine.snapshot, it.clock())
    return {dict(labels)["set"]: value for (full, labels), value in series.items() if full == f"controlwatch_{name}"}


async def test_a_wiped_repository_keeps_its_deadline(tmp_path: Path) -> None:
    """All backups of a declared set are gone, in a complete collection: the newest stays known, over a restart too."""
    script, clock = Script(), Clock()
    script.tell(backup_set(source="it"), backup(source="it", started_at=NOW - 3 * HOUR))
    source = source_config("it", naming(script, NIGHTLY, (BackupSet, Backup)))
    config = estate(tmp_path, [source], [check_config("backups", "backup_freshness", ["it"])])
    due = {"web": (NOW + 27 * HOUR).timestamp()}
    async with driven(config, clock) as it:
        await it.run()
        assert exported(it, "backup_deadline_timestamp_seconds") == due

        script.tell(backup_set(source="it", backups=0))
        await it.run(HOUR)

        assert it.source("it").complete
        assert times(it) == [("web", NOW - 3 * HOUR)]
        assert exported(it, "backup_newest_timestamp_seconds") == {"web": (NOW - 3 * HOUR).timestamp()}
        assert exported(it, "backup_deadline_timestamp_seconds") == due
    async with driven(config, clock) as it:
        script.error = Unreachable("it: no answer")
        await it.run(DAY)
        assert exported(it, "backup_deadline_timestamp_seconds") == due


async def test_a_set_that_leaves_the_configuration_loses_its_time(tmp_path: Path) -> None:
    """Its series end with the reload, its time with the next complete collection; a source's times go with it."""
    script, clock = Script(), Clock()
    told = [backup_set("web", source="it"), backup_set("db", source="it", rpo_seconds=60.0)]
    script.tell(*told, *(backup(one.id, set=one.id, source="it") for one in told))
    source = source_config("it", naming(script, {"web": "web", "db": "db"}, (BackupSet, Backup)))
    config = estate(tmp_path, [source], [check_config("backups", "backup_freshness", ["it"])])
    async with driven(config, clock) as it:
        await it.run()
        assert sorted(exported(it, "backup_rpo_seconds").items()) == [("db", 60), ("web", 86_400)]

        await it.engine.adopt(rewritten(it, NIGHTLY, script))
        it.engine.publish()
        assert list(exported(it, "backup_newest_timestamp_seconds")) == ["web"]
        assert list(exported(it, "backup_deadline_timestamp_seconds")) == ["web"]
        script.tell(told[0])
        await it.run(HOUR)
        assert [name for name, _ in times(it)] == ["web"]

        await it.engine.adopt(rewritten(it, NIGHTLY, script, name="other"))
        it.engine.publish()
        assert times(it) == []


REGISTER = """
[[attestation]]
vendor = "Example, Inc."
offering = "Platform"
kind = "iso27001"
status = "issued"
issued = 2026-01-01
valid_until = 2028-12-31
surveillance_due = 2027-01-31
"""


async def test_the_register_tells_when_an_offering_ends_to_be_current(tmp_path: Path) -> None:
    """A row becomes a series of its slug; an unreadable register keeps it, and a register without the row ends it."""
    register = tmp_path / "attestations.toml"
    register.write_text(REGISTER, encoding="utf-8")
    unit = sources.discover()["register"]
    own = unit.config()
    source = SourceConfig("it", SourceCommon(kind="register"), own, {"kind": "register"}, unit, digest="sha256:it")
    config = estate(tmp_path, [source], [check_config("vendors", "certification_expiry", ["it"])])
    end = datetime(2027, 1, 31, 23, 59, 59, tzinfo=UTC)
    async with driven(config, Clock()) as it:

        def ends() -> list[tuple[str, int]]:
            assert it.engine.snapshot is not None
            found = exposed(it.engine.snapshot, it.clock()).items()
            name = "controlwatch_attestation_end_timestamp_seconds"
            return [(dict(labels)["attestation"], int(value)) for (full, labels), value in found if full == name]

        await it.run()
        assert ends() == [("example-inc-platform-iso27001", int(end.timestamp()))]
        register.write_text("[[attestation]]\n", encoding="utf-8")
        await it.run(2 * HOUR)
        assert not it.source("it").complete
        assert ends() == [("example-inc-platform-iso27001", int(end.timestamp()))]
        register.write_text(REGISTER.replace('issued"', 'withdrawn"'), encoding="utf-8")
        await it.run(2 * HOUR)
        assert it.source("it").complete
        assert ends() == []
