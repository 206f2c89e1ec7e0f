"""Findings as a screen sees them: in a list, in one detail, and what hides others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import msgspec

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome
from checks.model.state import State
from engine.port import CheckView, Detail, Event, EvidenceRef, Row
from tests.support.clock import NOW

DAY: Final = timedelta(days=1)
HOUR: Final = timedelta(hours=1)
MINUTE: Final = timedelta(minutes=1)
_REASONS: Final = (
    "no second factor is enrolled",
    "only a weak factor is enrolled",
    "inside the enrolment grace",
    "the source may not read factors",
)


def a_row(number: int = 1, **changes: Any) -> Row:
    """Build a finding that fails."""
    row = Row(
        id=number,
        check="workforce-mfa",
        family="mfa",
        subject=f"okta-prod/00u{number}",
        label=f"user{number:05d}@example.org",
        outcome=Outcome.FAIL,
        reason="no second factor is enrolled",
        facts={"factors": 0, "required": "any factor that is not weak", "last_login": None},
        first_seen=NOW - (number % 40) * DAY - 3 * HOUR,
    )
    return msgspec.structs.replace(row, **changes)


def a_detail(row: Row, view: CheckView) -> Detail:
    """Build a finding's history, evidence and record."""
    return Detail(
        row=row,
        check=view,
        history=[
            Event(at=row.first_seen, kind="finding", what=row.subject, text="opened", state=State.FAIL),
            Event(at=row.first_seen - 30 * DAY, kind="finding", what=row.subject, text="resolved"),
        ],
        evidence=[
            EvidenceRef(
                source=row.subject.partition("/")[0],
                digest="sha256:" + "9f2c" * 16,
                blob="sha256:" + "a1b2" * 16,
                as_of=NOW - 5 * MINUTE,
                records=143,
                complete=True,
            ),
        ],
        record='{"type":"account/1","id":"00u1","label":"user00001@example.org","mfa":false,"factors":[]}\n',
    )


def many_rows(count: int) -> list[Row]:
    """Build findings of all kinds."""
    outcomes = (Outcome.FAIL, Outcome.WARN, Outcome.WARN, Outcome.UNKNOWN)
    return [
        a_row(
            number,
            outcome=outcomes[number % 4],
            cause=Cause.DENIED if number % 4 == 3 else None,
            waiver="WV-22" if number % 29 == 0 else None,
            check="admin-mfa" if number % 17 == 0 else "workforce-mfa",
            reason=_REASONS[number % 4],
        )
        for number in range(1, count + 1)
    ]


def a_gap(source: str = "okta-prod") -> Gap:
    """Build a gap that names what it hides."""
    detail = "GET /api/v1/iam/assignees answered 403; grant okta.roles.read"
    return Gap(source=source, cause=Cause.DENIED, kind="facts", fields=("account.roles",), detail=detail)
