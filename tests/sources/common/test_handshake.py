"""One handshake tells dates, names and trust, whichever of them is wrong."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.doubt import Cause
from sources.common.errors import Malformed, SourceError, Unconfigured, Unreachable
from sources.common.exchange import Endpoint
from sources.common.handshake import Shown, Trust, shake
from sources.common.x509 import name_matches
from tests.support.clock import NOW
from tests.support.pki import Farm, Issued, Pki, imap_starttls, postgres_starttls, smtp_starttls

TLS12 = ssl.TLSVersion.TLSv1_2
VERSIONS = [pytest.param(TLS12, id="tls1.2"), pytest.param(ssl.TLSVersion.TLSv1_3, id="tls1.3")]


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Make one root and one intermediate for the whole module."""
    return Pki(tmp_path_factory.mktemp("pki"), now=NOW)


@pytest.fixture
def farm() -> Iterator[Farm]:
    """Run listeners that end with the test."""
    with Farm() as farm:
        yield farm


async def shown(port: int, pki: Pki, *, trust: Trust | None = None, **changes: Any) -> Shown:
    """Shake hands with a listener on loopback, for the name ``localhost`` unless told otherwise."""
    wanted = {"host": "127.0.0.1", "server_name": "localhost", **changes}
    async with asyncio.timeout(20):
        return await shake(Endpoint(port=port, **wanted), trust or Trust(pki.ca_file), NOW)


def matches(seen: Shown, name: str = "localhost") -> bool:
    """Tell whether the leaf carries the name."""
    assert seen.leaf.names is not None
    return name_matches(seen.leaf.names, name)


@dataclass(frozen=True)
class Case:
    """A listener's certificate, and what must be told of it."""

    make: Callable[[Pki], Issued]
    trusted: bool = True
    named: bool = True
    reason: str | None = None
    alone: bool = False
    """Whether the server forgets its intermediate."""


def expired_intermediate(pki: Pki) -> Issued:
    """Make a leaf in date under an intermediate that is not."""
    return pki.leaf("under-expired", by=pki.authority("expired-ca", by=pki.root, days=-2))


