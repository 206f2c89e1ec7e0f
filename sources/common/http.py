"""HTTP as every source asks it: pinned to one host, polite, bounded in time and size, and typed.

There is one retry layer, this one (aiohttp alone sends a GET once more when a connection drops). A credential is given
to the configured scheme, host and port and to no other: next-page links are checked before it is sent, redirects are
not followed. Nothing is logged, and no message holds a token, a query or a body.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeVar
from urllib.parse import parse_qsl

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from checks.model.doubt import Cause
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unconfigured, Unreachable
from sources.common.http_words import fault_of, type_of, unreached
from sources.common.limits import LIMITS, TIMING, Again, Limits, Pace, Timing, asked_wait, quota
from sources.common.source import Context, Plan, Progress
from sources.common.urls import base_url, shown_host, target_url

T = TypeVar("T")

OK: Collection[int] = (200,)
_HEADERS = {"User-Agent": "controlwatch", "Accept": "application/json"}
_BROKEN = re.compile(r"[\x00-\x1f\x7f]")
_REMEMBERED = 64
"""Values sent of late that no message may show: more than requests in flight, less than memory minds."""
_MEANINGS: Sequence[tuple[Container[int], type[SourceError], str]] = (
    ({429}, Throttled, "too many requests for this credential or tenant; ask less often"),
    ({408, 425, *range(500, 600)}, Unreachable, "the provider has a fault; see its status page"),
    ({401}, Refused, "the credential is not accepted; renew the secret that sources.{name} refers to"),
    ({403}, Refused, "the credential may not ask this; grant the permission that `source test {name}` lists"),
    ({404, 410}, Refused, "it is not there, or hidden from this credential; check the name and the permission"),
    (range(300, 400), Refused, "it sends us to {to}, and a credential is not sent on; correct the URL"),
)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request, before the credential is added."""

    method: str
    """``GET`` or ``POST``."""
    url: URL
    """Absolute, on the configured host."""
    headers: Mapping[str, str]
    """Headers of the caller."""
    body: bytes | None
    """Body of a ``POST``."""
    words: str
    """The request as messages name it: method and path, without the query."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer: its body was read to the end that the server announced."""

    status: int
    """HTTP status, one of those that the caller allows."""
    headers: CIMultiDictProxy[str]
    """Headers; names compare without case."""
    body: bytes
    """Body, decompressed."""
    url: str
    """The URL asked, with its query: for following links, never for a message."""
    asked: str
    """The request as messages name it, as ``GET /api/v1/users``."""


Authorize = Callable[[Ask], Awaitable[Mapping[str, str]]]
"""Gives the headers that carry the credential; called for each attempt, after the host was checked."""
Explain = Callable[[Answer], SourceError | None]
"""Reads a vendor's error answer (any status not allowed); None leaves it to the status.

``Throttled`` and ``Unreachable`` are retried, all others end the run.
"""


def static_header(name: str, value: str) -> Authorize:
    """Authorize every request with one constant header."""

    async def authorize(ask: Ask) -> Mapping[str, str]:
        return {name: value}

    return authorize


async def anonymous(ask: Ask) -> Mapping[str, str]:
    """Send no credential."""
    return {}


