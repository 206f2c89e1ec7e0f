"""TLS endpoints: one handshake a target tells its trust, its names and its dates, whichever of them is wrong.

API:        TLS 1.2 and 1.3 (RFC 5246, RFC 8446), at once or after STARTTLS (smtp, imap, postgres).
Privilege:  none. Servers that ask for a client certificate show theirs all the same.
Limits:     200 handshakes at a time, one connection a target and run, no session resumption, no retry. A server logs
            an alert when its certificate is not trusted.
Unknown:    a target that does not resolve, answer, speak TLS or offer STARTTLS is a record whose facts are not told,
            with the cause, and with the end of validity that was last seen.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from checks.model.doubt import Cause
from checks.model.records import Record, TlsEndpoint
from checks.model.units import Duration, duration, format_duration, rfc3339
from sources.common.errors import SourceError, Unconfigured, Unreachable
from sources.common.exchange import Endpoint
from sources.common.handshake import Shown, Trust, shake
from sources.common.source import Context, Fact, Page, Plan, Probe, Progress, Source
from sources.common.starttls import DIALOGUES
from sources.common.x509 import as_address, name_matches

_CONCURRENCY: Final = 200
_PAGE: Final = 200
"""Records that one page holds at most."""
_FORM: Final = "write host:port, host:port/starttls, host:port@server-name, or [v6]:port"
_TARGET: Final = re.compile(
    r"(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^\[\]:/@\s]+)):(?P<port>\d{1,5})(?:/(?P<starttls>[^@\s]+))?(?:@(?P<name>[^/\s]+))?",
)
_REASON: Final = 200
"""The longest reason that a record keeps, in characters."""
_FACTS: Final = (
    "not_before",
    "not_after",
    "effective_not_after",
    "trusted",
    "trust_error",
    "name_matches",
    "fingerprint",
    "issuer",
    "protocol",
)
"""What one handshake tells."""


class Config(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys of a ``tls`` source."""

    targets: tuple[str, ...]
    """What to ask: ``host:port[/starttls][@server-name]``, ``[v6]:port``; starttls is smtp, imap or postgres."""
    ca_file: str | None = None
    """PEM file of the roots to trust, relative to the configuration file; by default the system's."""
    target_timeout: Duration = duration("10s")
    """Time that one target may take, from the look-up of its name to the end of the handshake."""


async def fetch(config: Config, ctx: Context) -> AsyncGenerator[Page, None]:
    """Yield one record per target, as they answer; raises ``Unconfigured`` when roots or a target cannot be used."""
    asked = [(text, _usable(text)) for text in config.targets]
    trust = await asyncio.to_thread(Trust, _ca_file(config, ctx.folder))
    run = _Run(config, ctx, trust, await ctx.previous())
    plan = Plan(requests=len(asked), seconds=len(asked) / _CONCURRENCY * config.target_timeout.total_seconds())
    done = 0
    async with aclosing(_as_they_answer(run, asked)) as pages:
        async for records in pages:
            done += len(records)
            ctx.progress(Progress(done, plan))
            yield Page(records=records, claimed=len(asked))


async def probe(config: Config, ctx: Context) -> Sequence[Probe]:
    """Try each target, and tell what a failure costs."""
    try:
        trust = await asyncio.to_thread(Trust, _ca_file(config, ctx.folder))
    except Unconfigured as fault:
        return [
            Probe(
                "ca_file",
                ok=False,
                detail=str(fault),
                cause=fault.cause,
                costs=tuple(f"tls_endpoint.{one}" for one in _FACTS),
            )
        ]
    turn = asyncio.Semaphore(_CONCURRENCY)

    async def one(text: str) -> Probe:
        async with turn:
            return await _probe(text, config, trust, ctx)

    return await asyncio.gather(*(one(text) for text in config.targets))


