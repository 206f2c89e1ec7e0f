"""One thread writes, two read; nothing blocks the event loop, and no reader waits for a writer (WAL)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Final, TypeVar

from engine.store import QueryRefused, StoreError
from engine.store.faults import named
from engine.store.opening import connect_reading
from engine.words import LONGEST_TEXT

T = TypeVar("T")

READERS: Final = 2
ASKED_SECONDS: Final = 10.0
"""How long a question of a screen may take."""
LOOK_EVERY: Final = 200_000
"""Steps of SQLite's machine (some ten milliseconds) after which a question looks whether it is still wanted.

Each look waits for whatever Python is doing, a paint for example; what is given up is interrupted at once.
"""


class Writer:
    """The thread that writes, and the turn that a transaction spanning several calls holds."""

    def __init__(self, path: Path) -> None:
        """Write to the database at ``path``, for messages."""
        self.path = path
        self.turn = asyncio.Lock()
        """Held while a transaction is open, so that no other begins."""
        self.changes = 0
        """Transactions committed so far that may have changed findings; what was counted before is out of date."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="store-writer")
        self._closed = False

    async def run(self, work: Callable[[], T]) -> T:
        """Do work in the writing thread, in order; raises ``StoreError``."""
        if self._closed:
            raise StoreError(f"{self.path}: the store is closed")

        def named_work() -> T:
            with named(self.path):
                return work()

        return await asyncio.get_running_loop().run_in_executor(self._pool, named_work)

    async def transact(self, connection: sqlite3.Connection, work: Callable[[], T], *, findings: bool = False) -> T:
        """Do work in a transaction of its own, once it is its turn; a fault undoes all of it.

        ``findings`` tells that it may change findings, or the names that they are shown under.
        """

        def whole() -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = work()
                connection.execute("COMMIT")
            except BaseException:
                undo(connection)
                raise
            self.changes += findings
            return done

        async with self.turn:
            return await self.run(whole)

    def later(self, work: Callable[[], None]) -> None:
        """Do work in the writing thread after all that was asked before, without waiting: to clean up if cancelled."""
        try:
            self._pool.submit(work)
        except RuntimeError:  # Shut down: nothing else uses the connections any more.
            work()

    async def close(self) -> None:
        """Finish what was asked; then refuse."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)


class _Question:
    """A question on its way, which may be given up from another thread."""

    def __init__(self, ends: float | None) -> None:
        """Begin with the monotonic time at which it is over by itself; None: never."""
        self._ends = ends
        self._unwanted = False
        self._answering: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        """Held where ``_answering`` is used, so that the connection's next question is not interrupted."""

    def is_over(self) -> bool:
        """Tell whether nobody waits for it any more."""
        return self._unwanted or (self._ends is not None and time.monotonic() > self._ends)

    def begin(self, connection: sqlite3.Connection) -> None:
        """Say who answers it; what was given up before ends at its first look."""
        with self._lock:
            self._answering = connection

    def end(self) -> None:
        """Say that nobody answers it any more."""
        with self._lock:
            self._answering = None

    def give_up(self) -> None:
        """End it: the statement that runs, and those that would follow."""
        with self._lock:
            self._unwanted = True
            if self._answering is not None:
                self._answering.interrupt()


class Readers:
    """Threads that read, each with a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Read the database at ``path``."""
        self._path = path
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._own = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T], seconds: float | None = None) -> T:
        """Do work in a reading thread, for so long at most; it ends early when nobody waits for it any more.

        Raises ``StoreError``; ``QueryRefused`` when it took too long.
        """
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        question = _Question(None if seconds is None else time.monotonic() + seconds)

        def named_work() -> T:
            connection = self._connection()
            connection.set_progress_handler(question.is_over, LOOK_EVERY)
            question.begin(connection)
            try:
                with named(self._path):
                    return work(connection)
            except StoreError as fault:
                if question.is_over():
                    raise QueryRefused(f"this took longer than {seconds} s; ask for less") from fault
                raise
            finally:
                question.end()
                connection.set_progress_handler(None, LOOK_EVERY)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, named_work)
        except asyncio.CancelledError:
            question.give_up()
            raise

    async def close(self) -> None:
        """Finish what was asked and close the connections."""
        self._closed = True
        await asyncio.to_thread(self._pool.shutdown)
        for connection in self._open:
            connection.close()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._own, "connection", None)
        if found is None:
            found = self._own.connection = connect_reading(self._path)
            found.create_function("occurs", -1, _occurs, deterministic=True)
            self._open.append(found)
        return found


def _occurs(pattern: str, *values: str) -> bool:
    """Tell whether a regular expression that ``engine.words`` took occurs in any of some values."""
    search = _compiled(pattern).search
    return any(search(value[:LONGEST_TEXT]) for value in values)


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


def undo(connection: sqlite3.Connection) -> None:
    """Roll back what is open; SQLite has done so itself after some faults."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
