"""Documents that people reviewed: hashed as they are now, and compared with what they were at the review.

A document counts as reviewed as it was when the day of the review was first seen. It is intact while its SHA-256 is
that of then, and again after that day has moved on; a digest that the register states decides instead.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import msgspec

from checks.model.doubt import Cause
from checks.model.records import Attestation, Record
from sources.common.errors import SourceError, Unreachable
from sources.common.local import file_error, open_regular

LIMIT: Final = 512 << 20
"""The longest document that is hashed, in octets."""
_CHUNK: Final = 1 << 20
_HEX: Final = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is now."""

    digest: str | None = None
    """``sha256:…``; None: it could not be read, or there is none."""
    cause: Cause | None = None
    """Why it could not be read; None: it was, or there is none."""
    fault: str = ""
    """The same, for people."""


NO_DOCUMENT: Final = Document()


@dataclass(frozen=True, slots=True)
class Review:
    """What a register says of a review."""

    id: str
    """The attestation."""
    on: date | None
    """Day of the review; None: nobody has reviewed it."""
    stated: str | None
    """The digest that the register states, as ``stated_digest`` writes it; None: it states none."""


class Reviewed(msgspec.Struct, frozen=True):
    """The document that a review was of."""

    on: date
    """Day of the review."""
    digest: str
    """``sha256:…``, as it was when the review was first seen; empty: all that is known is that it has changed."""


def read_document(path: Path, name: str, limit: int = LIMIT) -> Document:
    """Hash a document; blocking. One that cannot be read is a fact, not an error."""
    try:
        with open_regular(path, name, "document") as handle:
            if os.fstat(handle.fileno()).st_size > limit:
                return Document(None, Cause.UNSUPPORTED, f"{path} is longer than {limit >> 20} MiB, and is not hashed")
            digest = hashlib.sha256()
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
    except SourceError as doubt:
        return Document(None, doubt.cause, str(doubt))
    except OSError as fault:
        error = file_error(fault, path, name, "document")
        return Document(None, error.cause, str(error))
    return Document(f"sha256:{digest.hexdigest()}")


def is_intact(
    review: Review,
    document: Document,
    known: MutableMapping[str, Reviewed],
    before: Record | None,
) -> bool | None:
    """Tell whether the document is the one that was reviewed, and keep in ``known`` which that was.

    None: there is no document, or it is too long to tell. One that nobody has reviewed has nothing to differ from.
    ``before`` is the attestation's record in the last complete collection.
    """
    if document.digest is None:
        return None if document.cause in {None, Cause.UNSUPPORTED} else False
    if review.stated is not None:
        return document.digest == review.stated
    if review.on is None:
        return True
    reviewed = known.get(review.id) or _reviewed_before(before)
    if reviewed is None or review.on > reviewed.on:
        reviewed = Reviewed(review.on, document.digest)
    known[review.id] = reviewed
    return document.digest == reviewed.digest


def stated_digest(text: str) -> str | None:
    """Write a digest that a register states as records do; None: it cannot be one."""
    digits = text.strip().lower().removeprefix("sha256:")
    return f"sha256:{digits}" if len(digits) == 64 and set(digits) <= _HEX else None


def read_reviews(path: Path) -> dict[str, Reviewed]:
    """Read what was reviewed; nothing where it was never kept or is damaged, and then the evidence tells it."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Reviewed])
    except (OSError, msgspec.DecodeError):
        return {}


def keep_reviews(path: Path, known: Mapping[str, Reviewed], name: str) -> None:
    """Write what was reviewed, whole or not at all; raises ``Unreachable`` when it cannot be kept."""
    fresh = path.with_suffix(".new")
    try:
        fresh.touch(mode=0o600)
        fresh.write_bytes(msgspec.json.encode(known, order="sorted"))
        fresh.replace(path)
    except OSError as fault:
        raise Unreachable(f"{name}: {path} cannot be written: {fault.strerror}; make room for it") from fault


def _reviewed_before(before: Record | None) -> Reviewed | None:
    """Tell from the last complete collection what was reviewed; a document that had changed then is not it."""
    if not isinstance(before, Attestation) or before.reviewed_at is None or before.document_digest is None:
        return None
    return Reviewed(before.reviewed_at.date(), before.document_digest if before.document_intact is True else "")