def parse_target(text: str) -> Endpoint:
    """Read ``host:port[/starttls][@server-name]`` or ``[v6]:port…``; raises ``ValueError`` that says what is wrong."""
    found = _TARGET.fullmatch(text)
    if found is None:
        raise ValueError(_FORM)
    port, starttls = int(found["port"]), found["starttls"]
    if not 0 < port < 65_536:
        raise ValueError(f"port {port} is not in 1 to 65535")
    if starttls is not None and starttls not in DIALOGUES:
        raise ValueError(f'"{starttls}" is no STARTTLS protocol; allowed: {", ".join(DIALOGUES)}')
    if found["v6"] is not None and (as_address(found["v6"]) is None or ":" not in found["v6"]):
        raise ValueError(f"[{found['v6']}] is no IPv6 address; {_FORM}")
    if not text.isprintable():
        raise ValueError(f"it holds a control or direction character; {_FORM}")
    host = _name(found["v6"] or found["host"])
    return Endpoint(host, port, _name(found["name"]) if found["name"] else host, starttls)


def faults(config: Config, folder: Path) -> Sequence[str]:
    """Name each target that cannot be read or is there twice, and what else the types cannot say."""
    found: list[str] = []
    first: dict[Endpoint, int] = {}
    for index, text in enumerate(config.targets):
        try:
            endpoint = parse_target(text)
        except ValueError as fault:
            found.append(f'targets[{index}]: "{text}": {fault}')
            continue
        if first.setdefault(endpoint, index) != index:
            found.append(f'targets[{index}]: "{text}" is the same target as targets[{first[endpoint]}]')
    if not config.targets:
        found.append("targets: name at least one")
    if config.target_timeout <= timedelta(0):
        found.append("target_timeout: must be longer than 0s")
    return found


def labels(config: Config) -> Mapping[str, str]:
    """Let the targets be metric labels, as they are configured."""
    return {text: text for text in config.targets}


def to_tls_endpoint(source: str, target: str, endpoint: Endpoint, shown: Shown) -> TlsEndpoint:
    """Tell every fact that the handshake showed, whichever of them is wrong."""
    leaf = shown.leaf
    matches = None if leaf.names is None else name_matches(leaf.names, endpoint.server_name)
    told = (
        ("trusted", shown.trusted),
        ("name_matches", matches),
        ("effective_not_after", shown.effective_not_after),
    )
    return TlsEndpoint(
        id=target,
        source=source,
        label=target,
        why={field: Cause.MALFORMED.value for field, value in told if value is None},
        not_before=leaf.validity.not_before,
        not_after=leaf.validity.not_after,
        effective_not_after=shown.effective_not_after,
        trusted=shown.trusted,
        trust_error=shown.trust_error or "",
        name_matches=matches,
        last_known_not_after=leaf.validity.not_after,
        fingerprint=leaf.fingerprint,
        issuer=leaf.issuer,
        protocol=shown.protocol,
    )


