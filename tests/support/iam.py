"""A canned IAM on loopback, for what no emulator does: the root user, pages, errors; it remembers what it was asked."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.clock import NOW

ACCOUNT: Final = "111122223333"
MADE: Final = "2026-11-21T03:30:00+00:00"
"""When the canned report was made: two hours before ``NOW``."""
NAMESPACE: Final = "https://iam.amazonaws.com/doc/2010-05-08/"
NOBODY: Final = {
    "user_creation_time": "2024-05-02T10:00:00+00:00",
    "password_enabled": "false",
    "password_last_used": "N/A",
    "password_last_changed": "N/A",
    "password_next_rotation": "N/A",
    "mfa_active": "false",
    **{
        f"access_key_{slot}_{word}": told
        for slot in (1, 2)
        for word, told in (
            ("active", "false"),
            ("last_rotated", "N/A"),
            ("last_used_date", "N/A"),
            ("last_used_region", "N/A"),
            ("last_used_service", "N/A"),
        )
    },
    **{f"cert_{slot}_{word}": told for slot in (1, 2) for word, told in (("active", "false"), ("last_rotated", "N/A"))},
}
"""A user without anything, in the report's columns and order."""
PERSON: Final = {"password_enabled": "true", "password_last_used": "2026-11-20T08:00:00+00:00"}
KEY: Final = {
    "access_key_1_active": "true",
    "access_key_1_last_rotated": "2026-10-01T00:00:00+00:00",
    "access_key_1_last_used_date": "2026-11-19T00:00:00+00:00",
}
ROOT: Final = {"user": "<root_account>", "arn": f"arn:aws:iam::{ACCOUNT}:root", "password_enabled": "not_supported"}

Answer = tuple[int, str]
Answers = Callable[[Mapping[str, str]], Answer]


def arn_of(user: str) -> str:
    """Name a user as AWS does."""
    return f"arn:aws:iam::{ACCOUNT}:user/{user}"


def row(user: str, *parts: Mapping[str, str], **cells: str) -> dict[str, str]:
    """Write a row of the report."""
    base = {"user": user, "arn": arn_of(user), **NOBODY}
    for part in parts:
        base |= part
    return base | cells


def root(**cells: str) -> dict[str, str]:
    """Write the row of the root user, who has a device and was never used."""
    told = {"password_last_used": "no_information", "mfa_active": "true"}
    return {"user": "", "arn": "", **NOBODY, **ROOT, **told, **cells}


