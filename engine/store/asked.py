"""What a question asks, apart from its page, its order or its words."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from engine.port import Query


def comes_before(order: str, that: str) -> Iterator[str]:
    """Give the ways in which a finding comes before another, whose columns begin with ``that``; the farthest first.

    The order ends with the id, so that no two findings are at the same place.
    """
    same: list[str] = []
    for key in order.split(", "):
        own, descends, _ = key.partition(" DESC")
        other = that + own.partition(" ")[0].partition(".")[2]
        yield " AND ".join([*same, f"{own} {'>' if descends else '<'} {other}"])
        same.append(f"{own} = {other}")


def has_words(asked: Query) -> bool:
    """Tell whether a question has words, so that its findings must be looked for."""
    return bool(asked.text.strip()) or has_reason(asked)


def has_reason(asked: Query) -> bool:
    """Tell whether a question is about reasons, by which no order but their own is indexed."""
    return bool(asked.reason.strip() or asked.reason_is)


def without_page(query: Query) -> Query:
    """Give a query as it is kept: hashable, without its page."""
    listed = {"checks": tuple(query.checks), "outcomes": tuple(query.outcomes), "ids": tuple(query.ids)}
    return msgspec.structs.replace(query, offset=0, limit=0, around=None, soon=False, **listed)


def without_order(query: Query) -> Query:
    """Give a question whose findings may come in any order."""
    return msgspec.structs.replace(query, sort="worst", reverse=False)


def without_text(query: Query) -> Query:
    """Give a question without the words that were typed."""
    return msgspec.structs.replace(query, text="")


def without_words(query: Query) -> Query:
    """Give the question whose count is the total."""
    return msgspec.structs.replace(
        query, text="", reason="", reason_is="", outcome=None, outcomes=(), waived=None, due_by=None, ids=()
    )
