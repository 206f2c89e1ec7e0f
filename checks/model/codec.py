"""A blob of records is deterministic JSON Lines: one record a line, in order of arrival."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from checks.model.records import Account, Attestation, Backup, BackupSet, Credential, Person, TlsEndpoint
from checks.model.units import plain

if TYPE_CHECKING:
    from checks.model.records import Record

AnyRecord = Account | Credential | Person | BackupSet | Backup | TlsEndpoint | Attestation

_ENCODER = msgspec.json.Encoder(order="deterministic", enc_hook=plain)
_DECODER: msgspec.json.Decoder[AnyRecord] = msgspec.json.Decoder(AnyRecord)


def encode(record: Record) -> bytes:
    """Encode one record as one line, without the newline."""
    return _ENCODER.encode(record)


def encode_lines(records: Iterable[Record]) -> bytes:
    """Encode records as JSON Lines, each line ended by a newline."""
    return _ENCODER.encode_lines(records)


def decode(line: bytes) -> AnyRecord:
    """Decode one line; raises ``msgspec.ValidationError`` on an unknown version or a wrong shape."""
    return _DECODER.decode(line)


def decode_lines(lines: bytes) -> list[AnyRecord]:
    """Decode JSON Lines; raises ``msgspec.ValidationError`` on an unknown version or a wrong shape."""
    return _DECODER.decode_lines(lines)
