"""A service manager learns when the engine is live, what it found, that it ticks, reloads and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from checks.model.state import Tally
from cli.notify import SHORTEST_PATIENCE, Notifier, status_line
from engine.port import Selftest, Snapshot
from tests.support.clock import NOW
from tests.support.console import COMMAND, environment, free_port, scraped, until, write_estate
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing

WATCHDOG = 60.0
EVERY_MINUTE = {"WATCHDOG_USEC": "60000000"}


class Manager:
    """A service manager's end of the notification socket."""

    def __init__(self, address: str) -> None:
        """Bind a datagram socket as systemd does."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)

    def heard(self, seconds: float = 0) -> list[str]:
        """List the lines of the next message; none when nothing comes in time."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(65_536).decode().split("\n")
        except (BlockingIOError, TimeoutError):
            return []

    def hears(self, line: str, seconds: float = 60) -> list[str]:
        """Read messages up to the one with the line, and give all lines before and with it."""
        seen: list[str] = []

        def came() -> bool:
            seen.extend(self.heard(0.2))
            return any(one.startswith(line) for one in seen)

        until(came, seconds)
        return seen


@dataclass
class Stopwatch:
    """A monotonic clock that a test moves."""

    at: float = 1_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.at


@pytest.fixture(name="manager")
def a_manager(tmp_path: Path) -> Iterator[Manager]:
    """Listen on a socket in the file system."""
    manager = Manager(str(tmp_path / "notify"))
    yield manager
    manager.socket.close()


def notifying(manager: Manager, clock: Callable[[], float] | None = None, **more: str) -> Notifier:
    """Build a notifier that tells the manager."""
    return Notifier({"NOTIFY_SOCKET": str(manager.socket.getsockname()), **more}, monotonic=clock or Stopwatch())


def test_ready_is_told_once_and_only_when_the_engine_is_live(manager: Manager) -> None:
    """A unit that waits for us starts when there is something to read, and not before."""
    notifier = notifying(manager)
    notifier.tell(a_snapshot(phase="starting"))
    starting = manager.heard()
    notifier.tell(a_snapshot())
    live = manager.heard()
    notifier.tell(a_snapshot())

    assert starting == ["STATUS=starting: 1 pass"]
    assert live == ["READY=1", "STATUS=live: 1 pass"]
    assert manager.heard() == []


def test_an_abstract_socket_is_a_socket_too() -> None:
    """An address that begins with @ is abstract, as in a container's manager."""
    manager = Manager(f"\0controlwatch-{os.getpid()}-{free_port()}")
    name = bytes(manager.socket.getsockname()).decode().replace("\0", "@")
    Notifier({"NOTIFY_SOCKET": name}).tell(a_snapshot())
    heard = manager.heard()
    manager.socket.close()

    assert heard[0] == "READY=1"


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="no manager"),
        pytest.param({"NOTIFY_SOCKET": "vsock:2:1234"}, id="a kind of socket that we do not speak"),
        pytest.param({"NOTIFY_SOCKET": "/nonexistent/notify"}, id="a manager that is gone"),
    ],
)
async def test_without_a_manager_nothing_happens(environment: Mapping[str, str]) -> None:
    """The same command runs in a terminal, in a container and under systemd."""
    notifier = Notifier(environment)
    notifier.tell(a_snapshot())
    with notifier.reloading():
        notifier.stopping()
    await notifier.watch(a_snapshot)


def test_a_manager_that_does_not_read_holds_nobody_up(manager: Manager) -> None:
    """When its queue is full a message is lost, and the engine goes on."""
    notifier = notifying(manager)
    for _ in range(2_000):
        notifier.stopping()

    assert manager.heard() == ["STOPPING=1", "STATUS=stopping"]


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        pytest.param({}, None, id="none asked for"),
        pytest.param(EVERY_MINUTE, WATCHDOG, id="a minute"),
        pytest.param({**EVERY_MINUTE, "WATCHDOG_PID": str(os.getpid())}, WATCHDOG, id="meant for us"),
        pytest.param({**EVERY_MINUTE, "WATCHDOG_PID": "1"}, None, id="meant for another process"),
        pytest.param({"WATCHDOG_USEC": "0"}, None, id="zero"),
        pytest.param({"WATCHDOG_USEC": "soon"}, None, id="no number"),
    ],
)
def test_the_watchdog_is_read_from_the_environment(
    manager: Manager, more: dict[str, str], seconds: float | None
) -> None:
    """Life is proven only to a manager that asks this very process for it."""
    assert notifying(manager, None, **more).watchdog == seconds


