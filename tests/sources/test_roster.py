"""A roster tells people from a CSV file, and says which rows it could not read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.model.doubt import Cause
from checks.model.records import Person
from checks.model.units import rfc3339
from sources.roster import SOURCE
from tests.support.clock import NOW
from tests.support.context import collect, lent_context
from tests.support.roster import EXPORTED, HEADER, config, people, told, write


async def test_a_row_is_a_person(tmp_path: Path) -> None:
    """Keys are lower case and once each, words are translated, a date is a whole day."""
    row = " Ana@Example.org ,ANA; e17|ana@example.org  a.doe,Ana Doe,Employed,2024-02-01,2026-12-31\n"
    collected = await told(tmp_path, HEADER + row)
    assert people(collected) == {
        "ana@example.org": Person(
            id="ana@example.org",
            source="people",
            label="Ana Doe",
            keys=("ana@example.org", "ana", "e17", "a.doe"),
            status="active",
            starts_at=datetime(2024, 2, 1, tzinfo=UTC),
            ends=True,
            ends_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC),
        ),
    }
    assert {page.as_of for page in collected.pages} == {EXPORTED}
    assert collected.gaps == ()


ENDS = [
    pytest.param("2026-07-01", "UTC", "2026-07-01T23:59:59Z", id="a date in UTC"),
    pytest.param("2026-07-01", "Europe/Berlin", "2026-07-01T21:59:59Z", id="a date in summer time"),
    pytest.param("2026-01-01", "Europe/Berlin", "2026-01-01T22:59:59Z", id="a date in winter time"),
    pytest.param("2026-01-01", "Asia/Tokyo", "2026-01-01T14:59:59Z", id="a date far east"),
    pytest.param("2026-01-01T18:00:00", "Europe/Berlin", "2026-01-01T17:00:00Z", id="a time without an offset"),
    pytest.param("2026-01-01T18:00:00+09:00", "Europe/Berlin", "2026-01-01T09:00:00Z", id="a time with an offset"),
    pytest.param("2026-01-01 18:00", "UTC", "2026-01-01T18:00:00Z", id="a space between"),
    pytest.param("9999-12-31", "America/New_York", "9999-12-31T23:59:59Z", id="for ever, west of Greenwich"),
]


@pytest.mark.parametrize(("cell", "zone", "expected"), ENDS)
async def test_an_end_is_the_end_of_that_day_in_the_rosters_zone(
    tmp_path: Path, cell: str, zone: str, expected: str
) -> None:
    """A date is not midnight before it, and an offset wins over the zone."""
    collected = await told(tmp_path, f"{HEADER}a@x,,,active,,{cell}\n", config(timezone=zone))
    ends_at = people(collected)["a@x"].ends_at
    assert ends_at is not None
    assert rfc3339(ends_at) == expected


async def test_dates_may_be_written_otherwise(tmp_path: Path) -> None:
    """A format is strptime's, and one with a time is a time."""
    collected = await told(tmp_path, f"{HEADER}a@x,,,active,,31.12.2026\n", config(date_format="%d.%m.%Y"))
    assert people(collected)["a@x"].ends_at == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


UNTOLD = [
    pytest.param("a@x,,,active,31/12/2024,", {"starts_at": "malformed"}, id="a start that is no date"),
    pytest.param("a@x,,,active,2024-01-01,soon", {"ends_at": "malformed"}, id="an end that is no date"),
    pytest.param("a@x,,,,2024-01-01,", {"status": "not_exposed"}, id="no status"),
    pytest.param("a@x,,,active,,", {"starts_at": "not_exposed"}, id="no start"),
]


@pytest.mark.parametrize(("row", "why"), UNTOLD)
async def test_a_cell_that_cannot_be_read_is_not_told(tmp_path: Path, row: str, why: dict[str, str]) -> None:
    """The person stays in the count, with the fact unknown and its cause."""
    collected = await told(tmp_path, HEADER + row + "\n")
    assert people(collected)["a@x"].why == why
    assert collected.gaps == ()


STATUS_ALONE = [
    pytest.param("active", (False, {}), id="active"),
    pytest.param("On Leave", (False, {}), id="leave"),
    pytest.param("leaver", (True, {"ends_at": "not_configured"}), id="terminated, at a time that is not told"),
    pytest.param("furloughed", (False, {}), id="a word that is new to us, kept for the check"),
    pytest.param("", (None, {"status": "not_exposed", "ends": "not_configured"}), id="empty"),
]


@pytest.mark.parametrize(("word", "expected"), STATUS_ALONE)
async def test_without_a_column_of_ends_the_status_alone_decides(
    tmp_path: Path, word: str, expected: tuple[bool | None, dict[str, str]]
) -> None:
    """Only a word for those who have left tells an end, and then not when."""
    columns = {"key": "email", "status": "status", "starts_at": "start"}
    person = people(await told(tmp_path, f"email,status,start\na@x,{word},2024-01-01\n", config(columns)))["a@x"]
    assert (person.ends, person.why) == expected


