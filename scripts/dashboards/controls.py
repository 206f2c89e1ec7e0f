"""Panels of what is held: by control, by check, by criterion, and over time."""

from __future__ import annotations

from typing import Final

from scripts.dashboards import look
from scripts.dashboards.look import BLIND, Scale
from scripts.dashboards.panels import Built, Column, Line, lines, rows, tiles, timeline
from scripts.dashboards.promql import (
    CHECK_HELD,
    CONTROL_HELD,
    FAMILY,
    HELD,
    INFO,
    KEY,
    by,
    kept,
    lost,
    of_check,
    or_lost,
    select,
    verdict,
)

_CHECK: Final = "job, instance, check, family"
_CHECK_COLUMNS: Final = (
    Column("Held", "A", look.HELD, hued=True),
    Column("Check", "check"),
    Column("Family", "family"),
    Column("State", "state", look.STATES, hued=True),
    Column("Coverage, at least", "D", look.RATIO),
    Column("at most", "E", look.RATIO),
    Column("Failed", "F", look.COUNT),
    Column("Unknown", "G", look.COUNT),
    Column("Population", "H", look.COUNT),
    Column("Since", "I", look.SINCE),
    Column("Blamed source", "source"),
    Column("Cause", "cause"),
    Column("Severity", "severity"),
    Column("Team", "team"),
    Column("Engine", "instance"),
)
"""What a check's row shows; a letter is the query of ``_checks`` in that place."""


def controls() -> list[Built]:
    """Give the panels of controls, checks and criteria: which are held, and since when."""
    now = [_share(), _families(), _failing(), _blind(), _down()]
    return [*now, _timeline(), _verdicts(), _checks(), _criteria(), _trend()]


def _share() -> Built:
    return tiles(
        "Checks held",
        "The share of the chosen checks that is held: passes or warns by a proof that has not ended, of an engine "
        "that does not stand still. The checks of an engine that is not heard count as not held for a day.",
        f"avg({HELD}) or vector(0)",
        look.HELD_RATIO,
        width=4,
    )


def _families() -> Built:
    return tiles(
        "Held by family",
        "The same by family. In a terminal: the four panels of `controlwatch`.",
        f"avg by (family) ({HELD}) or on () vector(0)",
        look.HELD_RATIO,
        legend="{{family}}",
        width=8,
    )


def _failing() -> Built:
    failing = of_check("state", 'state="fail"')
    return tiles(
        "Failing",
        "Checks that fail, waived failures and those not yet due left out. In a terminal: `controlwatch check`.",
        f"sum({failing})",
        look.none_wanted(),
        width=4,
    )


def _blind() -> Built:
    blind = select("controlwatch_check_state", FAMILY, 'state=~"unknown|stale|pending"')
    return tiles(
        "Blind",
        "Checks that are unknown, stale or pending: nobody knows whether they hold. So are all checks of an engine "
        "that is not heard.",
        f"sum({kept(f'{blind} or on ({KEY}) {lost(CHECK_HELD, 1)}')})",
        look.none_wanted(BLIND),
        width=4,
    )


def _down() -> Built:
    return tiles(
        "Sources down",
        "Sources whose latest run was not complete, or whose engine is not heard. In a terminal: `controlwatch "
        "source test`.",
        f"sum({or_lost(select('controlwatch_source_up'), 0)} == bool 0)",
        look.none_wanted(),
        width=4,
    )


def _timeline() -> Built:
    return timeline(
        "Controls",
        "Each control, as good as its worst check on its worst engine. UNOBSERVED: no engine was heard, so nobody "
        "knew. Families and teams do not choose controls, since one control may span several. Recorded as "
        "`control:controlwatch_held:min`.",
        f"min by (control) ({CONTROL_HELD})",
        look.HELD,
        legend="{{control}}",
    )


def _verdicts() -> Built:
    return timeline(
        "Checks",
        "Each chosen check, on its worst engine. NOT PROVEN: it passed, and the proof has ended or the engine "
        "stands still. From `controlwatch_check_state` and `check:controlwatch_held:bool`.",
        verdict(),
        look.VERDICTS,
        legend="{{check}}",
    )


def _checks() -> Built:
    counts = ("failed", "unknown", "population")
    shares = ("coverage_low_ratio", "coverage_high_ratio")
    return rows(
        "Checks in detail",
        "One row a check and engine. Coverage is the least and the greatest share that may pass: what is not told "
        "widens it. Since is when the state began. The blamed source is empty when controlwatch blames itself. In a "
        "terminal: `controlwatch check NAME`.",
        [
            by(_CHECK, HELD),
            f"max by ({_CHECK}, state) ({of_check('state')} == 1)",
            f"max by ({_CHECK}, severity, team) ({INFO})",
            *(by(_CHECK, of_check(metric)) for metric in (*shares, *counts)),
            f"1000 * {by(_CHECK, of_check('state_since_timestamp_seconds'))}",
            f"max by ({_CHECK}, source, cause) ({of_check('blind')})",
        ],
        _CHECK_COLUMNS,
        sort="Held",
        height=12,
    )


def _criteria() -> Built:
    criterion = "framework, criterion"
    info = select("controlwatch_check_control_info")
    return rows(
        "Criteria",
        "Each criterion of a framework, as good as its worst check, and how many checks test it. A criterion that no "
        "check tests is not here.",
        [
            f"min by ({criterion}) ({CONTROL_HELD})",
            f"count by ({criterion}) (count by ({criterion}, check) (last_over_time({info}[1d])))",
        ],
        [
            Column("Held", "A", look.HELD, hued=True),
            Column("Framework", "framework"),
            Column("Criterion", "criterion"),
            Column("Checks", "B", look.COUNT),
        ],
        sort="Held",
        width=12,
        height=8,
    )


def _trend() -> Built:
    return lines(
        "Held by family, over time",
        "The recorded share of held checks, on the worst engine; a line ends where no engine was heard.",
        [Line(f"min by (family) ({select('family:controlwatch_held:ratio', FAMILY)})", "{{family}}")],
        Scale(unit="percentunit", decimals=0, highest=1),
    )
