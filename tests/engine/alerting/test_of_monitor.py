"""Alerts about the monitor fire after their time, each alone, and not before."""

from __future__ import annotations

from typing import Final

import pytest

from tests.engine.alerting.estate import (
    FAMILIES,
    HOUR,
    Estate,
    Signal,
    always,
    at_site,
    check,
    clock,
    healthy,
    key,
    lost,
    off,
    then,
)
from tests.engine.alerting.promtool import ALIVE, Scenario, fire, outcome

WELL: Final = healthy()
DAYS: Final = 48 * HOUR
LONG: Final = 26 * 60
"""Minutes of the scenarios that last longer than a day."""


def with_own(name: str, signal: Signal, **labels: str) -> Estate:
    """Build an estate in which one series of the monitor tells something else."""
    return {**WELL, key(name, instance="a", **labels): signal}


def turns(name: str, value: float, *, alert: str, wait: int, well: float = 1.0, dead: bool = False) -> Scenario:
    """Break one thing at minute 5 and mend it at minute 30: its alert fires in time, and ends ten minutes late."""
    alive = [] if dead else [ALIVE]
    before: dict[int, list[str]] = {5 + wait - 1: alive if wait else [ALIVE]}
    return Scenario(
        name=f"{alert} by {name}",
        series=with_own(name, then((5, value), (30, well), first=well)),
        fires={
            4: [ALIVE],
            **before,
            5 + wait: [*alive, fire(alert)],
            29: [*alive, fire(alert)],
            39: [ALIVE, fire(alert)],
            40: [ALIVE],
        },
    )