def table(*rows: Mapping[str, str]) -> str:
    """Write the report's text."""
    text = io.StringIO()
    head = list(rows[0]) if rows else ["user", "arn", *NOBODY]
    writer = csv.DictWriter(text, head, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def result(action: str, inner: str) -> Answer:
    """Wrap a result as the query protocol does."""
    body = f"<{action}Result>{inner}</{action}Result><ResponseMetadata><RequestId>r1</RequestId></ResponseMetadata>"
    return 200, f'<{action}Response xmlns="{NAMESPACE}">{body}</{action}Response>'


def error(code: str, status: int = 400, message: str = "a-token-that-nobody-may-see") -> Answer:
    """Write an error."""
    inner = f"<Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message>"
    return status, f'<ErrorResponse xmlns="{NAMESPACE}"><Error>{inner}</Error></ErrorResponse>'


def report(text: str, made: str = MADE) -> Answer:
    """Write the answer with a credential report."""
    content = base64.b64encode(text.encode()).decode()
    inner = f"<Content>{content}</Content><ReportFormat>text/csv</ReportFormat><GeneratedTime>{made}</GeneratedTime>"
    return result("GetCredentialReport", inner)


def summary(**counts: int) -> Answer:
    """Write an account summary."""
    entries = "".join(f"<entry><key>{name}</key><value>{count}</value></entry>" for name, count in counts.items())
    return result("GetAccountSummary", f"<SummaryMap>{entries}</SummaryMap>")


def members(tag: str, *items: str) -> str:
    """Write a list; an empty one is an empty element."""
    return f"<{tag}>{''.join(f'<member>{item}</member>' for item in items)}</{tag}>"


def inline(document: str, name: str = "inline") -> str:
    """Write a policy of one user or group."""
    return f"<PolicyName>{name}</PolicyName><PolicyDocument>{quote(document)}</PolicyDocument>"


def attached(name: str, arn: str) -> str:
    """Write a managed policy that is attached."""
    return f"<PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn>"


def detail(
    user: str,
    *,
    inlines: tuple[str, ...] = (),
    groups: tuple[str, ...] = (),
    managed: tuple[str, ...] = (),
    created: str = "2024-05-02T10:00:00Z",
) -> str:
    """Write a user with what is attached."""
    lists = members("UserPolicyList", *inlines) + members("GroupList", *groups)
    lists += members("AttachedManagedPolicies", *managed)
    return (
        f"<Path>/</Path><UserName>{user}</UserName><Arn>{arn_of(user)}</Arn><CreateDate>{created}</CreateDate>{lists}"
    )


def group(name: str, *, inlines: tuple[str, ...] = (), managed: tuple[str, ...] = ()) -> str:
    """Write a group with what is attached."""
    lists = members("GroupPolicyList", *inlines) + members("AttachedManagedPolicies", *managed)
    return f"<GroupName>{name}</GroupName>{lists}"


def policy(arn: str, *documents: str) -> str:
    """Write a managed policy whose last version is the default one."""
    last = len(documents) - 1
    versions = [
        f"<Document>{quote(text)}</Document><VersionId>v{at}</VersionId>"
        f"<IsDefaultVersion>{str(at == last).lower()}</IsDefaultVersion>"
        for at, text in enumerate(documents)
    ]
    return f"<Arn>{arn}</Arn>{members('PolicyVersionList', *versions)}"


def details(
    *users: str, groups: tuple[str, ...] = (), policies: tuple[str, ...] = (), marker: str | None = None
) -> Answer:
    """Write a page of authorization details; with a marker there is more."""
    lists = members("UserDetailList", *users) + members("GroupDetailList", *groups) + members("Policies", *policies)
    return result("GetAccountAuthorizationDetails", lists + _more(marker))


def devices(*serials: str, marker: str | None = None) -> Answer:
    """Write a page of a user's devices."""
    items = [f"<UserName>u</UserName><SerialNumber>{serial}</SerialNumber>" for serial in serials]
    return result("ListMFADevices", members("MFADevices", *items) + _more(marker))


def virtuals(*owners: str) -> Answer:
    """Write the virtual devices of the owners' ARNs."""
    items = [f"<SerialNumber>arn:aws:iam::1:mfa/x</SerialNumber><User><Arn>{arn}</Arn></User>" for arn in owners]
    return result("ListVirtualMFADevices", members("VirtualMFADevices", *items) + _more(None))


def _more(marker: str | None) -> str:
    told = f"<IsTruncated>{str(marker is not None).lower()}</IsTruncated>"
    return told if marker is None else f"{told}<Marker>{marker}</Marker>"


@dataclass
class Iam:
    """What the canned IAM answers, by action: an answer, or a function of what it is asked."""

    answers: dict[str, Answer | Answers | list[Answer]] = field(default_factory=dict)
    asked: list[Mapping[str, str]] = field(default_factory=list)
    """The form of each request."""
    headers: list[Mapping[str, str]] = field(default_factory=list)
    date: str = NOW.strftime("%a, %d %b %Y %H:%M:%S GMT")
    """What its clock tells."""

    def times(self, action: str) -> int:
        """Count the requests for an action."""
        return sum(form["Action"] == action for form in self.asked)

    def answer(self, form: Mapping[str, str]) -> Answer:
        """Answer one request; a list gives its answers in turn, the last one for ever."""
        told = self.answers.get(form["Action"])
        if told is None:
            return error("AccessDenied", 403)
        if isinstance(told, list):
            return told[min(self.times(form["Action"]), len(told)) - 1]
        return told(form) if callable(told) else told


@asynccontextmanager
async def serving_iam(iam: Iam) -> AsyncIterator[str]:
    """Serve it on loopback and give its address."""

    async def handle(request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        iam.asked.append(form)
        iam.headers.append(dict(request.headers))
        status, body = iam.answer(form)
        return web.Response(status=status, text=body, content_type="text/xml", headers={"Date": iam.date})

    app = web.Application()
    app.router.add_post("/", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")
