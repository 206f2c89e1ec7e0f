"""Ways to walk a listing: next links in a header or a body, and one request per subject."""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice
from typing import TypeVar
from urllib.parse import urljoin

import msgspec

from sources.common.errors import Malformed, Truncated
from sources.common.http import Answer

In = TypeVar("In")
Out = TypeVar("Out")

_LINK = re.compile(r"<([^<>]*)>([^<]*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\";,]+))", re.IGNORECASE)


def link_next(answer: Answer) -> str | None:
    """Read the ``rel="next"`` link of the ``Link`` headers (RFC 8288); None on the last page."""
    for header in answer.headers.getall("link", []):
        for target, rest in _LINK.findall(header):
            rel = _REL.search(rest)
            if rel is not None and "next" in (rel.group(1) or rel.group(2) or "").lower().split():
                return _absolute(answer, str(target))
    return None


def linked_next(answer: Answer) -> str | None:
    """Read the next link of a provider whose every page links to itself; raises ``Truncated`` without any link."""
    if not answer.headers.getall("link", []):
        message = f"{answer.asked} answered without a Link header, so whether there is more is not told"
        raise Truncated(f"{message}; is there a proxy between that strips headers?")
    return link_next(answer)


def json_next(*keys: str) -> Callable[[Answer], str | None]:
    """Read the next link at a path of keys in the body, as ``json_next("_links", "next", "href")``.

    The rest of the body is skipped, not built; ``Api.listing`` saves that second look. A missing or null key is the
    last page. The function raises ``Malformed`` when the body is not an object or the link is not a string.
    """
    objects = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
    text = msgspec.json.Decoder(str | None)

    def next_of(answer: Answer) -> str | None:
        body: bytes | msgspec.Raw = answer.body
        try:
            for key in keys:
                found = (objects.decode(body) or {}).get(key)
                if found is None:
                    return None
                body = found
            link: str | None = text.decode(body)
        except msgspec.DecodeError:
            raise Malformed(f"{answer.asked}: no next link can be read at {'.'.join(keys)}; report it") from None
        return _absolute(answer, link) if link else None

    return next_of


async def each(
    items: Iterable[In],
    ask: Callable[[In], Awaitable[Out]],
    *,
    width: int = 4,
) -> AsyncGenerator[tuple[In, Out], None]:
    """Ask once per item with at most ``width`` in flight, and yield item and answer in the order of the items.

    The first error is raised in its turn; what is still in flight then, or when the caller closes the iterator, is
    cancelled.
    """
    source = iter(items)
    waiting = deque((item, asyncio.ensure_future(ask(item))) for item in islice(source, width))
    try:
        while waiting:
            item, task = waiting[0]
            answer = await task
            waiting.popleft()
            waiting.extend((one, asyncio.ensure_future(ask(one))) for one in islice(source, 1))
            yield item, answer
    finally:
        for _, task in waiting:
            task.cancel()
        await asyncio.gather(*(task for _, task in waiting), return_exceptions=True)


def _absolute(answer: Answer, link: str) -> str:
    try:
        return urljoin(answer.url, link)
    except ValueError:
        raise Malformed(f"{answer.asked}: the next link is not a URL; the credential was not sent there") from None
