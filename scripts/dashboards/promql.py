"""Expressions that the panels share: every selector asks for job and instance, and what is lost counts as bad."""

from __future__ import annotations

from typing import Final

TARGET: Final = 'job=~"$job", instance=~"$instance"'
FAMILY: Final = 'family=~"$family"'
KEY: Final = "job, instance, check"
"""Labels of one configured check of one engine."""
MEMORY: Final = "1d"
"""How long what an engine told is remembered once it is not heard any more, so as to show it as lost."""


def select(metric: str, *matchers: str) -> str:
    """Select a metric of the chosen engines."""
    return f"{metric}{{{', '.join((TARGET, *matchers))}}}"


def lost(series: str, value: int) -> str:
    """Give ``value`` for each series that an engine told within ``MEMORY``, if now it tells none of them."""
    return f"(0 * last_over_time({series}[{MEMORY}]) {value:+d} unless on (job, instance) {series})"


def or_lost(series: str, value: int) -> str:
    """Give the series, and ``value`` in place of those of an engine that is not heard."""
    return f"({series} or {lost(series, value)})"


INFO: Final = select("controlwatch_check_info", FAMILY, 'team=~"$team"')


def mine(expression: str) -> str:
    """Keep the checks of the chosen families and teams."""
    return f"(({expression}) and on ({KEY}) {INFO})"


def kept(expression: str) -> str:
    """Keep them, those of an engine that is not heard included."""
    return f"(({expression}) and on ({KEY}) last_over_time({INFO}[{MEMORY}]))"


def by(labels: str, expression: str) -> str:
    """Reduce to labels; the value of one series is kept as it is."""
    return f"max by ({labels}) ({expression})"


def of_check(metric: str, *matchers: str) -> str:
    """Select a metric of the chosen checks."""
    return mine(select(f"controlwatch_check_{metric}", FAMILY, *matchers))


def known(metric: str) -> str:
    """Select an instant by what was heard last, so that its age grows on while nobody is heard."""
    return f"last_over_time({select(metric)}[{MEMORY}])"


def elapsed(metric: str) -> str:
    """Give the age of an instant, the greatest of all engines."""
    return f"max(time() - {known(metric)})"


def rate(metric: str, labels: str) -> str:
    """Give how fast a counter grows, a second, summed by labels."""
    return f"sum by ({labels}) (rate({select(metric)}[$__rate_interval]))"


def lowest(metric: str) -> str:
    """Give the least value of all engines; 0 when one is not heard, or none is."""
    return f"min({or_lost(select(metric), 0)}) or vector(0)"


CHECK_HELD: Final = select("check:controlwatch_held:bool", FAMILY)
HELD: Final = kept(or_lost(CHECK_HELD, 0))
"""1 or 0 for every chosen check; 0 too while its engine is not heard."""
CONTROL_HELD: Final = or_lost(select("control:controlwatch_held:min"), -1)
"""1 or 0 for every control; -1 while its engine is not heard."""
ALIVE: Final = or_lost(select("instance:controlwatch_alive:bool"), 0)


def verdict() -> str:
    """Give each chosen check as one number of ``look.VERDICTS``, the worst of all engines."""
    state = select("controlwatch_check_state", FAMILY, 'state="%s"')
    blind = select("controlwatch_check_state", FAMILY, 'state=~"unknown|stale|pending"')
    parts = (
        f"0 * ({state % 'fail'} == 1)",
        f"{blind} == 1",
        f"3 * ({state % 'waived'} == 1)",
        f"4 * ({CHECK_HELD} == 1)",
        f"2 + 0 * {CHECK_HELD}",
        lost(CHECK_HELD, -1),
    )
    return f"min by (check) {kept(f' or on ({KEY}) '.join(f'({part})' for part in parts))}"
