"""Of several commands each is told by its name: done, refused, never sent, or sent and without an answer."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.port import (
    Accept,
    Ack,
    ApproveWaiver,
    Command,
    NotSent,
    Pause,
    PortFault,
    RejectWaiver,
    Reload,
    Reply,
    RequestWaiver,
    RevokeWaiver,
    Run,
)
from tests.support.estates import CannedPort, mixed
from tui.series import Series

ACKS = [Ack(finding=number, note="seen", by="ann") for number in range(4)]
NAMES = ["ana@example.org", "bea@example.org", "cal@example.org", "dan@example.org"]


class TornPort(CannedPort):
    """A port that answers to some commands, and then is at fault, or refuses."""

    def __init__(self, answers: int, end: OSError | Reply) -> None:
        super().__init__(mixed())
        self._answers = answers
        self._end = end

    async def send(self, command: Command) -> Reply:
        """Answer, or not."""
        if len(self.sent) < self._answers:
            return await super().send(command)
        if isinstance(self._end, Reply):
            return self._end
        raise self._end


@pytest.mark.parametrize(
    ("end", "told"),
    [
        pytest.param(
            PortFault("the engine is down"),
            "✖ no answer to the acknowledgement of cal@example.org: it may have been done "
            "(2 of 4 done, 1 not sent): the engine is down",
            id="no-answer",
        ),
        pytest.param(
            TimeoutError("10 s"),
            "✖ no answer to the acknowledgement of cal@example.org: it may have been done "
            "(2 of 4 done, 1 not sent): 10 s",
            id="too-late",
        ),
        pytest.param(
            NotSent("no engine"),
            "✖ acknowledgement of cal@example.org was not sent: no engine (2 of 4 done, 1 not sent)",
            id="never-sent",
        ),
        pytest.param(
            Reply(ok=False, message="that finding is gone"),
            "✖ acknowledgement of cal@example.org: that finding is gone (2 of 4 done, 1 not sent)",
            id="refused",
        ),
    ],
)
async def test_the_one_that_ended_a_series_is_named(end: OSError | Reply, told: str) -> None:
    """With how many were done before it, and how many never left."""
    assert await Series(ACKS, NAMES).send(TornPort(2, end)) == (told, "fail")


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (PortFault("gone"), "✖ no answer to the run of okta-prod: it may have been done: gone"),
        (NotSent("gone"), "✖ run of okta-prod was not sent: gone"),
        (Reply(ok=False, message="too soon"), "✖ too soon"),
    ],
    ids=["no-answer", "never-sent", "refused"],
)
async def test_one_command_alone_counts_nothing(end: OSError | Reply, told: str) -> None:
    """What may have been done is not told as not sent."""
    assert await Series([Run(source="okta-prod")]).send(TornPort(0, end)) == (told, "fail")


@pytest.mark.parametrize(
    ("series", "told"),
    [
        (Series(ACKS, NAMES), "✔ 4 done: done"),
        (Series(ACKS[:1], NAMES[:1]), "✔ ana@example.org: done"),
        (Series([Run(source="aws")]), "✔ aws runs now"),
    ],
    ids=["several", "named", "one"],
)
async def test_what_is_done_is_told(series: Series, told: str) -> None:
    """A name that was given is repeated, so that nobody wonders which one it was."""
    assert await series.send(CannedPort(mixed())) == (told, "pass")


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (Run(), "run of every source"),
        (Reload(), "reload"),
        (Accept(source="hr", reason="sold", by="ann"), "acceptance of hr"),
        (Pause(check="mfa", reason="window", by="ann", until=datetime(2026, 11, 22, tzinfo=UTC)), "pause of mfa"),
        (Pause(check="mfa", reason="", by="ann", until=datetime(2026, 11, 22, tzinfo=UTC)), "end of the pause of mfa"),
        (Ack(finding=7, note="seen", by="ann"), "acknowledgement of finding 7"),
        (RequestWaiver(check="mfa", reason="…", by="ann"), "request for a waiver of mfa"),
        (ApproveWaiver(id="W-1", entry="", by="bob"), "approval of W-1"),
        (RevokeWaiver(id="W-1", entry="", reason="…", by="bob"), "revocation of W-1"),
        (RejectWaiver(id="W\x1b-1", entry="", reason="…", by="bob"), "rejection of W-1"),
    ],
    ids=lambda told: told if isinstance(told, str) else "",
)
def test_every_command_has_a_name(command: Command, name: str) -> None:
    """What was on its way when the screen ended is told by it."""
    assert Series([command]).left() == f"no answer yet to the {name}: it may have been done"
