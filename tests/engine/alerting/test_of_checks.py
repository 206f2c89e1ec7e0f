"""A check makes one alert: the page where there is one, else the ticket, and nothing while it is meant to be silent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.engine.alerting.estate import (
    HOUR,
    JOB,
    Estate,
    Signal,
    alarm,
    always,
    at_site,
    check,
    clock,
    healthy,
    key,
    lost,
    monitor,
    source,
    states,
    then,
)
from tests.engine.alerting.promtool import ALIVE, Scenario, alert_expr, config, fire, outcome, series

DAY: Final = 24 * HOUR
WELL: Final = {**monitor(), **source()}
MFA: Final = {"check": "workforce-mfa", "family": "mfa"}
BACKUPS: Final = {"check": "backups", "family": "backup"}
EDGE: Final = {"check": "certificates", "family": "certification"}
FAILING: Final = fire("CheckFailing", **MFA)
DUE: Final = fire("CheckDue", **MFA)
LOST: Final = fire("AdminLostMfa", **MFA, raised="0")
GLASS: Final = fire("BreakGlassUsed", **MFA, raised="0")
SECOND_LOST: Final = fire("AdminLostMfa", **MFA, raised="1800")
AGAIN: Final = fire("BreakGlassUsed", **MFA, raised="1800")
OLD: Final = fire("BreakGlassUsed", **MFA, raised="-172800")
OVERDUE: Final = fire("BackupOverdue", **BACKUPS)
BROKEN: Final = fire("TlsBroken", **EDGE)
WAIVER: Final = fire("WaiverExpiring", **MFA)
GREW: Final = fire("ExclusionsGrew", **MFA)


def joined(estates: Sequence[Estate]) -> Estate:
    """Join estates; the last to name a series says what it tells."""
    return {name: signal for estate in estates for name, signal in estate.items()}


def mfa(state: str = "fail", *more: Estate, **changes: Signal) -> Estate:
    """Build an estate with one MFA check in a state, with further series and changed ones."""
    own = {key(f"check_{name}", instance="a", **MFA): signal for name, signal in changes.items()}
    return {**WELL, **check(state=state), **own, **joined(more)}


def turning(*turns: tuple[int, str]) -> Estate:
    """Build an estate whose MFA check changes its state."""
    return {**WELL, **check(state=lambda minute: [state for since, state in turns if since <= minute][-1])}


def of_set(name: str, deadline: float) -> Estate:
    """Write when a backup set is past its deadline."""
    one = {"instance": "a", "check": "backups", "source": "dumps", "set": name}
    return {key("backup_deadline_timestamp_seconds", **one): always(deadline)}


def backups(state: str = "stale", *more: Estate, severity: str = "critical", deadline: float = 600) -> Estate:
    """Build an estate with a backup check of one set whose deadline is at a second."""
    told = check("backups", "backup", state, check_id="backup_freshness", severity=severity, source="dumps")
    return {
        **WELL,
        **told,
        **of_set("nightly", deadline),
        **{name: signal for estate in more for name, signal in estate.items()},
    }


def edge(state: str = "pass", *more: Estate, severity: str = "high", expires: float = 90 * DAY) -> Estate:
    """Build an estate with a TLS check of one target, out of nobody's scope, whose certificate ends at a second."""
    told = check("certificates", "certification", state, check_id="tls_expiry", severity=severity, source="edge")
    one = {"instance": "a", "source": "edge", "target": "www.example.org:443"}
    return {
        **WELL,
        **told,
        key("tls_not_after_timestamp_seconds", **one): always(expires),
        key("tls_deadline_timestamp_seconds", **one, check="certificates"): always(expires),
        **{name: signal for estate in more for name, signal in estate.items()},
    }


def of_edge(name: str, signal: Signal) -> Estate:
    """Write one series of the TLS check."""
    return {key(f"check_{name}", instance="a", **EDGE): signal}


def of_edge_broken(count: int) -> Estate:
    """Write how many targets of the TLS check are broken."""
    return alarm("certificates", "certification", "tls_broken", always(count))


def grown(name: str, read: int, before: int, after: int) -> Estate:
    """Build a check that excludes more of what it reads from the second day on."""
    one = {"instance": "a", "check": name, "family": "mfa"}
    return {
        **check(name),
        key("check_read", **one): always(read),
        key("check_excluded", **one): then((24 * 60, float(after)), first=float(before)),
    }


