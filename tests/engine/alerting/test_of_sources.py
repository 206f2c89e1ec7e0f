"""A source makes one alert, however many checks it blinds and whatever cause it gives."""

from __future__ import annotations

from typing import Final

import pytest

from checks.model.doubt import STRUCTURAL, Cause
from tests.engine.alerting.estate import (
    HOUR,
    JOB,
    Estate,
    Signal,
    always,
    check,
    clock,
    failing,
    healthy,
    key,
    lost,
    off,
    source,
    states,
    then,
)
from tests.engine.alerting.promtool import ALIVE, Scenario, alert_expr, fire, outcome, series

WELL: Final = healthy()
OKTA: Final = {"instance": "a", "source": "okta-prod", "kind": "okta"}
BLIND: Final = fire("SourceBlind", source="okta-prod")
UNDECIDED: Final = fire("SourceUndecided", source="okta-prod", notify="once")
CREDENTIAL: Final = fire("CredentialExpiring", source="okta-prod")
DAY: Final = 24 * HOUR
COUNT: Final = series("controlwatch_source_checks_blinded", job=JOB, **OKTA)
"""What an alert about the source counts."""


def blinding(cause: str, checks: Signal) -> Estate:
    """Build a source whose runs are complete, with a gap that blinds checks."""
    return {key("source_blinds", **OKTA, cause=cause): checks, key("source_checks_blinded", **OKTA): checks}


def estate_of(number: int) -> Estate:
    """Build so many checks over one source that turn from pass to stale at minute 10."""
    names = [f"check-{place}" for place in range(number)]
    told: dict[str, Signal] = {}
    for name in names:
        one = check(name, state=lambda minute: "pass" if minute < 10 else "stale")
        told |= {series: signal for series, signal in one.items() if "check_state{" in series or "check_info" in series}
    return told


