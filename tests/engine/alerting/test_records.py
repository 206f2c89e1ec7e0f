"""Nine ways to break the monitor, and what is green meanwhile: nothing unproven, by Prometheus's own clock."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.engine.alerting.estate import (
    HOUR,
    JOB,
    Estate,
    always,
    at_site,
    check,
    clock,
    failing,
    frozen,
    healthy,
    key,
    lost,
    monitor,
    off,
    source,
    states,
    then,
)
from tests.engine.alerting.promtool import ALIVE, Sampled, Scenario, fire, outcome, series

HELD: Final = "check:controlwatch_held:bool"
ALIVE_NOW: Final = "instance:controlwatch_alive:bool"
STALLED: Final = "instance:controlwatch_stalled:bool"
ONE: Final = {"instance": "a", "check": "workforce-mfa", "family": "mfa"}
WELL: Final = healthy()


def held(value: float, name: str = "workforce-mfa", family: str = "mfa", instance: str = "a") -> Sampled:
    """Write what is recorded of one check."""
    return {series(HELD, job=JOB, instance=instance, check=name, family=family): value}


def of_instance(name: str, value: float, instance: str = "a") -> Sampled:
    """Write what is recorded of one instance."""
    return {series(name, job=JOB, instance=instance): value}


def with_state(state: str) -> Estate:
    """Build an estate whose check is in one state."""
    return {**WELL, **states("workforce-mfa", "mfa", state)}


NINE: Final = (
    Scenario(
        name="S1 all is well",
        series=WELL,
        fires={0: [ALIVE], 1: [ALIVE], 90: [ALIVE]},
        gives=[
            (1, HELD, held(1)),
            (90, HELD, held(1)),
            (90, STALLED, of_instance(STALLED, 0)),
            (90, ALIVE_NOW, of_instance(ALIVE_NOW, 1)),
        ],
    ),
    Scenario(
        name="S2 the scheduler hangs and HTTP answers pass",
        series={**WELL, key("scheduler_last_tick_timestamp_seconds", instance="a"): clock(until=10)},
        fires={15: [ALIVE], 16: [], 17: [fire("Stalled")], 60: [fire("Stalled")]},
        gives=[(15, HELD, held(1)), (16, HELD, held(0)), (60, HELD, held(0))],
    ),
    Scenario(
        name="S3 the whole exposition is frozen",
        series=frozen(WELL, 10),
        fires={15: [ALIVE], 16: [], 17: [fire("Stalled")], 60: [fire("Stalled")]},
        gives=[
            (15, HELD, held(1)),
            (16, HELD, held(0)),
            (60, HELD, held(0)),
            (60, ALIVE_NOW, of_instance(ALIVE_NOW, 0)),
        ],
    ),
    Scenario(
        name="S4 the process dies",
        series=lost(WELL, 10),
        fires={9: [ALIVE], 10: [], 14: [], 15: [fire("Down")], 60: [fire("Down")]},
        gives=[(9, HELD, held(1)), (10, HELD, {}), (10, ALIVE_NOW, {}), (60, HELD, {})],
    ),
    Scenario(
        name="S5 the scrape job was never configured",
        series={},
        fires={4: [], 5: [fire("Down", instance="")], 60: [fire("Down", instance="")]},
        gives=[(60, HELD, {})],
    ),
    Scenario(
        name="S6 a check is dropped from the configuration",
        series={
            **WELL,
            **check("leave-open", "access", check_id="stale_access"),
            **{
                name: off(signal, 10) for name, signal in check("leave-open", "access", check_id="stale_access").items()
            },
        },
        fires={19: [ALIVE], 20: [ALIVE, fire("CheckVanished")], 60: [ALIVE, fire("CheckVanished")]},
        gives=[(9, HELD, {**held(1), **held(1, "leave-open", "access")}), (10, HELD, held(1))],
    ),
    Scenario(
        name="S7 a source tells a twentieth of its people",
        series={
            **with_state("unknown"),
            key("source_checks_blinded", instance="a", source="okta-prod", kind="okta"): always(1),
            key("source_blinds", instance="a", source="okta-prod", kind="okta", cause="shrunken"): always(1),
        },
        fires={4: [ALIVE], 5: [ALIVE, fire("SourceBlind", source="okta-prod")]},
        gives=[(5, HELD, held(0))],
    ),
    Scenario(
        name="S8 the clock is two hours ahead",
        series={
            **WELL,
            **{
                key(name, instance="a"): then((10, clock(2 * HOUR)), first=clock())
                for name in (
                    "scheduler_last_tick_timestamp_seconds",
                    "exposition_snapshot_timestamp_seconds",
                    "exposition_render_timestamp_seconds",
                    "selftest_last_success_timestamp_seconds",
                )
            },
            key("check_valid_until_timestamp_seconds", **ONE): then((10, clock(3 * HOUR)), first=clock(HOUR)),
        },
        fires={9: [ALIVE], 10: [], 14: [], 15: [fire("ClockAhead")], 60: [fire("ClockAhead")]},
        gives=[(9, HELD, held(1)), (10, HELD, held(0)), (60, HELD, held(0))],
    ),
    Scenario(
        name="S9 the check never ran",
        series={
            name: signal
            for name, signal in with_state("pending").items()
            if not any(word in name for word in ("valid_until", "as_of", "population", "failed", "warned"))
        },
        fires={60: [ALIVE]},
        gives=[(0, HELD, held(0)), (60, HELD, held(0))],
    ),
)
GREEN: Final = (
    *(
        Scenario(name=f"{state} is {told}", series=with_state(state), gives=[(5, HELD, held(told))])
        for state, told in (
            ("fail", 0),
            ("unknown", 0),
            ("stale", 0),
            ("pending", 0),
            ("waived", 0),
            ("warn", 1),
            ("pass", 1),
        )
    ),
    Scenario(
        name="a proof that ends by itself",
        series={**WELL, key("check_valid_until_timestamp_seconds", **ONE): always(600)},
        gives=[(9, HELD, held(1)), (10, HELD, held(0)), (60, HELD, held(0))],
    ),
    Scenario(
        name="a state without any proof",
        series={name: signal for name, signal in WELL.items() if "valid_until" not in name},
        gives=[(5, HELD, held(0))],
    ),
    Scenario(
        name="an engine that started and never ticked",
        series={name: signal for name, signal in WELL.items() if "last_tick" not in name},
        fires={5: [ALIVE], 6: [], 7: [fire("Stalled")]},
        gives=[(5, HELD, held(1)), (6, HELD, held(0))],
    ),
    *(
        Scenario(
            name=f"no {word} is told",
            series={name: signal for name, signal in WELL.items() if word not in name},
            fires={30: fired},
            gives=[(30, HELD, held(0)), (30, ALIVE_NOW, alive)],
        )
        for word, fired, alive in (
            ("exposition_render", [], of_instance(ALIVE_NOW, 0)),
            ("exposition_snapshot", [fire("Down", instance="")], {}),
        )
    ),
    Scenario(
        name="the renderer hangs and the engine does not",
        series={**WELL, key("exposition_render_timestamp_seconds", instance="a"): clock(until=0)},
        fires={6: [], 7: [fire("Stalled")]},
        gives=[(5, HELD, held(1)), (6, HELD, held(0))],
    ),
    Scenario(
        name="a lost scrape does not keep it",
        series=lost(WELL, 10, 12),
        fires={9: [ALIVE], 10: [], 11: [], 12: [ALIVE], 40: [ALIVE]},
        gives=[(9, HELD, held(1)), (10, HELD, {}), (11, HELD, {}), (12, HELD, held(1))],
    ),
    Scenario(
        name="every check but the held one is 0",
        series={**WELL, **check("leave-open", "access", "fail"), **check("attested", "certification", "waived")},
        gives=[
            (
                5,
                HELD,
                {**held(1), **held(0, "leave-open", "access"), **held(0, "attested", "certification")},
            )
        ],
    ),
    Scenario(
        name="one engine's proof does not vouch for another's state",
        series={
            **WELL,
            **healthy("b"),
            key("check_valid_until_timestamp_seconds", **ONE): always(1),
            key("exposition_snapshot_timestamp_seconds", instance="b"): clock(until=20),
        },
        fires={10: [ALIVE, fire("DeadMan", instance="b")], 30: [ALIVE, fire("Stalled", instance="b")]},
        gives=[
            (10, HELD, {**held(0), **held(1, instance="b")}),
            (30, HELD, {**held(0), **held(0, instance="b")}),
        ],
    ),
    Scenario(
        name="of two targets that share an instance the worse one counts",
        series={**at_site(WELL, "a"), **at_site(with_state("fail"), "b")},
        gives=[(20, HELD, held(0)), (20, ALIVE_NOW, of_instance(ALIVE_NOW, 1))],
    ),
    Scenario(
        name="of two targets that share an instance none proves what the other passes",
        series={
            **{name: signal for name, signal in at_site(WELL, "a").items() if "valid_until" not in name},
            **at_site(with_state("fail"), "b"),
        },
        gives=[(20, HELD, held(0))],
    ),
    Scenario(
        name="of two targets that share an instance none moves for the other",
        series={
            **at_site(WELL, "a"),
            **{
                name: signal
                for name, signal in at_site(WELL, "b").items()
                if not any(word in name for word in ("render", "last_tick", "engine_started"))
            },
        },
        fires={20: []},
        gives=[(20, HELD, held(0)), (20, ALIVE_NOW, of_instance(ALIVE_NOW, 0))],
    ),
    Scenario(
        name="a tick of the future is no proof that the scheduler moves",
        series={**WELL, key("scheduler_last_tick_timestamp_seconds", instance="a"): always(24 * HOUR)},
        fires={4: [], 5: [fire("ClockAhead")], 60: [fire("ClockAhead")]},
        gives=[(0, HELD, held(0)), (60, HELD, held(0)), (60, ALIVE_NOW, of_instance(ALIVE_NOW, 0))],
    ),
    Scenario(
        name="families and controls are as good as their checks",
        series={**WELL, **check("leave-open", "mfa", "fail"), **check("attested", "access", "pass")},
        gives=[
            (
                5,
                "family:controlwatch_held:ratio",
                {
                    series("family:controlwatch_held:ratio", job=JOB, instance="a", family="mfa"): 0.5,
                    series("family:controlwatch_held:ratio", job=JOB, instance="a", family="access"): 1,
                },
            ),
            (
                5,
                "control:controlwatch_held:min",
                {
                    series(
                        "control:controlwatch_held:min",
                        job=JOB,
                        instance="a",
                        control="soc2:CC6.1",
                        framework="soc2",
                        criterion="CC6.1",
                    ): 0
                },
            ),
        ],
    ),
    Scenario(
        name="the demo is recorded and alerts nobody",
        series={
            **WELL,
            **monitor("demo", demo=True),
            **check(instance="demo", state="fail", severity="critical"),
            **source(instance="demo"),
            key("selftest_ok", instance="demo"): always(0),
            key("source_up", instance="demo", source="okta-prod", kind="okta"): always(0),
            key("source_blinds", instance="demo", source="okta-prod", kind="okta", cause="busy"): always(9),
            key("check_alarms", **{**ONE, "instance": "demo"}, alarm="mfa_lost"): always(3),
            key("exposition_snapshot_timestamp_seconds", instance="demo"): clock(until=60),
        },
        fires={30: [ALIVE], 120: [ALIVE]},
        gives=[(30, HELD, {**held(1), **held(0, instance="demo")})],
    ),
    Scenario(
        name="a source that is down while its proof holds",
        series={**WELL, **failing("unreachable", 10)},
        gives=[(60, HELD, held(1))],
    ),
)
ALL: Final = (*NINE, *GREEN)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once."""
    return outcome(ALL, tmp_path_factory.mktemp("records"))


@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.name)
def test_a_broken_monitor_is_never_green(scenario: Scenario, faults: dict[str, str]) -> None:
    """Promtool finds what the scenario says, at those minutes, and nothing else that fires."""
    assert scenario.name not in faults, faults[scenario.name]


def test_a_scenario_that_comes_out_otherwise_is_named(tmp_path: Path) -> None:
    """The table above can fail, and the failure belongs to one row of it."""
    wrong = Scenario(name="wrong", series=WELL, fires={5: []}, gives=[(5, HELD, held(0))])
    right = Scenario(name="right", series=WELL, fires={5: [ALIVE]})

    said = outcome([wrong, right], tmp_path)

    assert set(said) == {"wrong"}
    assert said["wrong"].count("expr: ") == 2