TICKETS: Final = (
    Scenario(
        name="a check fails and is mended",
        series=turning((0, "pass"), (10, "fail"), (30, "pass")),
        fires={14: [ALIVE], 15: [ALIVE, FAILING], 39: [ALIVE, FAILING], 40: [ALIVE]},
    ),
    Scenario(
        name="a check fails for four minutes",
        series=turning((0, "pass"), (10, "fail"), (14, "pass")),
        fires={9: [ALIVE], 14: [ALIVE], 30: [ALIVE]},
    ),
    Scenario(
        name="a check is due",
        series=turning((0, "pass"), (10, "warn"), (80, "pass")),
        fires={69: [ALIVE], 70: [ALIVE, DUE], 89: [ALIVE, DUE], 90: [ALIVE]},
    ),
    Scenario(
        name="checks that are unknown, stale, pending, waived or pass are silent",
        series={
            **WELL,
            **{
                name: signal
                for state in ("unknown", "stale", "pending", "waived", "pass")
                for name, signal in check(f"is-{state}", "mfa", state).items()
            },
            key("check_warned", instance="a", check="is-waived", family="mfa"): always(0),
        },
        fires={30: [ALIVE], 70: [ALIVE]},
    ),
    Scenario(name="a paused check is silent", series=mfa("fail", paused=always(1)), fires={30: [ALIVE], 70: [ALIVE]}),
    Scenario(
        name="a check fails without its counts",
        series={name: signal for name, signal in mfa().items() if "failed" not in name and "population" not in name},
        fires={5: [ALIVE, FAILING]},
    ),
    Scenario(
        name="two instances do not mix",
        series={**mfa(), **healthy("b"), key("check_paused", instance="b", **MFA): always(1)},
        fires={30: [ALIVE, fire("DeadMan", instance="b"), FAILING]},
    ),
    *(
        Scenario(
            name=f"of a check whose other subjects are waived those that are {word} are due",
            series=mfa("waived", **{"warned": always(0), word: always(1)}),
            fires={59: [ALIVE], 60: [ALIVE, DUE], 90: [ALIVE, DUE]},
        )
        for word in ("warned", "undue")
    ),
    Scenario(
        name="of two targets that share an instance one fails and the other is paused",
        series={
            **at_site(mfa(), "a"),
            **at_site(mfa("unknown", paused=always(1)), "b"),
            key("check_info", instance="a", **MFA, check_id="mfa_coverage", severity="low", site="b"): always(1),
        },
        fires={5: [ALIVE, FAILING], 30: [ALIVE, FAILING]},
    ),
    Scenario(
        name="a ticket outlives a lost scrape",
        series=lost(mfa(), 20, 26),
        fires={20: [FAILING], 24: [FAILING], 26: [ALIVE, FAILING, fire("Down")], 40: [ALIVE, FAILING]},
    ),
    Scenario(
        name="the labels are those of the configured check",
        series=mfa(),
        gives=[
            (
                5,
                alert_expr("CheckFailing"),
                {
                    series(
                        "",
                        **{**MFA, "job": JOB, "instance": "a", "check_id": "mfa_coverage", "team": "identity"},
                        check_severity="high",
                    ): 1
                },
            )
        ],
    ),
)
PAGES: Final = (
    Scenario(
        name="an administrator lost MFA",
        series=mfa("fail", alarm("workforce-mfa", "mfa", "mfa_lost", then((10, 2.0), (30, 0.0), first=0.0))),
        fires={9: [ALIVE, FAILING], 10: [ALIVE, FAILING, LOST], 20: [ALIVE, LOST], 39: [ALIVE, LOST, FAILING]},
    ),
    Scenario(
        name="an administrator lost MFA under a tolerance that still passes",
        series=mfa("warn", alarm("workforce-mfa", "mfa", "mfa_lost", always(1))),
        fires={0: [ALIVE, LOST], 70: [ALIVE, LOST]},
    ),
    Scenario(
        name="a second administrator loses MFA while the first still fails",
        series=mfa(
            "fail",
            alarm(
                "workforce-mfa",
                "mfa",
                "mfa_lost",
                then((30, 2.0), (50, 1.0), (70, 0.0), first=1.0),
                then((30, 1_800.5), (50, 0.0), (70, None), first=0.0),
            ),
        ),
        fires={
            29: [ALIVE, LOST],
            30: [ALIVE, LOST, SECOND_LOST],
            49: [ALIVE, LOST, SECOND_LOST],
            69: [ALIVE, LOST, SECOND_LOST],
            79: [ALIVE, LOST, SECOND_LOST, FAILING],
            80: [ALIVE, FAILING],
        },
    ),
    Scenario(
        name="a loss that was mended does not come back with the next one",
        series=mfa(
            "fail",
            alarm(
                "workforce-mfa",
                "mfa",
                "mfa_lost",
                then((10, 0.0), (30, 1.0), first=1.0),
                then((10, None), (30, 1_800.0), first=0.0),
            ),
        ),
        fires={9: [ALIVE, LOST], 29: [ALIVE, FAILING], 30: [ALIVE, FAILING, SECOND_LOST], 50: [ALIVE, SECOND_LOST]},
    ),
    Scenario(
        name="two losses outlive a lost scrape",
        series=lost(
            mfa(
                "fail",
                alarm("workforce-mfa", "mfa", "mfa_lost", then((10, 2.0), first=1.0), then((10, 1_800.0), first=0.0)),
            ),
            20,
            40,
        ),
        fires={19: [ALIVE, LOST, SECOND_LOST], 35: [fire("Down")], 41: [ALIVE, LOST, SECOND_LOST, fire("Down")]},
    ),
    Scenario(
        name="an alarm that does not tell when it was raised is told",
        series={
            name: signal
            for name, signal in mfa("fail", alarm("workforce-mfa", "mfa", "mfa_lost", always(1))).items()
            if "alarm_timestamp" not in name
        },
        fires={0: [ALIVE, LOST], 30: [ALIVE, LOST]},
    ),
    Scenario(
        name="a break-glass account is used again while the first use is told",
        series=mfa(
            "fail",
            alarm("workforce-mfa", "mfa", "break_glass_used", always(1), then((30, 1_800.0), first=0.0)),
        ),
        fires={29: [ALIVE, GLASS], 30: [ALIVE, GLASS, AGAIN]},
    ),
    Scenario(
        name="no break-glass account was used",
        series=mfa("pass", {key("check_alarms", instance="a", **MFA, alarm="break_glass_used"): always(0)}),
        fires={30: [ALIVE]},
    ),
    Scenario(
        name="a backup is past its deadline while the source is down",
        series=backups(),
        fires={10: [ALIVE], 11: [ALIVE], 12: [ALIVE, OVERDUE], 25: [ALIVE, OVERDUE]},
    ),
    Scenario(
        name="a page stays one when the source answers again",
        series=backups("fail", alarm("backups", "backup", "backup_overdue", then((30, 1.0), first=0.0), always(1_800))),
        fires={20: [ALIVE, OVERDUE, fire("CheckFailing", **BACKUPS)], 35: [ALIVE, OVERDUE]},
    ),
    Scenario(
        name="a backup fails as it was judged",
        series=backups("fail", alarm("backups", "backup", "backup_overdue", always(4)), deadline=9 * DAY),
        fires={0: [ALIVE], 1: [ALIVE, OVERDUE], 25: [ALIVE, OVERDUE]},
    ),
    Scenario(name="a backup is within its deadline", series=backups("pass", deadline=DAY), fires={25: [ALIVE]}),
    Scenario(
        name="a backup that is not critical is a ticket",
        series=backups("fail", alarm("backups", "backup", "backup_overdue", always(4)), severity="high"),
        fires={25: [ALIVE, fire("CheckFailing", **BACKUPS)]},
    ),
    Scenario(
        name="two sets make one page that counts them",
        series={
            **backups(),
            **of_set("weekly", 9),
        },
        fires={25: [ALIVE, OVERDUE]},
        gives=[(25, f"max(max without (severity) ({alert_expr('BackupOverdue')}))", {"{}": 2})],
    ),
    Scenario(
        name="production TLS is broken",
        series=edge("fail", of_edge_broken(1)),
        fires={0: [ALIVE], 1: [ALIVE, BROKEN], 25: [ALIVE, BROKEN]},
    ),
    Scenario(
        name="production TLS is urgent",
        series=edge("warn", of_edge("urgent", always(2))),
        fires={1: [ALIVE, BROKEN], 70: [ALIVE, BROKEN]},
    ),
    Scenario(
        name="a certificate ends while its source is down",
        series=edge("stale", of_edge("as_of_timestamp_seconds", always(60)), expires=600),
        fires={10: [ALIVE], 11: [ALIVE], 12: [ALIVE, BROKEN], 25: [ALIVE, BROKEN]},
    ),
    Scenario(
        name="a certificate that has ended and is excluded or waived",
        series={
            name: signal
            for name, signal in edge("stale", of_edge("as_of_timestamp_seconds", always(60)), expires=30).items()
            if "tls_deadline" not in name
        },
        fires={25: [ALIVE]},
    ),
    Scenario(
        name="a certificate ends while its target alone is not reached",
        series=edge("unknown", of_edge("as_of_timestamp_seconds", clock()), expires=600),
        fires={11: [ALIVE], 12: [ALIVE, BROKEN], 60: [ALIVE, BROKEN]},
    ),
    Scenario(
        name="a certificate ends before the check was ever judged",
        series={name: told for name, told in edge("unknown", expires=600).items() if "as_of" not in name},
        fires={12: [ALIVE, BROKEN]},
    ),
    Scenario(
        name="TLS that is not production is a ticket",
        series=edge("fail", of_edge_broken(1), severity="medium", expires=1),
        fires={25: [ALIVE, fire("CheckFailing", **EDGE)]},
    ),
    Scenario(
        name="urgent work of another check is no broken TLS",
        series=mfa("warn", urgent=always(3)),
        fires={65: [ALIVE, DUE]},
    ),
    Scenario(
        name="nothing pages for a check that is pending",
        series={
            **mfa("pending", alarm("workforce-mfa", "mfa", "mfa_lost", always(2))),
            **backups("pending", alarm("backups", "backup", "backup_overdue", always(2))),
            **edge("pending", of_edge_broken(2), expires=1),
            **alarm("workforce-mfa", "mfa", "break_glass_used", always(2)),
        },
        fires={30: [ALIVE], 70: [ALIVE]},
    ),
    Scenario(
        name="nothing pages for a check that is waived",
        series={
            **mfa("waived", alarm("workforce-mfa", "mfa", "mfa_lost", always(0)), warned=always(0)),
            **backups("waived", alarm("backups", "backup", "backup_overdue", always(0)), deadline=9 * DAY),
            **edge("waived", of_edge_broken(0)),
            **{key("check_warned", instance="a", **one): always(0) for one in (BACKUPS, EDGE)},
        },
        fires={30: [ALIVE], 70: [ALIVE]},
    ),
    Scenario(
        name="an administrator who lost MFA pages though the waivers of others hold the check",
        series=mfa("waived", alarm("workforce-mfa", "mfa", "mfa_lost", always(1))),
        fires={30: [ALIVE, LOST], 70: [ALIVE, LOST]},
    ),
    Scenario(
        name="what no waiver covers pages though the waivers of others hold the check",
        series={
            **backups("waived", alarm("backups", "backup", "backup_overdue", always(1)), deadline=9 * DAY),
            **edge("waived", of_edge("urgent", always(1)), of_edge_broken(0)),
        },
        fires={25: [ALIVE, OVERDUE, BROKEN], 70: [ALIVE, OVERDUE, BROKEN]},
    ),
    Scenario(
        name="what no waiver covers passes its end though the waivers of others hold the check",
        series={**backups("waived"), **edge("waived", expires=600)},
        fires={10: [ALIVE], 12: [ALIVE, OVERDUE, BROKEN], 70: [ALIVE, OVERDUE, BROKEN]},
    ),
    Scenario(
        name="nothing pages for a paused check",
        series={
            **mfa("unknown", alarm("workforce-mfa", "mfa", "mfa_lost", always(2)), paused=always(1)),
            **backups("unknown", {key("check_paused", instance="a", **BACKUPS): always(1)}),
            **edge("unknown", of_edge("paused", always(1)), of_edge("as_of_timestamp_seconds", always(0)), expires=1),
        },
        fires={30: [ALIVE], 70: [ALIVE]},
    ),
)
ENDS: Final = (
    Scenario(
        name="a waiver ends within its lead",
        series=mfa("waived", waiver_end_timestamp_seconds=always(14 * DAY + 600)),
        fires={20: [ALIVE], 21: [ALIVE, WAIVER]},
    ),
    Scenario(
        name="a waiver lives long enough",
        series=mfa("waived", waiver_end_timestamp_seconds=always(15 * DAY)),
        fires={25: [ALIVE]},
    ),
    Scenario(
        name="a waiver of a paused check is silent",
        series=mfa("unknown", waiver_end_timestamp_seconds=always(DAY), paused=always(1)),
        fires={25: [ALIVE]},
    ),
)
GROWN: Final = (
    Scenario(
        name="exclusions that grow by ten points and five subjects in a day are told",
        series={
            **WELL,
            **grown("workforce-mfa", 100, 10, 40),
            **states("workforce-mfa", "mfa", "waived"),
            key("check_warned", instance="a", **MFA): always(0),
            **grown("nine-points", 100, 10, 19),
            **grown("four-subjects", 20, 2, 6),
            **grown("nobody-yet", 0, 0, 0),
        },
        fires={
            24 * 60: [ALIVE],
            25 * 60 - 10: [ALIVE],
            25 * 60: [ALIVE, GREW],
            48 * 60: [ALIVE, GREW],
            48 * 60 + 10: [ALIVE],
        },
    ),
)
SEEN: Final = (
    Scenario(
        name="a break-glass account was used and a day passes",
        series=mfa("fail", alarm("workforce-mfa", "mfa", "break_glass_used", always(1), always(0))),
        fires={
            0: [ALIVE, GLASS],
            1_436: [ALIVE, GLASS],
            1_448: [ALIVE, GLASS, FAILING],
            1_456: [ALIVE, FAILING],
            1_600: [ALIVE, FAILING],
        },
    ),
    Scenario(
        name="a use of days ago is new to Prometheus",
        series=mfa("fail", alarm("workforce-mfa", "mfa", "break_glass_used", always(1), always(-2 * DAY))),
        fires={0: [ALIVE, OLD], 1_436: [ALIVE, OLD], 1_456: [ALIVE, FAILING], 1_600: [ALIVE, FAILING]},
    ),
    Scenario(
        name="a use that was told for a day is not new after a lost scrape",
        series=lost(mfa("fail", alarm("workforce-mfa", "mfa", "break_glass_used", always(1))), 1_500, 1_600),
        fires={1_499: [ALIVE, FAILING], 1_640: [ALIVE, FAILING]},
    ),
)
ALL: Final = (*TICKETS, *PAGES, *ENDS)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once; those that last days are looked at every ten minutes."""
    slow = outcome(GROWN, tmp_path_factory.mktemp("grown"), every="10m")
    seen = outcome(SEEN, tmp_path_factory.mktemp("seen"), every="4m")
    return outcome(ALL, tmp_path_factory.mktemp("checks")) | slow | seen


@pytest.mark.parametrize("scenario", [*ALL, *GROWN, *SEEN], ids=lambda scenario: scenario.name)
def test_a_check_makes_one_alert(scenario: Scenario, faults: dict[str, str]) -> None:
    """Promtool finds all that fires at those minutes, and nothing else."""
    assert scenario.name not in faults, faults[scenario.name]


def test_the_configuration_says_what_pages(tmp_path: Path) -> None:
    """The list takes the place of the default one: what it names pages, and what it does not is a ticket."""
    told = config('[alerts]\njob = "ctl"\npage = ["ControlwatchCheckFailing"]\n')
    estate = mfa("fail", alarm("workforce-mfa", "mfa", "mfa_lost", then((10, 1.0), first=0.0)))
    ours = {name.replace(f'"{JOB}"', '"ctl"'): signal for name, signal in estate.items()}
    pages, ticket = FAILING.replace("ticket", "page"), LOST.replace("page", "ticket")

    said = outcome([Scenario(name="own", series=ours, fires={5: [ALIVE, pages], 30: [ALIVE, ticket]})], tmp_path, told)

    assert said == {}
