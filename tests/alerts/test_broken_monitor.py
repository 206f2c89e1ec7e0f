"""A monitor that breaks is loud once, never green, and its end is told once; all of it with the real programs."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import Run

pytestmark = pytest.mark.timeout(1_200)
"""The first test waits for the run that all of them read."""


def told_once(run: Run, job: str, name: str, receiver: str = "tickets", **labels: str) -> float:
    """Assert that an alert was told once, its end once and after mending; gives the instant at which it was told."""
    fired, ended = run.of(job, name, "firing", **labels), run.of(job, name, "resolved", **labels)
    assert [one.receiver for one in fired] == [receiver], run.story(job)
    assert [one.receiver for one in ended] == [receiver], run.story(job)
    assert ended[0].at > run.mended_at, run.story(job)
    return fired[0].at


def nothing_else(run: Run, job: str, *names: str) -> None:
    """Assert that a job told of these alerts and of no other."""
    assert {one.name for one in (*run.of(job), *run.of(job, status="resolved"))} == set(names), run.story(job)


def beat_stops(run: Run, job: str, told_at: float) -> None:
    """Assert that the dead-man beats before, falls silent by the time that somebody is told, and beats again."""
    assert run.beats(job, 0, run.broken_at), run.story(job)
    assert not run.beats(job, told_at, run.mended_at), run.story(job)
    assert run.beats(job, run.mended_at, run.ended_at), run.story(job)


def beat_goes_on(run: Run, job: str) -> None:
    """Assert that the dead-man beats in every part of the run."""
    for since, until in ((0.0, run.broken_at), (run.broken_at, run.mended_at), (run.mended_at, run.ended_at)):
        assert len(run.beats(job, since, until)) > 1, run.story(job)


def test_a_healthy_monitor_tells_nothing_but_its_heartbeat(run: Run) -> None:
    """S1: all is held all along, the dead-man repeats, and nobody is told anything."""
    values = [value for at, value in run.held["healthy/backups"] if at > run.broken_at]

    assert values
    assert set(values) == {1.0}
    beat_goes_on(run, "healthy")
    nothing_else(run, "healthy")


def test_a_scheduler_that_hangs_while_http_answers_is_one_ticket_and_not_green(run: Run) -> None:
    """S2: Stalled is told once, the dead-man stops, and what was held is held no more."""
    at = told_once(run, "hung", "ControlwatchStalled")

    assert run.green("hung", at, run.mended_at) == set()
    beat_stops(run, "hung", at)
    nothing_else(run, "hung", "ControlwatchStalled")


def test_an_exposition_that_is_frozen_is_one_ticket_and_not_green(run: Run) -> None:
    """S3: the same bytes for ever, with a pass in them, stop the dead-man and are held no more."""
    at = told_once(run, "frozen", "ControlwatchStalled")

    assert run.green("frozen", at, run.mended_at) == set()
    beat_stops(run, "frozen", at)
    nothing_else(run, "frozen", "ControlwatchStalled")


def test_a_process_that_is_killed_is_one_ticket_and_resolves_nothing(run: Run) -> None:
    """S4: Down is told once; the failure that was told before is neither resolved nor told again, before or after."""
    at = told_once(run, "killed", "ControlwatchDown")

    assert run.green("killed", at, run.mended_at) == set()
    beat_stops(run, "killed", at)
    nothing_else(run, "killed", "ControlwatchDown", "ControlwatchCheckFailing")
    assert len(run.of("killed", "ControlwatchCheckFailing")) == 1, run.story("killed")
    assert not run.of("killed", "ControlwatchCheckFailing", "resolved"), run.story("killed")


def test_an_engine_that_is_never_scraped_is_one_ticket(run: Run) -> None:
    """S5: without a scrape job no alert has an instance; Down is told once, until the job is there."""
    at = told_once(run, "unscraped", "ControlwatchDown", instance="")

    assert run.green("unscraped", 0, run.mended_at) == set()
    assert not run.beats("unscraped", 0, run.mended_at)
    assert at < run.broken_at
    nothing_else(run, "unscraped", "ControlwatchDown")


def test_a_check_that_a_reload_takes_away_is_one_ticket(run: Run) -> None:
    """S6: CheckVanished names it, and is told once; the other check stays green and the dead-man goes on."""
    at = told_once(run, "reloaded", "ControlwatchCheckVanished")

    assert "backups" in run.of("reloaded")[0].text
    assert run.green("reloaded", at, run.mended_at) == {"other"}
    beat_goes_on(run, "reloaded")
    nothing_else(run, "reloaded", "ControlwatchCheckVanished")


def test_a_clock_that_is_two_hours_ahead_is_one_ticket_and_not_green(run: Run) -> None:
    """S8: ClockAhead is told once, nothing is held, and the dead-man stops until the clock is right again."""
    at = told_once(run, "clock", "ControlwatchClockAhead")

    assert run.green("clock", at, run.mended_at) == set()
    beat_stops(run, "clock", at)
    nothing_else(run, "clock", "ControlwatchClockAhead")


def test_a_process_that_is_stopped_is_one_ticket_until_it_goes_on(run: Run) -> None:
    """SIGSTOP: Down is told once and the dead-man stops; SIGCONT ends both."""
    at = told_once(run, "stopped", "ControlwatchDown")

    assert run.green("stopped", at, run.mended_at) == set()
    beat_stops(run, "stopped", at)
    nothing_else(run, "stopped", "ControlwatchDown")


def test_an_evidence_chain_that_was_changed_by_hand_is_one_ticket(run: Run) -> None:
    """A changed entry is found while the engine runs, and told once; a restart on the right entry ends it."""
    told_once(run, "tampered", "ControlwatchEvidenceChainBroken")

    beat_goes_on(run, "tampered")
    nothing_else(run, "tampered", "ControlwatchEvidenceChainBroken")


def test_evidence_that_cannot_be_written_is_one_page_and_no_ticket_a_source(run: Run) -> None:
    """A full disk is told once, by the page; sources that answer are not blamed for it."""
    told_once(run, "full", "ControlwatchEvidenceFailing", "pager")

    beat_goes_on(run, "full")
    nothing_else(run, "full", "ControlwatchEvidenceFailing")
