"""The credential report of an AWS account: a table of its users and their credentials that is up to four hours old.

Columns are found by name. A word that is none of those documented is not told, and never taken for "no".
Read: docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html, 2026-11-21.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from sources.common.aws_query import AwsDenied, AwsFault, Query
from sources.common.errors import Malformed, Truncated, Unreachable
from sources.common.limits import Timing
from sources.common.source import Context

LONGEST_AGE: Final = timedelta(hours=4)
"""How old a report may be that AWS gives: it makes a new one at most as often."""
SLOTS: Final = (1, 2)
"""Numbers of the access keys and signing certificates of a user."""
ROOT: Final = "<root_account>"
KEYS_TRACKED: Final = datetime(2015, 4, 22, tzinfo=UTC)
"""Since when AWS tracks the last use of access keys; that of passwords it tracks since 2014-10-20."""
NONE: Final = frozenset({"N/A", "no_information", "not_supported"})
"""What stands where there is no such instant."""
_COLUMNS: Final = frozenset(
    {
        *("user", "arn", "user_creation_time", "password_enabled", "password_last_used", "mfa_active"),
        *(f"access_key_{slot}_{word}" for slot in SLOTS for word in ("active", "last_rotated", "last_used_date")),
        *(f"cert_{slot}_{word}" for slot in SLOTS for word in ("active", "last_rotated")),
    },
)
_EMPTY: Final = frozenset({"", "[]", "{}"})
_TRUTHS: Final = {"true": True, "false": False}
_NOT_THERE: Final = frozenset({"ReportNotPresent", "ReportExpired", "ReportInProgress"})
_POLLS: Final = 40
_LONGEST_WAIT: Final = 10.0
_AHEAD: Final = timedelta(minutes=5)


class _State(msgspec.Struct, frozen=True, rename="pascal"):
    state: str


class _Content(msgspec.Struct, frozen=True, rename="pascal"):
    content: str
    generated_time: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One user, or the root user, as the report tells it."""

    cells: Mapping[str, str]

    @property
    def user(self) -> str:
        """The user's name, or ``<root_account>``."""
        return self.cells["user"]

    @property
    def arn(self) -> str:
        """The user's ARN."""
        return self.cells["arn"]

    @property
    def is_root(self) -> bool:
        """Whether this is the account's root user."""
        return self.user == ROOT

    def truth(self, column: str) -> bool | None:
        """Read true or false, whatever their case; None for any other word, or a column that is not there."""
        return _TRUTHS.get(self.cells.get(column, "").lower())

    def has(self, column: str) -> bool:
        """Tell whether the column holds something besides the words for nothing."""
        return self.cells.get(column, "") not in NONE | _EMPTY

    def moment(self, column: str) -> datetime | None:
        """Read an instant, UTC; None for the words for nothing, and for what is no instant."""
        try:
            moment = datetime.fromisoformat(self.cells.get(column, ""))
        except ValueError:
            return None
        return moment.astimezone(UTC) if moment.tzinfo is not None else None

    def nothing(self, column: str) -> bool:
        """Tell whether the column says in a documented word that there is nothing."""
        return self.cells.get(column) in NONE


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report."""

    rows: Sequence[Row]
    generated: datetime
    """When AWS says that it made the report, UTC."""
    as_of: datetime
    """The instant that its data are surely no older than, UTC."""
    extra: int
    """Users of whom the report says that they have more credentials than it shows."""

    @property
    def contradicted(self) -> bool:
        """Whether its rows tell of what happened after the report was made, as it says."""
        return self.as_of != self.generated


async def read_report(iam: Query, ctx: Context, timing: Timing) -> Report:
    """Have a report made, and read it.

    Raises:
        Refused: GetCredentialReport is denied, or GenerateCredentialReport is and nobody else had one made.
        Unreachable: the report is not ready in the time of this run.
        Malformed: it is not the table that we know.
        Truncated: a row is cut off.
    """
    content, fresh = await _content(iam, timing)
    rows = parse_rows(ctx.name, content.content)
    generated = content.generated_time.astimezone(UTC)
    extra = sum(row.has("additional_credentials_info") for row in rows)
    return Report(rows, generated, data_time(rows, generated, ctx.started, made_by_us=fresh), extra)


def data_time(rows: Sequence[Row], generated: datetime, started: datetime, *, made_by_us: bool) -> datetime:
    """Tell the instant that the report's data are surely no older than.

    It is what AWS says, unless the rows contradict that by telling of something later, or it lies in the future. Then
    the stamp is no proof, and what we know is that AWS made the report anew if it was older than four hours.
    """
    newest = max((moment for row in rows for name in row.cells if (moment := row.moment(name))), default=generated)
    if generated > started + _AHEAD:
        return started - LONGEST_AGE
    if made_by_us and newest > generated:
        return max(generated, started - LONGEST_AGE)
    return generated


def parse_rows(name: str, content: str) -> list[Row]:
    """Decode the table; raises ``Malformed`` or ``Truncated``."""
    try:
        text = base64.b64decode("".join(content.split()), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise Malformed(f"{name}: the credential report is not base64 of UTF-8 text; report it") from None
    head, *lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line] or [[]]
    missing = sorted(_COLUMNS - set(head))
    if missing or len(set(head)) != len(head):
        raise Malformed(f"{name}: the credential report lacks {', '.join(missing) or 'a name for a column'}; report it")
    if any(len(line) != len(head) for line in lines):
        raise Truncated(f"{name}: the credential report has a row of other columns than its head; it was cut off")
    return [Row(dict(zip(head, line, strict=True))) for line in lines]


async def _content(iam: Query, timing: Timing) -> tuple[_Content, bool]:
    """Poll until the report is there; also tell whether we had it made."""
    wait, denied = 0.5, None
    for _ in range(_POLLS):
        ready, denied = await _generate(iam)
        content = await _get(iam) if ready else None
        if content is not None:
            return content, denied is None
        if denied is not None:
            raise denied
        if wait > iam.api.left():
            break
        await timing.sleep(wait)
        wait = min(wait * 1.5, _LONGEST_WAIT)
    raise Unreachable(f"{iam.name}: the credential report was not ready in the time of this run; raise timeout")


async def _generate(iam: Query) -> tuple[bool, AwsDenied | None]:
    """Have a report made; one that somebody else had made may be there even if we may not."""
    try:
        return (await iam.call("GenerateCredentialReport", _State)).state == "COMPLETE", None
    except AwsDenied as fault:
        return True, fault


async def _get(iam: Query) -> _Content | None:
    try:
        return await iam.call("GetCredentialReport", _Content)
    except AwsFault as fault:
        if fault.code not in _NOT_THERE:
            raise
        return None
