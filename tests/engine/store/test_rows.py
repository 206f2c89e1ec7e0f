"""Pages of findings: views, words, orders, counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal, get_args

import pytest

from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from engine.port import Query, Row
from engine.port.subjects import certain, literal
from engine.store import Live, Store
from tests.support.clock import NOW
from tests.support.judging import finding, judge, memory

DAY = timedelta(days=1)
ANA = finding("ana")
BEN = finding("ben", outcome=Outcome.UNKNOWN, cause=Cause.DENIED, reason="factors are not told")
CID = finding("cid", outcome=Outcome.WARN, reason="a factor is weak")
DAN = finding("dan", outcome=Outcome.WARN, reason="a factor is weak", urgent=True)
EVE = finding("eve_100%")


@pytest.fixture
async def filled(store: Store) -> Store:
    """Give a store with four findings of two days, one resolved, one waived, and one of another check and family."""
    waiver = Live(id="W-1", subjects=["okta-prod/eve_100%"], starts=NOW, ends=NOW + DAY)
    await judge(store, [CID, EVE, finding("old")], NOW - 2 * DAY, waivers=[waiver])
    await judge(store, [CID, EVE, ANA, DAN, BEN], NOW, waivers=[waiver])
    stage = store.stage("backups", "backup")
    await stage.add([finding("set", subject="dumps/nightly", label="nightly")])
    await stage.diff(now=NOW, complete=True, remediate_within=timedelta(0), waivers=())
    await stage.commit(memory("backups"), (), ())
    return store


def names(rows: Sequence[Row]) -> list[str]:
    """Name rows by the first part of their labels."""
    return [row.label.partition("@")[0] for row in rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param(
            {}, ["ana", "nightly", "ben", "dan", "cid", "eve_100%"], id="worst first, then the longest, waived last"
        ),
        pytest.param({"reverse": True}, ["eve_100%", "cid", "dan", "ben", "nightly", "ana"], id="reversed"),
        pytest.param({"sort": "label"}, ["ana", "ben", "cid", "dan", "eve_100%", "nightly"], id="by label"),
        pytest.param(
            {"sort": "source"}, ["nightly", "ana", "ben", "dan", "cid", "eve_100%"], id="by source, then worst first"
        ),
        pytest.param({"check": "backups"}, ["nightly"], id="of a check"),
        pytest.param({"check": "no-such"}, [], id="of no check"),
        pytest.param({"family": "mfa", "outcome": Outcome.FAIL}, ["ana", "eve_100%"], id="of a family and outcome"),
        pytest.param({"view": "new"}, ["ana", "nightly", "ben", "dan"], id="new"),
        pytest.param({"view": "waived"}, ["eve_100%"], id="waived"),
        pytest.param({"view": "resolved"}, ["old"], id="resolved"),
        pytest.param({"view": "all", "sort": "label", "reverse": True, "limit": 2}, ["old", "nightly"], id="all"),
        pytest.param({"text": "FACTOR weak"}, ["dan", "cid"], id="words of the reason"),
        pytest.param({"reason_is": "a factor is weak"}, ["dan", "cid"], id="a whole reason"),
        pytest.param({"reason_is": "factor is weak"}, [], id="a part of a reason is none"),
        pytest.param({"reason_is": "a factor is weak", "text": "cid"}, ["cid"], id="a whole reason, and a word"),
        pytest.param({"text": "factor !weak"}, ["ana", "nightly", "ben", "eve_100%"], id="not a word"),
        pytest.param({"text": "100%"}, ["eve_100%"], id="percent is no wildcard"),
        pytest.param({"text": "n_g"}, [], id="underscore is no wildcard"),
        pytest.param({"text": "dumps/"}, ["nightly"], id="the subject"),
        pytest.param({"text": "backups"}, ["nightly"], id="the check"),
        pytest.param({"text": "' OR 1=1 --"}, [], id="a quote is a letter"),
        pytest.param({"text": "!"}, ["ana", "nightly", "ben", "dan", "cid", "eve_100%"], id="a bare mark is nothing"),
        pytest.param({"offset": 4}, ["cid", "eve_100%"], id="the end"),
        pytest.param({"offset": 99}, [], id="past the end"),
        pytest.param({"limit": 1, "offset": 1}, ["nightly"], id="a page"),
    ],
)
async def test_a_query_gives(filled: Store, query: dict[str, Any], expected: Sequence[str]) -> None:
    """Each query gives these findings in this order, and counts those that match on all pages."""
    found = await filled.rows(Query(**query), NOW)
    assert names(found.rows) == expected
    if "limit" not in query and "offset" not in query:
        assert found.matching == len(expected)


async def test_total_leaves_out_text_and_outcome(filled: Store) -> None:
    """Total counts the view and the check, matching what is left of them."""
    found = await filled.rows(Query(family="mfa", text="weak", outcome=Outcome.WARN, limit=1), NOW)
    assert (len(found.rows), found.matching, found.total) == (1, 2, 5)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("sort", get_args(Literal["worst", "label", "since", "reason", "check", "source"]))
async def test_pages_join_up(filled: Store, sort: Any, *, reverse: bool) -> None:
    """In every order, page after page gives each finding once."""
    pages = [(await filled.rows(Query(sort=sort, reverse=reverse, offset=at, limit=1), NOW)).rows for at in range(6)]
    assert sorted(names([row for page in pages for row in page])) == ["ana", "ben", "cid", "dan", "eve_100%", "nightly"]


@pytest.mark.parametrize(
    "query", [{}, {"text": "factor"}, {"reason_is": "a factor is weak"}, {"sort": "label"}], ids=str
)
async def test_a_count_alone_is_that_of_the_rows(filled: Store, query: dict[str, Any]) -> None:
    """Where no row is asked for there is none, and the counts are those of the list."""
    whole, counted = await filled.rows(Query(**query), NOW), await filled.rows(Query(**query, limit=0), NOW)
    assert (list(counted.rows), counted.matching, counted.total) == ([], whole.matching, whole.total)


async def test_counts_follow_a_write(filled: Store) -> None:
    """A count that was kept is out of date after the next judgement."""
    assert (await filled.rows(Query(), NOW)).total == 6
    await judge(filled, [], NOW + DAY)
    assert (await filled.rows(Query(), NOW + DAY)).total == 1


async def test_a_waiver_that_ended_covers_nothing(filled: Store) -> None:
    """Past its end a waiver is not shown, whether or not there was a judgement since."""
    later = await filled.rows(Query(view="waived"), NOW + DAY)
    assert later.matching == 0
    shown = await filled.rows(Query(text="eve"), NOW + DAY)
    assert shown.rows[0].waiver is None


async def test_a_row_tells_all_that_was_found(filled: Store) -> None:
    """A row carries subject, facts and cause as the check told them."""
    [row] = (await filled.rows(Query(outcome=Outcome.UNKNOWN), NOW)).rows
    assert row == Row(
        id=row.id,
        check="workforce-mfa",
        family="mfa",
        subject="okta-prod/ben",
        label="ben@example.org",
        outcome=Outcome.UNKNOWN,
        reason="factors are not told",
        facts={"mfa": False},
        cause=Cause.DENIED,
        first_seen=NOW,
    )
    assert await filled.row(row.id, NOW) == row
    assert await filled.row(4711, NOW) is None


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[*]b", "a[ab]b", "a%_b", "a\\*b", "[2001:db8::1]:443"])
async def test_a_literal_waives_its_own_row_alone(store: Store, name: str) -> None:
    """Counted before and waived after, by the store as by the screen, and found by the words that are asked for."""
    found = [finding(each) for each in {name, "aXb", "ab", "aXYb", "a*bc", "a[*]b"}]
    waiver = Live(id="W-1", subjects=[literal(f"okta-prod/{name}")], starts=NOW, ends=NOW + DAY)
    await judge(store, found, NOW)
    assert await store.covered("workforce-mfa", [waiver]) == {"W-1": 1}
    await judge(store, found, NOW, waivers=[waiver])
    waived = await store.rows(Query(view="waived", text=certain(waiver.subjects[0])), NOW)
    assert [row.subject for row in waived.rows] == [f"okta-prod/{name}"]
