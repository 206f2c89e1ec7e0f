"""A driver that never waits for the terminal.

Textual's own puts what it draws into a queue of 30 and waits on the event loop while that is full: a terminal that
stops reading (a hung connection, a suspended laptop) then stops keys, signals and the poll, and one that was closed
stops them for ever. This one drops the frame and draws the whole screen again when the terminal reads on.

Its own reading of keys takes for keys what follows an ESC in a paste, and ends at a byte that is no UTF-8; this one
reads through ``Pastes``.
"""

from __future__ import annotations

import atexit
import os
import selectors
import threading
from codecs import getincrementaldecoder
from collections.abc import Iterable
from queue import Empty, Full
from typing import Any

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key
from textual.message import Message

from tui.pasting import SILENCES, Pastes

SILENCE_SECONDS = 0.1
"""What was begun is waited for in such pieces; when nothing can be under way any more, for the terminal alone."""
READ_BYTES = 4_096
ESC = "\x1b"
INTRODUCERS = frozenset("[]NOPX^_\\")
"""After an ESC they begin a sequence of the terminal; after a while alone they are keys, too."""
PARTING_SECONDS = 1.0
"""How long leaving waits for a terminal that does not read."""


class Bell(threading.Event):
    """An event that also wakes whoever waits for files: ``file`` can be read while it is set."""

    def __init__(self) -> None:
        super().__init__()
        self.file, self._end = os.pipe()

    def set(self) -> None:
        """Ring; once until it is cleared."""
        if not self.is_set():
            super().set()
            os.write(self._end, b"!")

    def clear(self) -> None:
        """Be silent again."""
        if self.is_set():
            os.read(self.file, 1)
            super().clear()


class Keys(XTermParser):
    """Reads keys; escape with another key right after it is those two, never that key with alt.

    A terminal sends the same for both, and nothing here is bound to alt: it would swallow the escape and the key.
    """

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:  # noqa: FBT001, FBT002 - Textual's
        typed = sequence[1:]
        if len(typed) == 1 and sequence[0] == ESC and typed.isprintable() and typed not in INTRODUCERS:
            yield Key("escape", ESC)
            sequence = typed
        elif alt:
            yield Key("escape", ESC)
        yield from super()._sequence_to_key_events(sequence)


class SteadyDriver(LinuxDriver):
    """Textual's driver for POSIX terminals, without the waiting."""

    has_dropped = False
    """Whether a frame was dropped, so that the terminal shows something old."""
    is_stuck = False
    """Whether the terminal did not take our last words."""

    def __init__(
        self, app: App[Any], *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        self._bell = self.exit_event = Bell()

    def _sigtstp_application(self, *_: object) -> None:
        """Stop on the loop: a signal comes in the middle of anything, even of what holds the queue's lock."""
        self._loop.call_soon_threadsafe(super()._sigtstp_application)

    def _sigcont_application(self, *_: object) -> None:
        """Take the terminal again on the loop."""
        self._loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """Take the terminal again; after a SIGSTOP, which nobody sees, give it back first, or two threads read keys."""
        if not self._must_signal_resume:
            self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)

    def run_input_thread(self) -> None:
        """Read what the terminal sends until the driver stops; pastes are made harmless before they are parsed."""
        parser, pastes = Keys(self._debug), Pastes()
        decode = getincrementaldecoder("utf-8")("replace").decode
        with selectors.SelectSelector() as selector:
            selector.register(self.fileno, selectors.EVENT_READ)
            selector.register(self._bell.file, selectors.EVENT_READ)
            last, silences = False, 0
            while not last:
                last = self.exit_event.is_set()  # What was typed before that is read, once.
                ready = selector.select(SILENCE_SECONDS if silences <= SILENCES else None)
                silences += 1
                if any(key.fd == self.fileno for key, _ in ready):
                    silences = 0
                    told = os.read(self.fileno, READ_BYTES)
                    if not told:  # The terminal is gone; the app's poll sees that too, and leaves.
                        self.exit_event.wait(SILENCE_SECONDS)
                    text = pastes.feed(decode(told))
                else:
                    text = pastes.silence()
                self._give([*(parser.feed(text) if text else ()), *parser.tick()])

    def _give(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self.process_message(message)

    def write(self, data: str) -> None:
        """Queue what is drawn, or drop it."""
        if not self._offer(self._writer_thread, data):
            self.has_dropped = True

    def catch_up(self) -> bool:
        """Tell, once, that frames were dropped and that the terminal reads again."""
        writer = self._writer_thread
        if not self.has_dropped or writer is None or not writer._queue.empty():  # noqa: SLF001 - Textual offers no other way
            return False
        self.has_dropped = False
        return True

    def close(self) -> None:
        """Let the writer finish, as long as that takes no longer than a moment."""
        writer = self._writer_thread
        if writer is None:
            return
        if not self._offer(writer, None):
            self._forget(writer)
            self._offer(writer, None)
        writer.join(PARTING_SECONDS)
        self.is_stuck = writer.is_alive()

    @staticmethod
    def _offer(writer: WriterThread | None, data: str | None) -> bool:
        """Queue something; False when the queue is full or nobody empties it."""
        if writer is None or not writer.is_alive():
            return False
        try:
            writer._queue.put_nowait(data)  # noqa: SLF001 - its own write waits
        except Full:
            return False
        return True

    @staticmethod
    def _forget(writer: WriterThread) -> None:
        """Make room by dropping the oldest frame."""
        try:
            writer._queue.get_nowait()  # noqa: SLF001 - its own stop waits
        except Empty:
            return


def driver_of(app: App[None]) -> SteadyDriver | None:
    """Give an app's driver, where it is ours (a browser and a test have others)."""
    found = app._driver  # noqa: SLF001 - Textual offers no other way
    return found if isinstance(found, SteadyDriver) else None


def part(app: App[None], code: int) -> None:
    """Where the terminal is stuck, end the process as soon as everything else has ended.

    The interpreter's own last act, flushing, would wait for ever for the writer, which waits for the terminal.
    """
    driver = driver_of(app)
    if driver is not None and driver.is_stuck:
        atexit.register(os._exit, code)
