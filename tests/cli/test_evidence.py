"""What ``controlwatch evidence`` tells of a chain that was tampered with, and of sources that it does not know."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
from contextlib import closing, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.commands import run
from tests.cli.contract import estate
from tests.support.console import COMMAND, command, environment, serving, until
from tests.support.denied import denied

VALID = "controlwatch_evidence_chain_valid"


def write(folder: Path, script: str) -> None:
    """Write into the store's file as whoever owns it can."""
    with closing(sqlite3.connect(folder / "state" / "store.sqlite")) as raw:
        raw.executescript(
            "DROP TRIGGER IF EXISTS chain_refuses_update; DROP TRIGGER IF EXISTS chain_refuses_delete;" + script
        )


def test_a_cut_off_end_is_told_until_it_is_accepted(tmp_path: Path) -> None:
    """Whatever is collected after it: ``verify`` exits 1 and the metrics say 0, until somebody explains it."""
    estate(tmp_path)
    told = []
    command("check", "--textfile", "a.prom", folder=tmp_path)
    write(tmp_path, "DELETE FROM chain WHERE seq > 1;")
    for _ in range(2):
        told.append(command("evidence", "verify", folder=tmp_path))
        command("check", "--textfile", "b.prom", folder=tmp_path)
    accepted = command("evidence", "accept-break", "--reason", "a drill", folder=tmp_path)
    after = command("evidence", "verify", folder=tmp_path)
    again = command("evidence", "accept-break", "--reason", "a drill", folder=tmp_path)
    command("check", "--textfile", "c.prom", folder=tmp_path)

    assert [done.returncode for done in told] == [1, 1]
    assert "accept-break --reason" in told[-1].stderr
    assert (accepted.returncode, accepted.stdout) == (0, "")
    assert "accepted: entry 2, noticed " in accepted.stderr
    assert (after.returncode, after.stderr) == (0, "")
    assert again.returncode == 2
    assert "there is nothing to accept" in again.stderr
    lines = [(tmp_path / f"{name}.prom").read_text().splitlines() for name in "abc"]
    assert [[line for line in found if line.startswith(f"{VALID} ")] for found in lines] == [
        [f"{VALID} 1"],
        [f"{VALID} 0"],
        [f"{VALID} 1"],
    ]


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        pytest.param("UPDATE meta SET value = '?' WHERE key = 'chain_head'", "noted head is entry 0", id="unreadable"),
        pytest.param("UPDATE chain SET body = '{}' WHERE seq = 1", "entry 1 was changed", id="changed"),
    ],
)
def test_what_was_written_over_is_a_fault_and_no_traceback(tmp_path: Path, tamper: str, told: str) -> None:
    """Exit 1, and the entry is named."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    write(tmp_path, tamper)
    done = command("evidence", "verify", folder=tmp_path)

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_evidence_of_a_source_that_is_configured_no_more_is_listed(tmp_path: Path) -> None:
    """The name is known as long as something of it is there."""
    path = estate(tmp_path)
    command("check", folder=tmp_path)
    path.write_text(path.read_text().replace("sources.dumps", "sources.moved").replace('["dumps"]', '["moved"]'))
    former = command("evidence", "list", "--source", "dumps", folder=tmp_path)
    present = command("evidence", "list", "--source", "moved", folder=tmp_path)

    assert (former.returncode, former.stderr) == (0, "")
    assert "dumps" in former.stdout
    assert (present.returncode, present.stdout) == (0, "")


def test_an_engine_that_only_reads_accepts_no_break(tmp_path: Path) -> None:
    """Nobody writes evidence beside it."""
    path = estate(tmp_path)
    path.write_text("[engine]\nread_only = true\n" + path.read_text())
    done = command("evidence", "accept-break", "--reason", "a drill", folder=tmp_path)

    assert done.returncode == 2
    assert "read-only" in done.stderr


def test_a_pack_is_what_sha256sum_says(tmp_path: Path) -> None:
    """It is made beside a store, checked with standard tools, and never written over what is there."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    asked = ("evidence", "pack", "--since", "2020-01-01", "--out", "pack")
    early = command(*asked, folder=tmp_path)
    today = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    done = command("evidence", "pack", "--since", today, "--until", "2099-01-01", "--out", "pack", folder=tmp_path)
    made = command("evidence", "pack", "--since", today, "--until", today, "--out", "pack", folder=tmp_path)
    again = command("evidence", "pack", "--since", today, "--out", "pack", folder=tmp_path)
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "pack", capture_output=True, check=False)

    assert (early.returncode, done.returncode) == (2, 2)
    assert "at most 732 days" in early.stderr
    assert (made.returncode, made.stdout) == (0, "pack\n")
    assert (checked.returncode, checked.stderr) == (0, b"")
    assert again.returncode == 2
    assert "nothing is written over it" in again.stderr
    digest = (tmp_path / "pack" / "manifests.csv").read_text().splitlines()[1].split(",")[1]
    line = (tmp_path / "pack" / "manifests.jsonl").read_bytes().splitlines()[0]
    assert digest == f"sha256:{hashlib.sha256(line).hexdigest()}"


