"""A table becomes typed settings key by key, and every fault of it is named where it stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
import pytest

from checks.model.check import Severity
from checks.model.units import Duration
from engine.convert import Faults, choice, convert_table, nearest, shown
from sources.common.settings import Secret


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """A table in a table."""

    word: str
    """A word."""
    number: Annotated[int, msgspec.Meta(ge=0)] = 0
    """A number."""


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """Keys that every unit takes."""

    name: str
    """A name."""
    shared: str = "common"
    """A key that the unit has too."""


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """Keys of one unit."""

    shared: str = "own"
    """A key that every unit has too."""
    klass: str = msgspec.field(name="class", default="")
    """A key that is no Python name."""
    every: Duration | None = None
    """A duration."""
    token: Secret | None = None
    """A reference."""
    tokens: dict[str, Secret] = {}
    """References."""
    way: Literal["in", "out"] = "in"
    """One of two."""
    severity: Severity | None = None
    """One of a closed set."""
    inner: Inner | None = None
    """A table."""
    rows: tuple[Inner, ...] = ()
    """Tables."""
    words: tuple[str, ...] = ()
    """Texts."""
    match: dict[str, str] = {}
    """Texts by text."""
    day: date | None = None
    """A day."""
    moment: date | datetime | None = None
    """A day or an instant."""
    share: float = 1.0
    """A number."""


def converted(**table: Any) -> tuple[Any, Any, list[str]]:
    """Convert a table of both; give the two structs and the faults."""
    faults = Faults("f.toml")
    common, own = convert_table({"name": "n", **table}, (Common, Own), "t", faults)
    return common, own, faults.lines


def test_each_struct_gets_its_own_keys() -> None:
    """A table is shared by what every unit takes and what one unit takes."""
    common, own, faults = converted(**{"class": "c", "every": "1h30m", "token": "env:A", "rows": [{"word": "w"}]})

    assert faults == []
    assert common == Common(name="n")
    assert own == Own(klass="c", every=Duration(hours=1, minutes=30), token=Secret("env:A"), rows=(Inner(word="w"),))
    assert isinstance(own.every, timedelta)


def test_a_key_that_two_structs_have_is_the_units_own() -> None:
    """A unit's own meaning wins, so that a limit of its policy is never taken for an age of its data."""
    common, own, _ = converted(shared="said")

    assert (common.shared, own.shared) == ("common", "said")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        pytest.param({"wrods": []}, 't.wrods: unknown key, did you mean "words"?', id="near"),
        pytest.param({"zzz": 1}, "t.zzz: unknown key", id="nothing-near"),
        pytest.param({"klass": "c"}, 't.klass: unknown key, did you mean "class"?', id="python-name"),
        pytest.param({"name": 1}, "t.name: expected a text, found 1", id="text"),
        pytest.param({"name": True}, "t.name: expected a text, found true", id="bool"),
        pytest.param({"share": "x"}, 't.share: expected a number, found "x"', id="number"),
        pytest.param({"words": "x"}, 't.words: expected a list, found "x"', id="list"),
        pytest.param({"words": ["x", 1, {}]}, "t.words[1]: expected a text, found 1", id="in-a-list"),
        pytest.param({"words": ["x", 1, {}]}, "t.words[2]: expected a text, found a table", id="each-in-a-list"),
        pytest.param({"match": {"a": 1}}, "t.match.a: expected a text, found 1", id="in-a-map"),
        pytest.param({"match": "a"}, 't.match: expected a table, found "a"', id="map"),
        pytest.param({"inner": {"wrod": "w"}}, 't.inner.wrod: unknown key, did you mean "word"?', id="in-a-table"),
        pytest.param({"inner": {}}, "t.inner.word: missing", id="missing-in-a-table"),
        pytest.param({"inner": 5}, "t.inner: expected a table, found 5", id="table"),
        pytest.param({"rows": [{"word": "w"}, {}]}, "t.rows[1].word: missing", id="missing-in-a-row"),
        pytest.param(
            {"inner": {"word": "w", "number": -1}}, "t.inner.number: expected a whole number >= 0, found -1", id="range"
        ),
        pytest.param({"way": "ou"}, 't.way: expected one of "in", "out", found "ou", did you mean "out"?', id="choice"),
        pytest.param(
            {"severity": 1}, 't.severity: expected one of "critical", "high", "medium", "low", found 1', id="enum"
        ),
        pytest.param({"day": "x"}, 't.day: expected a date such as 2027-03-31, found "x"', id="date"),
        pytest.param({"moment": "x"}, 't.moment: expected a date such as 2027-03-31, found "x"', id="date-or-instant"),
        pytest.param({"moment": 5}, "t.moment: expected a date such as 2027-03-31, found 5", id="number-for-instant"),
        pytest.param({"every": 5}, 't.every: expected a duration such as "90d", found 5', id="number-for-duration"),
        pytest.param(
            {"every": "9" * 30 + "d"},
            f't.every: "{"9" * 30}d" is longer than any duration here may be (36500d)',
            id="endless-duration",
        ),
    ],
)
def test_a_fault_says_where_what_was_found_and_what_is_allowed(table: dict[str, Any], message: str) -> None:
    """Each message is one line that a newcomer can act on."""
    assert f"f.toml: {message}" in converted(**table)[2]


