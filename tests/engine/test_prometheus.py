"""A real Prometheus scrapes the listener, and promtool finds nothing to say about the exposition."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import msgspec
import pytest

from checks.model.state import Tally
from engine.metrics import GREEN, render
from engine.port import Selftest, Snapshot
from engine.serve import Health, MetricsServer
from tests.support.clock import NOW
from tests.support.console import free_port, scraped, serving, until, write_estate
from tests.support.servers import needs
from tests.support.snapshots import a_check, a_full_estate, a_snapshot, a_standing, an_estate

PASSES = 'controlwatch_check_state{check="backups",family="backup",state="pass"} 1'
BY_NAME = (
    '(controlwatch_check_state{state=~"pass|warn"} == 1) and on (check, family) '
    "(controlwatch_check_valid_until_timestamp_seconds > time())"
)


class Instant(msgspec.Struct):
    """One series of an answer."""

    metric: Mapping[str, str]
    value: tuple[float, str]


class Result(msgspec.Struct):
    """The series of an answer."""

    result: Sequence[Instant]


class Answer(msgspec.Struct):
    """What Prometheus answers to an instant query."""

    status: str
    data: Result


def living(now: datetime) -> Snapshot:
    """Build an estate on the wall clock, which is Prometheus's own: two checks are green and four are not."""
    later, tally = now + timedelta(hours=1), Tally(passed=9, failed=1)
    standings = {
        "passes": a_standing(valid_until=later),
        "warns": a_standing(valid_until=later, tally=Tally(passed=9, warned=1)),
        "fails": a_standing(valid_until=later, tally=tally),
        "waived": a_standing(valid_until=later, tally=msgspec.structs.replace(tally, waived=1)),
        "stale": a_standing(valid_until=now - timedelta(seconds=1)),
        "unproven": a_standing(valid_until=None),
    }
    checks = [a_check(name, standing=standing) for name, standing in standings.items()]
    return a_snapshot(checks=checks, at=now, selftest=Selftest(passed_at=now))


@asynccontextmanager
async def prometheus(server: MetricsServer, folder: Path) -> AsyncIterator[str]:
    """Run a Prometheus that scrapes the server every second, and give its address."""
    program = needs("prometheus", package="prometheus")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: controlwatch, static_configs: [{{targets: ['127.0.0.1:{server.port}']}}]}}]\n",
    )
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


async def query(base: str, promql: str) -> Sequence[Instant]:
    """Ask until Prometheus is up and has something to say; gives the series."""
    async with aiohttp.ClientSession() as session, asyncio.timeout(60):
        while True:
            try:
                async with session.get(f"{base}/api/v1/query", params={"query": promql}) as response:
                    body = await response.read()
                    if response.status == 200 and (found := msgspec.json.decode(body, type=Answer).data.result):
                        return found
            except aiohttp.ClientError:
                pass  # it is still starting
            await asyncio.sleep(0.1)


async def test_prometheus_says_what_is_green(tmp_path: Path) -> None:
    """The one line of PromQL gives exactly the checks that are held, over the wire and by Prometheus's own clock."""
    now = datetime.now(UTC)
    exposition = render(living(now), now)
    server = MetricsServer("127.0.0.1:0", lambda: exposition, lambda: Health(healthy=True, ready=True))
    await server.start()
    try:
        async with prometheus(server, tmp_path) as base:
            green = await query(base, GREEN)
            by_name = await query(base, BY_NAME)
            up = await query(base, "up")
            read = await query(base, "scrape_samples_scraped")
            states = await query(base, "sum by (check) (controlwatch_check_state)")
    finally:
        await server.stop()
    assert {(row.metric["check"], row.metric["state"]) for row in green} == {("passes", "pass"), ("warns", "warn")}
    assert {row.metric["check"] for row in by_name} == {"passes", "warns"}
    assert [row.value[1] for row in up] == ["1"]
    assert [row.value[1] for row in read] == [str(exposition.series)]
    assert {row.value[1] for row in states} == {"1"}


async def test_a_frozen_exposition_loses_its_green_in_prometheus(tmp_path: Path) -> None:
    """When nobody renders any more, Prometheus itself stops calling the same bytes green once the proof ends."""
    now = datetime.now(UTC)
    frozen = render(living(now), now)
    server = MetricsServer("127.0.0.1:0", lambda: frozen, lambda: Health(healthy=True, ready=True))
    await server.start()
    try:
        async with prometheus(server, tmp_path) as base:
            await query(base, GREEN)
            later = GREEN.replace("time()", "(time() + 3600)")
            held = await query(base, f"count({later}) or vector(0)")
            says = await query(base, 'controlwatch_check_state{check="passes",state="pass"}')
    finally:
        await server.stop()
    assert [row.value[1] for row in held] == ["0"]
    assert [row.value[1] for row in says] == ["1"]


def first_answer(folder: Path, port: int) -> str:
    """Serve the folder, and give the first exposition that is answered; the process is then killed."""
    seen: list[str] = []

    def answered() -> bool:
        seen.append(scraped(port))
        return bool(seen[-1])

    with serving(folder):
        until(answered)
    return seen[-1]


def test_the_first_scrape_after_a_restart_is_whole(tmp_path: Path) -> None:
    """A killed engine comes back with every state, count and time that it had, before it has asked anything again."""
    port = free_port()
    path = write_estate(tmp_path, port=port, every="1h")
    with serving(tmp_path):
        until(lambda: PASSES in scraped(port))
        before = scraped(port)
    (tmp_path / "dumps" / "db.sql").unlink()
    after = first_answer(tmp_path, port)
    assert PASSES in after
    steady = (
        "check_population",
        "check_passed",
        "check_as_of",
        "source_last_success",
        "source_records",
        "backup_newest",
    )
    for name in steady:
        lines = [line for line in before.splitlines() if line.startswith(f"controlwatch_{name}")]
        assert lines or name == "backup_newest"
        assert not set(lines) - set(after.splitlines()), name

    path.write_text(path.read_text().replace("[checks.backups]", "[checks.renamed]"))
    renamed = first_answer(tmp_path, port)
    assert 'check="renamed"' in renamed
    assert 'check="backups"' not in renamed


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(a_snapshot(), id="one check"),
        pytest.param(an_estate(40), id="an estate"),
        pytest.param(a_full_estate(12, 4, 3, 3, 3), id="every family"),
        pytest.param(an_estate(600), id="past the cap"),
        pytest.param(a_snapshot(checks=(), sources=(), selftest=Selftest(), ticked_at=None), id="nothing at all"),
    ],
)
def test_promtool_has_nothing_to_say(snapshot: Snapshot) -> None:
    """The linter of Prometheus accepts every name, type and help, and prints nothing."""
    promtool = needs("promtool", package="prometheus")
    body = render(snapshot, NOW).body
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
