"""Passwords of the listener's users are checked by bcrypt off the event loop, and a verdict is found out once.

A stranger's guesses cost the engine two threads at most, and a right password that was seen before needs neither: it
does not wait behind them. Passwords are never kept, logged or repeated: a verdict is remembered under a hash of user,
hash and password, keyed by a key that dies with the process.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hmac
import os
import re
import secrets
import sys
import threading
from collections import OrderedDict
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

MOST_AT_ONCE: Final = 2
"""Passwords checked at the same time."""
MOST_RIGHT: Final = 256
"""Right verdicts remembered; wrong ones have a place of their own, so that guesses push none of them out."""
MOST_WRONG: Final = 1_024
HIGHEST_COST: Final = 14
"""A second of CPU a check; a scrape gives up after ten."""
DEFAULT_COST: Final = 10
LAST: Final = 19
"""The niceness of the threads."""
SIGNIFICANT: Final = 72
"""Bytes of a password that bcrypt reads; htpasswd and the toolkit leave out the rest as well."""
CHALLENGE: Final = 'Basic realm="controlwatch", charset="UTF-8"'

_HASH: Final = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_MAKE: Final = "make one with: htpasswd -nBC 10 '' | tr -d ':\\n'"


def password_hash_fault(told: object) -> str | None:
    """Say what is wrong with a bcrypt hash, without repeating it: it may be the password itself."""
    match = _HASH.fullmatch(told) if isinstance(told, str) else None
    if match is None:
        return f"not a bcrypt hash; {_MAKE}"
    cost = int(match["cost"])
    if not 4 <= cost <= HIGHEST_COST:
        return f"bcrypt cost {cost}, and 4 to {HIGHEST_COST} are taken; {_MAKE}"
    return None


def credentials(header: str) -> tuple[bytes, bytes] | None:
    """Read user and password from an Authorization header (RFC 7617); None when it holds none."""
    scheme, _, told = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(told.strip(), validate=True).partition(b":")
    except (ValueError, binascii.Error):
        return None
    return (user, password) if colon else None


class Passwords:
    """Verdicts on passwords, and the two threads that find them out."""

    def __init__(self) -> None:
        """Remember nothing yet; threads start with the first check."""
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="bcrypt", initializer=_yield_to_others)
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self.checked = 0
        """Times that bcrypt ran."""

    async def match(self, users: Mapping[str, bytes], header: str) -> bool:
        """Tell whether an Authorization header names a user with that user's password; a cancelled wait costs nothing.

        A wrong password costs what the dearest user's costs, whether there is such a user or not.
        """
        given = credentials(header)
        if given is None:
            return False
        user, password = given
        hashed = users.get(user.decode("utf-8", "surrogateescape"))
        compared = hashed if hashed is not None else _nobody(users)
        key = self._digest(user, compared, password)
        verdict = self._remembered(key)
        if verdict is None:
            known, cost = hashed is not None, _dearest(users)
            check = partial(self._check, key, compared, password, known=known, cost=cost)
            verdict = await asyncio.get_running_loop().run_in_executor(self._threads, check)
        return verdict

    def close(self) -> None:
        """End the threads, after what they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, key: bytes, hashed: bytes, password: bytes, *, known: bool, cost: int) -> bool:
        import bcrypt

        verdict = self._remembered(key)  # the same question may have been ahead in the queue
        if verdict is not None:
            return verdict
        password = password[:SIGNIFICANT]
        right = bcrypt.checkpw(password, hashed) and known
        if not right:
            for dearer in range(_cost(hashed), cost):  # 2^n + 2^n + 2^(n+1) + … is what the dearest takes
                bcrypt.checkpw(password, _no_hash(dearer))
        with self._lock:
            self.checked += 1
            kept, most = (self._right, MOST_RIGHT) if right else (self._wrong, MOST_WRONG)
            kept[key] = None
            while len(kept) > most:
                kept.popitem(last=False)
        return right

    def _remembered(self, key: bytes) -> bool | None:
        with self._lock:
            for kept, verdict in ((self._right, True), (self._wrong, False)):
                if key in kept:
                    kept.move_to_end(key)
                    return verdict
        return None

    def _digest(self, *parts: bytes) -> bytes:
        told = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._key, told, "sha256")


def _yield_to_others() -> None:
    """Have this thread run after the engine's own, where the system can tell them apart."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LAST)


def _cost(hashed: bytes) -> int:
    return int(hashed[4:6])


def _dearest(users: Mapping[str, bytes]) -> int:
    return max(map(_cost, users.values()), default=DEFAULT_COST)


def _no_hash(cost: int) -> bytes:
    """Give a hash that no password has."""
    return b"$2b$%02d$" % cost + b"." * 53


def _nobody(users: Mapping[str, bytes]) -> bytes:
    """Give a hash that no password has, as dear to check as the dearest of the users'."""
    return _no_hash(_dearest(users))