def test_a_pack_of_a_broken_chain_says_so(tmp_path: Path) -> None:
    """It is written all the same, and the exit code is 1."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    write(tmp_path, "UPDATE chain SET body = '{}' WHERE seq = 1")
    today = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    done = command("evidence", "pack", "--since", today, "--out", "pack.zip", folder=tmp_path)

    assert done.returncode == 1
    assert "THE EVIDENCE CHAIN IS BROKEN" in done.stderr
    assert (tmp_path / "pack.zip").is_file()


def test_a_pack_names_the_blob_that_is_missing(tmp_path: Path) -> None:
    """No rule let it go: the pack is written all the same, and the exit code is 1."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    [blob] = (tmp_path / "state" / "evidence").glob("*/*.gz")
    blob.unlink()
    today = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    done = command("evidence", "pack", "--since", today, "--out", "pack", folder=tmp_path)
    checked = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=tmp_path / "pack", capture_output=True, check=False)

    assert (done.returncode, done.stdout, checked.returncode) == (1, "pack\n", 0)
    assert f"1 MISSING: blob sha256:{blob.name.removesuffix('.jsonl.gz')}" in done.stderr
    assert blob.name.removesuffix(".jsonl.gz") in (tmp_path / "pack" / "README.md").read_text()


@pytest.mark.parametrize("beside", ["an engine", "none"])
def test_a_pack_that_finds_no_room_leaves_nothing(tmp_path: Path, beside: str) -> None:
    """Exit 4, in a sentence that says where and what next, beside a running engine too."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    (tmp_path / "out").mkdir()
    today = f"{datetime.now(tz=UTC):%Y-%m-%d}"
    packing = f"trap '' XFSZ; ulimit -f 2; exec {COMMAND} evidence pack --since {today} --out out/pack.zip"
    with serving(tmp_path) if beside == "an engine" else nullcontext():
        if beside == "an engine":
            until((tmp_path / "state" / "engine.sock").exists)
        done = subprocess.run(
            ["bash", "-c", packing], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
        )

    assert (done.returncode, done.stdout) == (4, "")
    assert "Traceback" not in done.stderr
    assert str(tmp_path) in done.stderr
    assert list((tmp_path / "out").iterdir()) == []


def test_a_pack_of_somebody_elses_state_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4, in a sentence, and nothing is left where it was to go."""
    estate(tmp_path)
    command("check", folder=tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.chdir(tmp_path)
    asked = ["evidence", "pack", "--since", f"{datetime.now(tz=UTC):%Y-%m-%d}", "--out"]
    mine = run([*asked, "out/mine.zip"])
    capsys.readouterr()
    out.chmod(0o777)
    with denied(tmp_path, "state"):
        theirs = run([*asked, "out/theirs.zip"])
    told = capsys.readouterr()

    assert (mine, theirs, told.out) == (0, 4, "")
    assert "Traceback" not in told.err
    assert "cannot be read (Permission denied); grant user id" in told.err
    assert [each.name for each in out.iterdir()] == ["mine.zip"]
