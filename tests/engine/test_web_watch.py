"""A web configuration is read again while it is in force; a fault leaves what was, and no protection goes away."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from engine.web_config import WebConfig, load_web_config
from engine.web_watch import WebWatch
from tests.support.pki import Issued, Pki
from tests.support.web import USER, guarded, hashed, tls, write


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Give a public key infrastructure with dates around today's."""
    folder = tmp_path / "pki"
    folder.mkdir()
    return Pki(folder)


@pytest.fixture
def server(pki: Pki) -> Issued:
    """Give a certificate whose key is its owner's alone."""
    issued = pki.leaf("server")
    issued.key.chmod(0o600)
    return issued


async def test_a_pipe_in_place_of_a_file_is_told_and_its_end_too(tmp_path: Path, server: Issued) -> None:
    """The watch goes on: what is in force stays so, and the file that comes back is read."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    whole = path.read_bytes()
    async with guarded(path, every=0.05) as it:
        path.unlink()
        os.mkfifo(path, 0o600)
        await until(lambda: len(it.told) == 1)
        path.unlink()
        path.write_bytes(whole)
        await until(lambda: len(it.told) == 2)
    assert it.told == [(f"{path}: cannot be read: no regular file",), ()]


async def test_a_path_that_cannot_be_looked_at_does_not_end_the_watch(tmp_path: Path, server: Issued) -> None:
    """A name with a NUL is told as a fault, and the next change is seen."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    async with guarded(path, every=0.05) as it:
        write(path, tls_server_config=tls(server, cert_file="a\0b.pem"))
        await until(lambda: len(it.told) == 1)
        write(path, tls_server_config=tls(server))
        await until(lambda: len(it.told) == 2)
    assert [bool(faults) for faults in it.told] == [True, False]


async def test_a_bad_reload_keeps_the_last_good_and_is_told_once(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """Each other fault once, and the end of it; what is in force stays so meanwhile."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    told: list[Any] = []
    first = load_web_config(path)
    watch = WebWatch(first, told.append)
    path.write_text("tls_server_config: [\n")
    await watch.reload()
    await watch.reload()
    path.unlink()
    await watch.reload()
    assert watch.in_force is first
    assert [bool(faults) for faults in told] == [True, True]
    write(path, tls_server_config=tls(server))
    await watch.reload()
    assert watch.in_force is not first
    assert told[2:] == [()]


@pytest.mark.parametrize(
    ("left", "lost"),
    [
        pytest.param({"basic_auth_users"}, "TLS", id="TLS"),
        pytest.param({"tls_server_config"}, "users", id="users"),
        pytest.param({"http_server_config"}, "TLS, users", id="both"),
    ],
)
async def test_a_reload_takes_no_protection_away(tmp_path: Path, server: Issued, left: set[str], lost: str) -> None:
    """A section that is gone may be a file that is half written: what was closed stays closed until a restart."""
    sections = {
        "tls_server_config": tls(server),
        "basic_auth_users": {USER: hashed()},
        "http_server_config": {"http2": False},
    }
    path = write(tmp_path / "web.yml", **sections)
    told: list[Any] = []
    watch = WebWatch(load_web_config(path), told.append)
    write(path, **{key: value for key, value in sections.items() if key in left})
    await watch.reload()
    assert told == [(f"{path}: would take {lost} away, which needs a restart",)]
    assert watch.in_force.protections == {"TLS", "users"}


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        pytest.param(None, True, id="gone"),
        pytest.param(["other.example.org"], False, id="another"),
        pytest.param(["prometheus.example.org", "other.example.org"], False, id="one more"),
        pytest.param(["prometheus.example.org"], False, id="the same"),
    ],
)
async def test_a_reload_may_change_the_names_of_clients_and_not_drop_them(
    tmp_path: Path, pki: Pki, server: Issued, names: list[str] | None, *, refused: bool
) -> None:
    """Without the list every client of the authority gets in, and a file cut short is without it."""
    section = tls(server, client_auth_type="RequireAndVerifyClientCert", client_ca_file=str(pki.ca_file))
    path = write(tmp_path / "web.yml", tls_server_config={**section, "client_allowed_sans": ["prometheus.example.org"]})
    told: list[Any] = []
    watch = WebWatch(load_web_config(path), told.append)
    write(path, tls_server_config=section if names is None else {**section, "client_allowed_sans": names})
    await watch.reload()
    faults = (f"{path}: would take client_allowed_sans away, which needs a restart",) if refused else ()
    assert told == [faults]
    assert watch.in_force.tls is not None
    assert watch.in_force.tls.allowed_sans == frozenset(names or ["prometheus.example.org"])


async def test_a_file_that_was_missing_is_noticed_when_it_comes(tmp_path: Path, server: Issued) -> None:
    """A key that is replaced is away for a moment; also one that only changes its mode is looked at."""
    path = write(tmp_path / "web.yml", tls_server_config=tls(server))
    away = server.key.with_suffix(".away")
    async with guarded(path, every=0.05) as it:
        server.key.rename(away)
        await until(lambda: len(it.told) == 1)
        away.rename(server.key)
        await until(lambda: len(it.told) == 2)
        server.key.chmod(0o644)
        await until(lambda: len(it.told) == 3)
    assert [bool(faults) for faults in it.told] == [True, False, True]
    assert isinstance(it.watch.in_force, WebConfig)


async def until(holds: Any) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110 - nobody sets an event for a test
            await asyncio.sleep(0.01)
