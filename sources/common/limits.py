"""Politeness towards a provider: what it tells about its limits, and how long we hold back.

Rate-limit headers come in three families: ``X-Rate-Limit-*`` (Okta), ``X-RateLimit-*`` (GitHub) and ``RateLimit-*``
(GitLab, IETF draft). ``Reset`` is an epoch in seconds or, when it is a small number, a count of seconds. The
provider's own ``Date`` header is the clock that an epoch is measured against, so a skewed clock here neither shortens
nor lengthens a wait.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sources.common.errors import SourceError, Throttled, Unreachable
from sources.common.source import Context
from sources.common.traffic import Window

_FAMILIES = ("x-rate-limit-", "x-ratelimit-", "ratelimit-")
_EPOCH = 1_000_000_000
"""A ``Reset`` at or above this is an epoch in seconds (2001 and later); below it is a number of seconds to wait."""
_DIGITS = 15
"""Digits of the longest number that is believed."""
_LONGEST_WINDOW = 366 * 86_400.0
"""Seconds; a reset that lies further off is no instant (milliseconds read as seconds, an overflow)."""


def one_bucket(path: str) -> str:
    """Put all requests under one limit."""
    return ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What we allow ourselves with one provider instance."""

    credential: str = ""
    """Reference of the credential (never the secret itself) that names the shared limiter; empty: none is shared."""
    per_second: float = 0.0
    """Requests a second over all sources with this credential; 0: only the provider's headers decide."""
    floor: float = 0.10
    """Share of the provider's limit that is left to the tenant, 0 to 1: at or below it we wait for the reset."""
    concurrency: int = 4
    """Requests in flight; more than 4 gains nothing."""
    attempts: int = 5
    """Attempts for one request in all."""
    backoff: timedelta = timedelta(milliseconds=500)
    """Upper bound of the first wait after a failure; doubles with each attempt (full jitter)."""
    longest_backoff: timedelta = timedelta(seconds=30)
    """Upper bound of any wait of our own choosing."""
    throttle_wait: timedelta = timedelta(seconds=1)
    """Shortest wait after a throttle that names no time (GitHub's secondary limits: 60 s)."""
    connect: timedelta = timedelta(seconds=10)
    """Time for name resolution, connection and TLS."""
    read: timedelta = timedelta(seconds=30)
    """Time between two pieces of an answer."""
    request: timedelta = timedelta(seconds=120)
    """Time for one attempt."""
    pages: int = 10_000
    """Pages of one listing."""
    body_bytes: int = 64 * 1024 * 1024
    """Size of one answer, decompressed."""
    bucket: Callable[[str], str] = one_bucket
    """Path to the provider's rate-limit bucket; a pause holds back its bucket only."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and chance, as arguments; tests lend their own."""

    monotonic: Callable[[], float] = time.monotonic
    """Seconds from an arbitrary start."""
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    """Waits for that many seconds."""
    chance: Callable[[], float] = random.random
    """A number from 0 to 1 for the jitter."""


@dataclass(frozen=True, slots=True)
class Again:
    """An attempt that is worth another."""

    error: SourceError
    """What to raise if there is no other attempt."""
    wait: float | None = None
    """Seconds that the provider asks for; None when it names none."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What an answer tells about the provider's limit."""

    remaining: int
    """Requests left in the window."""
    limit: int | None
    """Requests a window; None when not told."""
    reset: float | None
    """Seconds until the window starts anew; None when not told."""


LIMITS = Limits()
TIMING = Timing()


def quota(headers: Mapping[str, str], now: datetime) -> Quota | None:
    """Read the rate-limit headers of an answer; None when there are none or they cannot be read."""
    for family in _FAMILIES:
        remaining = _integer(headers.get(f"{family}remaining"))
        if remaining is not None:
            reset = _number(headers.get(f"{family}reset"))
            return Quota(remaining, _integer(headers.get(f"{family}limit")), _until(reset, headers, now))
    return None