CASES = {
    "good": Case(lambda pki: pki.leaf("good")),
    "expired": Case(lambda pki: pki.leaf("expired", days=-3)),
    "expired and wrong name": Case(lambda pki: pki.leaf("late-other", days=-3, names=["other.test"]), named=False),
    "expired and self-signed": Case(
        lambda pki: pki.self_signed("late-self", days=-3), trusted=False, reason="self-signed certificate"
    ),
    "wrong name": Case(lambda pki: pki.leaf("other", names=["other.test"]), named=False),
    "common name only": Case(lambda pki: pki.leaf("localhost", names=[]), named=False),
    "self-signed": Case(lambda pki: pki.self_signed("self"), trusted=False, reason="self-signed certificate"),
    "incomplete chain": Case(
        lambda pki: pki.leaf("alone"), trusted=False, alone=True, reason="unable to get local issuer certificate"
    ),
    "not yet valid": Case(lambda pki: pki.leaf("early", began=-5)),
    "expired intermediate": Case(expired_intermediate),
    "wildcard": Case(lambda pki: pki.leaf("wild", names=["*.test", "localhost"])),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
async def test_every_fact_is_told_whichever_is_wrong(case: Case, version: ssl.TLSVersion, pki: Pki, farm: Farm) -> None:
    """Dates, name, trust and its reason are all told of every endpoint, good or bad, in one handshake."""
    issued = case.make(pki)
    port = farm.tls(issued, sends=issued.cert if case.alone else None, newest=version)

    seen = await shown(port, pki)

    assert (seen.leaf.validity.not_before, seen.leaf.validity.not_after) == (issued.not_before, issued.not_after)
    assert (seen.trusted, seen.trust_error) == (case.trusted, case.reason)
    assert matches(seen) is case.named
    assert seen.protocol == version.name.replace("v1_", "v1.")


async def test_an_unknown_root_is_not_trusted(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """A complete chain to a root that we do not hold is not trusted, and its dates are told."""
    stranger = Pki(tmp_path, now=NOW).leaf("stranger")

    seen = await shown(farm.tls(stranger), pki)

    assert seen.trusted is False
    assert seen.trust_error == "unable to get local issuer certificate"
    assert seen.leaf.validity.not_after == stranger.not_after


async def test_the_effective_end_is_that_of_the_expired_intermediate(pki: Pki, farm: Farm) -> None:
    """A leaf in date under an expired intermediate is trusted dates apart, and the path's end tells the expiry."""
    seen = await shown(farm.tls(expired_intermediate(pki)), pki)

    assert seen.leaf.validity.not_after > NOW
    assert seen.effective_not_after == NOW - timedelta(days=2)


async def test_an_intermediate_not_yet_valid_is_no_trust(pki: Pki, farm: Farm) -> None:
    """No record field tells an issuer's start, so an issuer that is not valid yet bars trust."""
    early = pki.leaf("under-early", by=pki.authority("early-ca", by=pki.root, began=-400_000 / 365, days=4_000))

    seen = await shown(farm.tls(early), pki)

    assert (seen.trusted, seen.trust_error) == (False, "an issuer is not yet valid")


async def test_a_path_that_is_valid_today_beats_an_expired_cross_sign(tmp_path: Path, farm: Farm) -> None:
    """With an old and a new certificate of one intermediate, the new one's end counts, in either order."""
    # OpenSSL reads the machine's own clock here, so the dates count from it.
    pki = Pki(tmp_path)
    old = pki.authority("cross-old", by=pki.root, days=-2, subject="cross")
    new = pki.authority("cross-new", by=pki.root, days=900, subject="cross", key=old.key)
    leaf = pki.leaf("crossed", by=old)
    trust = Trust(pki.ca_file)
    for first, second in ((old, new), (new, old)):
        sent = tmp_path / f"{first.name}-first.pem"
        sent.write_text(leaf.cert.read_text() + first.cert.read_text() + second.cert.read_text())
        endpoint = Endpoint("127.0.0.1", farm.tls(leaf, sends=sent), "localhost")

        seen = await shake(endpoint, trust, pki.now)

        assert seen.trusted is True
        assert seen.effective_not_after == leaf.not_after


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_server_that_wants_a_client_certificate_shows_its_own(
    version: ssl.TLSVersion, pki: Pki, farm: Farm
) -> None:
    """We have no client certificate to give, and learn the server's chain and trust all the same."""
    issued = pki.leaf("mutual")

    seen = await shown(farm.tls(issued, clients=pki.ca_file, newest=version), pki)

    assert (seen.trusted, seen.leaf.validity.not_after) == (True, issued.not_after)


async def test_a_server_that_breaks_off_before_its_proof_is_not_trusted(pki: Pki, farm: Farm) -> None:
    """A chain that anybody could have copied proves nothing until the server shows that it holds the key."""
    issued = pki.leaf("copied")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.chain, issued.key)
    context.maximum_version = TLS12

    def copy_the_chain_only(connection: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = context.wrap_bio(incoming, outgoing, server_side=True)
        incoming.write(connection.recv(16_384))
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        flight = outgoing.read()
        # ServerHello and Certificate are the first two messages; the signed ServerKeyExchange is the third.
        ends = list(message_ends(flight))
        connection.sendall(flight[: ends[1]])

    seen = await shown(farm.serve(copy_the_chain_only), pki)

    assert seen.trusted is None
    assert seen.leaf.validity.not_after == issued.not_after


def message_ends(flight: bytes) -> Iterator[int]:
    """Tell where each record ends; OpenSSL puts each of these messages in a record of its own."""
    at = 0
    while at < len(flight):
        at += 5 + int.from_bytes(flight[at + 3 : at + 5], "big")
        yield at


async def test_an_address_needs_the_address_among_the_names(pki: Pki, farm: Farm) -> None:
    """An IP target matches IP names only, and ``@server-name`` asks for another name."""
    port = farm.tls(pki.leaf("addressed", names=["127.0.0.1", "service.test"]))

    by_address = await shown(port, pki, server_name="127.0.0.1")

    assert matches(by_address, "127.0.0.1")
    assert not matches(by_address, "127.0.0.2")
    assert matches(by_address, "service.test")


STARTTLS = {"smtp": smtp_starttls, "imap": imap_starttls, "postgres": postgres_starttls}


@pytest.mark.parametrize("protocol", STARTTLS)
async def test_starttls_leads_to_the_same_facts(protocol: str, pki: Pki, farm: Farm) -> None:
    """After the plaintext dialogue of each protocol the handshake is the same."""
    issued = pki.leaf(f"late-{protocol}", days=-3)

    seen = await shown(farm.tls(issued, starttls=STARTTLS[protocol]), pki, starttls=protocol)

    assert (seen.trusted, seen.leaf.validity.not_after) == (True, issued.not_after)


@pytest.mark.parametrize(
    ("says", "error", "cause"),
    [
        pytest.param(b"SSH-2.0-OpenSSH_9\r\n", Malformed, Cause.MALFORMED, id="greets in plaintext"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", Malformed, Cause.MALFORMED, id="answers in plaintext"),
        pytest.param(b"", Unreachable, Cause.UNREACHABLE, id="hangs up"),
        pytest.param(b"\x15\x03\x03\x00\x02\x02\x28", SourceError, Cause.UNSUPPORTED, id="alerts handshake failure"),
        pytest.param(b"\x15\x03\x03\x00\x02\x02\x46", SourceError, Cause.UNSUPPORTED, id="alerts protocol version"),
    ],
)
async def test_a_port_without_tls_has_its_cause(
    says: bytes, error: type[SourceError], cause: Cause, pki: Pki, farm: Farm
) -> None:
    """Plaintext is malformed, a hang-up is unreachable, an alert is unsupported."""

    def handle(connection: socket.socket) -> None:
        connection.recv(16_384)
        connection.sendall(says)

    with pytest.raises(error) as refusal:
        await shown(farm.serve(handle), pki)

    assert refusal.value.cause == cause


class Hidden:
    """An ``_sslobj`` of a Python that shows no chain."""

    def __init__(self, inner: Any) -> None:
        """Wrap the real one."""
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        """Hide both chain functions, and nothing else."""
        if name.endswith("verified_chain"):
            raise AttributeError(name)
        return getattr(self.inner, name)


class HidingObject(ssl.SSLObject):
    """An ``SSLObject`` of a Python that shows no chain, publicly or privately."""

    get_verified_chain = None
    get_unverified_chain = None

    @property
    def _sslobj(self) -> Any:
        return self.__dict__["hidden"]

    @_sslobj.setter
    def _sslobj(self, value: Any) -> None:
        self.__dict__["hidden"] = Hidden(value)


@pytest.mark.parametrize(
    ("name", "trusted"), [pytest.param("good", True, id="good"), pytest.param("self-signed", False, id="self-signed")]
)
async def test_without_chain_functions_a_second_connection_fetches_the_leaf(
    name: str, *, trusted: bool, pki: Pki, farm: Farm
) -> None:
    """Where Python hides the chain, the verdict stands and the leaf's dates are still told."""
    issued = CASES[name].make(pki)
    trust = Trust(pki.ca_file)
    for context in (trust.timeless, trust.blind):
        context.sslobject_class = HidingObject

    seen = await shown(farm.tls(issued), pki, trust=trust)

    assert (seen.trusted, seen.leaf.validity.not_after) == (trusted, issued.not_after)
    assert seen.effective_not_after is None, "the dates of a hidden issuer are not told"


def test_this_python_shows_the_chain_of_a_refused_handshake() -> None:
    """The private function that we lean on is there; without it every bad target costs a second connection."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="x")

    assert hasattr(tls, "get_unverified_chain") or hasattr(getattr(tls, "_sslobj"), "get_unverified_chain")  # noqa: B009 - its stub does not know it


@pytest.mark.parametrize("content", [None, b"", b"not PEM"], ids=["missing", "empty", "not PEM"])
def test_roots_that_cannot_be_used_are_unconfigured(content: bytes | None, tmp_path: Path) -> None:
    """Without roots nothing could be trusted, and everything would look untrusted."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Unconfigured, match=r"ca\.pem"):
        Trust(path)


def test_a_system_without_roots_is_unconfigured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container without ca-certificates is told so, instead of calling every certificate untrusted."""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    with pytest.raises(Unconfigured, match="system store"):
        Trust()
