"""A local tool is run bounded and alone: no shell, no inherited environment, no terminal, its own process group.

It ends when its time or its output is over or when the run is cancelled, and then with all its children. Secrets are
handed over through a pipe that the child opens as a file: they are neither in the argument list nor on disk.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sources.common.errors import Unconfigured, Unreachable

STDOUT_CAP = 64 * 1024 * 1024
STDERR_CAP = 256 * 1024
_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""
_PIECE = 64 * 1024
_USERINFO = re.compile(r"//[^/@\s]*@")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a tool ended."""

    code: int
    """Exit code; negative: the signal that ended it."""
    stdout: bytes
    """Standard output, up to its cap."""
    stderr: str
    """Standard error, up to its cap; not for messages before ``last_line``."""
    truncated: bool
    """Whether an output passed its cap, so that the tool was ended in the middle."""


def minimal_env(home: Path, **extra: str) -> dict[str, str]:
    """Build the whole environment of a tool: UTC, the C locale, our PATH, a home of its own, and what is given."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "TZ": "UTC", "LC_ALL": "C", **extra}


async def run(
    argv: Sequence[str],
    *,
    source: str,
    env: Mapping[str, str],
    timeout: timedelta,  # noqa: ASYNC109 - the tool is ended here, with its children, when the time is over
    install: str,
    handed: Mapping[str, str] | None = None,
    input: bytes | None = None,  # noqa: A002 - the word that subprocess has for it
    stdout_cap: int = STDOUT_CAP,
    stderr_cap: int = STDERR_CAP,
    cwd: Path | None = None,
) -> Ran:
    """Run a tool to its end, and end it with all its children when it may not go on.

    Args:
        argv: the binary (a name on the PATH of ``env``, or a path) and its arguments; never a secret.
        source: name of the configured source, for messages.
        env: the whole environment, see ``minimal_env``.
        timeout: time from start to end.
        install: what to do when the binary is not there, as ``apt-get install restic``.
        handed: variable to secret; the child finds in the variable the path of a file that holds the secret.
        input: standard input; without it the tool reads the end of file.
        stdout_cap: bytes of standard output after which the tool is ended.
        stderr_cap: bytes of standard error after which the tool is ended.
        cwd: working folder.

    Raises:
        Unconfigured: there is no such binary, or it cannot be run.
        Unreachable: the time is over.
    """
    binary = shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if binary is None:
        raise Unconfigured(f"{source}: {Path(argv[0]).name} is not installed or not executable; {install}")
    with ExitStack() as pipes:
        paths = {name: pipes.enter_context(_pipe(secret)) for name, secret in (handed or {}).items()}
        child_env = {**env, **{name: f"/dev/fd/{fd}" for name, fd in paths.items()}}
        try:
            process = await asyncio.create_subprocess_exec(
                binary,
                *argv[1:],
                env=child_env,
                cwd=cwd,
                stdin=DEVNULL if input is None else PIPE,
                stdout=PIPE,
                stderr=PIPE,
                start_new_session=True,
                pass_fds=tuple(paths.values()),
            )
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise Unconfigured(f"{source}: {Path(binary).name} cannot be run ({reason}); {install}") from None
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            return await _communicate(process, input, stdout_cap, stderr_cap)
    except TimeoutError:
        message = f"{source}: {Path(binary).name} did not end within {timeout.total_seconds():.0f} s and was ended"
        raise Unreachable(f"{message}; is what it reads reachable? else raise its timeout") from None
    finally:
        await _end(process)


def last_line(text: str, secrets: Sequence[str] = ()) -> str:
    """Give the last line of an error output for a message: no secret, no user in a URL, no control character, short."""
    lines = [line for line in text.splitlines() if line.strip()]
    line = _USERINFO.sub("//***@", _CONTROL.sub(" ", lines[-1])) if lines else ""
    for secret in secrets:
        line = line.replace(secret, "***") if secret else line
    return line.strip()[:200]


async def _communicate(process: Process, given: bytes | None, stdout_cap: int, stderr_cap: int) -> Ran:
    async with asyncio.TaskGroup() as group:
        out = group.create_task(_read(process, process.stdout, stdout_cap))
        err = group.create_task(_read(process, process.stderr, stderr_cap))
        if given is not None:
            group.create_task(_write(process, given))
    code = await process.wait()
    (stdout, out_cut), (stderr, err_cut) = out.result(), err.result()
    return Ran(code, stdout, stderr.decode("utf-8", "replace"), out_cut or err_cut)


async def _read(process: Process, stream: asyncio.StreamReader | None, cap: int) -> tuple[bytes, bool]:
    """Read to the end; past the cap end the tool and drop the rest, since a full pipe would hide that it ended."""
    pieces: list[bytes] = []
    size = 0
    while stream is not None and (piece := await stream.read(_PIECE)):
        if size < cap:
            pieces.append(piece[: cap - size])
        size += len(piece)
        if size > cap:
            _signal(process, signal.SIGKILL)
    return b"".join(pieces), size > cap


async def _write(process: Process, given: bytes) -> None:
    if process.stdin is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):  # a tool may end without reading all of it
        process.stdin.write(given)
        await process.stdin.drain()
    process.stdin.close()


async def _end(process: Process) -> None:
    """End whatever is left of the group, politely first, and collect the exit code, so that no zombie stays."""
    try:
        if process.returncode is None and _signal(process, signal.SIGTERM):
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _GRACE)
    finally:
        _signal(process, signal.SIGKILL)
        # An unread pipe, or a child that left the group and holds one, would keep the wait from ending.
        process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no other way
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _GRACE)


def _signal(process: Process, number: signal.Signals) -> bool:
    """Signal the group, which outlives its leader while a child lives; False when nobody is left."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


@contextmanager
def _pipe(secret: str) -> Iterator[int]:
    """Fill a pipe with a secret and lend its reading end; ours are closed when the child has its own."""
    reading, writing = os.pipe()
    try:
        os.set_blocking(writing, False)
        try:
            whole = os.write(writing, secret.encode()) == len(secret.encode())
        except BlockingIOError:
            whole = False
        finally:
            os.close(writing)
        if not whole:
            raise Unconfigured("a secret is too long to be handed to a command")
        yield reading
    finally:
        os.close(reading)
