"""Listeners show what they were certified with, and keep their port while they are down."""

from __future__ import annotations

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.estate import Site
from demo.listeners import Listener, listening

DAY = timedelta(days=1)
GOOD = Site(source="edge", host="www.example.org", began=DAY, left=30 * DAY)
EXPIRED = Site(source="edge", host="late.example.org", fault="expired", began=5 * DAY, left=-DAY)
OTHER = Site(source="edge", host="files.example.org", fault="other_name", began=DAY, left=30 * DAY)
OWN = Site(source="edge", host="wiki.example.org", fault="self_signed", began=DAY, left=30 * DAY)


def _shake(listener: Listener, ca_file: Path) -> str:
    """Shake hands as a browser would; return what it would say."""
    trust = ssl.create_default_context(cafile=str(ca_file))
    try:
        with (
            socket.create_connection(("127.0.0.1", listener.port), timeout=10) as plain,
            trust.wrap_socket(plain, server_hostname=listener.site.host),
        ):
            return "trusted"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ConnectionRefusedError:
        return "refused"


@pytest.mark.parametrize(
    ("site", "said"),
    [
        (GOOD, "trusted"),
        (EXPIRED, "certificate has expired"),
        (OTHER, "Hostname mismatch"),
        (OWN, "self-signed certificate"),
    ],
    ids=["good", "expired", "other name", "self-signed"],
)
async def test_a_fault_is_what_a_browser_would_see(site: Site, said: str, tmp_path: Path) -> None:
    """Each fault of a site is a real one, found by OpenSSL with the demo's root."""
    async with listening([site], tmp_path, datetime.now(UTC)) as listeners:
        assert said in await asyncio.to_thread(_shake, listeners[site.host], tmp_path / "ca.pem")


async def test_a_listener_keeps_its_port_while_it_is_down(tmp_path: Path) -> None:
    """A closed listener refuses, and is back under the same port."""
    async with listening([GOOD], tmp_path, datetime.now(UTC)) as listeners:
        listener, port = listeners[GOOD.host], listeners[GOOD.host].port
        await listener.close()
        assert await asyncio.to_thread(_shake, listener, tmp_path / "ca.pem") == "refused"
        await listener.open()
        await listener.open()
        assert await asyncio.to_thread(_shake, listener, tmp_path / "ca.pem") == "trusted"
        assert listener.port == port


async def test_a_renewed_certificate_is_shown_by_the_next_handshake(tmp_path: Path) -> None:
    """An expired certificate is replaced without a restart."""
    now = datetime.now(UTC)
    async with listening([EXPIRED], tmp_path, now) as listeners:
        listeners[EXPIRED.host].certify(now - DAY, now + DAY)
        assert await asyncio.to_thread(_shake, listeners[EXPIRED.host], tmp_path / "ca.pem") == "trusted"


def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    """Keys of the demo are as guarded as real ones."""

    async def look() -> list[int]:
        async with listening([GOOD], tmp_path, datetime.now(UTC)):
            return [path.stat().st_mode & 0o777 for path in (tmp_path / "certificates").iterdir()]

    assert asyncio.run(look()) == [0o600]
