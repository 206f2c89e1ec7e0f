"""The demo stands for as long as its block, over files that a configuration names."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

import sources
from demo.configured import KINDS
from demo.estate import FEWEST, Estate
from demo.files import Files
from demo.running import METRICS_PORT, running
from engine.config import load


def _now() -> datetime:
    return datetime.now(UTC)


async def test_the_configuration_is_valid_and_covers_every_family(tmp_path: Path) -> None:
    """The engine's own loader accepts it, and every check has a team, a runbook and a paragraph of a policy."""
    async with running(Estate(1, FEWEST, _now()), tmp_path, _now, kinds=sources.kinds()) as demo:
        config = load(demo.config)
    assert {check.check.family for check in config.checks.values()} == {"mfa", "access", "backup", "certification"}
    assert len({check.common.check for check in config.checks.values()}) == 8
    for check in config.checks.values():
        assert check.common.team
        assert check.common.runbook.startswith("https://runbooks.example.org/")
        assert check.common.policy_ref


async def test_a_kind_that_there_is_not_is_left_out_with_its_checks(tmp_path: Path) -> None:
    """Without the kinds of the directories the configuration names neither them nor checks over them alone."""
    kinds = {"roster", "files", "tls", "register"}
    async with running(Estate(1, FEWEST, _now()), tmp_path, _now, kinds=kinds) as demo:
        config = load(demo.config)
    assert {source.common.kind for source in config.sources.values()} == kinds & KINDS
    assert set(config.checks) == {"backups", "public-tls", "internal-tls", "vendors"}


async def test_leaving_the_block_closes_every_port(tmp_path: Path) -> None:
    """Nothing listens after the demo."""
    async with running(Estate(1, FEWEST, _now()), tmp_path, _now) as demo:
        ports = [int(origin.rpartition(":")[2]) for origin in (demo.wired.okta, demo.wired.graph, demo.wired.github)]
        ports += [listener.port for listener in demo.listeners.values()]
        async with aiohttp.ClientSession() as session, session.get(f"{demo.wired.okta}/api/v1/users") as answer:
            assert answer.status == 401
    for port in ports:
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", port)) != 0


async def test_secrets_are_files_of_their_owner_and_no_part_of_the_configuration(tmp_path: Path) -> None:
    """The configuration holds references; what they lead to is 0600."""
    async with running(Estate(1, FEWEST, _now()), tmp_path, _now) as demo:
        text = demo.config.read_text()
        for path in (tmp_path / "secrets").iterdir():
            assert path.stat().st_mode & 0o777 == 0o600
            assert f'"{path.read_text()}"' not in text


async def test_a_taken_metrics_port_is_another_one(tmp_path: Path) -> None:
    """Two demos at once both have metrics, and neither takes a real engine's port."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if other.connect_ex(("127.0.0.1", METRICS_PORT)) != 0:
            other.close()
            with socket.create_server(("127.0.0.1", METRICS_PORT)):
                await _metrics_elsewhere(tmp_path)
        else:
            await _metrics_elsewhere(tmp_path)


async def _metrics_elsewhere(folder: Path) -> None:
    async with running(Estate(1, FEWEST, _now()), folder, _now) as demo:
        host, _, port = demo.wired.metrics.rpartition(":")
    assert host == "127.0.0.1"
    assert int(port) not in {METRICS_PORT, 10965}


@pytest.mark.parametrize("days", [0, 400])
def test_a_leaver_stays_a_leaver_however_long_the_demo_runs(days: int, tmp_path: Path, now: datetime) -> None:
    """Whoever has left since first sight is written as terminated, with that end."""
    files = Files(Estate(1, FEWEST, now), tmp_path)
    login = files.estate.workforce(30).login
    files.left[login] = files.estate.days.ago(-days)
    files.write_roster()
    row = next(line for line in (tmp_path / "people.csv").read_text().splitlines() if line.startswith(login))
    assert ",terminated," in row
    assert row.endswith(files.left[login].isoformat())
