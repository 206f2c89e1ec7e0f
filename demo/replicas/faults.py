"""Faults are scripted, never random: which requests they hit and what happens to them is said beforehand.

``faults.inject("/api/v1/users", Throttled(wait_s=2), nth=3)`` refuses the third request for the users and no other.
Each effect names the page on which a vendor documents it, or the incident class that it stands for.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any, Final, Literal

# ------------------------------------------------------------------------------------- effects on the wire


@dataclass(frozen=True)
class Throttled:
    """The vendor refuses for now, in its own words and headers.

    Okta: 429 with ``X-Rate-Limit-Reset`` and no Retry-After (developer.okta.com/docs/reference/rl-best-practices).
    Graph: 429 with Retry-After (learn.microsoft.com/graph/throttling). GitHub: 403 or 429 with
    ``x-ratelimit-reset``, or ``retry-after`` when it is a secondary limit
    (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api).
    """

    wait_s: int | None = 1
    """Seconds that the headers ask for; None leaves them out, as some Graph services and GitHub's secondary limit do
    (learn.microsoft.com/graph/throttling-limits)."""
    kind: Literal["primary", "secondary", "concurrency"] = "primary"
    """``secondary`` is GitHub's second limit; ``concurrency`` is Okta's, whose reset is only a suggestion."""
    status: Literal[403, 429] = 429
    """GitHub documents both."""


@dataclass(frozen=True)
class Failed:
    """The vendor or the gateway before it breaks.

    Okta E0000009 (developer.okta.com/docs/reference/error-codes), Graph ``serviceNotAvailable`` with an optional
    Retry-After (learn.microsoft.com/graph/errors), GitHub's HTML "Unicorn" page for 502 and 503.
    """

    status: int = 503
    retry_after_s: int | None = None
    html: bool = False
    """Answer with a gateway's HTML page instead of the vendor's JSON."""


@dataclass(frozen=True)
class Stall:
    """The connection stays open and nothing comes, until ``Faults.release`` or the client leaves.

    A time limit of the client's own is the only defence (CWE-400); GitHub's own is said in
    docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api#timeouts.
    """


@dataclass(frozen=True)
class Drop:
    """The connection is reset before an answer (RFC 9110 §9.2.2 asks clients to retry idempotent requests)."""


@dataclass(frozen=True)
class Truncate:
    """The body ends in the middle of the JSON."""

    keep: float = 0.5
    """The share of the bytes that arrives, 0 to 1."""
    honest_length: bool = False
    """True makes Content-Length agree with the cut body, as a cache that stored an incomplete response does (against
    RFC 9111 §3.3); False breaks the connection short of it (RFC 9112 §8)."""


@dataclass(frozen=True)
class Drip:
    """The body trickles, so that no single read times out but the whole does (a slow-response attack, CWE-400)."""

    chunk: int = 16
    """Bytes at a time."""
    every_s: float = 0.05


@dataclass(frozen=True)
class WrongShape:
    """Status 200 and JSON, but not the documented shape, as after a vendor's change or from a proxy's login page."""

    body: object = field(default_factory=lambda: {"message": "Service temporarily degraded"})


# ---------------------------------------------------------------------------------------- effects on a page


@dataclass(frozen=True)
class Shrink:
    """The last page loses its rows past ``keep``; the others are whole.

    Okta: search results are "sourced from an eventually consistent datasource"
    (developer.okta.com/docs/api/openapi/okta-management, listUsers).
    """

    keep: int = 0


@dataclass(frozen=True)
class EndEarly:
    """The page is whole and the link to the next one is missing (seen behind proxies that strip long headers)."""


@dataclass(frozen=True)
class Repeat:
    """The page starts with the last row of the page before.

    Numbered pages shift so when a row is added meanwhile (GitHub: "page" in
    docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api).
    """

    changes: Mapping[str, object] = field(default_factory=dict)
    """Fields of the repeated row that now say something else."""


@dataclass(frozen=True)
class EmptyPage:
    """The page has no row but a next link; following it gives the rows.

    Graph: "A page of results may contain zero or more results" (learn.microsoft.com/graph/paging).
    """


@dataclass(frozen=True)
class ForeignNext:
    """The next link points to another host, as a wrong proxy or an attacker writes it (CWE-918, CWE-522)."""

    origin: str = "https://elsewhere.example"


@dataclass(frozen=True)
class NextLoop:
    """The next link leads back to this page, so that paging never ends."""

    fresh: bool = False
    """True makes every link differ, so that remembering them does not help; only a page cap does."""


@dataclass(frozen=True)
class Replace:
    """A field of the rows says something that is not in the vendor's list.

    Graph: evolvable enumerations (learn.microsoft.com/graph/best-practices-concept). Okta adds properties and objects
    "without advance notice" (developer.okta.com/docs/api, API versions), and its user types are the tenant's own.
    """

    path: str
    """Dotted, such as ``status`` or ``profile.userType``; a missing field is added."""
    value: object = "SOMETHING_NEW"
    rows: frozenset[int] | None = None
    """Which rows of the page, from 0; None is all."""


@dataclass(frozen=True)
class Erase:
    """A field is missing from the rows (Graph leaves properties out: learn.microsoft.com/graph/query-parameters)."""

    path: str
    rows: frozenset[int] | None = None


@dataclass(frozen=True)
class Omit:
    """Rows are not there.

    Graph's registration report omits disabled users and lags by up to a day
    (learn.microsoft.com/graph/api/authenticationmethodsroot-list-userregistrationdetails).
    """

    ids: frozenset[str]
    """By the row's ``id`` or ``login``."""


