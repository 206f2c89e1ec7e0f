"""An engine is attached to over a unix socket in its state folder: mode 0600, and the peer's user id is checked.

Each frame is a length of four bytes, big-endian, and JSON. A request names what is asked; ``watch`` streams snapshots.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from checks.model.units import plain
from engine.elsewhere import Elsewhere
from engine.keeping import PACKS
from engine.port import (
    Command,
    Detail,
    EventQuery,
    Events,
    NotSent,
    Packed,
    PackQuery,
    Past,
    PastQuery,
    PortFault,
    Query,
    Reply,
    Rows,
    Snapshot,
    WaiverView,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from engine.desk import Desk

T = TypeVar("T")
LONGEST_FRAME = 64 * 1024 * 1024
SOCKET_NAME = "engine.sock"
REQUEST_SECONDS = 30.0
"""The first snapshot of an engine that begins may take so long."""
PACK_SECONDS = 600.0
"""An evidence pack may take so long."""
ANSWER_SECONDS = 10.0
"""A question that is not answered within this is told as unanswered: the engine has stopped, or hangs."""
LOOK_SECONDS = 0.1
"""How often a question that takes long looks whether its client is still there."""


class CannotAttach(PortFault):
    """There is no engine to attach to, or it does not answer; start one with ``controlwatch serve``."""


class NobodyThere(CannotAttach, NotSent):
    """Nothing listens on the socket; start an engine with ``controlwatch serve``."""


class AskRows(msgspec.Struct, tag="rows", frozen=True):
    """Ask for findings."""

    query: Query


class AskDetail(msgspec.Struct, tag="detail", frozen=True):
    """Ask for one finding."""

    finding: int


class AskPast(msgspec.Struct, tag="past", frozen=True):
    """Ask what became of checks."""

    query: PastQuery


class AskEvents(msgspec.Struct, tag="events", frozen=True):
    """Ask for events."""

    query: EventQuery


class AskWaivers(msgspec.Struct, tag="waivers", frozen=True):
    """Ask for the waivers of the file."""


class AskPack(msgspec.Struct, tag="pack", frozen=True):
    """Ask for an evidence pack."""

    query: PackQuery


class Send(msgspec.Struct, tag="send", frozen=True):
    """Ask for something to be done."""

    command: Command


class Watch(msgspec.Struct, tag="watch", frozen=True):
    """Ask for snapshots, from now on."""


Question = AskRows | AskDetail | AskPast | AskEvents | AskWaivers | AskPack | Send
Request = Question | Watch


class Asked(msgspec.Struct, frozen=True):
    """One request."""

    request: Request


class Answer(msgspec.Struct, frozen=True):
    """The answer to a question, or why there is none."""

    body: msgspec.Raw = msgspec.Raw(b"null")
    fault: str | None = None


_ROWS: Final = msgspec.json.Decoder(Rows)
_DETAIL: Final[msgspec.json.Decoder[Detail | None]] = msgspec.json.Decoder(Detail | None)
_PASTS: Final = msgspec.json.Decoder(list[Past])
_EVENTS: Final = msgspec.json.Decoder(Events)
_WAIVERS: Final = msgspec.json.Decoder(list[WaiverView])
_PACKED: Final = msgspec.json.Decoder(Packed)
_REPLY: Final = msgspec.json.Decoder(Reply)


class AttachServer:
    """The socket of one engine."""

    def __init__(self, folder: Path, desk: Desk, latest: Callable[[], Snapshot | None]) -> None:
        """Answer for a desk; ``latest`` gives the newest snapshot."""
        self._path = folder / SOCKET_NAME
        self._desk = desk
        self._latest = latest
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[object] | None] = {}

    async def start(self) -> None:
        """Listen; a socket that a dead engine left behind is replaced."""
        self._path.unlink(missing_ok=True)
        before = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._serve, path=_reachable(self._path))
        finally:
            os.umask(before)

    async def stop(self) -> None:
        """Close the socket and every connection."""
        if self._server is not None:
            self._server.close()
            tasks = [task for task in self._clients.values() if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = asyncio.current_task()
        try:
            if _peer(writer) == os.getuid():
                while True:
                    asked = await _read(reader, Asked)
                    await self._answer(asked.request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError, CannotAttach):
            pass  # a client that goes, or that does not speak our language, ends its own connection and nothing else
        except asyncio.CancelledError:
            pass  # the engine stops; asyncio's stream server of Python 3.11 logs a traceback for a cancelled connection
        finally:
            self._clients.pop(writer, None)
            await _closed(writer)

    async def _answer(self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(request, Watch):
            await self._stream(writer)
            return
        try:
            work = self._asked(request)
            told = await work if isinstance(request, Send) else await _while_wanted(work, reader)
            answer = Answer(msgspec.Raw(msgspec.json.encode(told, enc_hook=plain)))
        except PortFault as fault:
            answer = Answer(fault=str(fault))
        await _write(writer, answer)

    def _asked(self, question: Question) -> Coroutine[object, object, object]:  # noqa: PLR0911 - one a question
        match question:
            case AskRows(query):
                return self._desk.rows(query)
            case AskDetail(finding):
                return self._desk.detail(finding)
            case AskPast(period):
                return self._desk.past(period)
            case AskEvents(wanted):
                return self._desk.events(wanted)
            case AskWaivers():
                return self._desk.waivers()
            case AskPack(packing):
                return self._desk.pack(packing)
            case Send(command):
                return self._desk.send(command)

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        """Send each new snapshot, at most two a second."""
        sent = 0
        while not writer.is_closing():
            snapshot = self._latest()
            if snapshot is not None and snapshot.seq != sent:
                await _write(writer, snapshot)
                sent = snapshot.seq
            await asyncio.sleep(0.5)


class AttachedPort:
    """The port of an engine in another process."""

    def __init__(
        self, folder: Path, *, seconds: float = REQUEST_SECONDS, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """Speak to the engine that holds ``folder``, waiting ``answer_seconds`` for an answer at most.

        For the first snapshot it waits ``seconds``, for an evidence pack ten minutes.
        """
        self._path = folder / SOCKET_NAME
        self._seconds = seconds
        self._answer_seconds = min(seconds, answer_seconds)
        self._snapshot: Snapshot | None = None
        self._fault: str | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and wait for the first snapshot; raises ``CannotAttach``."""
        reader, writer = await self._connect()
        await _write(writer, Asked(Watch()))
        try:
            self._snapshot = await asyncio.wait_for(_read(reader, Snapshot), self._seconds)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            await _closed(writer)
            message = f"the engine at {self._path} does not answer ({type(error).__name__})"
            raise CannotAttach(message) from None
        self._writer = writer
        self._watching = asyncio.get_running_loop().create_task(self._watch(reader))

    async def close(self) -> None:
        """Let the engine go."""
        if self._watching is not None and self._writer is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching
            await _closed(self._writer)

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot that arrived."""
        return self._snapshot

    def fault(self) -> str | None:
        """Say why no newer snapshot will come."""
        return self._fault

    async def rows(self, query: Query) -> Rows:
        """Give a page of findings; raises ``CannotAttach``."""
        return await self._ask(AskRows(query), _ROWS)

    async def detail(self, finding: int) -> Detail | None:
        """Give one finding; raises ``CannotAttach``."""
        return await self._ask(AskDetail(finding), _DETAIL)

    async def past(self, query: PastQuery) -> Sequence[Past]:
        """Give what became of checks over a period; raises ``CannotAttach``."""
        return await self._ask(AskPast(query), _PASTS)

    async def events(self, query: EventQuery) -> Events:
        """Give a page of events; raises ``CannotAttach``."""
        return await self._ask(AskEvents(query), _EVENTS)

    async def waivers(self) -> Sequence[WaiverView]:
        """Give the waivers of the file; raises ``CannotAttach``."""
        return await self._ask(AskWaivers(), _WAIVERS)

    async def pack(self, query: PackQuery) -> Packed:
        """Make an evidence pack of a period, in the state folder as it is seen here; raises ``CannotAttach``."""
        made = await self._ask(AskPack(query), _PACKED)
        return msgspec.structs.replace(made, path=str(self._path.parent / PACKS / Path(made.path).name))

    async def send(self, command: Command) -> Reply:
        """Ask for something to be done; raises ``CannotAttach``."""
        return await self._ask(Send(command), _REPLY)

    async def _ask(self, question: Question, decoder: msgspec.json.Decoder[T]) -> T:
        reader, writer = await self._connect()
        patience = PACK_SECONDS if isinstance(question, AskPack) else self._answer_seconds
        try:
            await _write(writer, Asked(question))
            answer = await asyncio.wait_for(_read(reader, Answer), patience)
            if answer.fault is None:
                return decoder.decode(answer.body)
        except TimeoutError:
            message = f"the engine at {self._path} has not answered for {patience:g} s"
            raise CannotAttach(message) from None
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            message = f"the engine at {self._path} did not answer ({type(error).__name__})"
            raise CannotAttach(message) from None
        finally:
            await _closed(writer)
        raise PortFault(answer.fault)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(_reachable(self._path))
        except OSError as error:
            message = f"no engine answers at {self._path} ({error.strerror}); start one with: controlwatch serve"
            raise NobodyThere(message) from None

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                self._snapshot = await _read(reader, Snapshot)
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError, CannotAttach):
            self._fault = f"the engine at {self._path} has gone"


class AttachedThread:
    """An attached port on a thread and a loop of its own, for screens on another."""

    def __init__(self, folder: Path) -> None:
        """Prepare; nothing is asked before ``start``."""
        self._port = AttachedPort(folder)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="attach", daemon=True)

    def start(self) -> Elsewhere:
        """Connect, and wait for the first snapshot; raises ``CannotAttach``."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._port.open(), self._loop).result()
        except CannotAttach:
            self._end()
            raise
        return Elsewhere(self._port, self._loop)

    def stop(self) -> None:
        """Let the engine go."""
        asyncio.run_coroutine_threadsafe(self._port.close(), self._loop).result(REQUEST_SECONDS)
        self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(REQUEST_SECONDS)
        self._loop.close()


async def _while_wanted(work: Coroutine[object, object, T], reader: asyncio.StreamReader) -> T:
    """Work out an answer; a client that goes, because it asks something else by now, stops it."""
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait({task}, timeout=LOOK_SECONDS)
            if reader.at_eof() and not task.done():
                raise ConnectionResetError
        return task.result()
    finally:
        task.cancel()


async def _read(reader: asyncio.StreamReader, kind: type[T]) -> T:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if length > LONGEST_FRAME:
        message = "a frame is too long"
        raise CannotAttach(message)
    return msgspec.json.decode(await reader.readexactly(length), type=kind)


async def _write(writer: asyncio.StreamWriter, answer: object) -> None:
    body = msgspec.json.encode(answer, enc_hook=plain)
    writer.write(struct.pack(">I", len(body)) + body)
    await writer.drain()


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()


def _peer(writer: asyncio.StreamWriter) -> int:
    """Tell the user id at the other end."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # not Linux: the socket's mode alone keeps others out
        return os.getuid()
    connection = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)


def _reachable(path: Path) -> str:
    """Shorten a path that is too long for a socket's address by going through the current folder."""
    text = str(path)
    return os.path.relpath(path) if len(text.encode()) > 100 else text