DEMO: Final = healthy("demo", demo=True)
SECOND: Final = healthy("b")
UP: Final = {key("up", instance="a"): always(1)}
OPEN: Final = check("leave-open", "access", check_id="stale_access")
DOWN: Final = (
    Scenario(
        name="another program takes the port",
        series={**lost(WELL, 10), **UP, **SECOND},
        fires={14: [fire("DeadMan", instance="b")], 15: [fire("DeadMan", instance="b"), fire("Down")]},
    ),
    Scenario(
        name="the only target is another program",
        series=UP,
        fires={4: [], 5: [fire("Down", instance="")], 20: [fire("Down", instance="")]},
    ),
    Scenario(
        name="other programs of the job were never ours, whether they answer or not",
        series={
            **WELL,
            key("up", instance="other"): always(1),
            key("up", instance="third"): then((10, 0.0), first=1.0),
        },
        fires={30: [ALIVE], 90: [ALIVE]},
    ),
    Scenario(
        name="one of two leaves the service discovery",
        series={**{name: off(signal, 10) for name, signal in WELL.items()}, **SECOND},
        fires={14: [fire("DeadMan", instance="b")], 15: [fire("DeadMan", instance="b"), fire("Down")]},
    ),
    Scenario(
        name="of two targets that share an instance one dies",
        series={**at_site(lost(WELL, 10), "a"), **at_site(WELL, "b")},
        fires={9: [ALIVE], 15: [ALIVE, fire("Down")]},
    ),
    Scenario(
        name="a demo took the place of a real one and ended",
        series={
            **lost({**WELL, key("demo", instance="a"): then((20, 1.0), first=0.0)}, 22),
            **SECOND,
        },
        fires={26: [fire("DeadMan", instance="b")], 27: [fire("DeadMan", instance="b"), fire("Down")]},
    ),
    Scenario(name="only a demo is scraped", series=DEMO, fires={4: [], 5: [fire("Down", instance="")]}),
    Scenario(
        name="only a demo was scraped and it ended",
        series=lost(DEMO, 20),
        fires={19: [fire("Down", instance="")], 40: [fire("Down", instance="")]},
    ),
    Scenario(name="a demo beside a real one ends", series={**WELL, **lost(DEMO, 10)}, fires={30: [ALIVE]}),
    Scenario(
        name="one of two dies and comes back",
        series={**lost(WELL, 10, 40), **SECOND},
        fires={
            9: [ALIVE, fire("DeadMan", instance="b")],
            14: [fire("DeadMan", instance="b")],
            15: [fire("DeadMan", instance="b"), fire("Down")],
            49: [ALIVE, fire("DeadMan", instance="b"), fire("Down")],
            50: [ALIVE, fire("DeadMan", instance="b")],
        },
    ),
    Scenario(
        name="both die",
        series={**lost(WELL, 10), **lost(SECOND, 10)},
        fires={20: [fire("Down"), fire("Down", instance="b")]},
    ),
    Scenario(
        name="textfile mode has no target of its own",
        series={name: signal for name, signal in WELL.items() if not name.startswith("up{")},
        fires={30: [ALIVE]},
    ),
    Scenario(
        name="another job is not ours",
        series={key("up", instance="a", job="node"): always(0), **WELL},
        fires={30: [ALIVE]},
    ),
)
MOVES: Final = (
    Scenario(
        name="it stands still and goes on",
        series=with_own("exposition_snapshot_timestamp_seconds", then((30, clock()), first=clock(until=10))),
        fires={15: [ALIVE], 16: [], 17: [fire("Stalled")], 39: [ALIVE, fire("Stalled")], 40: [ALIVE]},
    ),
    Scenario(
        name="a clock that is a little ahead",
        series=with_own("exposition_snapshot_timestamp_seconds", clock(60)),
        fires={30: [ALIVE]},
    ),
    Scenario(
        name="a clock that is ahead for four minutes",
        series=with_own("exposition_snapshot_timestamp_seconds", then((10, clock(61)), (14, clock()), first=clock())),
        fires={9: [ALIVE], 13: [], 14: [ALIVE], 30: [ALIVE]},
    ),
    Scenario(
        name="the self-test lapses",
        series=with_own("selftest_last_success_timestamp_seconds", clock(-2 * HOUR + 600, until=0)),
        fires={10: [ALIVE], 11: [], 15: [], 16: [fire("SelfTestFailing")]},
    ),
    Scenario(
        name="the self-test never passed",
        series={
            **{name: signal for name, signal in WELL.items() if "selftest_last_success" not in name},
            key("selftest_ok", instance="a"): always(0),
        },
        fires={4: [], 5: [fire("SelfTestFailing")]},
    ),
    Scenario(
        name="no self-test alert while it stands still",
        series={
            **with_own("selftest_ok", always(0)),
            key("exposition_render_timestamp_seconds", instance="a"): clock(until=0),
        },
        fires={20: [fire("Stalled")]},
    ),
    Scenario(
        name="an engine blinds checks while its self-test fails",
        series={**with_own("engine_checks_blinded", always(9)), key("selftest_ok", instance="a"): always(0)},
        fires={20: [fire("SelfTestFailing")]},
    ),
    Scenario(
        name="the self-test passed in the future",
        series=with_own("selftest_last_success_timestamp_seconds", then((10, always(DAYS)), first=clock())),
        fires={9: [ALIVE], 10: [], 14: [], 15: [fire("SelfTestFailing")], 60: [fire("SelfTestFailing")]},
    ),
    turns("selftest_ok", 0, alert="SelfTestFailing", wait=5, dead=True),
    turns("engine_checks_blinded", 3, alert="EngineBlind", wait=10, well=0),
)
KEEPS: Final = (
    Scenario(
        name="evidence is not written for four hours",
        series=with_own("evidence_failing_since_timestamp_seconds", then((10, always(-4 * HOUR + 1200)), (40, None))),
        fires={
            20: [ALIVE],
            21: [ALIVE],
            22: [ALIVE, fire("EvidenceFailing")],
            49: [ALIVE, fire("EvidenceFailing")],
            50: [ALIVE],
        },
    ),
    Scenario(
        name="evidence is not written for an hour",
        series=with_own("evidence_failing_since_timestamp_seconds", always(0)),
        fires={30: [ALIVE]},
    ),
    turns("evidence_chain_valid", 0, alert="EvidenceChainBroken", wait=0),
    Scenario(
        name="the chain was never read",
        series={name: signal for name, signal in WELL.items() if "chain" not in name},
        fires={30: [ALIVE]},
    ),
    turns("config_last_reload_successful", 0, alert="ConfigRefused", wait=10),
    turns("web_config_last_reload_successful", 0, alert="ConfigRefused", wait=10),
    turns("waivers_valid", 0, alert="WaiversUnreadable", wait=10),
    Scenario(
        name="series are dropped for two reasons",
        series={
            **with_own("exposition_series_dropped", then((10, 7.0), (30, 0.0), first=0.0), reason="cap"),
            key("exposition_series_dropped", instance="a", reason="label"): always(1),
        },
        fires={9: [ALIVE], 10: [ALIVE, fire("SeriesDropped")], 50: [ALIVE, fire("SeriesDropped")]},
    ),
    Scenario(
        name="series are dropped for less than ten minutes",
        series=with_own("exposition_series_dropped", then((10, 7.0), (19, 0.0), first=0.0), reason="cap"),
        fires={30: [ALIVE]},
    ),
)
COUNTED: Final = (
    Scenario(
        name="a family is empty and its last check is not missed twice",
        series={
            **WELL,
            **{name: off(signal, 10) for name, signal in OPEN.items()},
            key("checks_configured", instance="a", family="access"): then((10, 0.0), first=1.0),
        },
        fires={
            19: [ALIVE],
            20: [ALIVE, fire("FamilyEmpty", family="access")],
            30: [ALIVE, fire("FamilyEmpty", family="access")],
        },
    ),
    Scenario(
        name="somebody empties the configuration, and the heartbeat stops",
        series={
            **{name: off(signal, 10) if "check_" in name else signal for name, signal in WELL.items()},
            **{key("checks_configured", instance="a", family=name): then((10, 0.0), first=1.0) for name in FAMILIES},
        },
        fires={
            9: [ALIVE],
            10: [],
            19: [],
            20: [fire("FamilyEmpty", family=name) for name in FAMILIES],
            90: [fire("FamilyEmpty", family=name) for name in FAMILIES],
        },
    ),
    Scenario(
        name="nobody tells how many checks there are",
        series={name: signal for name, signal in WELL.items() if "checks_configured" not in name},
        fires={30: []},
    ),
    Scenario(
        name="all families have checks",
        series={**WELL, **{key("checks_configured", instance="a", family=name): always(4) for name in FAMILIES}},
        fires={30: [ALIVE]},
    ),
    Scenario(
        name="a check changes its severity and is not missed",
        series={
            **{name: off(signal, 10) if "check_info" in name else signal for name, signal in WELL.items()},
            key(
                "check_info", instance="a", check="workforce-mfa", family="mfa", check_id="mfa_coverage", severity="low"
            ): then((10, 1.0)),
        },
        fires={30: [ALIVE]},
    ),
    Scenario(
        name="no check is missed while the scrape is lost",
        series=lost({**WELL, **{name: off(signal, 10) for name, signal in OPEN.items()}}, 12),
        fires={40: [fire("Down")]},
    ),
    Scenario(
        name="two checks vanish and one alert counts them",
        series={
            **WELL,
            **{name: off(signal, 10) for name, signal in OPEN.items()},
            **{name: off(signal, 10) for name, signal in check("attested", "certification").items()},
        },
        fires={20: [ALIVE, fire("CheckVanished")]},
        gives=[
            (
                20,
                "count(max_over_time(controlwatch_check_info[1d]) unless on (check) controlwatch_check_info)",
                {"{}": 2},
            )
        ],
    ),
)
LONGER: Final = (
    Scenario(
        name="an instance that does not answer is missed for as long as it is asked",
        series={**lost(WELL, 40), **SECOND},
        fires={
            60: [fire("DeadMan", instance="b"), fire("Down")],
            LONG: [fire("DeadMan", instance="b"), fire("Down")],
        },
    ),
    Scenario(
        name="one that nobody asks any more is missed for a day",
        series={**{name: off(signal, 40) for name, signal in WELL.items()}, **SECOND},
        fires={
            24 * 60: [fire("DeadMan", instance="b"), fire("Down")],
            LONG: [fire("DeadMan", instance="b")],
        },
    ),
)
SLOW: Final = (
    Scenario(
        name="a check that is gone is missed for a day",
        series={**WELL, **{name: off(signal, 60) for name, signal in OPEN.items()}},
        fires={60: [ALIVE], 24 * 60: [ALIVE, fire("CheckVanished")], LONG: [ALIVE]},
    ),
)
ALL: Final = (*DOWN, *MOVES, *KEEPS, *COUNTED)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Run them all at once; those that last days are looked at every ten minutes."""
    slow = outcome(SLOW, tmp_path_factory.mktemp("slow"), every="10m")
    longer = outcome(LONGER, tmp_path_factory.mktemp("longer"), every="4m")
    return outcome(ALL, tmp_path_factory.mktemp("monitor")) | slow | longer


@pytest.mark.parametrize("scenario", [*ALL, *SLOW, *LONGER], ids=lambda scenario: scenario.name)
def test_the_right_alert_fires_about_the_monitor(scenario: Scenario, faults: dict[str, str]) -> None:
    """Promtool finds all that fires at those minutes, and nothing else."""
    assert scenario.name not in faults, faults[scenario.name]
