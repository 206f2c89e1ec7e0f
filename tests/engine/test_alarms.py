"""Alarms from what a source tells to what the snapshot shows: raised once, kept while blind, gone when mended."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.check import AlarmKind
from checks.model.doubt import Cause, facts_gap
from checks.model.records import Account, Backup, BackupSet, TlsEndpoint
from checks.model.state import State
from engine.config import CheckConfig, Config
from engine.port import Alarm
from sources.common.errors import Unreachable
from sources.common.source import Page
from tests.support.builders import KEY, SMS, TOTP, account, ago, backup, backup_set, endpoint
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

HOUR = timedelta(hours=1)
UNTOLD: dict[str, Any] = {"mfa": None, "factors": None, "why": {"mfa": "denied", "factors": "denied"}}


def admin(name: str = "ada", **told: Any) -> Account:
    """Build an administrator with an authenticator app."""
    return account(name, source="idp", **{"privileged": True, "roles": ("administrator",), "factors": (TOTP,), **told})


def bare(name: str = "ada") -> Account:
    """Build an administrator without a second factor."""
    return admin(name, mfa=False, factors=())


def one_check(folder: Path, script: Script, unit: str = "admin_mfa", **common: Any) -> Config:
    """Configure one check, named ``watched``, over one scripted source."""
    kinds = (Account, BackupSet, Backup, TlsEndpoint)
    source = source_config("idp", scripted(script, kinds))
    return estate(folder, [source], [check_config("watched", unit, ["idp"], **common)])


def alarm(it: Driven, kind: AlarmKind = AlarmKind.MFA_LOST) -> Alarm:
    """Give the alarm that the snapshot shows; the check has no other kind."""
    assert list(it.check("watched").alarms) == [kind]
    return it.check("watched").alarms[kind]


async def settled(it: Driven) -> None:
    """Let an hour pass, and what a new engine judged first: it looks again no sooner than a moment later."""
    await it.run(HOUR)
    await it.run(timedelta(seconds=2))


async def test_an_administrator_who_lost_mfa_is_told_over_a_restart(tmp_path: Path) -> None:
    """Had it, lost it, still without it: one alarm, of the instant of the loss; nobody who never had it is in it."""
    script, clock = Script(), Clock()
    config = one_check(tmp_path, script)
    script.tell(admin(), admin("bob", factors=(KEY,)), bare("never"))
    async with driven(config, clock) as it:
        await it.run()
        assert alarm(it) == Alarm()
    async with driven(config, clock) as it:
        await settled(it)
        script.tell(bare(), admin("bob", factors=(KEY,)), bare("never"), bare("promoted"))
        await it.run(HOUR)
        lost_at = clock()
        assert alarm(it) == Alarm(count=1, at=lost_at)
    async with driven(config, clock) as it:
        it.engine.publish()
        assert alarm(it) == Alarm(count=1, at=lost_at)
        await settled(it)
        assert alarm(it) == Alarm(count=1, at=lost_at)
        script.tell(admin(), admin("bob", factors=(KEY,)), bare("never"), bare("promoted"))
        await it.run(HOUR)
        assert alarm(it) == Alarm()


@pytest.mark.parametrize(
    ("page", "error"),
    [
        pytest.param(Page(records=[]), Unreachable("idp: gone"), id="source down"),
        pytest.param(Page(records=[admin()]), Unreachable("idp: broke off"), id="mended in a part"),
        pytest.param(
            Page(
                records=[admin(**UNTOLD)], gaps=[facts_gap(Cause.DENIED, ("account.mfa", "account.factors"), "denied")]
            ),
            None,
            id="behind a gap",
        ),
    ],
)
async def test_an_alarm_does_not_end_because_a_source_tells_less(
    tmp_path: Path, page: Page, error: Exception | None
) -> None:
    """Whoever lost MFA has lost it until a complete collection says otherwise."""
    script, clock = Script(), Clock()
    async with driven(one_check(tmp_path, script), clock) as it:
        for record in (admin(), bare()):
            script.tell(record)
            await it.run(HOUR)
        told = alarm(it)
        script.pages, script.error = [page], error
        await it.run(HOUR)
        await it.run(HOUR)

        assert told.count == 1
        assert alarm(it) == told


async def test_a_loss_behind_an_outage_is_told_when_the_source_is_back(tmp_path: Path) -> None:
    """Nobody saw the instant of the loss; it is told at first sight, and a new administrator is no loss."""
    script, clock = Script(), Clock()
    async with driven(one_check(tmp_path, script), clock) as it:
        script.tell(admin())
        await it.run()
        script.pages, script.error = [], Unreachable("idp: gone")
        await it.run(timedelta(days=2))
        script.tell(bare(), bare("new"))
        await it.run(HOUR)

        assert alarm(it) == Alarm(count=1, at=clock())


async def test_a_stricter_policy_is_no_loss(tmp_path: Path) -> None:
    """Who fails a policy that asks for more has lost nothing; who lost it before, and who loses it later, has."""
    script, clock = Script(), Clock()
    config = one_check(tmp_path, script)
    keyed = admin("key", factors=(KEY,))
    async with driven(config, clock) as it:
        for told in ((admin(), admin("sam"), keyed), (admin(), bare("sam"), keyed)):
            script.tell(*told)
            await it.run(HOUR)
        assert alarm(it).count == 1
    stricter = _stricter(config.checks["watched"])
    async with driven(dataclasses.replace(config, checks={"watched": stricter}), clock) as it:
        await settled(it)
        assert it.check("watched").tally.failed == 2
        assert alarm(it).count == 1
        script.tell(admin(), bare("sam"), admin("key", factors=(SMS,)))
        await it.run(HOUR)
        assert alarm(it) == Alarm(count=2, at=clock())


def _stricter(check: CheckConfig) -> CheckConfig:
    policy = check.check.policy(required="phishing_resistant")
    return dataclasses.replace(check, policy=policy, digest="sha256:stricter")


async def test_a_break_glass_account_that_is_used_again_is_told_again(tmp_path: Path) -> None:
    """The first use is told once, each later one anew, while the finding is open all along."""
    script, clock, told = Script(), Clock(), []
    async with driven(one_check(tmp_path, script, "stale_access"), clock) as it:
        for used in ("3d", "3d", "1h"):
            script.tell(account("glass", source="idp", klass="break_glass", last_seen_at=ago(used)))
            await it.run(HOUR)
            told.append(alarm(it, AlarmKind.BREAK_GLASS_USED))
        opened = [row.first_seen for row in await it.findings("watched")]

    assert opened == [NOW + HOUR]
    assert told == [Alarm(count=1, at=NOW + hours * HOUR) for hours in (1, 1, 3)]


def waive(it: Driven, subject: str) -> None:
    """Write a waiver of one subject that begins now."""
    begins, ends = (f"{at:%Y-%m-%dT%H:%M:%SZ}" for at in (it.clock(), it.clock() + timedelta(days=30)))
    path = it.engine.config.folder / it.engine.config.waivers.file
    path.write_text(
        f"""
