"""Secrets are references, resolved at the moment of use in a thread with a time-out, and never kept.

A locked or missing keyring is ``not_configured``, never a hang.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import stat
import threading
from pathlib import Path

from sources.common.errors import Unconfigured

SERVICE = "controlwatch"
TIMEOUT_SECONDS = 10.0


async def resolve(reference: str, folder: Path, *, seconds: float = TIMEOUT_SECONDS) -> str:
    """Resolve ``keyring:NAME``, ``env:NAME`` or ``file:PATH``; raises ``Unconfigured`` that says what to do next."""
    scheme, _, name = reference.partition(":")
    if scheme == "env":
        return _from_environment(name)
    if scheme == "file":
        return await asyncio.to_thread(_from_file, folder / name)
    if scheme == "keyring":
        return await _from_keyring(name, seconds)
    message = "a secret is written as keyring:NAME, env:NAME or file:PATH"
    raise Unconfigured(message)


def store(name: str, secret: str) -> None:
    """Keep a secret in the system's keyring; raises ``Unconfigured``."""
    import keyring
    import keyring.errors

    try:
        keyring.set_password(SERVICE, name, secret)
    except keyring.errors.KeyringError as error:
        raise Unconfigured(_no_keyring(name, error)) from None


def delete(name: str) -> bool:
    """Delete a secret from the system's keyring; False when there was none; raises ``Unconfigured``."""
    import keyring
    import keyring.errors

    try:
        keyring.delete_password(SERVICE, name)
    except keyring.errors.PasswordDeleteError:
        return False
    except keyring.errors.KeyringError as error:
        raise Unconfigured(_no_keyring(name, error)) from None
    return True


def _from_environment(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        message = f"the environment variable {name} is not set; export it, or refer to keyring:NAME or file:PATH"
        raise Unconfigured(message)
    return value


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRGRP | stat.S_IROTH | stat.S_IWGRP | stat.S_IWOTH):
            message = f"the secret file {path} can be read or written by others; run: chmod 600 {path}"
            raise Unconfigured(message)
        secret = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        message = f"the secret file {path} cannot be read: {_why(error)}"
        raise Unconfigured(message) from None
    if not secret:
        message = f"the secret file {path} is empty"
        raise Unconfigured(message)
    return secret


def _why(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or "unknown error" if isinstance(error, OSError) else "it is not UTF-8 text"


async def _from_keyring(name: str, seconds: float) -> str:
    """Ask the keyring in a daemon thread: a locked one may wait for a person for ever, and must not keep us alive."""
    answer: concurrent.futures.Future[str] = concurrent.futures.Future()
    threading.Thread(target=_ask_keyring, args=(name, answer), daemon=True, name="keyring").start()
    try:
        return await asyncio.wait_for(asyncio.wrap_future(answer), seconds)
    except TimeoutError:
        message = (
            f"the keyring did not answer for {name!r} in {seconds:g} s; unlock it, or refer to env:NAME or file:PATH"
        )
        raise Unconfigured(message) from None


def _ask_keyring(name: str, answer: concurrent.futures.Future[str]) -> None:
    import keyring

    try:
        secret = keyring.get_password(SERVICE, name)
    except Exception as error:  # noqa: BLE001 - a back end may raise anything, and none of it may hang us
        _settle(answer, Unconfigured(_no_keyring(name, error)))
    else:
        missing = Unconfigured(f"the keyring holds no secret {name!r}; run: controlwatch secret set {name}")
        _settle(answer, secret or missing)


def _settle(answer: concurrent.futures.Future[str], outcome: str | Exception) -> None:
    """Answer, unless nobody waits any more."""
    if not answer.set_running_or_notify_cancel():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
    else:
        answer.set_result(outcome)


def _no_keyring(name: str, error: Exception) -> str:
    fault = type(error).__name__
    return f"no usable keyring for {name!r} ({fault}); unlock or install one, or refer to env:NAME or file:PATH"
