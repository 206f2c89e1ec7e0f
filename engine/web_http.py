"""HTTP as strangers speak it: what is malformed is answered without a word, and its bytes reach no log.

``aiohttp`` writes a traceback for each such request, with the line at fault in it, and repeats that line in its answer;
both hold credentials as soon as they are sent wrongly. Here troubles are counted, and the counts told once a minute.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiohttp import web
    from multidict import CIMultiDict

LOG = logging.getLogger(__name__)
TELL_SECONDS: Final = 60.0
"""Time from one line about troubles to the next."""
VERSIONS: Final = ((1, 0), (1, 1))
"""The versions of HTTP that are served."""

Speak = Callable[["web.Server"], "web.RequestHandler"]


class Troubles:
    """Counts what went wrong; the first is told at once, what follows in one line a minute, and never a byte of it."""

    def __init__(self) -> None:
        """Count from nothing."""
        self._counts: Counter[str] = Counter()
        self._fault = ""
        self._timer: asyncio.TimerHandle | None = None

    def note(self, what: str) -> None:
        """Count one; from the running event loop."""
        self._counts[what] += 1
        if self._timer is None:
            self._tell()

    def fault(self, error: BaseException | None) -> None:
        """Count an error of our own, by its type and its place, for its message may repeat what was sent."""
        self._fault = _place(error)
        self.note("faults")

    def failed(self, error: BaseException | None, *, theirs: bool) -> None:
        """Count a request that failed: malformed when it is their fault, else an error of our own."""
        if theirs:
            self.note("malformed")
        else:
            self.fault(error)

    def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self) -> None:
        self._timer = None
        if not self._counts:
            return
        told = [f"{what}={count}" for what, count in sorted(self._counts.items())]
        LOG.warning("listener=troubled %s", " ".join([*told, self._fault] if self._fault else told))
        self._counts.clear()
        self._fault = ""
        self._timer = asyncio.get_running_loop().call_later(TELL_SECONDS, self._tell)


def _place(error: BaseException | None) -> str:
    if error is None:
        return "fault=untold"
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    at = f" at={Path(step.tb_frame.f_code.co_filename).name}:{step.tb_lineno}" if step is not None else ""
    return f"fault={type(error).__name__}{at}"


def speaking(troubles: Troubles, keep_seconds: float) -> Speak:
    """Give what makes the protocol of one connection, which keeps it idle for so many seconds."""
    handler = _handler(troubles)

    def speak(server: web.Server) -> web.RequestHandler:
        return handler(
            server,
            loop=asyncio.get_running_loop(),
            logger=LOG,
            access_log=None,  # type: ignore[arg-type]  # web.Server passes None as well
            keepalive_timeout=keep_seconds,
        )

    return speak


def _handler(troubles: Troubles) -> type[web.RequestHandler]:
    """Give the protocol of connections whose faults are counted."""
    from aiohttp import web
    from aiohttp.http import HttpProcessingError

    class Handler(web.RequestHandler):
        def handle_error(
            self,
            request: web.BaseRequest,
            status: int = 500,
            exc: BaseException | None = None,
            message: str | None = None,
        ) -> web.StreamResponse:
            del message  # it repeats what was sent
            troubles.failed(exc, theirs=status < 500)
            if request.writer.output_size > 0:
                raise ConnectionError("an answer has begun already")
            response = web.Response(status=status)
            response.force_close()
            return response

        def log_exception(self, *args: Any, **kw: Any) -> None:
            del args
            error = kw.get("exc_info")
            troubles.failed(error, theirs=isinstance(error, (HttpProcessingError, web.RequestPayloadError)))

    return Handler


def requests(
    headers: Callable[[], Mapping[str, str]], asked: Callable[[object], None]
) -> Callable[..., web.BaseRequest]:
    """Build requests whose answers, those to malformed requests included, do not name the versions that serve them."""
    from aiohttp import HttpVersion10, web

    class Request(web.BaseRequest):
        async def _prepare_hook(self, response: web.StreamResponse) -> None:
            told: CIMultiDict[str] = response.headers
            told["Server"] = "controlwatch"
            told.update(headers())
            if self.version not in VERSIONS:
                self._cache["version"] = HttpVersion10  # what is not served is not answered in kind

    def request(message: object, payload: object, protocol: object, writer: object, task: object) -> web.BaseRequest:
        asked(protocol)
        return Request(message, payload, protocol, writer, task, asyncio.get_running_loop())  # type: ignore[arg-type]  # aiohttp passes what it asks for

    return request


def refusal(status: int) -> web.Response:
    """Give an answer without a word that ends its connection."""
    from aiohttp import web

    response = web.Response(status=status)
    response.force_close()
    return response