async def test_with_a_key_alone_nothing_is_told_of_ends(tmp_path: Path) -> None:
    """Being on the list is no proof of working here."""
    person = people(await told(tmp_path, "email\na@x\n", config({"key": "email"})))["a@x"]
    assert (person.status, person.ends) == (None, None)
    assert person.why == dict.fromkeys(("status", "starts_at", "ends"), "not_configured")


WORDS = [
    pytest.param("AKTIV", {}, "active", id="a default, in any case"),
    pytest.param("parental_leave", {}, "leave", id="underscores"),
    pytest.param("Inactive", {}, "terminated", id="a leaver"),
    pytest.param("gone fishing", {"leave": ["Gone Fishing"]}, "leave", id="a word of one's own"),
    pytest.param("on leave", {"leave": ["away"]}, "on leave", id="own words replace the defaults"),
    pytest.param("Contractor?", {}, "Contractor?", id="another word, raw"),
]


@pytest.mark.parametrize(("word", "values", "expected"), WORDS)
async def test_words_for_a_status_are_translated(
    tmp_path: Path, word: str, values: dict[str, list[str]], expected: str
) -> None:
    """A word that nobody has explained is kept as it is, for the check to doubt."""
    collected = await told(tmp_path, f"{HEADER}a@x,,,{word},,\n", config(status_values=values))
    assert people(collected)["a@x"].status == expected


async def test_rows_of_one_key_all_survive(tmp_path: Path) -> None:
    """Employments of one person have ids by their start, equal rows are one person, and order does not matter."""
    rows = [
        "ana@x,,Ana,terminated,2019-01-01,2021-06-30\n",
        "Ana@x,,Ana,active,2024-01-01,\n",
        "bob@x,,Bob,active,2020-01-01,\n",
        "cleo@x,,Cleo,active,2020-01-01,\n",
        "cleo@x,,Cleo,active,2020-01-01,\n",
        "dan@x,,Dan,terminated,,2020-01-31\n",
        "dan@x,,Dan,active,,\n",
        "dan@x,,Daniel,active,,\n",
    ]
    seen = people(await told(tmp_path, HEADER + "".join(rows)))
    expected = {
        "ana@x@2019-01-01",
        "ana@x@2024-01-01",
        "bob@x",
        "cleo@x",
        "dan@x@2020-01-31",
        "dan@x@open",
        "dan@x@open#2",
    }
    assert set(seen) == expected
    assert seen["ana@x@2019-01-01"].keys == seen["ana@x@2024-01-01"].keys == ("ana@x",)
    assert people(await told(tmp_path, HEADER + "".join(reversed(rows)))) == seen


BAD_ROWS = [
    pytest.param("b@x,,Bob,active\n", "line 3: 4 cells under a header of 6", id="too few cells"),
    pytest.param("b@x,,Bob,active,,,secret\n", "line 3: 7 cells under a header of 6", id="too many cells"),
    pytest.param(",,Bob,active,,\n", 'line 3: no key in column "email"', id="no key"),
    pytest.param("b@x,,Bo\0b,active,,\n", "line 3: a NUL character", id="a NUL"),
    pytest.param('b@x,,"Bob"by,active,,\n', "line 3: ", id="a quote in the wrong place"),
    pytest.param(f"b@x,,{'B' * 200_000},active,,\n", "line 3: field larger than field limit", id="a huge cell"),
]


@pytest.mark.parametrize(("row", "words"), BAD_ROWS)
async def test_a_row_that_cannot_be_read_bars_pass_and_hides_no_other(tmp_path: Path, row: str, words: str) -> None:
    """The rows around it are told, and a members gap without a bound names the line."""
    collected = await told(tmp_path, f"{HEADER}a@x,,,active,,\n{row}c@x,,,active,,\n")
    assert set(people(collected)) == {"a@x", "c@x"}
    [gap] = collected.gaps
    assert (gap.kind, gap.cause, gap.missing) == ("members", Cause.MALFORMED, None)
    assert words in gap.detail


async def test_a_quote_that_never_closes_is_a_gap(tmp_path: Path) -> None:
    """It swallows the rest of the file, and that is said."""
    collected = await told(tmp_path, f'{HEADER}a@x,,,active,,\nb@x,,"Bob,active,,\nc@x,,,active,,\n')
    assert set(people(collected)) == {"a@x"}
    assert [gap.cause for gap in collected.gaps] == [Cause.MALFORMED]


async def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    """The first five are named, the others counted."""
    collected = await told(tmp_path, HEADER + "short\n" * 9)
    [gap] = collected.gaps
    assert "line 6:" in gap.detail
    assert "and 4 more" in gap.detail


