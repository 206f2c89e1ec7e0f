"""Rows of a delimited text file (RFC 4180): those that can be read are given, the others noted, none is left out."""

from __future__ import annotations

import codecs
import csv
import difflib
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _csv import Reader

_SHOWN: Final = 5
"""Faults that are told one by one."""
_BITS: Final = 26
"""Width of the filter for repeated cells."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a file is written."""

    delimiter: str = ","
    """The character between cells."""
    encoding: str = "utf-8"
    """Encoding; a byte order mark is accepted."""


@dataclass(slots=True)
class Rows:
    """The rows of a file after its header."""

    reader: Reader
    """Reads strictly: a quote in the wrong place is a fault."""
    header: list[str]
    """Names of the columns, stripped, without empty ones at the end."""
    shown: list[str] = field(default_factory=list)
    """The first faults, each with its line."""
    faults: int = 0
    """How many rows could not be read."""

    def __iter__(self) -> Iterator[list[str]]:
        """Give the rows that can be read, as wide as the header; one that is empty all over is none."""
        width = len(self.header)
        while True:
            try:
                for row in self.reader:
                    if len(row) == width and "\0" not in (text := "".join(row)) and text.strip():
                        yield row
                    elif any(cell.strip() for cell in row):
                        yield from self._odd(row, width)
            except csv.Error as fault:
                self.doubt(str(fault))
            else:
                return

    def doubt(self, reason: str) -> None:
        """Note that the row just given cannot be used."""
        self.faults += 1
        if len(self.shown) < _SHOWN:
            self.shown.append(f"line {self.reader.line_num}: {reason}")

    def repeated(self, column: str) -> frozenset[str]:
        """Read to the end, and name the cells of a column, lower case, that may occur more than once.

        Every one that does is among them; of a million others, some 1.5 % are too. Memory is 8 MiB.
        """
        at, mask = self.header.index(column), (1 << _BITS) - 1
        seen = bytearray(1 << (_BITS - 3))
        found: set[str] = set()
        for row in self:
            cell = row[at].strip().lower()
            place = zlib.crc32(cell.encode()) & mask
            bit = 1 << (place & 7)
            if seen[place >> 3] & bit:
                found.add(cell)
            else:
                seen[place >> 3] |= bit
        return frozenset(found)

    def told(self) -> str:
        """Tell the faults in one line."""
        more = self.faults - len(self.shown)
        return "; ".join(self.shown) + (f"; and {more} more" if more else "")

    def _odd(self, row: list[str], width: int) -> Iterator[list[str]]:
        """Give a row that has only empty cells too many, and note any other."""
        if "\0" in "".join(row):
            self.doubt("a NUL character")
        elif len(row) < width or any(cell.strip() for cell in row[width:]):
            self.doubt(f"{len(row)} cells under a header of {width}")
        else:
            yield row[:width]


def open_text(handle: BinaryIO, dialect: Dialect) -> io.TextIOWrapper:
    """Decode a file as it is read; raises ``LookupError`` on an unknown encoding."""
    encoding = "utf-8-sig" if codecs.lookup(dialect.encoding).name == "utf-8" else dialect.encoding
    return io.TextIOWrapper(handle, encoding=encoding, newline="")


def read_rows(text: io.TextIOWrapper, dialect: Dialect) -> Rows:
    """Start at the header of the file, and at its first byte; raises ``ValueError`` when there is no header."""
    text.seek(0)
    reader = csv.reader(text, delimiter=dialect.delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
    except csv.Error as fault:
        raise ValueError(f"line {reader.line_num}: {fault}") from fault
    while header and not header[-1]:
        header.pop()
    if not header:
        raise ValueError("line 1: no header; the first line names the columns")
    return Rows(reader, header)


def column_faults(header: Sequence[str], wanted: Mapping[str, str]) -> list[str]:
    """Name every wanted column (a key of the configuration, and a name) that is not in the header exactly once."""
    found: list[str] = []
    for key, name in wanted.items():
        count = header.count(name)
        if count > 1:
            found.append(f'{key}: {count} columns "{name}"')
        elif count == 0:
            lower = {cell.lower(): cell for cell in header}
            near = difflib.get_close_matches(name.lower(), lower, n=1)
            found.append(f'{key}: no column "{name}"' + (f', did you mean "{lower[near[0]]}"?' if near else ""))
    return [*found, "the header is one column: is the delimiter right?"] if found and len(header) == 1 else found


def undecodable(handle: BinaryIO, encoding: str, fault: UnicodeDecodeError) -> str:
    """Say where a file is not in its encoding, by line and column where lines can be told apart."""
    handle.seek(0)
    for number, line in enumerate(handle, 1):
        try:
            line.decode(encoding)
        except UnicodeDecodeError as here:
            return f"line {number}, column {here.start + 1}: not {encoding} ({here.reason})"
    return f"not {encoding} ({fault.reason})"


def is_encoding(name: str) -> bool:
    """Tell whether Python knows a text encoding of that name."""
    try:
        "".encode(name)
    except LookupError:
        return False
    return True
