"""``controlwatch check`` tells the states once, in words or as a contract, within its deadline."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cli.check import _tell_unkept
from cli.report import Told
from tests.cli.contract import BLIND, estate, told, waive
from tests.support.clock import NOW
from tests.support.console import COMMAND, command, environment, serving, until
from tests.support.snapshots import a_snapshot


def check(folder: Path, *arguments: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``controlwatch check`` in a folder; it must not show a traceback."""
    done = command("check", *arguments, folder=folder, RESTIC_PASSWORD=password)
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.mark.parametrize(
    ("hours", "waived", "blind", "state", "code", "strict"),
    [
        pytest.param(1, False, False, "pass", 0, 0, id="pass"),
        pytest.param(25, False, False, "warn", 0, 1, id="warn"),
        pytest.param(40, True, False, "waived", 0, 1, id="waived"),
        pytest.param(40, False, False, "fail", 1, 1, id="fail"),
        pytest.param(1, False, True, "unknown", 3, 3, id="unknown"),
        pytest.param(40, False, True, "fail", 1, 1, id="fail-beside-unknown"),
    ],
)
def test_the_exit_code_tells_the_worst_state(
    tmp_path: Path, hours: float, state: str, code: int, strict: int, *, waived: bool, blind: bool
) -> None:
    """0 held, 1 fails, 3 blind; strictly, only a pass is held."""
    estate(tmp_path, hours, BLIND if blind else "")
    if waived:
        waive(tmp_path)

    done = check(tmp_path, "--format", "json")

    assert (told(done)["state"], done.returncode) == (state, code)
    assert check(tmp_path, "--strict").returncode == strict


def test_a_failing_check_says_which_subject_fails_and_what_was_compared(tmp_path: Path) -> None:
    """A script can act on it without reading prose."""
    estate(tmp_path, 40)

    document = told(check(tmp_path, "--format", "json"))

    (found,) = document["checks"]
    assert (found["name"], found["failed"], found["coverage"]) == ("backups", 1, [0.0, 0.0])
    (finding,) = found["findings"]
    assert (finding["subject"], finding["verdict"], finding["due"]) == ("dumps/nightly", "fail", None)
    assert finding["facts"]["rpo"] == "1d"
    assert found["policy"]["rpo"] == {"value": "1d", "from": "default"}
    assert found["evidence"]
    assert document["sources"][0]["complete"] is True


def test_a_blind_check_says_whom_to_ask(tmp_path: Path) -> None:
    """The gap names the source, the cause and the next step, and nothing is counted as passed."""
    estate(tmp_path, 1, BLIND)

    document = told(check(tmp_path, "attestations", "--format", "json"))

    (found,) = document["checks"]
    assert (found["state"], found["passed"], found["evidence"]) == ("unknown", 0, [])
    assert (found["blind_by"]["source"], found["blind_by"]["cause"]) == ("register", "not_configured")
    assert [source["name"] for source in document["sources"]] == ["register"]
    assert "is not there; put it there, or mend path" in document["sources"][0]["last_error"]


def test_only_the_checks_that_are_named_are_judged(tmp_path: Path) -> None:
    """Others cannot change the exit code."""
    estate(tmp_path, 1, BLIND)

    assert check(tmp_path, "backups").returncode == 0
    assert check(tmp_path, "attestations").returncode == 3


def test_the_table_is_for_people(tmp_path: Path) -> None:
    """State by glyph and word, worst first, the finding and its source; no colour where nobody sees it."""
    estate(tmp_path, 40, BLIND)

    done = check(tmp_path)

    assert done.stdout.startswith("✖ FAIL")
    assert done.stdout.index("backups") < done.stdout.index("attestations")
    assert "fail    nightly: " in done.stdout
    assert "✖ register (register): " in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_junit_has_a_case_for_each_check(tmp_path: Path) -> None:
    """A pipeline shows a fail as a failure and a blind check as an error."""
    estate(tmp_path, 40, BLIND)

    suite = ET.fromstring(check(tmp_path, "--format", "junit").stdout)  # noqa: S314 - we wrote it

    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "2",
        "failures": "1",
        "errors": "1",
        "skipped": "0",
    }
    assert {case.get("name"): [child.tag for child in case] for case in suite} == {
        "backups": ["failure"],
        "attestations": ["error"],
    }


def test_a_second_run_remembers_when_a_finding_was_first_seen(tmp_path: Path) -> None:
    """State survives between one-shot commands, as it does between starts."""
    estate(tmp_path, 40)

    first = told(check(tmp_path, "--format", "json"))["checks"][0]["findings"][0]["first_seen"]
    time.sleep(1.1)

    assert told(check(tmp_path, "--format", "json"))["checks"][0]["findings"][0]["first_seen"] == first


def state_of(folder: Path, *names: str) -> str:
    """Ask for the state of everything, or of these checks; empty while the engine that starts does not answer."""
    done = check(folder, *names, "--format", "json")
    return str(told(done)["state"]) if done.stdout else ""


def test_a_running_engine_is_asked(tmp_path: Path) -> None:
    """The command answers from the engine that holds the folder, and can have it collect anew."""
    estate(tmp_path, 1)
    with serving(tmp_path):
        until((tmp_path / "state" / "lock").exists)
        until(lambda: state_of(tmp_path) == "pass")
        before = told(check(tmp_path, "--format", "json"))
        os.utime(tmp_path / "dumps" / "db.sql", (time.time() - 144_000,) * 2)

        after = told(check(tmp_path, "--collect", "--format", "json"))

    assert (before["state"], after["state"]) == ("pass", "fail")


