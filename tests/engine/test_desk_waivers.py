"""An engine takes a waiver from its request to its end, with every step in force at once and in the evidence."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from checks.model.state import State
from engine import desk_waivers
from engine.port import (
    ApproveWaiver,
    RejectWaiver,
    RequestWaiver,
    RevokeWaiver,
)
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.deciding import ASK, BOB, END, REASON, decide, failing, notes, view
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import driven


async def test_a_waiver_goes_from_its_request_to_its_end(tmp_path: Path) -> None:
    """Asked for, it changes nothing; approved, the check is waived; revoked, it fails again."""
    async with failing(tmp_path) as (it, desk):
        asked = await desk.send(ASK)
        await it.run()
        assert (asked.ok, it.state()) == (True, State.FAIL)
        assert "waives nothing until another person approves it; it would cover 1 open finding now" in asked.message
        requested = await view(desk)
        assert (requested.id, requested.status, requested.covers) == ("W-2026-0001", "requested", 1)

        approved = await decide(desk, BOB)
        await it.run(timedelta(seconds=2))
        assert (approved.ok, it.state()) == (True, State.WAIVED)
        assert "W-2026-0001 is in force until 2027-02-19T23:59:59Z; it covers 1 open finding now" in approved.message
        assert (await view(desk)).status == "active"

        revoked = await decide(desk, END)
        await it.run(timedelta(seconds=2))
        assert (revoked.ok, it.state()) == (True, State.FAIL)
        ended = await view(desk)
        assert (ended.status, ended.covers) == ("revoked", 0)
        assert await notes(it) == [("W-2026-0001", phase) for phase in ("requested", "active", "revoked")]
        assert it.texts("waiver") == [
            "mfa: requested by ana (claimed); it waives nothing until another person approves it",
            "mfa: approved by bob (claimed), in force until 2027-02-19 23:59Z",
            "mfa: revoked by cal (claimed): the hardware came",
        ]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(
            ApproveWaiver(id="W-2026-0001", entry="", by=" ANA"), "another person than the requester", id="same-person"
        ),
        pytest.param(ApproveWaiver(id="W-2026-0002", entry="", by="bob"), "no waiver 'W-2026-0002'", id="no-such"),
        pytest.param(RevokeWaiver(id="W-2026-0001", entry="", reason="", by="bob"), "say why", id="no-reason"),
        pytest.param(
            RequestWaiver(check="mfas", subjects=("bea",), reason=REASON, by="ana"), "did you mean", id="check"
        ),
        pytest.param(
            RequestWaiver(check="mfa", source="idq", cause="denied", reason=REASON, by="ana"),
            "mfa does not read 'idq', did you mean \"idp\"?",
            id="source",
        ),
    ],
)
async def test_what_is_refused_changes_nothing(
    tmp_path: Path, command: RequestWaiver | ApproveWaiver | RevokeWaiver, said: str
) -> None:
    """The reply says what to do."""
    async with failing(tmp_path) as (it, desk):
        await desk.send(ASK)
        before = (tmp_path / "waivers.toml").read_bytes()

        reply = await decide(desk, command)

        assert (reply.ok, said in reply.message) == (False, True), reply.message
        assert (tmp_path / "waivers.toml").read_bytes() == before
        assert len(await notes(it)) == 1


async def test_a_read_only_engine_writes_no_waiver(tmp_path: Path) -> None:
    """It still shows those of the file."""
    async with failing(tmp_path, read_only=True) as (_, desk):
        for command in (ASK, BOB, END):
            reply = await decide(desk, command)
            assert (reply.ok, "read-only" in reply.message) == (False, True)

        assert not (tmp_path / "waivers.toml").exists()
        assert await desk.waivers() == []


async def test_a_waiver_ends_and_begins_while_the_engine_runs(tmp_path: Path) -> None:
    """Its check is judged at that instant, without any file having changed."""
    entry = f'subjects = ["BEA@example.org"]\nreason = "{REASON}"\nrequested_by = "ana"\napproved_by = "bob"\n'
    times = "starts = 2026-11-21T06:00:00Z\nexpires = 2026-11-21T07:00:00Z\n"
    (tmp_path / "waivers.toml").write_text(f'[[waiver]]\nid = "w1"\ncheck = "mfa"\n{entry}{times}')
    async with failing(tmp_path) as (it, desk):
        assert (await view(desk)).status == "future"
        await it.run(timedelta(minutes=30))
        assert it.state() is State.WAIVED
        await it.run(timedelta(hours=1))
        assert it.state() is State.FAIL
        assert [phase for _, phase in await notes(it)] == ["future", "active", "expired"]


async def test_a_malformed_waiver_is_shown_with_its_fault(tmp_path: Path) -> None:
    """In its place among the others."""
    async with failing(tmp_path) as (it, desk):
        await desk.send(ASK)
        with (tmp_path / "waivers.toml").open("a") as file:
            file.write('[[waiver]]\nid = "w2"\ncheck = "mfa"\nreasn = "x"\n[[waiver]]\n')
        await desk.send(ASK)
        shown = await desk.waivers()

        assert [item.status for item in shown] == ["requested", "malformed", "malformed", "requested"]
        assert [item.id for item in shown] == ["W-2026-0001", "w2", "", "W-2026-0002"]
        assert 'reasn: unknown key, did you mean "reason"?' in shown[1].fault
        assert it.engine.snapshot is not None


async def test_a_structural_waiver_covers_what_cannot_be_judged_for_its_cause(tmp_path: Path) -> None:
    """Its count is that of the subjects that are unknown for it."""
    script = Script()
    script.tell(*(account(f"u{number}", source="idp", mfa=None, why={"mfa": "denied"}) for number in range(3)))
    config = estate(tmp_path, [source_config("idp", scripted(script))], [check_config("mfa", "mfa_coverage", ["idp"])])
    async with driven(config, Clock()) as it:
        await it.run()
        command = RequestWaiver(check="mfa", source="idp", cause="denied", reason=REASON, by="ana")
        reply = await desk_waivers.request(it.engine, command)
        result = it.engine.checks["mfa"].result

        assert reply.ok, reply.message
        assert result is not None
        (shown,) = await desk_waivers.waivers(it.engine)
        assert shown.covers == result.unknown_causes["idp:denied"] == 3


@pytest.mark.parametrize(
    "command",
    [BOB, END, RejectWaiver(id="W-2026-0001", entry="", reason=REASON, by="cal")],
    ids=["approve", "revoke", "reject"],
)
async def test_what_was_changed_since_it_was_read_is_decided_by_nobody(
    tmp_path: Path, command: ApproveWaiver | RevokeWaiver | RejectWaiver
) -> None:
    """A request that covers more than the one that was shown is refused under its old digest, and taken under its own.

    The engine has not read the file again when the command comes.
    """
    async with failing(tmp_path) as (it, desk):
        assert (await desk.send(ASK)).ok
        shown = await view(desk)
        file = tmp_path / "waivers.toml"
        file.write_text(file.read_text().replace('"idp/bea"', '"idp/bea", "idp/uma"'))
        before = file.read_bytes()

        reply = await desk.send(msgspec.structs.replace(command, entry=shown.entry))

        assert not reply.ok
        assert "W-2026-0001 was changed since it was shown" in reply.message
        assert file.read_bytes() == before
        await it.engine.reread_waivers()
        assert (await decide(desk, command)).ok


async def test_what_several_waivers_name_is_counted_once(tmp_path: Path) -> None:
    """Each covers it; none of them alone, as long as another is in force, and a request adds nothing."""
    async with failing(tmp_path) as (it, desk):
        for _ in range(2):
            assert (await desk.send(ASK)).ok
        assert (await decide(desk, BOB)).ok
        one, two = await desk.waivers()
        assert [(one.covers, one.alone), (two.covers, two.alone)] == [(1, 1), (1, 0)]
        assert (await decide(desk, ApproveWaiver(id="W-2026-0002", entry="", by="bob"))).ok
        assert [(each.covers, each.alone) for each in await desk.waivers()] == [(1, 0), (1, 0)]
        for name in ("W-2026-0001", "W-2026-0002"):
            assert (await decide(desk, RevokeWaiver(id=name, entry="", reason=REASON, by="cal"))).ok
        await it.run()
        assert [(each.covers, each.alone) for each in await desk.waivers()] == [(0, 1), (0, 1)]


async def test_a_request_is_rejected_by_another_person_and_never_was_in_force(tmp_path: Path) -> None:
    """Its requester takes it back instead; both are told as what they are."""
    async with failing(tmp_path) as (it, desk):
        assert (await desk.send(ASK)).ok
        mine = await decide(desk, RejectWaiver(id="W-2026-0001", entry="", reason=REASON, by="Ana"))
        other = await decide(desk, RejectWaiver(id="W-2026-0001", entry="", reason=REASON, by="cal"))
        again = await decide(desk, RejectWaiver(id="W-2026-0001", entry="", reason=REASON, by="cal"))
        [waiver] = await desk.waivers()

        assert not mine.ok
        assert "takes it back by revoking it" in mine.message
        assert other.message == "W-2026-0001 was never in force, and its entry stays in the file"
        assert "only a request can be rejected" in again.message
        assert (waiver.status, waiver.revoked_by, waiver.revoked_reason) == ("revoked", "cal", REASON)
        [told, *_] = [event for event in it.engine.events if event.kind == "waiver"]
        assert ("rejected by cal (claimed)" in told.text, told.by) == (True, "cal")


async def test_a_request_may_go_on_with_a_waiver_until_a_day(tmp_path: Path) -> None:
    """The entry names it; one that is not in the file cannot be extended."""
    async with failing(tmp_path) as (_, desk):
        assert (await desk.send(ASK)).ok
        more = msgspec.structs.replace(
            ASK, extends="W-2026-0001", until=(NOW + timedelta(days=300)).date(), vendor=True
        )
        assert (await desk.send(more)).ok
        lost = await desk.send(msgspec.structs.replace(ASK, extends="W-2026-0009"))
        waiver = (await desk.waivers())[1]

        assert (waiver.extends, waiver.vendor) == ("W-2026-0001", True)
        assert waiver.ends is not None
        assert waiver.ends.date() == (NOW + timedelta(days=300)).date()
        assert "no waiver 'W-2026-0009'" in lost.message