def to_untold(source: str, target: str, doubt: SourceError, previous: Record | None) -> TlsEndpoint:
    """Keep a target in the count that showed no certificate, with the reason and the end of validity last seen."""
    last = previous.not_after or previous.last_known_not_after if isinstance(previous, TlsEndpoint) else None
    untold = tuple(one for one in _FACTS if one != "trust_error")
    untold = untold if last is not None else (*untold, "last_known_not_after")
    return TlsEndpoint(
        id=target,
        source=source,
        label=target,
        why=dict.fromkeys(untold, doubt.cause.value),
        trust_error=_plain(str(doubt)),
        last_known_not_after=last,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """What all handshakes of one collection share."""

    config: Config
    ctx: Context
    trust: Trust
    previous: Mapping[str, Record]


async def _as_they_answer(run: _Run, asked: Sequence[tuple[str, Endpoint]]) -> AsyncGenerator[list[TlsEndpoint], None]:
    """Yield what is there, as soon as something is; a worker that fails for a fault of ours fails the run."""
    told: asyncio.Queue[TlsEndpoint | asyncio.Task[None]] = asyncio.Queue()
    pending = iter(asked)
    workers = [asyncio.create_task(_work(run, pending, told)) for _ in range(min(_CONCURRENCY, len(asked)))]
    for worker in workers:
        worker.add_done_callback(told.put_nowait)
    working = len(workers)
    try:
        while working:
            ready = [await told.get()]
            while len(ready) < _PAGE and not told.empty():
                ready.append(told.get_nowait())
            ended = [one for one in ready if isinstance(one, asyncio.Task)]
            for worker in ended:
                worker.result()
            working -= len(ended)
            if records := [one for one in ready if isinstance(one, TlsEndpoint)]:
                yield records
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def _work(
    run: _Run,
    pending: Iterator[tuple[str, Endpoint]],
    told: asyncio.Queue[TlsEndpoint | asyncio.Task[None]],
) -> None:
    for target, endpoint in pending:
        told.put_nowait(await _tell(run, target, endpoint))


async def _tell(run: _Run, target: str, endpoint: Endpoint) -> TlsEndpoint:
    try:
        shown = await _shake(endpoint, run.trust, run.config, run.ctx.now())
    except SourceError as doubt:
        return to_untold(run.ctx.name, target, doubt, run.previous.get(target))
    return to_tls_endpoint(run.ctx.name, target, endpoint, shown)


async def _shake(endpoint: Endpoint, trust: Trust, config: Config, now: datetime) -> Shown:
    try:
        async with asyncio.timeout(config.target_timeout.total_seconds()):
            return await shake(endpoint, trust, now)
    except TimeoutError as fault:
        limit = format_duration(config.target_timeout)
        message = f"{endpoint.host} port {endpoint.port}: the handshake timed out after {limit}"
        raise Unreachable(message) from fault


async def _probe(text: str, config: Config, trust: Trust, ctx: Context) -> Probe:
    asked = f"TLS handshake with {text}"
    try:
        endpoint = _usable(text)
        shown = await _shake(endpoint, trust, config, ctx.now())
    except SourceError as doubt:
        open_ = isinstance(doubt, Unreachable)
        costs = tuple(f"tls_endpoint.{one}" for one in _FACTS)
        return Probe(asked, ok=None if open_ else False, detail=str(doubt), costs=costs, cause=doubt.cause)
    record = to_tls_endpoint(ctx.name, text, endpoint, shown)
    verdict = {True: "trusted", False: f"not trusted: {shown.trust_error}", None: shown.trust_error or "trust not told"}
    named = {True: "", False: f", not valid for {endpoint.server_name}", None: ", names unreadable"}
    until = f"expires {rfc3339(shown.leaf.validity.not_after)}"
    return Probe(
        asked, ok=True, detail=f"{until}, {verdict[shown.trusted]}{named[record.name_matches]}, {shown.protocol}"
    )


def _usable(text: str) -> Endpoint:
    try:
        return parse_target(text)
    except ValueError as fault:
        raise Unconfigured(f'target "{text}" cannot be used: {fault}') from fault


def _ca_file(config: Config, folder: Path) -> Path | None:
    return None if config.ca_file is None else folder / config.ca_file


def _name(text: str) -> str:
    """Write a host name as lower-case A-labels without a trailing dot; leave an address as it is."""
    address = as_address(text)
    if address is not None:
        return text.lower() if "%" in text else str(address)
    try:
        name = text.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError as fault:
        raise ValueError(f"{text} is no host name") from fault
    if not re.fullmatch(r"[a-z0-9_.-]+", name):
        raise ValueError(f"{text} is no host name")
    return name


def _plain(text: str) -> str:
    """Keep of a reason what can be shown: a server's octets may be in it."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:_REASON]


def _facts() -> tuple[Fact, ...]:
    notes = {
        "trusted": "Path, signatures, purposes, key strength; dates and names are facts of their own. No revocation.",
        "name_matches": "Subject alternative names only (RFC 9525); a common name never counts.",
        "trust_error": "OpenSSL's own words, or why no certificate was shown; empty when the chain is trusted.",
        "last_known_not_after": "Kept while the endpoint cannot be reached.",
        "effective_not_after": "Over the verified path, root included; over the chain as sent when it is not trusted.",
    }
    population = Fact("tls_endpoint", "none", Cause.UNREACHABLE, "One record per configured target, always.")
    told = (
        Fact(f"tls_endpoint.{one}", "none", Cause.UNREACHABLE, notes.get(one, ""))
        for one in (*_FACTS, "last_known_not_after")
    )
    return (population, *told)


SOURCE: Final = Source(
    title="TLS certificates as servers show them, direct or after STARTTLS",
    config=Config,
    yields=(TlsEndpoint,),
    fetch=fetch,
    test=probe,
    facts=_facts(),
    every=timedelta(hours=1),
    max_age=timedelta(hours=24),
    labels=labels,
    check=faults,
)
