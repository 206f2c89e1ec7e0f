"""The query protocol of AWS: an action is a form that is posted, and its answer is XML.

The XML is read without a document type, hence without entities, to a bounded depth, and becomes typed data.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, TypeVar
from urllib.parse import urlencode
from xml.etree.ElementTree import Element, ParseError, fromstring

import msgspec

from checks.model.doubt import Cause
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unreachable
from sources.common.http import Answer, Api, Ask, Authorize, Explain
from sources.common.sigv4 import Keys, Scope, signed_headers

T = TypeVar("T")
P = TypeVar("P", bound="Paged")

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8", "Accept": "text/xml"}
_DEEPEST: Final = 64
_SKEW: Final = timedelta(minutes=5)
_WHERE: Final = re.compile(r"at `([^`]{1,120})`$")
_SLOWER: Final = frozenset(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "TooManyRequestsException"}
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})
_HINTS: Final = (
    (
        {"InvalidClientTokenId", "UnrecognizedClientException", "AuthFailure"},
        "AWS does not know the access key; it was deleted, or belongs elsewhere",
    ),
    (
        {"SignatureDoesNotMatch", "IncompleteSignature", "InvalidSignatureException", "RequestExpired"},
        "{clock}",
    ),
    (
        {"ExpiredToken", "ExpiredTokenException"},
        "the temporary keys are over; renew them, or use those of a role or a user",
    ),
)
_NEW_CODE: Final = "which this source does not expect; report it"


class Paged(msgspec.Struct, frozen=True, kw_only=True):
    """What every answer in pages has."""

    is_truncated: bool = msgspec.field(name="IsTruncated")
    """Whether there is more; an answer that does not say is new to us."""
    marker: str | None = msgspec.field(name="Marker", default=None)
    """What to ask the next page with."""


class AwsFault(Refused):
    """AWS answers with an error code; ``code`` says which."""

    def __init__(self, message: str, code: str, *, cause: Cause | None = None) -> None:
        """Keep the code beside the message."""
        super().__init__(message, cause=cause)
        self.code = code


class AwsDenied(AwsFault):
    """The keys lack a permission; an operator grants it."""


@dataclass(frozen=True, slots=True)
class Query:
    """One service of AWS, asked through ``api``."""

    name: str
    """Name of the configured source."""
    api: Api
    service: str
    """What its permissions start with, as ``iam``."""
    version: str
    """Version of its API, as ``2010-05-08``."""
    pages: int = 1000
    """Pages of one list."""

    async def call(self, action: str, kind: type[T], params: Mapping[str, str] | None = None) -> T:
        """Ask for an action, and decode its result.

        Raises:
            AwsDenied: a permission is missing.
            AwsFault: AWS refuses otherwise; ``code`` is its own word.
            Malformed: the answer is no XML that we know.
        """
        words = f"{self.service}:{action}"
        form = {"Action": action, "Version": self.version, **(params or {})}
        answer = await self.api.post("", urlencode(form).encode(), headers=_FORM, words=words)
        result = _result(f"{self.name}: {words}", answer.body, f"{action}Result")
        try:
            return msgspec.convert(result, kind, strict=False)
        except msgspec.ValidationError as error:
            where = _WHERE.search(str(error))
            message = f"{self.name}: {words} answered with a shape that is new to us at {where[1] if where else '$'}"
            raise Malformed(f"{message}; report it") from None

    async def each_page(
        self, action: str, kind: type[P], params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[P, None]:
        """Follow the markers of a list to its end; raises ``Truncated`` at the page cap or when they do not move on."""
        words, marker = f"{self.name}: {self.service}:{action}", None
        for _ in range(self.pages):
            page = await self.call(action, kind, {**(params or {}), **({"Marker": marker} if marker else {})})
            yield page
            if not page.is_truncated:
                return
            if page.marker is None or page.marker == marker:
                raise Truncated(f"{words} says that there is more, and not how to ask for it")
            marker = page.marker
        raise Truncated(f"{words}: there is more after {self.pages} pages, which is our cap")


def signing(keys: Keys, scope: Scope, clock: Callable[[], datetime]) -> Authorize:
    """Sign every attempt at its own instant."""

    async def authorize(ask: Ask) -> Mapping[str, str]:
        return signed_headers(keys, scope, ask.method, ask.url, ask.headers, ask.body or b"", clock())

    return authorize


def explaining(name: str, clock: Callable[[], datetime]) -> Explain:
    """Read the error codes of AWS for messages of the source ``name``."""

    def explain(answer: Answer) -> SourceError | None:
        try:
            told = plain(parse(answer.body))
        except (ParseError, ValueError):
            return None
        error = told.get("Error") if isinstance(told, dict) else None
        code = error.get("Code") if isinstance(error, dict) else None
        return _meaning(f"{name}: {answer.asked}", str(code), answer, clock()) if code else None

    return explain


def parse(body: bytes) -> Element:
    """Parse XML that has no document type; raises ``ValueError`` or ``ParseError``."""
    text = body.decode()
    if "<!DOCTYPE" in text:
        raise ValueError("a document type is refused")
    return fromstring(text)  # noqa: S314 - there is no document type, hence no entity to expand


def plain(element: Element, depth: int = 0) -> Any:
    """Turn XML into lists (``member``), maps (``entry``), objects and texts; nothing inside is None.

    Raises:
        ValueError: it is nested too deeply.
    """
    if depth > _DEEPEST:
        raise ValueError("the answer is nested too deeply")
    children = [(child.tag.rpartition("}")[2], plain(child, depth + 1)) for child in element]
    tags = {tag for tag, _ in children}
    if not children:
        return element.text
    if tags == {"member"}:
        return [value for _, value in children]
    if tags == {"entry"}:
        return {value.get("key"): value.get("value") for _, value in children if isinstance(value, dict)}
    return dict(children)


def _result(words: str, body: bytes, tag: str) -> Any:
    try:
        told = plain(parse(body))
    except (ParseError, ValueError):
        raise Malformed(f"{words} answered what is not XML; is there a proxy between?") from None
    if not isinstance(told, dict) or tag not in told:
        raise Malformed(f"{words} answered without a {tag}; report it")
    return told[tag] if told[tag] is not None else {}


def _meaning(words: str, code: str, answer: Answer, now: datetime) -> SourceError:
    said = f"{words} answered {code}"
    if code in _SLOWER:
        return Throttled(f"{said}: too many requests for this account; ask less often")
    if answer.status >= 500:
        return Unreachable(f"{said}: AWS has a fault; see its health page")
    if code in _DENIED:
        grant = f"grant {answer.asked}, which a boundary or a service control policy may forbid too"
        return AwsDenied(f"{said}: {grant}", code)
    hint = next((hint for codes, hint in _HINTS if code in codes), _NEW_CODE)
    return AwsFault(f"{said}: {hint.format(clock=_clock_hint(answer, now))}", code)


def _clock_hint(answer: Answer, now: datetime) -> str:
    """Tell a clock that is wrong from a secret that is wrong, by the server's own time."""
    try:
        skew = abs((parsedate_to_datetime(answer.headers.get("date", "")) - now).total_seconds())
    except (ValueError, TypeError):
        skew = 0.0
    if skew > _SKEW.total_seconds():
        return f"our clock and that of AWS are {skew:.0f} s apart; set the clock"
    return "the secret access key does not belong to the access key id; store both again"
