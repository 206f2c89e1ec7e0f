"""What sources and checks tell is loud once, and silence is kept where somebody decided so; with the real programs."""

from __future__ import annotations

import pytest

from tests.alerts.conftest import Run
from tests.alerts.sources import CHECKS
from tests.alerts.test_broken_monitor import beat_goes_on, nothing_else, told_once

pytestmark = pytest.mark.timeout(1_200)
"""The first test waits for the run that all of them read."""


def test_one_source_cut_under_200_checks_is_one_ticket_with_their_number(run: Run) -> None:
    """One notification says 200, one tells the end, and none of the 200 checks is green or tells anything."""
    at = told_once(run, "cut", "ControlwatchSourceBlind", source="okta")

    assert f"{CHECKS} checks" in run.of("cut")[0].text
    assert run.green("cut", at, run.mended_at) == set()
    beat_goes_on(run, "cut")
    nothing_else(run, "cut", "ControlwatchSourceBlind")


def test_a_source_that_shrank_to_4_percent_is_one_ticket_until_it_is_accepted(run: Run) -> None:
    """S7: what is left passes, and is not green; ``source accept`` ends it."""
    at = told_once(run, "estate", "ControlwatchSourceBlind", source="people")

    assert "shrunken" in run.of("estate", "ControlwatchSourceBlind", source="people")[0].text
    assert "workforce" not in run.green("estate", at, run.mended_at)


def test_a_source_that_never_answers_is_one_ticket(run: Run) -> None:
    """S9: each of its runs is given up; it is told once, and its check is never green."""
    assert len(run.of("silent", "ControlwatchSourceBlind", source="mute")) == 1, run.story("silent")
    assert run.green("silent", 0, run.ended_at) == set()
    beat_goes_on(run, "silent")
    nothing_else(run, "silent", "ControlwatchSourceBlind")


@pytest.mark.parametrize("source", ["mute", "dumps"])
def test_a_check_that_was_never_judged_past_its_age_is_one_ticket_of_its_source(run: Run, source: str) -> None:
    """S9: the first run hangs, or never gets a slot; once a check waits for longer than its ``max_age`` it is told."""
    assert len(run.of("starved", "ControlwatchSourceBlind", source=source)) == 1, run.story("starved")
    assert run.green("starved", 0, run.ended_at) == set()
    nothing_else(run, "starved", "ControlwatchSourceBlind")


@pytest.mark.parametrize(
    ("name", "check"),
    [
        pytest.param("ControlwatchAdminLostMfa", "admin-mfa", id="administrator-lost-mfa"),
        pytest.param("ControlwatchBackupOverdue", "late-backups", id="backup-overdue"),
        pytest.param("ControlwatchBackupOverdue", "cut-backups", id="backup-overdue-by-the-last-good-answer"),
        pytest.param("ControlwatchTlsBroken", "certificates", id="certificate-expired"),
    ],
)
def test_what_wakes_somebody_is_one_page_and_no_ticket(run: Run, name: str, check: str) -> None:
    """The page stands for the ticket of the same check, which is not green meanwhile."""
    at = told_once(run, "estate", name, "pager", check=check)

    assert {one.name for one in run.of("estate", check=check)} == {name}
    assert check not in run.green("estate", at, run.mended_at)


def test_a_break_glass_account_in_use_is_one_page_that_mending_other_things_does_not_end(run: Run) -> None:
    """It was used, whatever happens later: it is told once, and is no ticket beside."""
    told = run.of("estate", check="sealed")

    assert [(one.name, one.receiver) for one in told] == [("ControlwatchBreakGlassUsed", "pager")], run.story("estate")
    assert not run.of("estate", status="resolved", check="sealed"), run.story("estate")
    assert "sealed" not in run.green("estate", told[0].at, run.ended_at)


def test_the_source_of_an_overdue_backup_is_a_ticket_of_its_own(run: Run) -> None:
    """That the source is down is another thing than that the backup is late: one ticket, and its end."""
    told_once(run, "estate", "ControlwatchSourceBlind", source="cut")


def test_a_waiver_that_ends_soon_is_one_ticket_until_it_is_renewed(run: Run) -> None:
    """It is told once; the check under it is waived, tells nothing else and is never green."""
    told_once(run, "estate", "ControlwatchWaiverExpiring", check="lent-backups")

    assert {one.name for one in run.of("estate", check="lent-backups")} == {"ControlwatchWaiverExpiring"}
    assert "lent-backups" not in run.green("estate", 0, run.ended_at)


def test_an_estate_in_which_much_breaks_tells_each_thing_and_nothing_more(run: Run) -> None:
    """Notifications are as many as the things that broke, and the dead-man goes on: the monitor itself is well."""
    assert len(run.of("estate")) == len(run.scenarios["estate"].expects), run.story("estate")
    beat_goes_on(run, "estate")


def test_waived_paused_and_pending_checks_tell_nothing_and_are_not_green(run: Run) -> None:
    """A live waiver, a pause and a first run that has not ended are silent; only the check that passes is green."""
    nothing_else(run, "quiet")

    assert run.green("quiet", 0, run.ended_at) == {"backups"}
    beat_goes_on(run, "quiet")
