"""A file of a roster may be written in many ways; one that is none, is not there or changes meanwhile tells nobody."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from sources.common.errors import Busy, Malformed, Refused, SourceError, Unconfigured
from sources.roster import SOURCE
from tests.support.context import collect, lent_context
from tests.support.denied import denied
from tests.support.roster import HEADER, config, people, told, write

DIALECTS = [
    pytest.param((HEADER + "a@x,,Zoë,active,,\n").encode("utf-8-sig"), {}, id="a byte order mark"),
    pytest.param((HEADER + "a@x,,Zoë,active,,\n").encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16"),
    pytest.param((HEADER + "a@x,,Zoë,active,,\n").encode("cp1252"), {"encoding": "cp1252"}, id="cp1252"),
    pytest.param((HEADER + "a@x,,Zoë,active,,\n").replace(",", ";").encode(), {"delimiter": ";"}, id="semicolons"),
    pytest.param((HEADER + "a@x,,Zoë,active,,\n").replace("\n", "\r\n").encode(), {}, id="CRLF"),
    pytest.param((HEADER + '\n"a@x","","Zoë","active","",""\n,,,,,\n').encode(), {}, id="quotes and empty rows"),
    pytest.param((HEADER[:-1] + ",,\na@x,,Zoë,active,,,,\n").encode(), {}, id="empty columns at the end"),
]


@pytest.mark.parametrize(("content", "keys"), DIALECTS)
async def test_a_roster_is_read_as_it_is_written(tmp_path: Path, content: bytes, keys: dict[str, object]) -> None:
    """Delimiters, encodings and line ends of the usual tools all give the same person."""
    collected = await told(tmp_path, content, config(**keys))
    assert [(one.id, one.label) for one in people(collected).values()] == [("a@x", "Zoë")]
    assert collected.gaps == ()


FILES = [
    pytest.param(b"", Malformed, "no header", id="nothing at all"),
    pytest.param(b"\n\n", Malformed, "no header", id="empty lines only"),
    pytest.param(b"mail,aliases,name,status,start,end\n", Unconfigured, 'did you mean "mail"', id="a column renamed"),
    pytest.param(b"email;aliases;name\n", Unconfigured, "is the delimiter right", id="another delimiter"),
    pytest.param((HEADER.strip() + ",status\n").encode(), Unconfigured, '2 columns "status"', id="a column twice"),
    pytest.param(HEADER.encode() + b"a@x,,Zo\xeb,active,,\n", Malformed, "line 2, column 8", id="another encoding"),
]


@pytest.mark.parametrize(("content", "error", "words"), FILES)
async def test_a_file_that_is_no_such_roster_is_an_error(
    tmp_path: Path, content: bytes, error: type[SourceError], words: str
) -> None:
    """The message names the line and the next step, and nobody is told."""
    with pytest.raises(error, match=words):
        await told(tmp_path, content)


async def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    """One run tells the whole fault of a mapping."""
    with pytest.raises(Unconfigured) as caught:
        await told(tmp_path, "email,state,exported\n", config(as_of="stamp"))
    for key in ("columns.aliases", "columns.status", "columns.starts_at", "columns.terminated_at", "as_of"):
        assert f'{key}: no column "' in str(caught.value)


async def test_a_header_alone_tells_nobody(tmp_path: Path) -> None:
    """An empty roster is for the fold to doubt, not an error here."""
    collected = await told(tmp_path, HEADER)
    assert (collected.records, collected.gaps) == ((), ())


async def test_a_roster_that_is_rewritten_while_it_is_read_is_busy(tmp_path: Path) -> None:
    """Half of one export and half of another is no roster."""
    path = write(tmp_path, HEADER + "".join(f"p{index}@x,,,active,,\n" for index in range(2_500)))
    async with lent_context(tmp_path) as ctx:
        pages = SOURCE.fetch(config(), ctx)
        assert len((await anext(pages)).records) == 1_000
        with path.open("a") as file:
            file.write("new@x,,,active,,\n")
        with pytest.raises(Busy, match="rewritten"):
            await collect(pages)


async def test_a_roster_that_is_replaced_while_it_is_read_is_whole(tmp_path: Path) -> None:
    """A rename leaves the old file to those who have opened it."""
    write(tmp_path, HEADER + "".join(f"p{index}@x,,,active,,\n" for index in range(2_500)))
    async with lent_context(tmp_path) as ctx:
        pages = SOURCE.fetch(config(), ctx)
        first = await anext(pages)
        (tmp_path / "new.csv").write_text(HEADER)
        (tmp_path / "new.csv").replace(tmp_path / "people.csv")
        rest = await collect(pages)
    assert len(first.records) + len(rest.records) == 2_500


async def test_a_roster_that_is_not_there_is_unconfigured(tmp_path: Path) -> None:
    """The message names the path and the key."""
    async with lent_context(tmp_path) as ctx:
        with pytest.raises(Unconfigured, match=r"people\.csv is not there"):
            await collect(SOURCE.fetch(config(), ctx))


async def test_a_folder_or_a_pipe_is_no_roster(tmp_path: Path) -> None:
    """Nobody waits for a pipe that has no writer."""
    (tmp_path / "people.csv").mkdir()
    os.mkfifo(tmp_path / "pipe")
    async with lent_context(tmp_path) as ctx:
        with pytest.raises(Unconfigured, match=r"is no regular file|is a folder"):
            await collect(SOURCE.fetch(config(), ctx))
        with pytest.raises(Unconfigured, match="is no regular file"):
            await collect(SOURCE.fetch(msgspec.structs.replace(config(), path="pipe"), ctx))


async def test_a_roster_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """The message says what to grant."""
    write(tmp_path, HEADER)
    async with lent_context(tmp_path) as ctx:
        with denied(tmp_path, "people.csv"), pytest.raises(Refused, match="grant read access"):
            await collect(SOURCE.fetch(config(), ctx))
