"""A deadline is when a check begins to fail of what it judges now, as that check says and never as another does."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

import checks
from checks.model.records import Backup, BackupSet, TlsEndpoint
from engine.config import CheckConfig
from engine.port import Deadline, KnownTime
from engine.settings import Exclude
from engine.store import Live, SourceMemory
from engine.times import deadlines_of
from tests.support.builders import ahead
from tests.support.clock import NOW
from tests.support.estate import Script, check_config, source_config
from tests.support.times import NIGHTLY, expiry, naming, newest

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def freshness(**common: Any) -> CheckConfig:
    """Configure backup freshness over ``it``: an RPO of 24 h and a grace of 6 h."""
    return check_config("backups", "backup_freshness", ["it"], **common)


def waiver(*subjects: str) -> Live:
    """Build a live waiver."""
    return Live(id="w", subjects=subjects, starts=NOW, ends=ahead("9d"))


def excluding(**match: str) -> CheckConfig:
    """Configure an exclusion."""
    return freshness(exclude=(Exclude(match=match, reason="retired"),))


@pytest.mark.parametrize(
    ("check", "time", "waivers", "hours"),
    [
        pytest.param(freshness(), newest(NOW), [], (24, 6), id="the-policy-s"),
        pytest.param(freshness(), newest(NOW, limit_seconds=3600.0), [], (1, 6), id="its-own-rpo"),
        pytest.param(freshness(), newest(NOW, grace_seconds=3600.0), [], (24, 1), id="its-own-grace"),
        pytest.param(freshness(), newest(NOW, limit_seconds=1e300), [], (24, 6), id="an-impossible-rpo"),
        pytest.param(freshness(), newest(NOW, "found"), [], None, id="a-set-without-a-label"),
        pytest.param(freshness(), expiry(NOW), [], None, id="no-backup"),
        pytest.param(check_config("mfa", "mfa_coverage", ["it"]), newest(NOW), [], None, id="no-check-over-backups"),
        pytest.param(check_config("b", "backup_freshness", ["x"]), newest(NOW), [], None, id="of-another-source"),
        pytest.param(freshness(), newest(NOW), [waiver("it/web")], None, id="waived-by-subject"),
        pytest.param(freshness(), newest(NOW), [waiver("WEB")], None, id="waived-by-label"),
        pytest.param(freshness(), newest(NOW), [waiver("it/w?b")], None, id="waived-by-glob"),
        pytest.param(freshness(), newest(NOW), [waiver("it/db", "other/web")], (24, 6), id="another-set-is-waived"),
        pytest.param(excluding(label="w*"), newest(NOW), [], None, id="excluded-by-label"),
        pytest.param(excluding(id="web"), newest(NOW), [], None, id="excluded-by-id"),
        pytest.param(excluding(id="db"), newest(NOW), [], (24, 6), id="another-set-is-excluded"),
        pytest.param(excluding(id="web", backups="0"), newest(NOW), [], (24, 6), id="an-exclusion-that-may-not-apply"),
    ],
)
def test_a_set_is_overdue_as_its_check_judges_it(
    check: CheckConfig, time: KnownTime, waivers: Sequence[Live], hours: tuple[int, int] | None
) -> None:
    """The deadline is the newest backup, the RPO and the grace; what nobody is to be woken for has none."""
    source = source_config("it", naming(Script(), NIGHTLY, (BackupSet, Backup)))

    told = deadlines_of(check, {"it": source}, {"it": SourceMemory(name="it", times=(time,))}, waivers)

    if hours is None:
        assert told == ()
        return
    rpo, grace = hours
    at = NOW + (rpo + grace) * HOUR
    assert told == (Deadline(source="it", id="web", at=at, rpo_seconds=rpo * 3600, grace_seconds=grace * 3600),)


@pytest.mark.parametrize(
    ("name", "exclude", "waivers", "count"),
    [
        pytest.param("tls_expiry", {}, [], 1, id="as-it-is-known"),
        pytest.param("tls_expiry", {}, [waiver("it/web")], 0, id="waived-by-subject"),
        pytest.param("tls_expiry", {}, [waiver("WEB")], 0, id="waived-by-label"),
        pytest.param("tls_expiry", {}, [waiver("it/db")], 1, id="another-target-is-waived"),
        pytest.param("tls_expiry", {"label": "w*"}, [], 0, id="excluded"),
        pytest.param("tls_expiry", {"issuer": "*"}, [], 1, id="an-exclusion-that-may-not-apply"),
        pytest.param("backup_freshness", {}, [], 0, id="no-check-over-endpoints"),
    ],
)
def test_a_certificate_ends_for_each_check_that_judges_its_target(
    name: str, exclude: dict[str, str], waivers: Sequence[Live], count: int
) -> None:
    """The deadline is the known end; a target that is excluded or under a live waiver has none."""
    source = source_config("it", naming(Script(), NIGHTLY, (TlsEndpoint,)))
    rules = (Exclude(match=exclude, reason="retired"),) if exclude else ()
    check = check_config("edge", name, ["it"], exclude=rules)

    found = deadlines_of(check, {"it": source}, {"it": SourceMemory(name="it", times=(expiry(NOW),))}, waivers)

    assert found == ((Deadline(source="it", id="web", what="tls_not_after", at=NOW),) if count else ())


def test_a_source_that_never_ran_sets_no_deadline() -> None:
    """What is not known has none; ``time_never_known`` says so."""
    source = source_config("it", naming(Script(), NIGHTLY, (BackupSet, Backup)))

    assert deadlines_of(freshness(), {"it": source}, {}, []) == ()
    assert deadlines_of(freshness(), {}, {"it": SourceMemory(name="it", times=(newest(NOW),))}, []) == ()


def test_every_check_that_a_deadline_needs_is_there() -> None:
    """Exactly one check sets limits of backups, and one says what is current, so the tables above are of them."""
    units = checks.discover().items()

    assert [name for name, unit in units if unit.limits is not None] == ["backup_freshness"]
    assert [name for name, unit in units if unit.current_until is not None] == ["certification_expiry"]
