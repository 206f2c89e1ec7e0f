"""Every configured target is told of, always: with its facts, or with the reason why there are none."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import aclosing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from checks import tls_expiry
from checks.model.codec import decode, encode
from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.records import TlsEndpoint
from sources.common.errors import Unconfigured
from sources.common.settings import from_toml
from sources.tls import SOURCE, Config
from tests.sources.contract import breaches, breaches_of_probes, fault_of
from tests.support.builders import judged
from tests.support.clock import NOW
from tests.support.context import Collected, collect, lent_context
from tests.support.pki import Farm, Pki, imap_starttls, postgres_starttls, smtp_starttls

DAY = timedelta(days=1)
FACTS = {
    "not_before",
    "not_after",
    "effective_not_after",
    "trusted",
    "trust_error",
    "name_matches",
    "fingerprint",
    "issuer",
    "protocol",
}


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Make one root and one intermediate for the whole module."""
    return Pki(tmp_path_factory.mktemp("pki"), now=NOW)


@pytest.fixture
def farm() -> Iterator[Farm]:
    """Run listeners that end with the test."""
    with Farm() as farm:
        yield farm


def config(pki: Pki, *targets: str, limit: str = "20s") -> Config:
    """Build a configuration as the engine does."""
    keys = {"targets": targets, "ca_file": str(pki.ca_file), "target_timeout": limit}
    return msgspec.convert(keys, Config, dec_hook=from_toml)


async def told(pki: Pki, folder: Path, *targets: str, limit: str = "20s") -> dict[str, TlsEndpoint]:
    """Collect the targets, hold the run to the contract of a source, and give the records by target."""
    async with lent_context(folder, name="edge") as ctx:
        collected = await collect(SOURCE.fetch(config(pki, *targets, limit=limit), ctx))
    return by_target(collected)


def by_target(collected: Collected) -> dict[str, TlsEndpoint]:
    """Give the records of a run that kept the contract, by target."""
    assert breaches(SOURCE, "edge", collected) == []
    assert collected.gaps == ()
    records = [one for one in collected.records if isinstance(one, TlsEndpoint)]
    assert [decode(encode(one)) for one in records] == records
    found = {one.id: one for one in records}
    assert len(found) == len(collected.records)
    return found


