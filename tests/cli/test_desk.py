"""The small commands around an estate: configuration, sources, secrets, waivers and evidence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.contract import BLIND, estate, waive
from tests.support.console import command

RESTIC = """
[sources.offsite]
kind = "restic"
repository = "repository"
password = "file:password"
environment = { AWS_ACCESS_KEY_ID = "env:BACKUP_KEY" }
[checks.offsite]
check = "backup_freshness"
sources = ["offsite"]
"""
ROSTER = """
[sources.people]
kind = "roster"
path = "people.csv"
columns = { key = "email", terminated_at = "end" }
"""


def test_config_check_tells_every_fault_at_once(tmp_path: Path) -> None:
    """Those of the waivers too, once the configuration is sound."""
    path = estate(tmp_path)
    sound = path.read_text()
    path.write_text(sound + "[metric]\n[engine]\nconcurrency = 0\n")

    first = command("config", "check", folder=tmp_path)
    path.write_text(sound)
    (tmp_path / "waivers.toml").write_text("[[waiver]]\n")
    second = command("config", "check", folder=tmp_path)

    assert (first.returncode, first.stdout) == (2, "")
    assert first.stderr.splitlines() == [
        'controlwatch: controlwatch.toml: metric: unknown section, did you mean "metrics"?',
        "controlwatch: controlwatch.toml: engine.concurrency: expected 1 or more, found 0",
    ]
    assert second.returncode == 2
    assert second.stderr.splitlines()[0] == "controlwatch: waivers.toml: waiver[0].id: missing"


def test_config_schema_is_json(tmp_path: Path) -> None:
    """An editor can use it as it is printed, without any configuration."""
    done = command("config", "schema", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["title"] == "controlwatch.toml"


def test_source_test_tells_reach_and_what_a_refusal_costs(tmp_path: Path) -> None:
    """Exit 3 when something is refused; the facts that become unknown are named."""
    estate(tmp_path, 1, BLIND + ROSTER)
    (tmp_path / "people.csv").write_text("email,end\nana@example.org,\nbob@example.org,2026-01-31\n")

    everything = command("source", "test", folder=tmp_path)
    sound = command("source", "test", "dumps", "people", folder=tmp_path)

    assert (everything.returncode, sound.returncode) == (3, 0)
    assert "  ✖ read " in everything.stdout
    assert "      costs: attestation (unknown without it)" in everything.stdout
    assert ": 2 people as of " in sound.stdout
    assert "Traceback" not in everything.stderr


def test_source_test_tells_a_wrong_path_from_one_that_is_gone(tmp_path: Path) -> None:
    """Both say where and what next; only of what a run has found under the same configuration that it was there."""
    path = estate(tmp_path)
    (tmp_path / "dumps").rename(tmp_path / "elsewhere")
    first = command("source", "test", folder=tmp_path)
    (tmp_path / "elsewhere").rename(tmp_path / "dumps")
    command("check", folder=tmp_path)
    (tmp_path / "dumps").rename(tmp_path / "elsewhere")
    gone = command("source", "test", folder=tmp_path)
    checked = command("check", folder=tmp_path)
    path.write_text(path.read_text().replace("dumps/*", "dmps/*"))
    changed = command("source", "test", folder=tmp_path)

    assert [done.returncode for done in (first, gone, changed)] == [3, 3, 3]
    assert f"{tmp_path / 'dumps'} is not there; put it there, or mend pattern" in first.stdout
    assert f"{tmp_path / 'dumps'} is not there; put it there, or mend pattern" in gone.stdout
    assert f"{tmp_path / 'dmps'} is not there; put it there, or mend pattern" in changed.stdout
    assert ["it was there: the run that ended 2" in done.stdout for done in (first, gone, changed)] == [
        False,
        True,
        False,
    ]
    assert "is not there, and the run that ended 2" in checked.stdout
    assert "bring it back" in checked.stdout


def test_secret_list_tells_what_can_be_resolved_and_never_a_secret(tmp_path: Path) -> None:
    """Each reference with its place; exit 2 while one is missing."""
    estate(tmp_path, 1, RESTIC)
    missing = command("secret", "list", folder=tmp_path)
    password = tmp_path / "password"
    password.write_text("hunter2-hunter2\n")
    password.chmod(0o600)

    done = command("secret", "list", folder=tmp_path, BACKUP_KEY="hunter2-hunter2")

    assert missing.returncode == 2
    assert "sources.offsite.environment.AWS_ACCESS_KEY_ID = env:BACKUP_KEY: the environment variable" in missing.stdout
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "sources.offsite.password = file:password: can be resolved",
        "sources.offsite.environment.AWS_ACCESS_KEY_ID = env:BACKUP_KEY: can be resolved",
    ]
    assert "hunter2" not in missing.stdout + done.stdout + missing.stderr + done.stderr


@pytest.mark.parametrize("arguments", [["set", "okta"], ["delete", "okta"]], ids=["set", "delete"])
def test_a_machine_without_a_keyring_says_what_to_do(tmp_path: Path, arguments: list[str]) -> None:
    """A server has none; references to files and variables work there."""
    import subprocess

    from tests.support.console import COMMAND, environment

    done = subprocess.run(
        [str(COMMAND), "secret", *arguments],
        cwd=tmp_path,
        env=environment(PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring"),
        input="hunter2-hunter2\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "no usable keyring for 'okta' (NoKeyringError); unlock or install one" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_waiver_list_tells_how_long_each_lives(tmp_path: Path) -> None:
    """Who approved it is shown as claimed; a malformed one makes the exit code 2."""
    estate(tmp_path)
    none = command("waiver", "list", folder=tmp_path)
    waive(tmp_path)

    done = command("waiver", "list", folder=tmp_path)
    with (tmp_path / "waivers.toml").open("a") as file:
        file.write("[[waiver]]\n")
    malformed = command("waiver", "list", folder=tmp_path)

    assert (none.returncode, none.stdout) == (0, "")
    assert none.stderr.endswith("waivers.toml holds none\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("w1  backups  dumps/nightly  30d")
    assert "approved by bob (claimed): the dump host is being replaced this month" in done.stdout
    assert malformed.returncode == 2
    assert malformed.stdout.startswith("w1  ")
    assert "waivers.toml: waiver[1].id: missing" in malformed.stderr


def test_evidence_is_listed_and_verified(tmp_path: Path) -> None:
    """A blob that was changed afterwards is found out."""
    estate(tmp_path)
    command("check", folder=tmp_path)

    listed = command("evidence", "list", "--format", "json", folder=tmp_path)
    sound = command("evidence", "verify", folder=tmp_path)
    (blob,) = (tmp_path / "state" / "evidence").rglob("*.gz")
    blob.chmod(0o600)
    blob.write_bytes(blob.read_bytes()[:-9] + b"x" * 9)
    changed = command("evidence", "verify", folder=tmp_path)

    (item,) = json.loads(listed.stdout)
    assert (item["source"], item["complete"]) == ("dumps", True)
    assert sound.returncode == 0
    assert changed.returncode != 0
    assert blob.name.removesuffix(".jsonl.gz") in changed.stdout + changed.stderr
    assert "Traceback" not in changed.stderr