WireEffect = Throttled | Failed | Stall | Drop | Truncate | Drip | WrongShape
PageEffect = Shrink | EndEarly | Repeat | EmptyPage | ForeignNext | NextLoop | Replace | Erase | Omit
Effect = WireEffect | PageEffect


# ------------------------------------------------------------------------------------------------ the script


@dataclass(eq=False)
class Rule:
    """One scripted fault: an effect on some of the requests to some paths."""

    path: str
    """A glob over the URL path, case-sensitive, in which ``*`` also matches slashes."""
    effect: Effect
    nth: int
    """The first matching request that it hits, from 1."""
    times: int | None
    """How many matching requests it hits from there; None until healed."""
    matched: int = 0
    """Matching requests so far."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived, before any fault."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""


_REMEMBERED: Final = 4096


@dataclass(eq=False)
class Faults:
    """The script of one replica, which may change while it serves, and what the replica was asked."""

    rules: list[Rule] = field(default_factory=list)
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """The latest requests, oldest first."""
    last_rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By path, the last row of the latest page, for ``Repeat``."""
    serial: Iterator[int] = field(default_factory=lambda: count(1))
    """Numbers that make links differ, for ``NextLoop`` and ``EmptyPage``."""
    _released: asyncio.Event = field(default_factory=asyncio.Event)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def inject(self, path: str, effect: Effect, *, nth: int = 1, times: int | None = 1) -> Rule:
        """Let ``effect`` hit ``times`` requests that match ``path``, from the ``nth`` on; None is until healed."""
        rule = Rule(path=path, effect=effect, nth=nth, times=times)
        self.rules.append(rule)
        return rule

    def heal(self, rule: Rule) -> None:
        """Take one rule out; requests that it stalls go on. A rule that is out already is no error."""
        if rule in self.rules:
            self.rules.remove(rule)
        if isinstance(rule.effect, Stall):
            self.release()

    def clear(self) -> None:
        """Take every rule out; stalled requests go on."""
        self.rules.clear()
        self.release()

    def release(self) -> None:
        """Let the requests that are stalled now go on; later ones stall again."""
        self._released.set()
        self._released = asyncio.Event()

    async def released(self) -> None:
        """Wait for the next ``release``."""
        await self._released.wait()

    def hit(self, path: str) -> list[Effect]:
        """Count one request for ``path`` and return what happens to it, in the order of the rules."""
        effects = []
        for rule in self.rules:
            if not fnmatchcase(path, rule.path):
                continue
            rule.matched += 1
            if rule.matched >= rule.nth and (rule.times is None or rule.matched < rule.nth + rule.times):
                effects.append(rule.effect)
        return effects

    def note(self, request: Seen) -> None:
        """Remember one request."""
        self.seen.append(request)
        self._arrived.set()
        self._arrived = asyncio.Event()

    def asked(self, path: str) -> int:
        """Count the remembered requests that match the glob ``path``."""
        return sum(fnmatchcase(request.path, path) for request in self.seen)

    async def until_asked(self, path: str, times: int = 1) -> None:
        """Wait until so many requests have matched the glob ``path``; those that stall are stalled by then."""
        while self.asked(path) < times:
            await self._arrived.wait()