async def test_a_formula_is_text(tmp_path: Path) -> None:
    """A cell is never computed, only shown and matched as it stands."""
    row = '"=HYPERLINK(""http://x"")",,"=cmd|\' /C calc\'!A0",active,,\n'
    [person] = people(await told(tmp_path, HEADER + row)).values()
    assert (person.id, person.label) == ('=hyperlink("http://x")', "=cmd|' /C calc'!A0")


STAMPS = [
    pytest.param("2026-11-20T08:00:00+01:00", ["", ""], "2026-11-20T07:00:00Z", id="an instant"),
    pytest.param(
        "stamp", ["2026-11-20T08:00:00Z", "2026-11-19T08:00:00Z"], "2026-11-19T08:00:00Z", id="the oldest cell"
    ),
    pytest.param("stamp", ["2026-11-20", "2026-11-21"], "2026-11-20T00:00:00Z", id="a day means its start"),
]


@pytest.mark.parametrize(("as_of", "cells", "expected"), STAMPS)
async def test_the_roster_is_as_old_as_its_oldest_row(
    tmp_path: Path, as_of: str, cells: list[str], expected: str
) -> None:
    """The data time is the file's, a column's oldest cell, or what the configuration says."""
    content = "email,stamp\n" + "".join(f"p{index}@x,{cell}\n" for index, cell in enumerate(cells))
    collected = await told(tmp_path, content, config({"key": "email"}, as_of=as_of))
    stamps = [page.as_of for page in collected.pages if page.as_of is not None]
    assert rfc3339(min(stamps)) == expected
    assert collected.gaps == ()


FUTURES = [
    pytest.param("mtime", id="file time"),
    pytest.param("stamp", id="column"),
    pytest.param("2027-01-01T00:00:00Z", id="instant"),
]


@pytest.mark.parametrize("as_of", FUTURES)
async def test_a_roster_from_the_future_has_no_age(tmp_path: Path, as_of: str) -> None:
    """It would never turn stale, so it bars pass."""
    write(tmp_path, "email,stamp\na@x,2027-01-01\n", NOW + timedelta(days=40))
    async with lent_context(tmp_path) as ctx:
        collected = await collect(SOURCE.fetch(config({"key": "email"}, as_of=as_of), ctx))
    assert [(gap.kind, gap.cause) for gap in collected.gaps] == [("members", Cause.MALFORMED)]
    assert "in the future" in collected.gaps[0].detail


async def test_a_row_without_its_export_stamp_is_doubt(tmp_path: Path) -> None:
    """How old that row is was not told, so nothing may pass by it."""
    collected = await told(tmp_path, "email,stamp\na@x,\nb@x,2026-11-20\n", config({"key": "email"}, as_of="stamp"))
    assert set(people(collected)) == {"a@x", "b@x"}
    assert 'line 2: no time in column "stamp"' in collected.gaps[0].detail


async def test_source_test_tells_people_and_doubts(tmp_path: Path) -> None:
    """A row that cannot be read and a file that is not there are lines, never errors."""
    async with lent_context(tmp_path) as ctx:
        [missing] = await SOURCE.test(config(), ctx)
        write(tmp_path, f"{HEADER}a@x,,,active,,\nshort\n")
        read, doubt = await SOURCE.test(config(), ctx)
    assert (missing.ok, missing.costs) == (False, ("person",))
    assert (read.ok, read.detail) == (True, f"1 people as of {rfc3339(EXPORTED)}")
    assert (doubt.ok, "line 3" in doubt.detail) == (False, True)


FAULTS = [
    pytest.param({"path": ""}, "path: ", id="no path"),
    pytest.param({"timezone": "Mars/Olympus"}, "timezone: ", id="no such time zone"),
    pytest.param({"delimiter": ";;"}, "delimiter: ", id="two characters"),
    pytest.param({"encoding": "utf-9"}, "encoding: ", id="no such encoding"),
    pytest.param({"encoding": "base64"}, "encoding: ", id="an encoding that is none of text"),
    pytest.param({"date_format": "%d.%m."}, "date_format: ", id="no year"),
    pytest.param({"status_values": {"leave": ["Active"]}}, "status_values.leave: ", id="a word for two"),
]


@pytest.mark.parametrize(("keys", "start"), FAULTS)
def test_a_fault_of_the_configuration_starts_with_its_key(tmp_path: Path, keys: dict[str, object], start: str) -> None:
    """What the types cannot say is found before a run."""
    assert SOURCE.check is not None
    assert [fault[: len(start)] for fault in SOURCE.check(config(**keys), tmp_path)] == [start]


def test_a_sound_configuration_has_no_fault(tmp_path: Path) -> None:
    """The example of the documentation is sound."""
    assert SOURCE.check is not None
    assert SOURCE.check(config(timezone="Europe/Berlin", delimiter="\t", date_format="%d.%m.%Y"), tmp_path) == []