TRANSIENT: Final = tuple(
    Scenario(
        name=f"a source that blinds for {cause} and recovers",
        series={**WELL, **failing(cause, 10, blinds=3, end=20)},
        fires={14: [ALIVE], 15: [ALIVE, BLIND], 29: [ALIVE, BLIND], 30: [ALIVE]},
    )
    for cause in sorted(set(Cause) - STRUCTURAL)
)
DECIDED: Final = tuple(
    Scenario(
        name=f"a source that answers and does not tell for {cause}",
        series={
            **WELL,
            **states("workforce-mfa", "mfa", "unknown"),
            **blinding(cause, then((10, 3.0), (30, 0.0), first=0.0)),
        },
        fires={24: [ALIVE], 25: [ALIVE, UNDECIDED], 39: [ALIVE, UNDECIDED], 40: [ALIVE]},
    )
    for cause in sorted(STRUCTURAL)
)
STORM: Final = (
    Scenario(
        name="a source cut under 200 checks makes one alert",
        series={**WELL, **estate_of(200), **failing("unreachable", 10, blinds=200)},
        fires={9: [ALIVE], 14: [ALIVE], 15: [ALIVE, BLIND], 25: [ALIVE, BLIND]},
        gives=[(20, alert_expr("SourceBlind"), {COUNT: 200})],
    ),
    Scenario(
        name="a doubt to be decided under 200 checks makes one alert",
        series={**WELL, **estate_of(200), **blinding("unlicensed", always(200))},
        fires={14: [ALIVE], 15: [ALIVE, UNDECIDED], 25: [ALIVE, UNDECIDED]},
        gives=[(20, alert_expr("SourceUndecided"), {COUNT: 200})],
    ),
)
DOWN: Final = (
    Scenario(
        name="a source that is down is told after two intervals while its checks hold",
        series={**WELL, **failing("unreachable", 10)},
        fires={130: [ALIVE], 135: [ALIVE], 136: [ALIVE, BLIND]},
        gives=[(140, alert_expr("SourceBlind"), {COUNT: 0})],
    ),
    Scenario(
        name="one failed run is not told while its checks hold",
        series={**WELL, **failing("throttled", 10, end=70)},
        fires={120: [ALIVE]},
    ),
    Scenario(
        name="a credential that was revoked blinds at once",
        series={**WELL, **failing("denied", 10, blinds=2)},
        fires={14: [ALIVE], 15: [ALIVE, BLIND], 135: [ALIVE, BLIND], 140: [ALIVE, BLIND]},
    ),
    Scenario(
        name="a cause that changes makes no new alert",
        series={
            **WELL,
            **failing("unreachable", 10, blinds=2),
            key("source_incomplete", **OKTA, cause="unreachable"): then((10, 1.0), (40, None)),
            key("source_blinds", **OKTA, cause="unreachable"): then((10, 2.0), (40, None)),
            key("source_incomplete", **OKTA, cause="denied"): then((40, 1.0)),
            key("source_blinds", **OKTA, cause="denied"): then((40, 2.0)),
        },
        fires={15: [ALIVE, BLIND], 40: [ALIVE, BLIND], 41: [ALIVE, BLIND], 60: [ALIVE, BLIND]},
    ),
    Scenario(
        name="a failed run of a source whose doubt is known does not tell it anew",
        series={**WELL, **blinding("unlicensed", always(3)), **failing("busy", 60, end=100)},
        fires={15: [ALIVE, UNDECIDED], 80: [ALIVE, UNDECIDED], 120: [ALIVE, UNDECIDED]},
    ),
    Scenario(
        name="doubts of both sorts make one alert",
        series={
            **WELL,
            **blinding("unlicensed", always(3)),
            key("source_blinds", **OKTA, cause="shrunken"): always(1),
        },
        fires={60: [ALIVE, BLIND]},
    ),
    Scenario(
        name="a source that was never asked is silent",
        series={
            **WELL,
            key("source_up", **OKTA): always(0),
            key("source_never_attempted", **OKTA): always(1),
        },
        fires={60: [ALIVE]},
    ),
    Scenario(
        name="a source that was never asked is told once its checks are past their age",
        series={
            **WELL,
            key("source_up", **OKTA): always(0),
            key("source_never_attempted", **OKTA): always(1),
            **blinding("unreachable", always(1)),
        },
        fires={60: [ALIVE, BLIND]},
    ),
    Scenario(
        name="an interval that is not exported does not silence it",
        series={**{name: told for name, told in WELL.items() if "interval" not in name}, **failing("busy", 10)},
        fires={14: [ALIVE], 15: [ALIVE, BLIND]},
    ),
    Scenario(
        name="an alert outlives a lost scrape",
        series=lost({**WELL, **failing("unreachable", 0, blinds=1)}, 20, 26),
        fires={
            19: [ALIVE, BLIND],
            20: [BLIND],
            24: [BLIND],
            25: [BLIND, fire("Down")],
            26: [ALIVE, BLIND, fire("Down")],
        },
    ),
    Scenario(
        name="two instances do not mix",
        series={
            **WELL,
            **healthy("b"),
            **failing("unreachable", 10, blinds=2),
            key("source_interval_seconds", **{**OKTA, "instance": "b"}): always(1),
        },
        fires={60: [ALIVE, fire("DeadMan", instance="b"), BLIND]},
    ),
    Scenario(
        name="two sources make two alerts",
        series={
            **WELL,
            **source("people", "roster"),
            **failing("unreachable", 10, blinds=2),
            key("source_blinds", instance="a", source="people", kind="roster", cause="malformed"): always(1),
        },
        fires={60: [ALIVE, BLIND, fire("SourceBlind", source="people")]},
    ),
    Scenario(
        name="counters that begin anew say nothing",
        series={
            **WELL,
            key("source_runs_total", **OKTA): then((10, 0.0), first=900.0),
            key("source_run_failures_total", **OKTA): then((10, 0.0), first=90.0),
            key("evidence_write_failures_total", instance="a"): then((10, 0.0), first=9.0),
        },
        fires={30: [ALIVE]},
    ),
)
ENDS: Final = (
    Scenario(
        name="a credential ends in less than its lead",
        series={**WELL, key("source_credential_expiry_timestamp_seconds", **OKTA): always(14 * DAY + 600)},
        fires={10: [ALIVE], 20: [ALIVE], 21: [ALIVE, CREDENTIAL], 60: [ALIVE, CREDENTIAL]},
    ),
    Scenario(
        name="a credential has ended",
        series={**WELL, key("source_credential_expiry_timestamp_seconds", **OKTA): always(-DAY)},
        fires={9: [ALIVE], 10: [ALIVE, CREDENTIAL]},
    ),
    Scenario(
        name="a credential is renewed",
        series={
            **WELL,
            key("source_credential_expiry_timestamp_seconds", **OKTA): then((20, clock(90 * DAY)), first=always(9)),
        },
        fires={29: [ALIVE, CREDENTIAL], 30: [ALIVE]},
    ),
    Scenario(
        name="a source that is removed ends its alert",
        series={
            **{name: off(told, 20) if "source_" in name else told for name, told in WELL.items()},
            key("source_blinds", **OKTA, cause="busy"): then((20, None), first=always(1)),
        },
        fires={19: [ALIVE, BLIND], 30: [ALIVE]},
    ),
)
ALL: Final = (*TRANSIENT, *DECIDED, *STORM, *DOWN, *ENDS)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once."""
    return outcome(ALL, tmp_path_factory.mktemp("sources"))


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_a_source_makes_one_alert(scenario: Scenario, faults: dict[str, str]) -> None:
    """Promtool finds all that fires at those minutes, and nothing else."""
    assert scenario.name not in faults, faults[scenario.name]
