"""An attestation is proven as far as its document: claimed without one, held unread, or read since it was issued."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from checks.model.facts import compared
from checks.model.judgement import Judgement, failed, passed, warned
from checks.model.untold import not_told, untold
from checks.model.use import SKEW

if TYPE_CHECKING:
    from checks.model.records import Attestation

NOTHING = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The digest of a document without a single octet."""
DOCUMENT_READS = frozenset(
    {
        "attestation.document",
        "attestation.document_digest",
        "attestation.document_intact",
        "attestation.issued_at",
        "attestation.reviewed_by",
        "attestation.reviewed_at",
    },
)
"""The fields that this module reads."""

CHANGED, NO_DOCUMENT = "has a document that is missing or has changed", "has a document that is not told"
EMPTY = "has a document that is empty"
CLAIMED, UNREAD = "is claimed, without a document", "has a document that nobody has reviewed since it was issued"
DOCUMENT_EXPLAIN = {
    EMPTY: "Get the document itself, review it, and register the review.",
    CHANGED: "Put the document back, or review the new one and register the review.",
    NO_DOCUMENT: "Register the document's path, and let the engine read it.",
    CLAIMED: "Get the document and register it.",
    UNREAD: "Read the document, then set `reviewed_by` and `reviewed_on`.",
}
"""What to do about each of them."""


def proven(attestation: Attestation, now: datetime) -> Judgement:
    """Judge how far it was proven: claimed, its document held, its document reviewed."""
    if attestation.document == "":
        return warned(CLAIMED, {}, depth="claimed")
    if attestation.document_intact is False:
        return failed(CHANGED, compared(digest=attestation.document_digest))
    if attestation.document_digest == NOTHING:
        return failed(EMPTY, compared(digest=NOTHING))
    missing = not_told(attestation, ("document", "document_intact", "document_digest"))
    if missing:
        return untold(attestation, NO_DOCUMENT, missing)
    return _review(attestation, now)


def _review(attestation: Attestation, now: datetime) -> Judgement:
    """Judge whether somebody has reviewed the document since it was issued."""
    issued, reviewed = attestation.issued_at, attestation.reviewed_at
    facts = compared(reviewed_at=reviewed, issued_at=issued)
    signed = any(letter.isalnum() for letter in attestation.reviewed_by or "")
    if not signed or reviewed is None or issued is None or reviewed < issued:
        return warned(UNREAD, facts, depth="document")
    if reviewed - now > SKEW:
        return warned(UNREAD, facts, until=reviewed - SKEW, depth="document")
    return passed(depth="reviewed")
