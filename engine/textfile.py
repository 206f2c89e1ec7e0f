"""The exposition as a file, for the textfile collector of node_exporter where Prometheus cannot scrape us.

The file is replaced whole, so that a collector never reads half of one, and it says by the instants inside how old it
is. ``process_…`` families stay out of it: node_exporter has its own, and of two of the same name it serves neither.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.exposition import Exposition

LOG = logging.getLogger(__name__)
KEY: Final = "metrics.textfile"
"""The configuration's key of the file."""
WRITE_SECONDS: Final = 15.0
"""Time between two writes."""
LEFTOVER_SECONDS: Final = 60.0
"""A half-written file that is older is nobody's any more."""
MODE: Final = 0o644
"""Another user, that of node_exporter, reads it."""

_FOREIGN: Final = re.compile(rb"^(?:# (?:HELP|TYPE) )?process_.*\n", re.MULTILINE)
_SERIES: Final = re.compile(rb"^(controlwatch_exposition_series) (\d+)$", re.MULTILINE)


def textfile_fault(name: str) -> str | None:
    """Say what is wrong with the name of a file: the collector reads no others."""
    if Path(name).suffix == ".prom" and Path(name).stem:
        return None
    return f'"{name}" must end in .prom, or the textfile collector does not read it'


def without_process(body: bytes) -> bytes:
    """Leave the process's own families out of an exposition, and out of the count of its series."""
    left_out = sum(not line.startswith(b"#") for line in _FOREIGN.findall(body))
    if not left_out:
        return body
    return _SERIES.sub(lambda match: b"%s %d" % (match[1], int(match[2]) - left_out), _FOREIGN.sub(b"", body))


def write_textfile(path: Path, body: bytes) -> None:
    """Replace the file atomically, mode 0644; raises ``OSError`` and leaves what was there.

    What a kill left half-written beside it is removed.
    """
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".fresh")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(without_process(body))
            os.fchmod(file.fileno(), MODE)
            written = os.fstat(file.fileno()).st_mtime
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
    _remove_leftovers(path, written - LEFTOVER_SECONDS)


def _remove_leftovers(path: Path, before: float) -> None:
    """Remove what writes of this file left that did not end; an instant of the file system's own clock."""
    ours = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}\.fresh")  # as mkstemp names them
    with contextlib.suppress(OSError):
        for left in [left for left in path.parent.iterdir() if ours.fullmatch(left.name)]:
            if left.stat().st_mtime < before:
                left.unlink()


class Textfile:
    """A file that follows an exposition."""

    def __init__(
        self,
        path: Path,
        current: Callable[[], Exposition | None],
        told: Callable[[str], None],
    ) -> None:
        """Follow what ``current`` gives; ``told`` hears of a fault once, and once when it is over."""
        self._path = path
        self._current = current
        self._told = told
        self._fault: str | None = None
        self._written: Exposition | None = None

    async def work(self, every: float = WRITE_SECONDS) -> None:
        """Write for ever, what is new."""
        while True:
            await self.write()
            await asyncio.sleep(every)

    async def write(self) -> None:
        """Write the latest exposition, unless it stands there; a fault is told and harms nothing."""
        exposition = self._current()
        if exposition is None or exposition is self._written:
            return
        try:
            await asyncio.to_thread(write_textfile, self._path, exposition.body)
        except OSError as error:
            self._note(f"cannot be written: {error.strerror}")
            return
        self._written = exposition
        self._note(None)

    def _note(self, fault: str | None) -> None:
        if fault == self._fault:
            return
        self._fault = fault
        LOG.log(logging.WARNING if fault else logging.INFO, "textfile=%s file=%s", fault or "written again", self._path)
        self._told(fault or "written again")
