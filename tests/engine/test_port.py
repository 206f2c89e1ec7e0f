"""One contract for every port: in-process, from another loop, and attached over the local socket."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import stat
import zipfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import pytest

from checks.model.judgement import Outcome
from checks.model.state import State
from checks.model.units import duration
from engine.attach.client import AttachedPort
from engine.attach.server import AttachServer
from engine.attach.wire import LONGEST_FRAME, SOCKET_NAME, CannotAttach
from engine.desk import Desk
from engine.elsewhere import Elsewhere
from engine.port import Accept, Ack, NotSent, PackQuery, PastQuery, Port, PortFault, Query, Reload, Reply, Run, state_at
from tests.support.builders import account
from tests.support.clock import NOW
from tests.support.estate import Clock, Script, check_config, estate, scripted, source_config
from tests.support.running import Driven, driven

KINDS = ("in-process", "elsewhere", "attached")


async def _reloaded() -> Reply:
    return Reply(ok=True, message="read again")


@asynccontextmanager
async def ports(kind: str, folder: Path, *, read_only: bool = False) -> AsyncIterator[tuple[Port, Driven]]:
    """Give a port of the kind over an engine with one failing account of twelve."""
    script = Script()
    bare = account("bea", source="idp", mfa=False, factors=())
    script.tell(bare, *(account(f"u{number}", source="idp") for number in range(11)))
    source = source_config("idp", scripted(script), every=duration("15m"))
    config = estate(folder, [source], [check_config("mfa", "mfa_coverage", ["idp"])], read_only=read_only)
    async with driven(config, Clock()) as it:
        await it.run()
        desk = Desk(it.engine, _reloaded)
        if kind == "in-process":
            yield desk, it
        elif kind == "elsewhere":
            yield Elsewhere(desk, asyncio.get_running_loop()), it
        else:
            server = AttachServer(config.state_dir, desk, lambda: it.engine.snapshot)
            await server.start()
            port = AttachedPort(config.state_dir)
            await port.open()
            try:
                yield port, it
            finally:
                await port.close()
                await server.stop()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of port in turn."""
    return str(request.param)


async def test_a_port_gives_the_snapshot(kind: str, tmp_path: Path) -> None:
    """The same checks, in the same state, by whichever port."""
    async with ports(kind, tmp_path) as (port, _):
        snapshot = port.snapshot()

        assert snapshot is not None
        [view] = snapshot.checks
        assert state_at(view, snapshot, NOW) is State.FAIL
        assert port.fault() is None


async def test_a_port_gives_findings_and_details(kind: str, tmp_path: Path) -> None:
    """A page of findings, and one with its history, its evidence and its record."""
    async with ports(kind, tmp_path) as (port, _):
        page = await port.rows(Query(check="mfa"))
        [row] = page.rows
        detail = await port.detail(row.id)

        assert (row.subject, row.outcome, page.matching) == ("idp/bea", Outcome.FAIL, 1)
        assert detail is not None
        assert detail.record is not None
        assert '"id":"bea"' in detail.record
        assert detail.evidence[0].records == 12
        assert await port.detail(10_000) is None


async def test_a_port_takes_commands(kind: str, tmp_path: Path) -> None:
    """Each command is answered, also one about something that is not there."""
    async with ports(kind, tmp_path) as (port, _):
        row = (await port.rows(Query())).rows[0]

        assert (await port.send(Run(source="idp"))).ok
        assert not (await port.send(Run(source="nobody"))).ok
        assert (await port.send(Reload())).message == "read again"
        assert (await port.send(Ack(finding=row.id, note="SEC-1", by="ana"))).ok
        assert not (await port.send(Ack(finding=99_999, note="SEC-1", by="ana"))).ok
        assert not (await port.send(Accept(source="idp", reason=" ", by="ana"))).ok


async def test_a_read_only_engine_takes_none(kind: str, tmp_path: Path) -> None:
    """Whoever asks, and however, nothing is changed."""
    async with ports(kind, tmp_path, read_only=True) as (port, _):
        assert not (await port.send(Run(source="idp"))).ok


async def test_other_threads_reach_the_engine(tmp_path: Path) -> None:
    """A screen on a loop of its own asks the engine on its loop."""
    async with ports("elsewhere", tmp_path) as (port, _):
        found: list[int] = []

        def screen() -> None:
            found.append(asyncio.run(port.rows(Query())).matching)

        await asyncio.to_thread(screen)
        assert found == [1]