[[waiver]]
id = "W-1"
check = "watched"
subjects = ["{subject}"]
reason = "a drill of the emergency account, ticket 7"
requested_by = "ana"
approved_by = "bob"
starts = {begins}
expires = {ends}
"""
    )


async def test_a_waiver_of_one_use_silences_no_later_one(tmp_path: Path) -> None:
    """The explained use is silent, the finding waived; the next use wakes somebody, and the finding is waived still."""
    script, clock = Script(), Clock()
    async with driven(one_check(tmp_path, script, "stale_access"), clock) as it:
        script.tell(account("glass", source="idp", klass="break_glass", last_seen_at=ago("1h")))
        await it.run(HOUR)
        assert alarm(it, AlarmKind.BREAK_GLASS_USED) == Alarm(count=1, at=clock())
        waive(it, "idp/glass")
        await it.engine.adopt(it.engine.config)
        await it.run(HOUR)
        assert (alarm(it, AlarmKind.BREAK_GLASS_USED), it.state("watched")) == (Alarm(), State.WAIVED)
        script.tell(account("glass", source="idp", klass="break_glass", last_seen_at=clock()))
        await settled(it)

        assert alarm(it, AlarmKind.BREAK_GLASS_USED) == Alarm(count=1, at=clock())
        assert it.state("watched") is State.WAIVED


@pytest.mark.parametrize(
    "away",
    [
        pytest.param((), id="not shown"),
        pytest.param((admin(status="disabled"),), id="disabled"),
        pytest.param((admin(privileged=False, roles=()),), id="demoted"),
        pytest.param((bare("never"),), id="another in its place"),
    ],
)
@pytest.mark.parametrize("days", [pytest.param(0, id="for one collection"), pytest.param(20, id="for weeks")])
async def test_a_loss_hides_behind_no_absence(tmp_path: Path, away: tuple[Account, ...], days: int) -> None:
    """Whoever leaves the population with a second factor, and comes back without it, has lost it."""
    script, clock = Script(), Clock()
    async with driven(one_check(tmp_path, script), clock) as it:
        others = tuple(admin(f"admin-{number}") for number in range(9))
        script.tell(admin(), *others)
        await it.run(HOUR)
        script.tell(*others, *away)
        await it.run(HOUR)
        await it.run(timedelta(days=days, seconds=2))
        assert alarm(it) == Alarm()
        script.tell(bare(), *others)
        await it.run(HOUR)

        assert alarm(it) == Alarm(count=1, at=clock())


@pytest.mark.parametrize(
    ("unit", "records", "kind"),
    [
        pytest.param(
            "backup_freshness", [backup_set(source="idp", backups=0)], AlarmKind.BACKUP_OVERDUE, id="no backup"
        ),
        pytest.param(
            "backup_freshness",
            [backup_set(source="idp"), backup(source="idp", started_at=ago("31h"))],
            AlarmKind.BACKUP_OVERDUE,
            id="late",
        ),
        pytest.param("tls_expiry", [endpoint(source="idp", trusted=False)], AlarmKind.TLS_BROKEN, id="not trusted"),
    ],
)
async def test_a_failure_is_an_alarm_before_it_is_due(
    tmp_path: Path, unit: str, records: list[Any], kind: AlarmKind
) -> None:
    """Time to remediate makes a failure a warning, and silences no alarm."""
    script = Script()
    script.tell(*records)
    async with driven(one_check(tmp_path, script, unit, remediate_within=timedelta(days=7)), Clock()) as it:
        await it.run()

        assert it.check("watched").tally.undue == 1
        assert alarm(it, kind) == Alarm(count=1, at=NOW)