def test_collecting_anew_waits_for_what_was_judged_and_not_for_what_never_will(tmp_path: Path) -> None:
    """A source that tells nothing keeps nobody waiting; the others are judged from what they told just now."""
    estate(tmp_path, 1, BLIND)
    with serving(tmp_path):
        until((tmp_path / "state" / "lock").exists)
        until(lambda: state_of(tmp_path, "backups") == "pass")
        dump = tmp_path / "dumps" / "db.sql"
        for hours, state in ((40, "fail"), (1, "pass"), (40, "fail")):
            os.utime(dump, (time.time() - hours * 3_600,) * 2)
            done = check(tmp_path, "--collect", "--format", "json")
            states = {found["name"]: found["state"] for found in told(done)["checks"]}
            assert states == {"backups": state, "attestations": "unknown"}
            assert "not judged anew" not in done.stderr


# ------------------------------------------------------------------------------------------------------------- deadline


def with_a_tool_that_hangs(folder: Path, line: str) -> None:
    """Write an estate with one source that answers, and one whose tool never ends, with a line of its own."""
    tool = folder / "restic"
    tool.write_text("#!/bin/sh\nexec sleep 1000\n")
    tool.chmod(0o755)
    estate(
        folder,
        1,
        f"""
[sources.offsite]
kind = "restic"
repository = "repository"
password = "env:RESTIC_PASSWORD"
binary = "./restic"
{line}
[checks.offsite]
check = "backup_freshness"
sources = ["offsite"]
""",
    )


def within_a_deadline(folder: Path, name: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """Judge one check within a short deadline; a longer one where the disk is too slow to start within it."""
    for seconds in (4, 16, 50):
        began = time.monotonic()
        done = check(folder, name, "--deadline", f"{seconds}s", "--format", "json", password=password)
        assert time.monotonic() - began < seconds + 40
        if done.returncode != 4:
            return done
    raise AssertionError("it ends by its own fault, however long the deadline")


def test_a_tool_that_hangs_does_not_keep_the_command(tmp_path: Path) -> None:
    """The deadline holds whatever a source does; what hangs is blind."""
    with_a_tool_that_hangs(tmp_path, 'command_timeout = "600s"')

    done = within_a_deadline(tmp_path, "offsite", password="x")

    assert (told(done)["state"], done.returncode) == ("unknown", 3)


def test_what_answers_is_told_beside_a_tool_that_hangs(tmp_path: Path) -> None:
    """Its own time-out ends the one, long before the deadline of all."""
    with_a_tool_that_hangs(tmp_path, 'command_timeout = "1s"')

    done = check(tmp_path, "--deadline", "90s", "--format", "json", password="x")

    states = {found["name"]: found["state"] for found in told(done)["checks"]}
    assert (states, done.returncode) == ({"backups": "pass", "offsite": "unknown"}, 3)


def test_a_host_that_never_answers_does_not_keep_the_command(tmp_path: Path) -> None:
    """A connection that is taken and then ignored is unreachable, and the command ends."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        target = f'[sources.edge]\nkind = "tls"\ntargets = ["127.0.0.1:{port}"]\ntarget_timeout = "600s"\n'
        estate(tmp_path, 1, f'{target}[checks.edge]\ncheck = "tls_expiry"\nsources = ["edge"]\n')

        done = within_a_deadline(tmp_path, "edge")

    assert (told(done)["state"], done.returncode) == ("unknown", 3)


@pytest.mark.parametrize("deadline", ["soon", "", "5", "-5s"])
def test_a_deadline_that_is_no_duration_is_a_usage_fault(tmp_path: Path, deadline: str) -> None:
    """It is told before anything is asked."""
    estate(tmp_path)

    done = check(tmp_path, "--deadline", deadline)

    assert done.returncode == 2
    assert "--deadline: " in done.stderr


# --------------------------------------------------------------------------------------------------------------- faults


def test_a_reader_that_goes_away_brings_no_traceback(tmp_path: Path) -> None:
    """``controlwatch check | head`` is a usual thing to type."""
    estate(tmp_path)
    reading, writing = os.pipe()
    os.close(reading)

    done = subprocess.run(
        [str(COMMAND), "check"],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writing)

    assert "Traceback" not in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize(
    ("name", "octets", "code", "said"),
    [
        pytest.param("state/store.sqlite", b"garbage " * 1_000, 4, "state/store.sqlite: ", id="corrupt-store"),
        pytest.param("state", b"", 4, "cannot be written (File exists)", id="file-for-a-folder"),
        pytest.param("waivers.toml", b"[[waiver]]\n", 0, "", id="malformed-waiver"),
    ],
)
def test_what_lies_in_the_way_is_named(tmp_path: Path, name: str, octets: bytes, code: int, said: str) -> None:
    """A damaged store is never used and never changed; a malformed waiver waives nothing."""
    estate(tmp_path)
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(octets)

    done = check(tmp_path)

    assert done.returncode == code
    assert said in done.stderr
    assert path.read_bytes() == octets


@pytest.mark.parametrize("error", ["no space left on the disk", None], ids=["unkept", "kept"])
def test_what_could_not_be_kept_is_told(error: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    """A verdict of what was kept before never passes for a new one; it is asked inside, since a full disk is rare."""
    _tell_unkept(Told(a_snapshot(evidence_error=error), (), {}, NOW))

    assert ("told as known before" in capsys.readouterr().err) is (error is not None)
