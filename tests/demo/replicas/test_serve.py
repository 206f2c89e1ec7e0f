"""A replica listens on loopback while its block runs and not after."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from demo.replicas import okta
from demo.replicas.faults import Faults, Stall
from demo.replicas.serve import serving


async def test_two_replicas_listen_on_their_own_loopback_ports(session: aiohttp.ClientSession) -> None:
    """Each block has a port of its own on 127.0.0.1, and both answer."""
    async with serving(okta.app(okta.OktaTenant())) as one, serving(okta.app(okta.OktaTenant())) as other:
        assert one != other
        for origin in (one, other):
            assert urlsplit(origin).hostname == "127.0.0.1"
            async with session.get(f"{origin}/api/v1/users") as response:
                assert response.status == 401


async def test_leaving_the_block_ends_stalled_connections(session: aiohttp.ClientSession) -> None:
    """A held connection does not hold the block, and its client sees it break."""
    faults = Faults()
    faults.inject("*", Stall(), times=None)
    async with asyncio.timeout(20):
        async with serving(okta.app(okta.OktaTenant(), faults)) as origin:
            asked = asyncio.create_task(_status(session, f"{origin}/api/v1/users"))
            await faults.until_asked("/api/v1/users")
        with pytest.raises(aiohttp.ClientError):
            await asked
    with pytest.raises(aiohttp.ClientConnectorError):
        await _status(session, f"{origin}/api/v1/users")


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


async def test_a_replica_speaks_tls_when_given_a_context(session: aiohttp.ClientSession, tmp_path: Path) -> None:
    """The origin is https and its certificate is the one given."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "replica")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "replica.pem"
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(serialization.Encoding.PEM, *plain)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    async with serving(okta.app(okta.OktaTenant()), server) as origin:
        assert origin.startswith("https://127.0.0.1:")
        async with session.get(f"{origin}/api/v1/users", ssl=ssl.create_default_context(cafile=pem)) as response:
            assert response.status == 401
