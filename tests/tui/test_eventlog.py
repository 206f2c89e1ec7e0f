"""The log as rows: days ruled off, repetitions folded, nothing hidden by an invisible filter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from checks.model.state import State
from engine.port import Event, EventKind, EventQuery
from tests.support.clock import NOW
from tui.eventlog import (
    KINDS,
    chips,
    event_glyph,
    folded,
    fresh,
    headings,
    held_back,
    kind_chips,
    next_kind,
    parse_filter,
    rows,
    toggled,
    told,
)
from tui.lines import action_at, plain, size
from tui.widgets.log import RULE

MINUTE = timedelta(minutes=1)


def happened(minutes: int, text: str = "503", **changes: object) -> Event:
    """Build an event of some minutes ago."""
    fields = {"at": NOW - minutes * MINUTE, "kind": "source", "what": "aws", "text": text, **changes}
    return Event(**fields)  # type: ignore[arg-type]  # the fields of an event


def test_identical_events_that_follow_each_other_fold() -> None:
    """What repeats is one row with its number; something between makes two of it."""
    events = [happened(1), happened(2), happened(3, "ok"), happened(4)]

    found = folded(events)

    assert [(fold.newest.text, fold.count) for fold in found] == [("503", 2), ("ok", 1), ("503", 1)]
    assert "×2 503" in plain(rows(found, NOW, 80)[0][1])


def test_a_fold_keeps_its_key_when_more_fold_on_top() -> None:
    """The cursor stays where it is while events come."""
    before = folded([happened(2), happened(3), happened(9, "ok")])
    after = folded([happened(1), happened(2), happened(3), happened(9, "ok")])

    assert [fold.key for fold in before] == [fold.key for fold in after]
    twins = folded([happened(1), happened(1, "ok"), happened(1)])
    assert len({fold.key for fold in twins}) == 3


def test_a_rule_begins_an_older_day() -> None:
    """Never before the first row, in the zone of the reader."""
    events = [happened(0), happened(6 * 60), happened(30 * 60, "old")]
    drawn = rows(folded(events), NOW, 80)

    assert [key.startswith(RULE) for key, _ in drawn] == [False, True, False] or len(drawn) == 4
    assert "Thu 19 Nov 2026" in "".join(plain(each) for _, each in drawn) or "Fri 20 Nov 2026" in "".join(
        plain(each) for _, each in drawn
    )
    east = NOW.astimezone(timezone(timedelta(hours=9)))
    assert plain(rows(folded(events), east, 80)[0][1]).startswith("21 14:30:00")


@pytest.mark.parametrize("width", [36, 60, 78, 118, 238])
def test_rows_say_glyph_kind_object_and_what(width: int) -> None:
    """The narrower, the fewer; the state is a glyph, never a colour alone."""
    event = happened(0, "pass → fail", kind="state", what="backups", state=State.FAIL)
    text = plain(rows(folded([event]), NOW, width)[0][1])

    assert "✖" in text
    assert "backups" in text
    assert ("state" in text) is (width >= 56)


@pytest.mark.parametrize(
    ("typed", "words", "kinds", "faulty"),
    [
        ("503 !aws", "503 !aws", (), False),
        ("kind:state,source x", "x", ("state", "source"), False),
        ("kind:nothing", "", (), True),
        ("kind:", "", (), False),
    ],
)
def test_a_filter_has_words_and_kinds(typed: str, words: str, kinds: tuple[EventKind, ...], *, faulty: bool) -> None:
    """What is not understood is told, never ignored."""
    text, found, fault = parse_filter(typed)

    assert (text, found, bool(fault)) == (words, kinds, faulty)


def test_kinds_go_round_and_add_up() -> None:
    """A key takes one after the other, a click adds or takes out."""
    seen: list[tuple[EventKind, ...]] = [()]
    for _ in KINDS:
        seen.append(next_kind(seen[-1]))
    assert seen[1:] == [(kind,) for kind in KINDS]
    assert next_kind(seen[-1]) == ()
    assert toggled(("state",), "source") == ("state", "source")
    assert toggled(("state", "source"), "state") == ("source",)


def test_what_narrows_the_list_is_shown_and_can_be_clicked() -> None:
    """Object, words, kinds, pause, and how many there are of how many."""
    query = EventQuery(what="aws", kinds=("source",))
    line = chips(query, typed="503", fault="", follows=False, held="+3 new", shown=200, matching=4812)

    assert plain(line) == " 4 812 events, 200 here  follow off   ‖ PAUSED +3 new    of aws    / 503 "
    assert {span.action for span in line} >= {"follow", "hold", "all_objects", "filter"}
    drawn = kind_chips(("source",))
    assert action_at(drawn, plain(drawn).index("waiver")) == "kind('waiver')"
    assert next(span.role for span in drawn if span.text == "source") == "strong"


def test_the_detail_tells_the_whole_event() -> None:
    """Also what did not fit in the row, and nothing that could move the cursor."""
    [fold] = folded([happened(0, "\x1b[2J" + "word " * 60), happened(9, "\x1b[2J" + "word " * 60)])
    content = told(fold, NOW, 40)
    text = "\n".join(plain(line) for _, line in content.rows)

    assert text.count("word") == 60
    assert "\x1b" not in text
    assert "2 the same since 2026-11-21 05:21:00Z" in text
    assert max(size(line) for _, line in content.rows[6:]) <= 40
    assert "nothing selected" in plain(told(None, NOW, 40).empty[0])


def test_every_kind_has_a_glyph() -> None:
    """One cell each."""
    for kind in KINDS:
        assert size((event_glyph(Event(at=datetime(2026, 1, 1, tzinfo=UTC), kind=kind, what="", text="")),)) == 1


def test_a_row_tells_how_long_after_the_one_before() -> None:
    """Of the same kind and object; folded ones count as one."""
    texts = (("backups", 0), ("aws", 5), ("backups", 60), ("backups", 70))
    log = [
        Event(at=NOW - timedelta(minutes=ago), kind="state", what=what, text="a" if ago else "b") for what, ago in texts
    ]
    newest, aws, older = folded(log)

    assert (newest.before, aws.before, older.before) == (NOW - timedelta(minutes=60), None, None)
    assert older.count == 2


def test_a_wide_row_tells_who_did_it() -> None:
    """Beside the text, under its heading; a narrow one keeps to the text."""
    log = [Event(at=NOW, kind="operator", what="leavers", text="paused by ana", by="ana")]
    wide, narrow = (plain(rows(folded(log), NOW, width)[0][1]) for width in (110, 70))

    assert wide.index("ana ", wide.index("paused by ana") + 14) == plain(headings(NOW, 110)).index("By") - 1
    assert narrow.rstrip().endswith("paused by ana")


def test_what_came_after_the_top_is_fresh() -> None:
    """And folds; without a list all is."""
    log = [Event(at=NOW - timedelta(minutes=ago), kind="source", what="aws", text="503") for ago in range(4)]

    assert [fold.count for fold in fresh(log, log[2])] == [2]
    assert [fold.count for fold in fresh(log, None)] == [4]
    assert fresh(log, log[0]) == []
    assert held_back(0, 0) == []
    assert "3 new above, folded into 1" in plain(held_back(3, 1)[0])


@pytest.mark.parametrize(
    ("matching", "error", "says"),
    [
        pytest.param(None, "", " … events ", id="under way"),
        pytest.param(None, "the engine died", " events not fetched ", id="not fetched"),
        pytest.param(0, "", " 0 events ", id="none"),
        pytest.param(1, "", " 1 event ", id="one"),
    ],
)
def test_events_that_were_not_fetched_are_not_told_as_none(matching: int | None, error: str, says: str) -> None:
    """Zero is said only of an answer."""
    line = chips(
        EventQuery(), typed="", fault="", follows=True, held="", shown=matching or 0, matching=matching, error=error
    )

    assert says in plain(line)
    assert ("0 events" in plain(line)) is (matching == 0)