@pytest.mark.parametrize(
    ("table", "where"),
    [
        pytest.param({"token": "hunter2"}, "t.token", id="bare"),
        pytest.param({"token": ["hunter2"]}, "t.token", id="list"),
        pytest.param({"token": {"a": "hunter2"}}, "t.token", id="table"),
        pytest.param({"tokens": {"a": "hunter2"}}, "t.tokens.a", id="map"),
        pytest.param({"tokens": "hunter2"}, "t.tokens", id="text-for-a-map"),
    ],
)
def test_a_value_in_a_secrets_place_is_never_repeated(table: dict[str, Any], where: str) -> None:
    """It may be the secret itself."""
    (told,) = converted(**table)[2]

    assert told.startswith(f"f.toml: {where}: ")
    assert "hunter2" not in told


def test_a_struct_without_a_key_that_must_be_there_is_none() -> None:
    """The other struct of the table is still there to be tested further."""
    faults = Faults("f.toml")

    common, own = convert_table({"class": "c", "every": "?"}, (Common, Own), "t", faults)

    assert (common, own) == (None, Own(klass="c"))
    assert [path for path, _ in faults.found] == ["t.every", "t.name"]


@pytest.mark.parametrize("value", [5, "x", [], None], ids=repr)
def test_what_is_no_table_has_one_fault(value: object) -> None:
    """There is nothing to look into."""
    faults = Faults("f.toml")

    assert convert_table(value, (Common, Own), "t", faults) == (None, None)
    assert len(faults.lines) == 1
    assert faults.lines[0].startswith("f.toml: t: expected a table, found ")


def test_faults_come_in_the_order_of_the_file() -> None:
    """A fault stands at its key; one of a key that is missing, at the end of its table."""
    tree = {"b": {"x": [1, {"y": 2}], "z": 3}, "a": 1}
    faults = Faults("f.toml")
    for path in ("a", "b.missing", "b.x[1].w", "b.z", "b.x[1].y", "b.x[0]", "nowhere.at.all", "b"):
        faults.add(path, "")

    faults.sort(tree)

    assert [path for path, _ in faults.found] == [
        "b",
        "b.x[0]",
        "b.x[1].y",
        "b.x[1].w",
        "b.z",
        "b.missing",
        "a",
        "nowhere.at.all",
    ]


def test_a_name_with_a_dot_has_its_place_too() -> None:
    """Quoted keys may hold anything."""
    faults = Faults("f.toml")
    faults.add("a", "")
    faults.add("x.y", "")

    faults.sort({"x.y": 1, "a": 2})

    assert [path for path, _ in faults.found] == ["x.y", "a"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("a", '"a"', id="text"),
        pytest.param('a"b', '"a\\"b"', id="quotes"),
        pytest.param("é\n", '"é\\n"', id="line-break"),
        pytest.param("x" * 80, '"xxxxxxxxxxx…"', id="long-text"),
        pytest.param(True, "true", id="bool"),
        pytest.param(1.5, "1.5", id="number"),
        pytest.param(date(2026, 11, 21), "2026-11-21", id="date"),
        pytest.param({}, "a table", id="table"),
        pytest.param([], "a list", id="list"),
    ],
)
def test_a_value_is_shown_in_the_words_of_toml(value: object, text: str) -> None:
    """The reader sees what they wrote, short and on one line."""
    assert shown(value) == text


@pytest.mark.parametrize(
    ("word", "hint", "named"),
    [
        pytest.param("tokn", ', did you mean "token"?', ', did you mean "token"?', id="near"),
        pytest.param("xyz", "", "; one of token, url", id="far"),
    ],
)
def test_the_nearest_word_is_suggested_or_all_are_named(word: str, hint: str, named: str) -> None:
    """A typo gets one suggestion; anything else the list."""
    assert nearest(word, ["token", "url"]) == hint
    assert choice(word, ["token", "url"]) == named
