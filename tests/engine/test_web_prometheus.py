"""A real Prometheus scrapes over TLS, with its certificate and its password, and goes on over a reload."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from tests.support.pki import Pki
from tests.support.servers import needs
from tests.support.web import PASSWORD, USER, guarded, hashed, tls, write


@asynccontextmanager
async def scraping(folder: Path, job: Mapping[str, Any]) -> AsyncIterator[str]:
    """Run a Prometheus with one job, and give its address."""
    program = needs("prometheus", package="prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump({"global": {"scrape_interval": "1s"}, "scrape_configs": [dict(job)]}))
    process = await asyncio.create_subprocess_exec(
        program,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def value(base: str, promql: str) -> float:
    """Ask until there is an answer with one series; gives its value."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{base}/api/v1/query", params={"query": promql}) as response:
                    found = json.loads(await response.read())["data"]["result"]
                    if found:
                        return float(found[0]["value"][1])
            except (aiohttp.ClientError, ValueError):
                pass  # it is still starting
            await asyncio.sleep(0.1)


async def test_prometheus_scrapes_behind_every_protection(tmp_path: Path) -> None:
    """TLS, a client certificate by its name and a user at once; every scrape is up, while a certificate changes too."""
    folder = tmp_path / "pki"
    folder.mkdir()
    pki = Pki(folder)
    server, fresh = pki.leaf("server", names=("127.0.0.1",)), pki.leaf("fresh", names=("127.0.0.1",))
    client = pki.leaf("scraper", names=("prometheus.example.org",))
    for issued in (server, fresh):
        issued.key.chmod(0o600)
    policy = {
        "client_auth_type": "RequireAndVerifyClientCert",
        "client_ca_file": str(pki.ca_file),
        "client_allowed_sans": ["prometheus.example.org"],
    }
    users = {USER: hashed()}
    path = write(tmp_path / "web.yml", tls_server_config=tls(server, **policy), basic_auth_users=users)
    async with guarded(path, every=0.1) as it:
        trust = {"ca_file": str(pki.ca_file), "cert_file": str(client.chain), "key_file": str(client.key)}
        job = {
            "job_name": "controlwatch",
            "scheme": "https",
            "tls_config": trust,
            "basic_auth": {"username": USER, "password": PASSWORD},
            "static_configs": [{"targets": [f"127.0.0.1:{it.port}"]}],
        }
        async with scraping(tmp_path, job) as base:
            assert await value(base, "count_over_time(up[1m]) > 1") > 1
            write(path, tls_server_config=tls(fresh, **policy), basic_auth_users=users)
            before = await value(base, "count_over_time(up[1m])")
            assert await value(base, f"count_over_time(up[1m]) > {before + 3}") > before
            assert await value(base, "min_over_time(up[1m])") == 1
            assert await value(base, "controlwatch_engine_live") == 1
    assert it.told == [()]
