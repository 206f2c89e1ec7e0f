"""Secrets are references, resolved at the moment of use in a thread with a time-out, and never kept.

A locked or missing keyring is ``not_configured``, never a hang.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sources.common.errors import Unconfigured

SERVICE = "controlwatch"
TIMEOUT_SECONDS = 10.0
PERSON_SECONDS = 60.0
"""For a command that a person waits for, who may have to unlock the keyring."""
FORM = "a secret is written as keyring:NAME, env:NAME or file:PATH"
LONGEST_BYTES = 1 << 20

Answer = TypeVar("Answer")


async def resolve(reference: str, folder: Path, *, seconds: float = TIMEOUT_SECONDS) -> str:
    """Resolve ``keyring:NAME``, ``env:NAME`` or ``file:PATH``; raises ``Unconfigured`` that says what to do next."""
    scheme, _, name = reference.partition(":")
    if not name:
        raise Unconfigured(FORM)
    if scheme == "env":
        return _from_environment(name)
    if scheme == "file":
        path = folder / name
        answer = _asked(lambda: _from_file(path))
        return await _awaited(answer, seconds, f"the secret file {path} could not be read in {seconds:g} s")
    if scheme == "keyring":
        return await _awaited(_asked(lambda: _from_keyring(name)), seconds, _silent(name, seconds))
    raise Unconfigured(FORM)


def store(name: str, secret: str, *, seconds: float = PERSON_SECONDS) -> None:
    """Keep a secret in the system's keyring; raises ``Unconfigured``."""

    def keep() -> None:
        import keyring

        keyring.set_password(SERVICE, name, secret)

    _answered(lambda: _with_keyring(name, keep), name, seconds)


def delete(name: str, *, seconds: float = PERSON_SECONDS) -> bool:
    """Delete a secret from the system's keyring; False when there was none; raises ``Unconfigured``."""

    def forget() -> bool:
        import keyring
        import keyring.errors

        try:
            keyring.delete_password(SERVICE, name)
        except keyring.errors.PasswordDeleteError:
            return False
        return True

    return _answered(lambda: _with_keyring(name, forget), name, seconds)


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        message = f"the environment variable {name} is not set; export it, or refer to keyring:NAME or file:PATH"
        raise Unconfigured(message)
    return value


def _from_file(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unconfigured(f"the secret file {path} is no regular file")
            if _open_to_others(status):
                told = "can be read or written by others"
                raise Unconfigured(f"the secret file {path} {told}; run: chmod 600 {path}")
            secret = file.read(LONGEST_BYTES).decode().rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise Unconfigured(f"the secret file {path} cannot be read: {_why(error)}") from None
    if not secret:
        raise Unconfigured(f"the secret file {path} is empty")
    return secret


def _open_to_others(status: os.stat_result) -> bool:
    """Tell whether more than we may read or write it; root may let us read its file by our group or by an ACL alone.

    So come systemd's credentials (``LoadCredential=``: the group bits are the mask of the ACL that names our user)
    and Kubernetes' secrets (``fsGroup``); libpq accepts private keys by the same rule.
    """
    lent = stat.S_IRGRP if status.st_uid == 0 and os.geteuid() != 0 else 0
    return bool(status.st_mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH) & ~lent)


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    return (error.strerror if isinstance(error, OSError) else None) or "no such path"


def _from_keyring(name: str) -> str:
    def ask() -> str | None:
        import keyring

        return keyring.get_password(SERVICE, name)

    secret = _with_keyring(name, ask)
    if not secret:
        raise Unconfigured(f"the keyring holds no secret {name!r}; run: controlwatch secret set {name}")
    return secret


def _with_keyring(name: str, work: Callable[[], Answer]) -> Answer:
    """Do something with the keyring; whatever its back end raises, also when it is loaded, is ``Unconfigured``."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001 - a back end may raise anything, and none of it may hang us
        fault = type(error).__name__
        message = f"no usable keyring for {name!r} ({fault}); unlock or install one, or refer to env:NAME or file:PATH"
        raise Unconfigured(message) from None


def _silent(name: str, seconds: float) -> str:
    return f"the keyring did not answer for {name!r} in {seconds:g} s; unlock it, or refer to env:NAME or file:PATH"


def _asked(work: Callable[[], Answer]) -> concurrent.futures.Future[Answer]:
    """Work in a daemon thread: a locked keyring may wait for a person for ever, and must not keep us alive."""
    answer: concurrent.futures.Future[Answer] = concurrent.futures.Future()

    def ask() -> None:
        try:
            outcome = work()
        except Unconfigured as error:
            if answer.set_running_or_notify_cancel():
                answer.set_exception(error)
        else:
            if answer.set_running_or_notify_cancel():
                answer.set_result(outcome)

    threading.Thread(target=ask, daemon=True, name="secret").start()
    return answer


async def _awaited(answer: concurrent.futures.Future[Answer], seconds: float, message: str) -> Answer:
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), seconds)
    except TimeoutError:
        raise Unconfigured(message) from None


def _answered(work: Callable[[], Answer], name: str, seconds: float) -> Answer:
    try:
        return _asked(work).result(seconds)
    except TimeoutError:
        raise Unconfigured(_silent(name, seconds)) from None