async def test_the_socket_is_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 0600; what a dead engine left behind is replaced."""
    async with ports("attached", tmp_path) as (_, it):
        mode = (it.engine.config.state_dir / SOCKET_NAME).stat().st_mode
        assert stat.S_IMODE(mode) == 0o600


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"\x00\x00\x00\x02{}", id="no request"),
        pytest.param(b"\xff\xff\xff\xff", id="a frame without end"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another language"),
        pytest.param(b"", id="nothing"),
    ],
)
async def test_a_client_that_talks_nonsense_harms_nobody_else(tmp_path: Path, noise: bytes) -> None:
    """Its own connection ends; the others go on."""
    async with ports("attached", tmp_path) as (port, it):
        path = str(it.engine.config.state_dir / SOCKET_NAME)

        def babble() -> bytes:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(60)
                client.connect(path)
                client.sendall(noise)
                client.shutdown(socket.SHUT_WR)
                return client.recv(1)

        assert await asyncio.to_thread(babble) == b""
        assert (await port.rows(Query())).matching == 1


async def test_attaching_to_nothing_says_what_next(tmp_path: Path) -> None:
    """Without an engine the message names the socket and the command that starts one."""
    with pytest.raises(CannotAttach, match="controlwatch serve"):
        await AttachedPort(tmp_path).open()


async def test_an_engine_that_hangs_is_told_as_silent(tmp_path: Path) -> None:
    """It takes the connection, as the kernel does for a stopped process, and never answers."""
    done = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    server = await asyncio.start_unix_server(hang, path=tmp_path / SOCKET_NAME)
    try:
        with pytest.raises(CannotAttach, match=r"has not answered for 0\.1 s"):
            await AttachedPort(tmp_path, answer_seconds=0.1).waivers()
    finally:
        done.set()
        server.close()


async def test_a_port_gives_an_evidence_pack(kind: str, tmp_path: Path) -> None:
    """The archive lies where the answer says; a period that is none is refused with a sentence."""
    async with ports(kind, tmp_path) as (port, _):
        day = duration("1d")
        pack = await port.pack(PackQuery(since=NOW - day, until=NOW + day))

        whole = await asyncio.to_thread(Path(pack.path).read_bytes)
        assert (len(whole), hashlib.sha256(whole).hexdigest()) == (pack.size_bytes, pack.digest)
        with zipfile.ZipFile(pack.path) as packed:
            assert packed.testzip() is None
            assert len(packed.infolist()) == pack.files
        assert pack.holds
        assert (pack.checks, pack.chain_valid) == (1, True)
        with pytest.raises(PortFault, match="ends after it begins"):
            await port.pack(PackQuery(since=NOW, until=NOW))


async def test_an_answer_that_is_too_long_names_the_way_out(tmp_path: Path) -> None:
    """Its length is told with what may be asked instead, and not a byte of it is waited for."""
    gone = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((LONGEST_FRAME + 1).to_bytes(4, "big"))
        await reader.read()
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_unix_server(answer, path=tmp_path / SOCKET_NAME)
    try:
        with pytest.raises(CannotAttach, match=r"at most 64 MiB go over the socket: ask for a shorter period, fewer"):
            await AttachedPort(tmp_path).past(PastQuery(checks=["mfa"], since=NOW, until=NOW))
        await gone.wait()
    finally:
        server.close()


def _told(port: Port) -> tuple[int, datetime]:
    snapshot = port.snapshot()
    assert snapshot is not None
    return snapshot.seq, snapshot.started_at


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(0.01)


async def test_a_screen_finds_the_next_engine(tmp_path: Path) -> None:
    """The engine goes: it is told as gone, and nothing is sent. The next one's first snapshot replaces all of it."""
    async with ports("in-process", tmp_path) as (_, it):
        folder, first = it.engine.config.state_dir, it.engine.snapshot
        assert first is not None
        server = AttachServer(folder, Desk(it.engine, _reloaded), lambda: first)
        await server.start()
        port = AttachedPort(folder, jitter=lambda: 1.0)
        await port.open()
        await server.stop()
        await until(lambda: port.fault() is not None)

        assert _told(port) == (first.seq, first.started_at)
        second = msgspec.structs.replace(first, seq=1, started_at=NOW + duration("1h"))
        server = AttachServer(folder, Desk(it.engine, _reloaded), lambda: second)
        await server.start()
        try:
            with pytest.raises(NotSent, match=r"the engine is down: the engine at .* has gone"):
                await port.send(Run(source="idp"))
            with pytest.raises(PortFault, match="the engine is down"):
                await port.rows(Query())
            await until(lambda: port.fault() is None)

            assert _told(port) == (1, second.started_at)
            assert (await port.rows(Query())).matching == 1
        finally:
            await port.close()
            await server.stop()


async def test_a_screen_that_waits_for_an_engine_can_be_closed(tmp_path: Path) -> None:
    """Nothing of it is left behind, and nobody is looked for any more."""
    async with ports("in-process", tmp_path) as (desk, it):
        server = AttachServer(it.engine.config.state_dir, Desk(it.engine, _reloaded), desk.snapshot)
        await server.start()
        port = AttachedPort(it.engine.config.state_dir)
        await port.open()
        before = asyncio.all_tasks()
        await server.stop()
        await until(lambda: port.fault() is not None)
        await asyncio.wait_for(port.close(), 60)

        assert len(asyncio.all_tasks()) < len(before)