def asked_wait(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that an answer asks us to wait: ``Retry-After`` (seconds or date), else the reset of a spent quota."""
    text = headers.get("retry-after")
    if text is not None:
        seconds = _number(text)
        moment = _http_date(text) if seconds is None else None
        if moment is not None:
            seconds = (moment - _server_time(headers, now)).total_seconds()
        if seconds is not None:
            return max(0.0, seconds)
    told = quota(headers, now)
    return told.reset if told is not None and told.remaining <= 0 else None


class Pace:
    """Holds requests back: the run's deadline, pauses that the provider asks for, and the shared limiter."""

    def __init__(self, ctx: Context, limits: Limits, timing: Timing, provider: str = "") -> None:
        """Start the clock with what is left of the run; the rest is measured on a clock that cannot be set."""
        self._provider = provider
        self._ctx = ctx
        self._limits = limits
        self._timing = timing
        spent = min(max(ctx.now() - ctx.started, timedelta(0)), ctx.deadline)
        self._end = timing.monotonic() + (ctx.deadline - spent).total_seconds()
        self._paused: dict[str, float] = {}

    def left(self) -> float:
        """Seconds that are left of the run; negative past its deadline."""
        return self._end - self._timing.monotonic()

    async def turn(self, bucket: str, asked: str) -> None:
        """Wait until a request may be sent; raises ``Throttled`` or, past the deadline, ``Unreachable``."""
        while (wait := self._paused.get(bucket, 0.0) - self._timing.monotonic()) > 0:
            if wait >= self.left():
                message = f"{self._ctx.name}: {asked}: the provider's rate limit asks for {wait:.0f} s more"
                raise Throttled(f"{message}, and {max(0.0, self.left()):.0f} s are left of this run; ask less often")
            await self._held_back(wait)
        if self.left() <= 0:
            raise Unreachable(f"{self._ctx.name}: {asked}: the deadline of this run ({self._ctx.deadline}) has passed")
        if self._limits.per_second > 0:
            await self._share(asked)

    def learn(self, bucket: str, headers: Mapping[str, str]) -> None:
        """Count an answer and read the limits that it tells; at the floor or below, pause until the reset."""
        now, traffic = self._ctx.now(), self._ctx.traffic
        traffic.hear(headers)
        told = quota(headers, now)
        if told is None:
            return
        traffic.learn(self._provider, bucket, Window(told.remaining, told.limit, _instant(told.reset, now)))
        if told.reset is None:
            return
        if told.remaining <= (told.limit or 0) * self._limits.floor:
            self._pause(bucket, told.reset + 1.0)  # a reset is told in whole seconds, cut off

    async def hold(self, bucket: str, again: Again, attempt: int) -> None:
        """Wait before the next attempt; raises the attempt's own error if there is no time for one."""
        wait = self._wait(again, attempt)
        if wait >= self.left():
            hint = f"{wait:.0f} s to the next attempt, {max(0.0, self.left()):.0f} s left of this run"
            raise type(again.error)(f"{again.error} ({hint})", cause=again.error.cause)
        if isinstance(again.error, Throttled):
            self._pause(bucket, wait)  # all requests of the bucket wait, not this one alone
        elif again.wait is not None:
            await self._held_back(wait)
        else:
            await self._timing.sleep(wait)

    def _wait(self, again: Again, attempt: int) -> float:
        base = self._limits.backoff.total_seconds()
        window = min(self._limits.longest_backoff.total_seconds(), base * 2.0**attempt)
        jitter = self._timing.chance() * window
        if again.wait is not None:
            return again.wait + self._timing.chance() * base
        if isinstance(again.error, Throttled):
            return self._limits.throttle_wait.total_seconds() * 2.0**attempt + jitter
        return jitter

    def _pause(self, bucket: str, seconds: float) -> None:
        self._paused[bucket] = max(self._paused.get(bucket, 0.0), self._timing.monotonic() + seconds)

    async def _held_back(self, seconds: float) -> None:
        """Wait for the provider, and count the time."""
        self._ctx.traffic.hold(self._timing.monotonic())
        try:
            await self._timing.sleep(seconds)
        finally:
            self._ctx.traffic.let_go(self._timing.monotonic())

    async def _share(self, asked: str) -> None:
        try:
            async with asyncio.timeout(self.left()):
                await self._ctx.limiter(self._limits.credential, self._limits.per_second)
        except TimeoutError as error:
            message = f"{self._ctx.name}: {asked}: no turn at the shared limit of {self._limits.per_second:g}/s"
            raise Throttled(f"{message} before the deadline of this run; ask less often") from error


def _integer(text: str | None) -> int | None:
    return int(text) if text is not None and len(text) <= _DIGITS and text.strip().isdecimal() else None


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < float("inf") else None


def _instant(seconds: float | None, now: datetime) -> datetime | None:
    return now + timedelta(seconds=seconds) if seconds is not None and seconds <= _LONGEST_WINDOW else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _server_time(headers: Mapping[str, str], now: datetime) -> datetime:
    return _http_date(headers.get("date", "")) or now


def _until(reset: float | None, headers: Mapping[str, str], now: datetime) -> float | None:
    if reset is None or reset < _EPOCH:
        return reset
    return max(0.0, reset - _server_time(headers, now).timestamp())
