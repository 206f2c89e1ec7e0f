"""The real console command over a small real configuration: files and a register, which need no server."""

from __future__ import annotations

import os
import socket
import subprocess
import sysconfig
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

COMMAND = Path(sysconfig.get_path("scripts")) / "controlwatch"


def free_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_estate(folder: Path, *, port: int | None = None, every: str = "1s") -> Path:
    """Write a configuration over one folder of dumps, and one dump; the port is that of the metrics, None: off."""
    folder.mkdir(parents=True, exist_ok=True)
    dumps = folder / "dumps"
    dumps.mkdir(exist_ok=True)
    dump = dumps / "db.sql"
    dump.write_text("create table ledger (id integer);\n")
    an_hour_ago = time.time() - 3_600
    os.utime(dump, (an_hour_ago, an_hour_ago))
    path = folder / "controlwatch.toml"
    listen = f"127.0.0.1:{port}" if port is not None else ""
    path.write_text(
        f"""
[metrics]
listen = "{listen}"

[sources.dumps]
kind = "files"
every = "{every}"
set = "nightly"
pattern = "dumps/*.sql"

[checks.backups]
check = "backup_freshness"
sources = ["dumps"]
""",
    )
    return path


def environment(**more: str) -> Mapping[str, str]:
    """Give the environment of a person without settings of their own."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CONTROLWATCH_", "XDG_", "TEXTUAL"))
    }
    return {**kept, "TERM": "xterm-256color", "LANG": "C.UTF-8", **more}


def command(*arguments: str, folder: Path, timeout: float = 100, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end, without a terminal."""
    return subprocess.run(
        [str(COMMAND), *arguments],
        cwd=folder,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@contextmanager
def serving(folder: Path, *arguments: str, after: Sequence[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """Run ``controlwatch serve`` in a folder, with arguments before and after it; it is killed if it still runs."""
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [str(COMMAND), *arguments, "serve", *after],
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    """Wait until something holds; fails when it does not in time."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, "it did not come true in time"
        time.sleep(0.05)


def scraped(port: int, timeout: float = 30) -> str:
    """Read the metrics; empty while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=timeout) as answer:
            return str(answer.read().decode())
    except (urllib.error.URLError, OSError):
        return ""
