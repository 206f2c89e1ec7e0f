"""What becomes of a waiver is evidence, whoever changed it: noted once, over restarts, and naming nobody."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.state import State
from engine.port import (
    Ack,
    EventQuery,
    Query,
    RequestWaiver,
)
from engine.store import StoreError
from engine.waiver_notes import TOLD_AT_ONCE
from tests.support.deciding import ASK, BOB, END, REASON, decide, failing, notes, one_check
from tests.support.estate import Clock
from tests.support.running import driven


async def test_the_chain_names_nobody_and_no_subject(tmp_path: Path) -> None:
    """It holds ids, digests and keyed hashes."""
    async with failing(tmp_path) as (it, desk):
        await desk.send(ASK)
        await decide(desk, BOB)

        bodies = b"".join(await it.engine.store.bodies("waiver")).decode()
        assert not any(name in bodies for name in ("ana", "bob", "bea", "Bea", REASON))
        assert it.engine.store.hashed("bob") in bodies
        assert bodies.count("sha256:") == 2


async def test_the_end_of_a_waiver_is_noted_once_and_over_restarts(tmp_path: Path) -> None:
    """Whether the engine ran when it ended or not."""
    clock = Clock()
    async with failing(tmp_path, clock) as (it, desk):
        await desk.send(RequestWaiver(check="mfa", subjects=("idp/bea",), reason=REASON, by="ana", emergency=True))
        await it.run(timedelta(seconds=2))
        assert it.state() is State.WAIVED
        assert it.texts("waiver") == [
            "mfa: EMERGENCY by ana (claimed), whom nobody approved, in force until 2026-11-22 05:30Z"
        ]
    clock.move(timedelta(hours=25))
    for _ in range(2):
        async with driven(one_check(tmp_path), clock) as it:
            await it.run()
            await it.run(timedelta(seconds=2))
            assert it.state() is State.FAIL
            assert [phase for _, phase in await notes(it)] == ["active", "expired"]
            assert it.texts("waiver")[1:] == ["mfa: has ended"]


async def test_what_cannot_be_noted_is_in_force_and_noted_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk does not keep a revoked waiver alive, nor lose its evidence."""
    async with failing(tmp_path) as (it, desk):
        await desk.send(ASK)
        await decide(desk, BOB)
        append = it.engine.store.append

        async def full(*_: Any, **__: Any) -> None:
            raise StoreError("the disk is full")

        monkeypatch.setattr(it.engine.store, "append", full)
        await decide(desk, END)
        assert it.engine.waivers.live_by_check(it.clock()) == {}
        await it.run(timedelta(seconds=2))
        assert it.state() is State.FAIL
        assert len(await notes(it)) == 2
        monkeypatch.setattr(it.engine.store, "append", append)
        await it.run(timedelta(seconds=2))
        assert [phase for _, phase in await notes(it)] == ["requested", "active", "revoked"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        pytest.param(lambda text: "", [("w1", "removed")], id="removed"),
        pytest.param(lambda text: f"{text}[", [("w1", "unreadable")], id="unreadable"),
        pytest.param(lambda text: text.replace("approved_by", "aproved_by"), [("w1", "malformed")], id="malformed"),
        pytest.param(lambda text: text.replace("2026-12-01", "2026-12-02"), [("w1", "active")], id="changed"),
        pytest.param(lambda text: f"{text}# more\n", [], id="a-comment"),
    ],
)
async def test_a_change_by_hand_is_evidence_too(tmp_path: Path, change: Any, told: list[tuple[str, str]]) -> None:
    """The event says what the waiver is now, and repeats no subject."""
    path = tmp_path / "waivers.toml"
    entry = f'id = "w1"\ncheck = "mfa"\nsubjects = ["idp/bea"]\nreason = "{REASON}"\nrequested_by = "ana"\n'
    path.write_text(f'[[waiver]]\n{entry}approved_by = "bob"\nstarts = 2026-11-01\nexpires = 2026-12-01\n')
    async with driven(one_check(tmp_path), Clock()) as it:
        await it.run()
        assert it.state() is State.WAIVED
        path.write_text(change(path.read_text()))
        await it.engine.reread_waivers()
        await it.run(timedelta(seconds=2))

        kept = told in ([], [("w1", "active")])
        assert it.state() is (State.WAIVED if kept else State.FAIL)
        assert (await notes(it))[1:] == told
        assert "bea" not in "".join(it.texts("waiver"))
        assert len(it.texts("waiver")) == 1 + len(told)


async def test_many_changes_are_told_in_one_event(tmp_path: Path) -> None:
    """Each is in the evidence all the same."""
    entry = f'check = "mfa"\nsubjects = ["idp/bea"]\nreason = "{REASON}"\nrequested_by = "ana"\n'
    count = TOLD_AT_ONCE + 1
    (tmp_path / "waivers.toml").write_text(
        "".join(
            f'[[waiver]]\nid = "w{number}"\n{entry}starts = 2026-11-01\nexpires = 2026-12-01\n'
            for number in range(count)
        )
    )
    async with driven(one_check(tmp_path), Clock()) as it:
        assert it.texts("waiver") == [f"changed: {count} requested"]
        assert len(await notes(it)) == count


async def test_commands_at_the_same_time_are_noted_once_each(tmp_path: Path) -> None:
    """Neither ids nor entries of the chain come twice."""
    async with failing(tmp_path) as (it, desk):
        replies = await asyncio.gather(*(desk.send(ASK) for _ in range(4)))

        assert all(reply.ok for reply in replies)
        assert sorted(await notes(it)) == [(f"W-2026-000{number}", "requested") for number in range(1, 5)]


async def test_an_acknowledgement_is_an_event(tmp_path: Path) -> None:
    """With who did it, as claimed, and nobody it is about."""
    async with failing(tmp_path) as (it, desk):
        [row] = (await desk.rows(Query())).rows
        assert (await desk.send(Ack(finding=row.id, note="SEC-1", by="ana"))).ok
        told = it.engine.events[0]

        assert (told.kind, told.what, told.by) == ("operator", "mfa", "ana")
        assert "Bea" not in told.text
        assert (await desk.events(EventQuery(kinds=("operator",)))).matching == 1
