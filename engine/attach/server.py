"""The engine's end of the socket: mode 0600, and the peer's user id is checked."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from checks.model.units import plain
from engine.attach.wire import (
    SOCKET_NAME,
    Answer,
    AskDetail,
    Asked,
    AskEvents,
    AskPack,
    AskPast,
    AskRows,
    AskWaivers,
    CannotAttach,
    Question,
    Request,
    Send,
    Watch,
    closed,
    reachable,
    read,
    write,
)
from engine.port import PortFault, Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from engine.desk import Desk

T = TypeVar("T")
LOOK_SECONDS: Final = 0.1
"""How often a question that takes long looks whether its client is still there."""


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
            self._server = await asyncio.start_unix_server(self._serve, path=reachable(self._path))
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
                    asked = await read(reader, Asked)
                    await self._answer(asked.request, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError, CannotAttach):
            pass  # a client that goes, or that does not speak our language, ends its own connection and nothing else
        except asyncio.CancelledError:
            pass  # the engine stops; asyncio's stream server of Python 3.11 logs a traceback for a cancelled connection
        finally:
            self._clients.pop(writer, None)
            await closed(writer)

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
        await write(writer, answer)

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
                await write(writer, snapshot)
                sent = snapshot.seq
            await asyncio.sleep(0.5)


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


def _peer(writer: asyncio.StreamWriter) -> int:
    """Tell the user id at the other end."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # not Linux: the socket's mode alone keeps others out
        return os.getuid()
    connection = writer.get_extra_info("socket")
    credentials = connection.getsockopt(socket.SOL_SOCKET, option, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", credentials)
    return int(uid)
