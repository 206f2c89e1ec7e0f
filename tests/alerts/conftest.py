"""One Prometheus and one Alertmanager watch all scenarios at once: they run, break and mend side by side, once.

What was told and what was held meanwhile is the record that every test here reads.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

from engine.alerting.timing import Timing
from engine.alerting.writing import rules
from tests.alerts import monitors, sources
from tests.alerts.scenario import Scenario
from tests.support.monitoring import Job, Monitoring, monitoring
from tests.support.pki import Farm
from tests.support.replicas import replicas
from tests.support.servers import needs
from tests.support.webhook import Status, Told, Webhook, webhook

FACTOR: Final = 1 / 12
"""What every time of rules and routes is shortened by; stalled is then 25 s, five times what a snapshot takes."""
TIMING: Final = dataclasses.replace(Timing().scaled(FACTOR), evidence=timedelta(seconds=20))
"""The four hours for which evidence may fail are shortened further."""
DEAD_MAN: Final = "ControlwatchDeadMan"
HELD: Final = "check:controlwatch_held:bool"
LAG: Final = 2 * TIMING.record.total_seconds()
"""Seconds that a recorded series may lag behind an alert: the two are evaluated in turn, once an interval each."""
PATIENCE: Final = 180.0
"""Seconds, an upper bound for what takes a fraction of it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Run:
    """What was told, and what was held."""

    scenarios: Mapping[str, Scenario]
    told: Sequence[Told]
    held: Mapping[str, Sequence[tuple[float, float]]]
    """By ``job/check`` the instants and values of ``check:controlwatch_held:bool``."""
    broken_at: float
    mended_at: float
    ended_at: float

    def of(self, job: str, name: str = "", status: Status = "firing", **labels: str) -> list[Told]:
        """Give what was told of a job, its dead-man's beats left out."""
        return [
            one
            for one in self.told
            if one.job == job
            and one.name != DEAD_MAN
            and name in {"", one.name}
            and one.alert.status == status
            and one.about(**labels)
        ]

    def beats(self, job: str, since: float, until: float) -> list[float]:
        """Give the instants of a dead-man's beats within a span."""
        return [one.at for one in self.told if one.name == DEAD_MAN and one.job == job and since <= one.at <= until]

    def green(self, job: str, since: float, until: float) -> set[str]:
        """Name the checks of a job that were held at any instant of a span, from the next recording on."""
        return {
            name.partition("/")[2]
            for name, values in self.held.items()
            if name.startswith(f"{job}/") and any(value != 0 for at, value in values if since + LAG <= at <= until)
        }

    def story(self, job: str) -> str:
        """Tell all that was told of a job, for whoever reads why a test failed."""
        lines = [one.line() for one in self.told if one.job == job and one.name != DEAD_MAN]
        ends = f"broken {self.broken_at:.1f}, mended {self.mended_at:.1f}, ended {self.ended_at:.1f}"
        return "\n".join([f"{job}: {ends}", *lines, f"beats {self.beats(job, 0, self.ended_at)}"])


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Drive every scenario, end all programs, and give the record."""
    for program, package in (
        ("prometheus", "prometheus"),
        ("prometheus-alertmanager", "prometheus-alertmanager"),
        ("faketime", "faketime"),
        ("openssl", "openssl"),
    ):
        needs(program, package=package)
    with ExitStack() as stack:
        return Driver(tmp_path_factory.mktemp("alerts"), stack).run()


class Driver:
    """Starts, breaks and mends all scenarios."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        """Furnish all of them; the stack ends all that runs."""
        self._hook: Webhook = stack.enter_context(webhook())
        self._scenarios = list(self._furnished(folder, stack))
        for scenario in self._scenarios:
            stack.callback(scenario.engine.kill)
        self._unscraped = {scenario.job for scenario in self._scenarios if not scenario.scraped}
        (folder / "monitoring").mkdir()
        self._watch: Monitoring = stack.enter_context(
            monitoring(folder / "monitoring", self._hook, self._jobs(), FACTOR)
        )

    def _furnished(self, folder: Path, stack: ExitStack) -> Iterator[Scenario]:
        farm, directory = stack.enter_context(Farm()), stack.enter_context(replicas())
        yield monitors.killed(folder)
        yield sources.starved(folder, farm)
        yield sources.silent(folder, farm)
        yield sources.cut(folder, directory)
        yield sources.Estate(folder, directory, farm).scenario()
        yield sources.quiet(folder, farm)
        yield monitors.healthy(folder)
        yield monitors.hung(folder)
        yield monitors.frozen(folder, stack)
        yield monitors.stopped(folder)
        yield monitors.unscraped(folder, self._scrape)
        yield monitors.reloaded(folder)
        yield monitors.clock(folder)
        yield monitors.tampered(folder)
        yield monitors.full(folder)

    def run(self) -> Run:
        """Drive them."""
        began = time.time()
        for scenario in self._scenarios:
            scenario.start()
            monitors.answering(scenario.engine.port)
        _waited(lambda: self._steady() and self._all_told(early=True))
        broken_at = time.time()
        for scenario in self._scenarios:
            scenario.breaks()
        _waited(self._all_told)
        self._more_beats(4, ["healthy"])
        mended_at = time.time()
        for scenario in self._scenarios:
            scenario.mends()
        _waited(self._all_ended)
        self._more_beats(3, [scenario.job for scenario in self._scenarios])
        ended_at = time.time()
        held = self._watch.over(HELD, began, ended_at)
        found = {scenario.job: scenario for scenario in self._scenarios}
        return Run(found, tuple(self._hook.told), held, broken_at, mended_at, ended_at)

    def _jobs(self) -> list[Job]:
        return [
            Job(
                scenario.job,
                None if scenario.job in self._unscraped else scenario.engine.port,
                rules(scenario.engine.config, TIMING),
            )
            for scenario in self._scenarios
        ]

    def _scrape(self, job: str) -> None:
        self._unscraped.discard(job)
        self._watch.watch(self._jobs())

    def _steady(self) -> bool:
        """Tell whether every dead-man beats and everything is held that should be."""
        beating = {one.job for one in self._hook.told if one.name == DEAD_MAN}
        held = {(one.metric["job"], one.metric["check"]) for one in self._watch.ask(f"{HELD} == 1")}
        scraped = [scenario for scenario in self._scenarios if scenario.scraped]
        wanted = {(scenario.job, check) for scenario in scraped for check in scenario.steady}
        return wanted == held and {scenario.job for scenario in scraped} <= beating

    def _all_told(self, *, early: bool = False) -> bool:
        return all(
            any(expected.fits(one, scenario.job) and one.alert.status == "firing" for one in self._hook.told)
            for scenario in self._scenarios
            for expected in scenario.expects
            if expected.early or not early
        )

    def _all_ended(self) -> bool:
        return all(
            any(expected.fits(one, scenario.job) and one.alert.status == "resolved" for one in self._hook.told)
            for scenario in self._scenarios
            for expected in scenario.expects
            if expected.ends
        )

    def _more_beats(self, number: int, jobs: Collection[str]) -> None:
        """Wait for more beats of the dead-men of these jobs: what is told twice, or is green again, shows by then."""
        since = time.time()

        def beaten() -> bool:
            later = [one.job for one in list(self._hook.told) if one.name == DEAD_MAN and one.at > since]
            return all(later.count(job) >= number for job in jobs)

        _waited(beaten)


def _waited(holds: Callable[[], bool]) -> None:
    """Wait until something holds; when it does not in time, the tests say of which scenario."""
    ends = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < ends:
        time.sleep(0.5)