class Api:
    """One provider instance: asks, waits, retries, pages and decodes.

    Args:
        ctx: what the engine lends for this run; its deadline bounds every request and wait.
        base: URL that paths are appended to, as ``https://ghes.example.org/api/v3``.
        authorize: gives the credential's headers; it may ask another ``Api``, never this one.
        limits: politeness; ``Limits(credential=…, per_second=…)`` shares a limit between sources.
        explain: reads the vendor's error codes.
        timing: clock, sleep and chance.

    Raises:
        Unconfigured: ``base`` is not an http or https URL, or holds a password.
    """

    def __init__(
        self,
        ctx: Context,
        base: str,
        authorize: Authorize,
        limits: Limits = LIMITS,
        *,
        explain: Explain | None = None,
        timing: Timing = TIMING,
    ) -> None:
        """Check the base URL and start the clock of the run's deadline."""
        self._ctx = ctx
        self._base = base_url(ctx.name, base)
        self._authorize = authorize
        self._limits = limits
        self._explain = explain
        self._pace = Pace(ctx, limits, timing, self._base.host or "")
        self._slots = asyncio.Semaphore(limits.concurrency)
        self._sent: dict[str, None] = {}
        self.answered = 0
        """Requests answered so far."""
        self.plan: Plan | None = None
        """What the whole collection will cost, once the source knows."""

    async def get(
        self,
        path_or_url: str,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ok: Collection[int] = OK,
        *,
        words: str = "",
    ) -> Answer:
        """Ask with GET; returns an answer whose status is in ``ok``, raises a ``SourceError`` otherwise.

        Args:
            path_or_url: a path under the base, or an absolute URL on the same host, used verbatim.
            params: query, encoded here.
            headers: sent besides the credential's.
            ok: statuses that the caller reads, as ``(200, 404)``; all others raise.
            words: how messages name the request, when its path names a person (``GET /users/{login}``).
        """
        return await self._ask(self._request("GET", path_or_url, params, headers, words=words), ok)

    async def post(
        self,
        path_or_url: str,
        body: bytes,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        ok: Collection[int] = OK,
        *,
        words: str = "",
    ) -> Answer:
        """Ask with POST, as ``get``; it is retried too, since what a source posts changes nothing."""
        return await self._ask(self._request("POST", path_or_url, params, headers, body=body, words=words), ok)

    def pages(
        self,
        path_or_url: str,
        params: Mapping[str, str] | None = None,
        *,
        next_of: Callable[[Answer], str | None],
        headers: Mapping[str, str] | None = None,
        words: str = "",
    ) -> AsyncGenerator[Answer, None]:
        """Follow next links to the end; an empty page that has a next link is a page like any other.

        Raises:
            Malformed: a next link leads to another scheme, host or port (nothing is sent there).
            Truncated: a link repeats, or the page cap is reached and there is more.
        """
        ask = self._request("GET", path_or_url, params, headers, words=words)
        return self._follow(ask, lambda answer: answer, next_of)

    def listing(
        self,
        path_or_url: str,
        decoder: msgspec.json.Decoder[T],
        params: Mapping[str, str] | None = None,
        *,
        next_of: Callable[[T], str | None],
        headers: Mapping[str, str] | None = None,
        words: str = "",
    ) -> AsyncGenerator[T, None]:
        """Follow next links that a decoded page holds, decoding each page once; raises as ``pages`` and ``decode``."""
        ask = self._request("GET", path_or_url, params, headers, words=words)
        return self._follow(ask, lambda answer: self.decode(answer, decoder), next_of)

    def decode(self, answer: Answer, decoder: msgspec.json.Decoder[T]) -> T:
        """Decode the body as the decoder's type.

        Raises:
            Malformed: the body has another shape; the message gives the JSON path, never a value.
            Truncated: the JSON ends too early.
        """
        try:
            return decoder.decode(answer.body)
        except msgspec.ValidationError as error:
            message = f"{self._ctx.name}: {answer.asked} answered with a shape that is new to us"
            raise Malformed(f"{message}: {fault_of(str(error))}; report it with the provider's version") from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if "truncated" in str(error):
                raise Truncated(f"{self._ctx.name}: {answer.asked}: the JSON of the answer ends too early") from None
            message = f"{self._ctx.name}: {answer.asked} answered {type_of(answer.headers)} that is not JSON"
            raise Malformed(f"{message}; is there a proxy or a sign-in page between?") from None

    def left(self) -> float:
        """Seconds that are left of the run."""
        return self._pace.left()

    async def _follow(
        self, ask: Ask, read: Callable[[Answer], T], next_of: Callable[[T], str | None]
    ) -> AsyncGenerator[T, None]:
        seen: set[bytes] = set()
        for _ in range(self._limits.pages):
            digest = hashlib.blake2b(str(ask.url).encode(), digest_size=16).digest()
            if digest in seen:
                self._cut_off(ask, f"the next link of page {len(seen)} leads back to an earlier page")
            seen.add(digest)
            item = read(await self._ask(ask, OK))
            yield item
            link = next_of(item)
            if not link:
                return
            ask = self._request("GET", link, None, ask.headers, words=ask.words)
        self._cut_off(ask, f"there is more after {self._limits.pages} pages, which is our cap")

    def _request(
        self,
        method: str,
        target: str,
        params: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        *,
        body: bytes | None = None,
        words: str = "",
    ) -> Ask:
        url = target_url(self._ctx.name, self._base, target, self._sent)
        if params:
            url = url.update_query(params)
        return Ask(method, url, headers or {}, body, words or f"{method} {url.raw_path}")

    async def _ask(self, ask: Ask, ok: Collection[int]) -> Answer:
        bucket = self._limits.bucket(ask.url.raw_path)
        async with self._slots:
            attempt = 0
            while True:
                await self._pace.turn(bucket, ask.words)
                got = await self._attempt(ask, ok, bucket)
                if isinstance(got, Answer):
                    return got
                self._ctx.traffic.fail(got.error.cause)
                attempt += 1
                if attempt >= self._limits.attempts:
                    raise got.error
                await self._pace.hold(bucket, got, attempt - 1)

    async def _attempt(self, ask: Ask, ok: Collection[int], bucket: str) -> Answer | Again:
        try:
            answer = await self._send(ask)
        except aiohttp.ClientSSLError as error:
            self._ctx.traffic.fail(Cause.UNREACHABLE)
            message = f"{self._ctx.name}: {ask.words}: the TLS certificate of {ask.url.host} is not accepted"
            raise Unreachable(f"{message}; check the name, or give its CA ({type(error).__name__})") from None
        except aiohttp.ClientPayloadError:
            return Again(Truncated(f"{self._ctx.name}: {ask.words}: the answer was cut off before its end"))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            said = unreached(error, ask.url.host, self._limits.request.total_seconds())
            return Again(Unreachable(f"{self._ctx.name}: {ask.words}: {said}"))
        self.answered += 1
        self._ctx.progress(Progress(self.answered, self.plan))
        self._pace.learn(bucket, answer.headers)
        return answer if answer.status in ok else self._judge(ask, answer)

    async def _send(self, ask: Ask) -> Answer:
        total = min(self._limits.request.total_seconds(), max(0.001, self._pace.left()))
        async with asyncio.timeout(total):
            credential = await self._authorize(ask)
            if any(_BROKEN.search(value) for value in credential.values()):
                raise Unconfigured(
                    f"{self._ctx.name}: the secret holds a line break or control character; store it again"
                )
            self._remember(
                *credential.values(), *dict(parse_qsl((ask.body or b"").decode("utf-8", "replace"))).values()
            )
            async with self._ctx.session().request(
                ask.method,
                ask.url,
                data=ask.body,
                headers={**_HEADERS, **ask.headers, **credential},
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self._limits.connect.total_seconds(),
                    sock_read=self._limits.read.total_seconds(),
                ),
            ) as response:
                body = await self._read(ask, response)
                return Answer(response.status, response.headers, body, str(ask.url), ask.words)

    def _remember(self, *values: str) -> None:
        """Keep what is sent, newest last, each without the word that names its scheme (``SSWS``, ``Bearer``)."""
        for value in values:
            word = value.rpartition(" ")[2]
            self._sent.pop(word, None)
            self._sent[word] = None
        for old in list(self._sent)[:-_REMEMBERED]:
            del self._sent[old]

    async def _read(self, ask: Ask, response: aiohttp.ClientResponse) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for piece in response.content.iter_any():
            size += len(piece)
            if size > self._limits.body_bytes:
                response.close()
                self._ctx.traffic.fail(Cause.TRUNCATED)
                self._cut_off(ask, f"the answer is larger than {self._limits.body_bytes} bytes, which is our cap")
            pieces.append(piece)
        return b"".join(pieces)

    def _judge(self, ask: Ask, answer: Answer) -> Again:
        """Turn a status that the caller does not allow into another attempt, or raise what it means."""
        error = (self._explain(answer) if self._explain is not None else None) or self._meaning(ask, answer)
        if not isinstance(error, Throttled | Unreachable):
            self._ctx.traffic.fail(error.cause)
            raise error
        again = Again(error, asked_wait(answer.headers, self._ctx.now()))
        if isinstance(error, Throttled) or again.wait is not None:
            self._ctx.traffic.throttled += 1
        return again

    def _meaning(self, ask: Ask, answer: Answer) -> SourceError:
        status, said = answer.status, f"{self._ctx.name}: {ask.words} answered {answer.status}"
        if status == 403 and self._spent(answer):
            status = 429
        for statuses, error, words in _MEANINGS:
            if status in statuses:
                return error(f"{said}: {words.format(name=self._ctx.name, to=self._target(answer))}")
        return Malformed(f"{said}, which this source does not know; report it with the provider's version")

    def _spent(self, answer: Answer) -> bool:
        told = quota(answer.headers, self._ctx.now())
        return "retry-after" in answer.headers or (told is not None and told.remaining <= 0)

    def _target(self, answer: Answer) -> str:
        try:
            host = URL(answer.headers.get("location", "")).host
        except ValueError:
            return "nowhere"
        return shown_host(host, self._sent) if host else "the same host"

    def _cut_off(self, ask: Ask, what: str) -> NoReturn:
        raise Truncated(f"{self._ctx.name}: {ask.words}: {what}")
