"""A join finds what lies under a key and nothing else, in memory and on the disk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checks.model import codec
from checks.model.doubt import Cause
from checks.model.known import Absent, Found, NotTold
from checks.model.records import Person, Record
from engine.blobs import FolderBlobs
from engine.joined import Joined, KnownJoined
from tests.support.builders import person

PLACES = [pytest.param(1_000_000, id="memory"), pytest.param(0, id="disk")]


def by_keys(record: Record) -> Sequence[str] | None:
    """Give the keys of a person."""
    assert isinstance(record, Person)
    return record.keys


def joined(folder: Path, people: Sequence[Person], limit: int = 0) -> Joined:
    """Index people, two at a time."""
    index = Joined(by_keys, FolderBlobs(folder).unnamed(limit))
    for start in range(0, len(people), 2):
        page = people[start : start + 2]
        index.put(page, codec.encode_lines(page).splitlines(keepends=True))
    return index


@pytest.fixture(params=PLACES)
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Joined]:
    """Index three people, two of whom share a key."""
    people = [
        person("ana", keys=("ana@example.org", "e1")),
        person("old-ana", keys=("ana@example.org", "e1-old")),
        person("bea", keys=("bea@example.org", "bea@example.org")),
    ]
    made = joined(tmp_path, people, request.param)
    yield made
    made.close()


def ids(found: Found | Absent | NotTold | None) -> list[str]:
    """Name the records that were found."""
    return [record.id for record in found.records] if isinstance(found, Found) else []


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        pytest.param("e1", ["ana"], id="one"),
        pytest.param("ana@example.org", ["ana", "old-ana"], id="two-in-order-of-arrival"),
        pytest.param("bea@example.org", ["bea"], id="told-twice-counts-once"),
        pytest.param("cem@example.org", [], id="nobody"),
        pytest.param("", [], id="empty"),
    ],
)
def test_a_key_finds_everybody_who_tells_it(index: Joined, key: str, expected: list[str]) -> None:
    """All records under a key are found, in order of arrival, each once."""
    assert ids(index.get(key)) == expected


def test_the_same_person_is_found_by_each_key_in_turn(index: Joined) -> None:
    """What was found last is kept, and is not mistaken for what is asked next."""
    assert [ids(index.get(key)) for key in ("e1", "e1-old", "e1", "nobody")] == [["ana"], ["old-ana"], ["ana"], []]


def test_a_record_that_tells_no_keys_is_given_back(tmp_path: Path) -> None:
    """Whoever tells no keys may be anybody, so absence proves nothing any more."""
    people = [person("ana"), person("bea", keys=None)]
    index = Joined(by_keys, FolderBlobs(tmp_path).unnamed())

    assert index.put(people, codec.encode_lines(people).splitlines(keepends=True)) is people[1]
    assert ids(index.get("ana@example.org")) == ["ana"]


def test_what_is_put_after_a_question_is_found(tmp_path: Path) -> None:
    """An index that was asked already goes on growing."""
    late = [person("late-ana", keys=("ana@example.org",)), person("bea")]
    with closing(joined(tmp_path, [person("ana")])) as index:
        assert ids(index.get("ana@example.org")) == ["ana"]
        index.put(late, codec.encode_lines(late).splitlines(keepends=True))

        assert ids(index.get("ana@example.org")) == ["ana", "late-ana"]
        assert ids(index.get("bea@example.org")) == ["bea"]


@pytest.mark.parametrize("doubt", [None, NotTold(Cause.DENIED, "people")], ids=["complete", "doubtful"])
def test_absence_is_told_only_of_a_complete_population(tmp_path: Path, doubt: NotTold | None) -> None:
    """A key that is not there is absent, or not told where the population is in doubt."""
    with closing(joined(tmp_path, [person("ana")])) as index:
        known = KnownJoined(index, doubt)

        assert ids(known.get("ana@example.org")) == ["ana"]
        assert known.get("bea@example.org") == (doubt or Absent())


def test_a_meeting_of_two_hashes_joins_nothing(tmp_path: Path) -> None:
    """An entry that is there by its hash alone is looked at again by the key itself."""

    class Same(str):
        """A key whose hash is that of every other."""

        __slots__ = ()

        def __hash__(self) -> int:
            return 4_711

        def __eq__(self, other: object) -> bool:
            return str(self) == str(other)

    people = [person("ana", keys=("ana",)), person("bea", keys=("bea",))]
    index = Joined(lambda record: [Same(key) for key in by_keys(record) or ()], FolderBlobs(tmp_path).unnamed())
    index.put(people, codec.encode_lines(people).splitlines(keepends=True))

    assert [ids(index.get(Same(key))) for key in ("ana", "bea", "cem")] == [["ana"], ["bea"], []]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.lists(st.sampled_from("abcdef"), max_size=3), max_size=12),
    limit=st.sampled_from([0, 200, 1_000_000]),
)
def test_it_tells_what_a_dictionary_tells(tmp_path: Path, told: list[list[str]], limit: int) -> None:
    """Whatever was put, each key finds exactly the records that tell it."""
    people = [person(f"p{number}", keys=tuple(keys)) for number, keys in enumerate(told)]
    with closing(joined(tmp_path, people, limit)) as index:
        for key in "abcdefg":
            assert ids(index.get(key)) == [one.id for one in people if key in (one.keys or ())]


def test_lines_longer_than_one_reading_are_whole(tmp_path: Path) -> None:
    """A record of many kilobytes comes back from the disk as it was."""
    long = person("ana", keys=tuple(f"key-{number}" for number in range(5_000)))
    with closing(joined(tmp_path, [long, person("bea")])) as index:
        assert index.get("key-4999") == Found((long,))
        assert ids(index.get("bea@example.org")) == ["bea"]


def test_nothing_of_a_join_has_a_name_on_the_disk(tmp_path: Path) -> None:
    """Lines name people, so their file has no name from the start."""
    with closing(joined(tmp_path, [person("ana")])):
        assert list(tmp_path.iterdir()) == []
