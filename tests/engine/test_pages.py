"""A page tells its records apart by type, each with its own line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from checks.model import codec
from checks.model.records import Account, Credential, Person, Record
from engine.blobs import FolderBlobs
from engine.pages import Page, pages
from tests.support.builders import account, credential, person
from tests.support.judging import manifest

MIXED: Sequence[Record] = (credential("k1"), account("ana"), person("ana"), account("bea"), credential("k2"))


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(MIXED, id="mixed"),
        pytest.param(MIXED[1:2], id="one-type"),
        pytest.param((account("ana", label="a\nb\r\x0b\x0c\u2028c"),), id="line-ends-inside"),
        pytest.param((), id="empty"),
    ],
)
def test_each_record_stands_beside_its_own_line(records: Sequence[Record]) -> None:
    """Records and lines of a type come in one order, so that a line can be kept in place of its record."""
    page = Page(codec.encode_lines(records), records)

    for kind in (Account, Credential, Person):
        expected = [record for record in records if type(record) is kind]
        assert list(page.of(kind)) == expected
        assert [codec.decode(line) for line in page.lines_of(kind)] == expected


def test_several_types_come_one_after_the_other() -> None:
    """All records of some types are given, and no other."""
    page = Page(codec.encode_lines(MIXED), MIXED)

    assert [record.id for record in page.of(Account, Credential)] == ["ana", "bea", "k1", "k2"]


async def test_a_blob_is_read_whole_whatever_its_pages(tmp_path: Path) -> None:
    """The pages of a blob hold all of its records, in order."""
    blobs = FolderBlobs(tmp_path)
    records = [account(f"a{number}") for number in range(3_000)]
    body = codec.encode_lines(records)
    blobs.put(body)

    read = [page async for page in pages(manifest(body=body), blobs)]

    assert len(read) > 1
    assert [record for page in read for record in page.records] == records
