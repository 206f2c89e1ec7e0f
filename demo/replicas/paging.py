"""Lists are cut into pages as the vendors cut them: by an opaque cursor, or by page number."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from aiohttp.typedefs import LooseHeaders

Row = dict[str, Any]
"""One JSON object as the vendor writes it."""

T = TypeVar("T")


@dataclass(frozen=True)
class Page:
    """One page of a list, before it is written in the vendor's envelope."""

    rows: list[Row]
    url: str
    """The absolute URL that was asked."""
    next_url: str | None = None
    """Where the next page is; None on the last one."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Further links by relation, such as GitHub's ``last``."""


def cut(
    items: Sequence[T],
    cursor: str | None,
    limit: int,
    key: Callable[[T], str],
    keep: Callable[[T], bool] = lambda _: True,
) -> tuple[list[T], str | None]:
    """Return at most ``limit`` kept items after ``cursor``, and the cursor of the next page or None.

    Only the items of the page and the gap to the next kept one are looked at. A cursor survives items that are added
    or removed elsewhere in the list. Raises ValueError for a cursor that this function did not write.
    """
    taken: list[T] = []
    after: int | None = None
    for index in range(_resume(items, cursor, key), len(items)):
        item = items[index]
        if not keep(item):
            continue
        if after is not None and len(taken) == limit:
            return taken, _encode(after, key(items[after]))
        taken.append(item)
        after = index
    return taken, None


def _encode(index: int, last: str) -> str:
    return base64.urlsafe_b64encode(f"{index}:{last}".encode()).decode().rstrip("=")


def _resume(items: Sequence[T], cursor: str | None, key: Callable[[T], str]) -> int:
    if cursor is None:
        return 0
    try:
        told, _, last = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
        index = int(told)
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise ValueError("not a cursor of this list") from error
    if 0 <= index < len(items) and key(items[index]) == last:
        return index + 1
    moved = (position + 1 for position, item in enumerate(items) if key(item) == last)
    return next(moved, max(0, index))


def numbered(items: Sequence[T], page: int, per_page: int) -> tuple[Sequence[T], int]:
    """Return page number ``page``, from 1, and the number of the last page; a page past the last is empty."""
    start = (page - 1) * per_page
    return items[start : start + per_page], max(1, -(-len(items) // per_page))


def link_header(links: Mapping[str, str]) -> str:
    """Return the links by relation as one RFC 8288 ``Link`` header value."""
    return ", ".join(f'<{url}>; rel="{rel}"' for rel, url in links.items())


def json_response(
    body: object, status: int = 200, headers: LooseHeaders | None = None, charset: str | None = None
) -> web.Response:
    """Return ``body`` as JSON; ``charset`` is written only where the vendor writes it."""
    return web.Response(
        body=msgspec.json.encode(body), status=status, headers=headers, content_type="application/json", charset=charset
    )


def pick(row: Row, names: Iterable[str]) -> Row:
    """Return the named fields of the row, those that it has."""
    return {name: row[name] for name in names if name in row}


def stamp(at: datetime | None, timespec: str = "seconds") -> str | None:
    """Return an instant in RFC 3339 with ``Z``, to the second or to ``milliseconds``; None stays None."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec) + "Z"
