"""A page is one alert a thing: of each raise, of each check, and never of what is waived, paused or pending."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.engine.alerting.checks import (
    AGAIN,
    BACKUPS,
    BROKEN,
    DAY,
    DUE,
    EDGE,
    FAILING,
    GLASS,
    LOST,
    MFA,
    OLD,
    OVERDUE,
    SECOND_LOST,
    backups,
    edge,
    mfa,
    of_edge,
    of_edge_broken,
    of_set,
)
from tests.engine.alerting.estate import JOB, alarm, always, clock, key, lost, then
from tests.engine.alerting.promtool import ALIVE, Scenario, alert_expr, config, fire, outcome

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
        name="a check of TLS is known by the alarm that it declares, whatever its name",
        series=edge("warn", of_edge("urgent", always(1)), expires=600, check_id="renamed"),
        fires={1: [ALIVE, BROKEN], 70: [ALIVE, BROKEN]},
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


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once; those that last days are looked at every four minutes."""
    seen = outcome(SEEN, tmp_path_factory.mktemp("seen"), every="4m")
    return outcome(PAGES, tmp_path_factory.mktemp("pages")) | seen


@pytest.mark.parametrize("scenario", [*PAGES, *SEEN], ids=lambda scenario: scenario.name)
def test_what_wakes_somebody_is_one_alert(scenario: Scenario, faults: dict[str, str]) -> None:
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
