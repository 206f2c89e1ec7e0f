"""``controlwatch init`` writes a small true configuration, shows its verdict, and never overwrites."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from engine.config import load
from tests.support.console import command


def refused_port() -> int:
    """Find a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def test_it_writes_a_dozen_lines_and_shows_their_verdict(tmp_path: Path) -> None:
    """The file loads, and the verdict about a host that is down is true: unknown."""
    port = refused_port()

    done = command("init", "--tls", f"127.0.0.1:{port}", folder=tmp_path)

    assert done.returncode == 3
    assert done.stdout.startswith("? UNKNOWN")
    assert done.stderr == "controlwatch: wrote controlwatch.toml; this is what it shows:\n"
    written = tmp_path / "controlwatch.toml"
    assert len(written.read_text().splitlines()) <= 15
    assert load(written).sources["edge"].own.targets == (f"127.0.0.1:{port}",)


def test_it_never_overwrites(tmp_path: Path) -> None:
    """A second one changes nothing."""
    path = tmp_path / "controlwatch.toml"
    path.write_text("# mine\n")

    done = command("init", "--tls", "example.org", folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert "controlwatch.toml is there already; nothing was written" in done.stderr
    assert path.read_text() == "# mine\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param([], "name what to watch", id="nothing"),
        pytest.param(["--tls", "a b"], "'a b' is not a host", id="space"),
        pytest.param(["--tls", 'a"]\nb'], "is not a host", id="quote"),
        pytest.param(["--tls", "example.org:99999"], "port 99999 is not in 1 to 65535", id="port"),
        pytest.param(["--tls", "example.org", "--tls", "example.org"], "is the same target as", id="twice"),
    ],
)
def test_what_cannot_be_watched_is_refused_and_nothing_is_written(
    tmp_path: Path, arguments: list[str], said: str
) -> None:
    """The file that it writes always loads."""
    done = command("init", *arguments, folder=tmp_path)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """It is the operator's to mend, and no fault of ours."""
    done = command("--config", "no/such/folder/c.toml", "init", "--tls", "example.org", folder=tmp_path)

    assert done.returncode == 2
    assert "no/such/folder/c.toml" in done.stderr
    assert "Traceback" not in done.stderr
