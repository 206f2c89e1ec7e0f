"""A fact that is not told makes a subject unknown, with the cause that its record keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from checks.model.doubt import Cause
from checks.model.judgement import Judgement, unknown
from checks.model.records import type_name

if TYPE_CHECKING:
    from checks.model.judgement import Scalar
    from checks.model.records import Record

_CAUSES = {cause.value: cause for cause in Cause}


def cause_of(record: Record, *fields: str) -> Cause:
    """Tell why the first of the fields that has a cause is not told; ``not_exposed`` when the record keeps none."""
    for field in fields:
        word = record.why.get(field)
        if word is not None:
            return _CAUSES.get(word, Cause.INTERNAL)
    return Cause.NOT_EXPOSED


def untold(
    record: Record,
    reason: str,
    fields: Sequence[str],
    facts: Mapping[str, Scalar] | None = None,
    *,
    of: str | None = None,
    until: datetime | None = None,
) -> Judgement:
    """Say that the subject cannot be judged, because the record does not tell these of its fields."""
    prefix = type_name(type(record))
    names = tuple(f"{prefix}.{field}" for field in fields)
    return unknown(reason, cause_of(record, *fields), names, facts, of=of, until=until)


def not_told(record: Record, fields: Sequence[str]) -> tuple[str, ...]:
    """Name those of the fields that are None."""
    return tuple(field for field in fields if getattr(record, field) is None)


def withheld(record: Record, field: str) -> bool:
    """Tell whether the field is None because it could not be told, rather than because there is nothing to tell."""
    return getattr(record, field) is None and field in record.why


def foreign_word(reason: str, facts: Mapping[str, Scalar], *, of: str | None = None) -> Judgement:
    """Say that the subject cannot be judged, because the provider used a word that is new to us."""
    return unknown(reason, Cause.UNSUPPORTED, facts=facts, of=of)
