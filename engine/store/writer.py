"""One thread writes, two read; nothing blocks the event loop, and no reader waits for a writer (WAL)."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from engine.store import StoreError
from engine.store.faults import named
from engine.store.opening import connect_reading

T = TypeVar("T")

READERS = 2


class Writer:
    """The thread that writes, and the turn that a transaction spanning several calls holds."""

    def __init__(self, path: Path) -> None:
        """Write to the database at ``path``, for messages."""
        self.path = path
        self.turn = asyncio.Lock()
        """Held while a transaction is open, so that no other begins."""
        self.writes = 0
        """Transactions committed so far; what was counted before is out of date."""
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

    async def transact(self, connection: sqlite3.Connection, work: Callable[[], T]) -> T:
        """Do work in a transaction of its own, once it is its turn; a fault undoes all of it."""

        def whole() -> T:
            connection.execute("BEGIN IMMEDIATE")
            try:
                done = work()
                connection.execute("COMMIT")
            except BaseException:
                undo(connection)
                raise
            self.writes += 1
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


class Readers:
    """Threads that read, each with a connection of its own."""

    def __init__(self, path: Path) -> None:
        """Read the database at ``path``."""
        self._path = path
        self._pool = ThreadPoolExecutor(READERS, thread_name_prefix="store-reader")
        self._own = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work in a reading thread; raises ``StoreError``."""
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")

        def named_work() -> T:
            with named(self._path):
                return work(self._connection())

        return await asyncio.get_running_loop().run_in_executor(self._pool, named_work)

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
            self._open.append(found)
        return found


def undo(connection: sqlite3.Connection) -> None:
    """Roll back what is open; SQLite has done so itself after some faults."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
