"""The screen's end of the socket: a port of an engine in another process."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

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
    NobodyThere,
    Question,
    Send,
    Watch,
    closed,
    reachable,
    read,
    write,
)
from engine.elsewhere import Elsewhere
from engine.keeping import PACKS
from engine.port import (
    Command,
    Detail,
    EventQuery,
    Events,
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
    from collections.abc import Sequence

T = TypeVar("T")
REQUEST_SECONDS: Final = 30.0
"""The first snapshot of an engine that begins may take so long."""
PACK_SECONDS: Final = 600.0
"""An evidence pack may take so long."""
ANSWER_SECONDS: Final = 10.0
"""A question that is not answered within this is told as unanswered: the engine has stopped, or hangs."""
LOOK_SECONDS: Final = 1.0
"""How often whoever closes a port asks again that the watch end."""
FIRST_WAIT_SECONDS: Final = 0.5
"""After an engine has gone it is looked for again about so soon; each wait is twice the one before."""
LONGEST_WAIT_SECONDS: Final = 5.0
"""At most so long, however long there is none."""
_ROWS: Final = msgspec.json.Decoder(Rows)
_DETAIL: Final[msgspec.json.Decoder[Detail | None]] = msgspec.json.Decoder(Detail | None)
_PASTS: Final = msgspec.json.Decoder(list[Past])
_EVENTS: Final = msgspec.json.Decoder(Events)
_WAIVERS: Final = msgspec.json.Decoder(list[WaiverView])
_PACKED: Final = msgspec.json.Decoder(Packed)
_REPLY: Final = msgspec.json.Decoder(Reply)


class AttachedPort:
    """The port of an engine in another process; where that ends it is that of the next one, once there is one.

    In between it keeps the last snapshot, tells the fault, and sends nothing: whatever was asked of one engine was read
    off its snapshot, and is for no other.
    """

    def __init__(
        self,
        folder: Path,
        *,
        seconds: float = REQUEST_SECONDS,
        answer_seconds: float = ANSWER_SECONDS,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Speak to the engine that holds ``folder``, waiting ``answer_seconds`` for an answer at most.

        For the first snapshot it waits ``seconds``, for an evidence pack ten minutes. ``jitter`` gives numbers from 0
        to 1, by which screens that lost the same engine do not all come back at one instant.
        """
        self._path = folder / SOCKET_NAME
        self._jitter = jitter
        self._seconds = seconds
        self._answer_seconds = min(seconds, answer_seconds)
        self._snapshot: Snapshot | None = None
        self._fault: str | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and wait for the first snapshot; raises ``CannotAttach``."""
        reader = await self._begin()
        self._watching = asyncio.get_running_loop().create_task(self._watch(reader))

    async def close(self) -> None:
        """Let the engine go."""
        if self._watching is not None:
            while not self._watching.done():  # what it waits for may swallow a cancellation
                self._watching.cancel()
                await asyncio.wait({self._watching}, timeout=LOOK_SECONDS)
        if self._writer is not None:
            await closed(self._writer)

    def snapshot(self) -> Snapshot | None:
        """Give the latest snapshot that arrived."""
        return self._snapshot

    def fault(self) -> str | None:
        """Say why no newer snapshot comes for now; None while one does."""
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
        if self._fault is not None:
            message = f"the engine is down: {self._fault}"
            raise NobodyThere(message)
        reader, writer = await self._connect()
        patience = PACK_SECONDS if isinstance(question, AskPack) else self._answer_seconds
        try:
            await write(writer, Asked(question))
            answer = await asyncio.wait_for(read(reader, Answer), patience)
            if answer.fault is None:
                return decoder.decode(answer.body)
        except TimeoutError:
            message = f"the engine at {self._path} has not answered for {patience:g} s"
            raise CannotAttach(message) from None
        except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            message = f"the engine at {self._path} did not answer ({type(error).__name__})"
            raise CannotAttach(message) from None
        finally:
            await closed(writer)
        raise PortFault(answer.fault)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(reachable(self._path))
        except OSError as error:
            message = f"no engine answers at {self._path} ({error.strerror}); start one with: controlwatch serve"
            raise NobodyThere(message) from None

    async def _begin(self) -> asyncio.StreamReader:
        """Connect and take the first snapshot, which is all that is known from then on; raises ``CannotAttach``."""
        reader, writer = await self._connect()
        held = False
        try:
            await write(writer, Asked(Watch()))
            self._snapshot = await asyncio.wait_for(read(reader, Snapshot), self._seconds)
            held = True
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError) as error:
            message = f"the engine at {self._path} does not answer ({type(error).__name__})"
            raise CannotAttach(message) from None
        finally:
            if not held:
                writer.close()
        self._writer, self._fault = writer, None
        return reader

    async def _watch(self, reader: asyncio.StreamReader) -> None:
        """Take every snapshot; when no more come, of the next engine's."""
        while True:
            try:
                while True:
                    self._snapshot = await read(reader, Snapshot)
            except CannotAttach as fault:
                self._fault = str(fault)
            except (asyncio.IncompleteReadError, ConnectionError, msgspec.DecodeError):
                self._fault = f"the engine at {self._path} has gone"
            reader = await self._again()

    async def _again(self) -> asyncio.StreamReader:
        """Look for the next engine until there is one that tells a snapshot."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        wait = FIRST_WAIT_SECONDS
        while True:
            await asyncio.sleep(wait * (1 - self._jitter() / 2))
            wait = min(2 * wait, LONGEST_WAIT_SECONDS)
            try:
                return await self._begin()
            except NobodyThere:
                continue
            except CannotAttach as fault:
                self._fault = str(fault)


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
