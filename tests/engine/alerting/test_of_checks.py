"""A check makes one alert: the page where there is one, else the ticket, and nothing while it is meant to be silent."""

from __future__ import annotations

from typing import Final

import pytest

from tests.engine.alerting.checks import DAY, DUE, FAILING, GREW, MFA, WAIVER, WELL, mfa, turning
from tests.engine.alerting.estate import JOB, Estate, always, at_site, check, healthy, key, lost, states, then
from tests.engine.alerting.promtool import ALIVE, Scenario, alert_expr, fire, outcome, series


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
ALL: Final = (*TICKETS, *ENDS)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once; those that last days are looked at every ten minutes."""
    slow = outcome(GROWN, tmp_path_factory.mktemp("grown"), every="10m")
    return outcome(ALL, tmp_path_factory.mktemp("checks")) | slow


@pytest.mark.parametrize("scenario", [*ALL, *GROWN], ids=lambda scenario: scenario.name)
def test_a_check_makes_one_alert(scenario: Scenario, faults: dict[str, str]) -> None:
    """Promtool finds all that fires at those minutes, and nothing else."""
    assert scenario.name not in faults, faults[scenario.name]
