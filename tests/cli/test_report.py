"""What ``controlwatch check`` says of a check, in each format."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from checks.model.doubt import Cause
from checks.model.state import State
from cli.report import Told, document, junit, table
from engine.port import BlindBy, Was
from tests.support.clock import NOW
from tests.support.snapshots import a_check, a_snapshot

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("by", ["ana", ""], ids=["somebody", "nobody knows who"])
def test_a_paused_check_blames_no_source(by: str) -> None:
    """It says until when, by whom and why, and what was known before; whatever its sources tell."""
    view = a_check(
        "backups",
        paused_until=NOW + HOUR,
        paused_by=by,
        paused_reason="the job moves",
        blind_by=BlindBy(source="dumps", cause=Cause.UNREACHABLE, since=NOW),
        was=Was(state=State.PASS, at=NOW - HOUR),
    )
    told = Told(a_snapshot(checks=[view]), [view], {"backups": []}, NOW)

    words, found = table(told, color=False), json.loads(json.dumps(document(told), default=str))["checks"][0]

    assert found["state"] == "unknown"
    assert found["blind_by"] is None
    assert (found["paused"]["by"], found["paused"]["reason"]) == (by, "the job moves")
    assert f"paused{f' by {by}' if by else ''} until " in words
    assert ": the job moves; was pass at " in words
    assert "the job moves" in junit(told)
    assert "dumps: unreachable" not in words + junit(told)


def test_a_pause_that_is_over_is_not_told() -> None:
    """Then what blinds the check is."""
    blind = BlindBy(source="dumps", cause=Cause.UNREACHABLE, since=NOW)
    view = a_check("backups", paused_until=NOW, blind_by=blind)
    told = Told(a_snapshot(checks=[view]), [view], {"backups": []}, NOW)

    assert document(told)["checks"][0]["paused"] is None
    assert "paused" not in table(told, color=False)
