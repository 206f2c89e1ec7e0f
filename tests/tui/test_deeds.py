"""Pause, resume and acknowledge as commands."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone

import pytest

from engine.port import Ack
from tests.support.clock import NOW
from tui.deeds import acks, pause, pause_fault, resume


@pytest.mark.parametrize(
    ("span", "well"),
    [("1h", True), ("7d", True), ("1d12h", True), ("59m", False), ("8d", False), ("soon", False), ("", False)],
)
def test_a_pause_is_from_an_hour_to_a_week(span: str, *, well: bool) -> None:
    """Anything else is told what is allowed."""
    assert (pause_fault(span) == "") is well
    assert well or "from 1h to 7d" in pause_fault(span)


def test_a_pause_ends_at_an_instant_in_utc() -> None:
    """Whatever zone the reader looks at."""
    there = NOW.astimezone(timezone(timedelta(hours=9)))

    assert pause("backups", "moved", "2h", "ana", there).until == NOW + timedelta(hours=2)
    assert pause("backups", "moved", "2h", "ana", there).until.tzinfo is UTC
    assert resume("backups", "ana", there).reason == ""


def test_a_ticket_is_part_of_the_note() -> None:
    """One command a finding."""
    assert acks([1, 2], "seen", "SEC-1", "ana") == [Ack(finding=each, note="seen (SEC-1)", by="ana") for each in (1, 2)]
    assert acks([1], "seen", "", "ana")[0].note == "seen"