async def test_bad_targets_tell_their_expiry_and_their_reason(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """Each way to be bad leaves every fact told: when it ends, whether it is trusted and why not, and its names."""
    expired_ca = pki.authority("expired-ca", by=pki.root, days=-2)
    alone = pki.leaf("alone")
    ports = {
        "good": farm.tls(pki.leaf("good")),
        "expired": farm.tls(pki.leaf("expired", days=-3)),
        "expired, wrong name": farm.tls(pki.leaf("late-other", days=-3, names=["other.test"])),
        "wrong name": farm.tls(pki.leaf("other", names=["other.test"])),
        "self-signed": farm.tls(pki.self_signed("self")),
        "incomplete": farm.tls(alone, sends=alone.cert),
        "early": farm.tls(pki.leaf("early", began=-5)),
        "expired issuer": farm.tls(pki.leaf("under-expired", by=expired_ca)),
        "tls 1.2": farm.tls(pki.leaf("older"), newest=ssl.TLSVersion.TLSv1_2),
        "wildcard": farm.tls(pki.leaf("wild", names=["*.test", "localhost"])),
    }
    targets = {name: f"127.0.0.1:{port}@localhost" for name, port in ports.items()}

    found = await told(pki, tmp_path, *targets.values())

    def seen(name: str) -> tuple[object, ...]:
        one = found[targets[name]]
        assert one.why == {}
        assert one.not_before is not None
        assert one.not_after is not None
        assert one.effective_not_after is not None
        begin, end, effective = ((at - NOW) // DAY for at in (one.not_before, one.not_after, one.effective_not_after))
        return begin, end, effective, one.trusted, one.trust_error, one.name_matches, one.protocol

    untrusted = "unable to get local issuer certificate"
    assert {name: seen(name) for name in targets} == {
        "good": (-30, 90, 90, True, "", True, "TLSv1.3"),
        "expired": (-123, -3, -3, True, "", True, "TLSv1.3"),
        "expired, wrong name": (-123, -3, -3, True, "", False, "TLSv1.3"),
        "wrong name": (-30, 90, 90, True, "", False, "TLSv1.3"),
        "self-signed": (-30, 90, 90, False, "self-signed certificate", True, "TLSv1.3"),
        "incomplete": (-30, 90, 90, False, untrusted, True, "TLSv1.3"),
        "early": (5, 90, 90, True, "", True, "TLSv1.3"),
        "expired issuer": (-30, 90, -2, True, "", True, "TLSv1.3"),
        "tls 1.2": (-30, 90, 90, True, "", True, "TLSv1.2"),
        "wildcard": (-30, 90, 90, True, "", True, "TLSv1.3"),
    }


async def test_an_endpoint_carries_its_target_issuer_and_fingerprint(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """The record's id and label are the target as configured."""
    target = f"127.0.0.1:{farm.tls(pki.leaf('identified'))}@localhost"

    one = (await told(pki, tmp_path, target))[target]

    assert (one.id, one.label, one.source, one.issuer) == (target, target, "edge", "CN=issuing")
    assert one.fingerprint is not None
    assert len(bytes.fromhex(one.fingerprint)) == 32


async def test_starttls_and_ipv6_targets_are_reached(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """Each STARTTLS protocol and both address families tell the same facts."""
    issued = pki.leaf("reached", names=["localhost", "::1"])
    targets = [
        f"127.0.0.1:{farm.tls(issued, starttls=smtp_starttls)}/smtp@localhost",
        f"127.0.0.1:{farm.tls(issued, starttls=imap_starttls)}/imap@localhost",
        f"127.0.0.1:{farm.tls(issued, starttls=postgres_starttls)}/postgres@localhost",
        f"[::1]:{farm.tls(issued, host='::1')}",
        f"localhost:{farm.tls(issued)}",
    ]

    found = await told(pki, tmp_path, *targets)

    assert [(found[one].trusted, found[one].name_matches) for one in targets] == [(True, True)] * 5


def says(octets: bytes) -> Callable[[socket.socket], None]:
    """Build a server that says something that is no TLS."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(octets)
        connection.recv(16_384)

    return handle


async def test_what_shows_no_certificate_is_a_record_all_the_same(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """Closed, unresolvable, plaintext and STARTTLS-less targets are told of, with every fact's cause."""
    ssh, pop3, no_tls = (farm.serve(says(octets)) for octets in (b"SSH-2.0-x\r\n", b"+OK POP3\r\n", b"N"))
    causes = {
        f"127.0.0.1:{farm.closed()}": "unreachable",
        "nowhere.invalid:443": "unreachable",
        f"127.0.0.1:{ssh}": "malformed",
        f"127.0.0.1:{pop3}/imap": "malformed",
        f"127.0.0.1:{no_tls}/postgres": "unsupported",
    }

    found = await told(pki, tmp_path, *causes)

    untold = (FACTS | {"last_known_not_after"}) - {"trust_error"}
    assert {target: one.why for target, one in found.items()} == {
        target: dict.fromkeys(untold, cause) for target, cause in causes.items()
    }
    assert all(getattr(one, field) is None for one in found.values() for field in one.why)


async def test_each_way_to_show_no_certificate_is_named_in_its_finding(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """The reason is a fact of the finding, which stays unknown: who reads it need not ask the target again."""
    closed, silent, ssh, broken, bidi = (
        farm.closed(),
        farm.silent(),
        farm.serve(says(b"SSH-2.0-x\r\n")),
        farm.serve(says(b"N")),
        farm.serve(says(b"* \xe2\x80\xaeBAD\r\n")),
    )
    reasons = {
        f"127.0.0.1:{closed}": f"no connection to 127.0.0.1 port {closed}: connection refused",
        "nowhere.invalid:443": "nowhere.invalid: name not found",
        f"127.0.0.1:{silent}": f"127.0.0.1 port {silent}: the handshake timed out after 1s",
        f"127.0.0.1:{ssh}": f"127.0.0.1 port {ssh} does not speak TLS: ",
        f"127.0.0.1:{broken}/postgres": "the PostgreSQL server has TLS switched off",
        f"127.0.0.1:{bidi}/imap": "the ",
    }

    found = await told(pki, tmp_path, *reasons, limit="1s")
    judgements = {target: judged(tls_expiry.CHECK, one) for target, one in found.items()}

    for target, reason in reasons.items():
        said = str(judgements[target].facts["trust_error"])
        assert said.startswith(reason)
        assert said.isprintable()
    assert {one.outcome for one in judgements.values()} == {Outcome.UNKNOWN}
    causes = [str(judgements[target].cause) for target in reasons]
    assert causes[:5] == ["unreachable"] * 3 + ["malformed", "unsupported"]


async def test_a_silent_target_is_unreachable_after_its_time(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """A port that accepts and says nothing costs its time-out and no more."""
    target = f"127.0.0.1:{farm.silent()}"

    found = await told(pki, tmp_path, target, limit="0.2s")

    assert set(found[target].why.values()) == {"unreachable"}


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        pytest.param({"not_after": NOW + 9 * DAY}, NOW + 9 * DAY, id="seen last time"),
        pytest.param({"last_known_not_after": NOW - DAY}, NOW - DAY, id="seen long ago"),
        pytest.param({"not_after": NOW, "last_known_not_after": NOW - DAY}, NOW, id="the later sight counts"),
        pytest.param({}, None, id="never seen"),
    ],
)
async def test_the_last_known_end_is_kept(
    before: dict[str, object], kept: object, pki: Pki, farm: Farm, tmp_path: Path
) -> None:
    """An endpoint that goes down takes its expiry date along, however long it is down."""
    target = f"127.0.0.1:{farm.closed()}"
    previous = msgspec.structs.replace(TlsEndpoint(id=target, source="edge"), **before)
    async with lent_context(tmp_path, name="edge", before={target: previous}) as ctx:
        found = by_target(await collect(SOURCE.fetch(config(pki, target), ctx)))

    assert found[target].last_known_not_after == kept
    assert found[target].not_after is None


async def test_more_targets_than_handshakes_at_a_time_are_all_told(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """The bound on concurrency loses nothing, and the pages claim the whole."""
    good = farm.tls(pki.leaf("many"))
    closed = farm.closed()
    targets = [f"127.0.0.1:{good}@name-{index}.test" for index in range(150)]
    targets += [f"127.0.0.1:{closed}@name-{index}.test" for index in range(150)]
    async with lent_context(tmp_path, name="edge") as ctx:
        collected = await collect(SOURCE.fetch(config(pki, *targets, limit="60s"), ctx))

    found = by_target(collected)

    assert set(found) == set(targets)
    assert sum(one.not_after is not None for one in found.values()) == 150
    assert {page.claimed for page in collected.pages} == {300}
    assert (ctx.told[-1].done, ctx.told[-1].plan is not None) == (300, True)


async def test_a_slow_target_holds_nobody_up(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """Pages stream: what has answered is told before what hangs."""
    quick, hung = f"127.0.0.1:{farm.tls(pki.leaf('quick'))}@localhost", f"127.0.0.1:{farm.silent()}"
    async with (
        lent_context(tmp_path, name="edge") as ctx,
        aclosing(SOURCE.fetch(config(pki, hung, quick, limit="100s"), ctx)) as pages,
    ):
        first = await anext(pages)

    assert [one.id for one in first.records] == [quick]
    assert len(asyncio.all_tasks()) == 1, "a run that is closed early leaves no task behind"


async def test_missing_roots_fail_the_run(tmp_path: Path, pki: Pki) -> None:
    """Without the configured roots every endpoint would look untrusted, so the source says that it cannot tell."""
    broken = msgspec.structs.replace(config(pki, "localhost:443"), ca_file="absent.pem")
    async with lent_context(tmp_path, name="edge") as ctx:
        fault = await fault_of(SOURCE.fetch(broken, ctx))
        probes = await SOURCE.test(broken, ctx)

    assert isinstance(fault, Unconfigured)
    assert "absent.pem" in str(fault)
    assert breaches_of_probes(SOURCE, probes) == []
    assert [one.ok for one in probes] == [False]


async def test_a_target_that_cannot_be_read_fails_the_run(tmp_path: Path, pki: Pki) -> None:
    """A bad target that slipped past the configuration's check is not skipped in silence."""
    async with lent_context(tmp_path, name="edge") as ctx:
        fault = await fault_of(SOURCE.fetch(config(pki, "no-port"), ctx))

    assert fault.cause == Cause.NOT_CONFIGURED


async def test_ca_file_is_relative_to_the_configuration(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """A relative ``ca_file`` is looked up beside the configuration file."""
    (tmp_path / "roots.pem").write_bytes(pki.ca_file.read_bytes())
    target = f"127.0.0.1:{farm.tls(pki.leaf('relative'))}@localhost"
    settings = msgspec.structs.replace(config(pki, target), ca_file="roots.pem")
    async with lent_context(tmp_path, name="edge") as ctx:
        found = by_target(await collect(SOURCE.fetch(settings, ctx)))

    assert found[target].trusted is True


async def test_source_test_tries_each_target(pki: Pki, farm: Farm, tmp_path: Path) -> None:
    """``source test`` says what each target shows, and what a target that shows nothing costs."""
    targets = (
        f"127.0.0.1:{farm.tls(pki.leaf('tried'))}@localhost",
        f"127.0.0.1:{farm.tls(pki.self_signed('tried-self'))}@other.test",
        f"127.0.0.1:{farm.closed()}",
    )
    async with lent_context(tmp_path, name="edge") as ctx:
        probes = await SOURCE.test(config(pki, *targets), ctx)

    assert breaches_of_probes(SOURCE, probes) == []
    assert [one.asked for one in probes] == [f"TLS handshake with {one}" for one in targets]
    assert [one.ok for one in probes] == [True, True, None]
    assert probes[0].detail == "expires 2027-02-19T05:30:00Z, trusted, TLSv1.3"
    assert "not trusted: self-signed certificate, not valid for other.test" in probes[1].detail
    assert probes[2].costs
    assert probes[2].cause == Cause.UNREACHABLE, "nobody said no"