def test_the_watchdog_hears_us_only_while_the_scheduler_ticks(manager: Manager) -> None:
    """A scheduler that hangs falls silent, so that the manager restarts us; when it ticks again, so do we."""
    clock = Stopwatch()
    notifier = notifying(manager, clock, **EVERY_MINUTE)
    heard: list[tuple[float, list[str]]] = []
    for after, ticked in [(0, 0), (30, 30), (80, 30), (91, 30), (3_600, 30), (3_601, 3_601)]:
        clock.at = 1_000.0 + after
        notifier.prove(a_snapshot(ticked_at=NOW + timedelta(seconds=ticked)), WATCHDOG)
        heard.append((after, manager.heard()))

    told = ["WATCHDOG=1"]
    assert heard == [(0, told), (30, told), (80, told), (91, []), (3_600, []), (3_601, told)]


@pytest.mark.parametrize("latest", [None, a_snapshot(ticked_at=None)], ids=["no snapshot", "no tick"])
def test_a_scheduler_that_never_ticks_is_given_the_same_time(manager: Manager, latest: Snapshot | None) -> None:
    """An engine that hangs at its start is restarted too."""
    clock = Stopwatch()
    notifier = notifying(manager, clock, **EVERY_MINUTE)
    notifier.prove(latest, 1.0)
    at_once = manager.heard()
    clock.at += SHORTEST_PATIENCE
    notifier.prove(latest, 1.0)

    assert at_once == ["WATCHDOG=1"]
    assert manager.heard() == []


def test_a_clock_that_is_set_back_does_not_hide_a_hung_scheduler(manager: Manager) -> None:
    """A last tick in the future of the wall clock is no sign of life."""
    clock = Stopwatch()
    notifier = notifying(manager, clock, **EVERY_MINUTE)
    ahead = a_snapshot(ticked_at=NOW + timedelta(days=1))
    notifier.prove(ahead, WATCHDOG)
    manager.heard()
    clock.at += WATCHDOG
    notifier.prove(ahead, WATCHDOG)

    assert manager.heard() == []


@pytest.mark.parametrize(
    ("snapshot", "line"),
    [
        pytest.param(a_snapshot(checks=()), "live: no checks", id="empty"),
        pytest.param(
            a_snapshot(
                checks=[
                    a_check("a"),
                    a_check("b"),
                    a_check("c", standing=a_standing(tally=Tally(passed=1, failed=2))),
                    a_check("d", standing=a_standing(valid_until=NOW)),
                ]
            ),
            "live: 1 fail, 1 stale, 2 pass",
            id="worst first",
        ),
        pytest.param(a_snapshot(selftest=Selftest(error="wrong")), "live: 1 unknown", id="not proven"),
        pytest.param(
            a_snapshot(
                sources=[a_source(), a_source("edge", failing_since=NOW)],
                config_error="secret-project: unknown section",
                evidence_error="/srv/secret: full",
            ),
            "live: 1 pass; 1 of 2 sources down; configuration refused, the last good one is in force; "
            "evidence is not written",
            id="troubles without names",
        ),
    ],
)
def test_the_status_counts_states_and_names_nobody(snapshot: Snapshot, line: str) -> None:
    """What every local user can read with systemctl holds counts and no name."""
    assert status_line(snapshot) == line


@contextmanager
def served(folder: Path, manager: Manager, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real command under the manager."""
    told = environment(NOTIFY_SOCKET=str(manager.socket.getsockname()), **more)
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [str(COMMAND), "serve"], cwd=folder, env=told, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_the_real_command_tells_its_whole_life(tmp_path: Path, manager: Manager) -> None:
    """Ready comes when the metrics can be scraped; then signs of life, a reload, and the end."""
    port = free_port()
    path = write_estate(tmp_path, port=port)
    with served(tmp_path, manager, WATCHDOG_USEC="400000") as process:
        manager.hears("READY=1")
        exposed = scraped(port)
        manager.hears("STATUS=live: 1 pass")
        life = [manager.hears("WATCHDOG=1") for _ in range(3)]
        path.write_text(path.read_text().replace("[checks.backups]", "[checks.renamed]"))
        process.send_signal(signal.SIGHUP)
        reload = manager.hears("RELOADING=1")
        reload += manager.hears("READY=1")
        process.send_signal(signal.SIGTERM)
        manager.hears("STOPPING=1")
        code = process.wait(timeout=60)

    assert "controlwatch_check_state" in exposed
    assert all(life)
    assert any(line.removeprefix("MONOTONIC_USEC=").isdecimal() for line in reload)
    assert code == 0
    assert "Traceback" not in (tmp_path / "serve.log").read_text()


def test_a_refused_reload_is_over_too(tmp_path: Path, manager: Manager) -> None:
    """A bad configuration does not leave the unit reloading; the status says that it was refused."""
    path = write_estate(tmp_path)
    with served(tmp_path, manager) as process:
        manager.hears("READY=1")
        path.write_text("[nonsense]\n")
        process.send_signal(signal.SIGHUP)
        manager.hears("RELOADING=1")
        lines = manager.hears("READY=1")
        if not any("configuration refused" in line for line in lines):
            lines += manager.hears("STATUS=live")

    assert any("configuration refused" in line for line in lines)
