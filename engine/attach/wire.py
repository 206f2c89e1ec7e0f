"""What goes over the socket: each frame is a length of four bytes, big-endian, and JSON.

A request names what is asked; ``watch`` streams snapshots.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from checks.model.units import plain
from engine.port import Command, EventQuery, NotSent, PackQuery, PastQuery, PortFault, Query

T = TypeVar("T")
LONGEST_FRAME: Final = 64 * 1024 * 1024
WAY_OUT: Final = "ask for a shorter period, fewer checks or fewer findings"
SOCKET_NAME: Final = "engine.sock"


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


async def read(reader: asyncio.StreamReader, kind: type[T]) -> T:
    """Read a frame; raises ``CannotAttach`` on one that is too long, and what the stream and ``msgspec`` raise."""
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    if length > LONGEST_FRAME:
        message = f"{length >> 20} MiB at once, and at most {LONGEST_FRAME >> 20} MiB go over the socket: {WAY_OUT}"
        raise CannotAttach(message)
    return msgspec.json.decode(await reader.readexactly(length), type=kind)


async def write(writer: asyncio.StreamWriter, answer: object) -> None:
    """Write a frame, and wait until it is on its way."""
    body = msgspec.json.encode(answer, enc_hook=plain)
    writer.write(struct.pack(">I", len(body)) + body)
    await writer.drain()


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close a connection, which its other end may have closed."""
    writer.close()
    with contextlib.suppress(OSError, asyncio.CancelledError):
        await writer.wait_closed()


def reachable(path: Path) -> str:
    """Shorten a path that is too long for a socket's address by going through the current folder."""
    text = str(path)
    return os.path.relpath(path) if len(text.encode()) > 100 else text
