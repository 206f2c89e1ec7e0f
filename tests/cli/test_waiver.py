"""``controlwatch waiver`` as people type it: from the request to the end, beside a running engine and without one."""

from __future__ import annotations

import getpass
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from tests.cli.contract import estate, told, waive
from tests.support.console import command, serving, until

YEAR: Final = datetime.now(UTC).year
REASON: Final = "the dump host is being replaced this month"
REQUEST: Final = ("waiver", "request", "backups", "dumps/nightly", "--reason", REASON)
CLAIMED: Final = "(claimed: nothing proves it but the review of the file's commit)"


def state(folder: Path) -> str:
    """Ask for the state of the estate."""
    return str(told(command("check", "--format", "json", folder=folder))["state"])


def listed(folder: Path, *more: str) -> list[dict[str, Any]]:
    """List the waivers as JSON."""
    found: list[dict[str, Any]] = json.loads(command("waiver", "list", "--format", "json", *more, folder=folder).stdout)
    return found


def test_a_waiver_goes_from_its_request_to_its_end(tmp_path: Path) -> None:
    """Standard output is the id alone; what it covers is told once something was judged."""
    estate(tmp_path, 40)
    unknown = command(*REQUEST, "--by", "ana", folder=tmp_path)
    assert state(tmp_path) == "fail"
    known = command(*REQUEST, "--by", "ana", "--ticket", "OPS-1", folder=tmp_path)
    approved = command("waiver", "approve", f"W-{YEAR}-0002", folder=tmp_path)

    assert (unknown.returncode, unknown.stdout) == (0, f"W-{YEAR}-0001\n")
    assert "how many open findings it would cover is not known" in unknown.stderr
    assert (known.returncode, known.stdout) == (0, f"W-{YEAR}-0002\n")
    assert "it waives nothing until another person approves it; it would cover 1 open finding now" in known.stderr
    assert (approved.returncode, approved.stdout) == (0, f"W-{YEAR}-0002\n")
    assert "it covers 1 open finding now" in approved.stderr
    assert approved.stderr.endswith(f"approved by {getpass.getuser()} {CLAIMED}\n")
    assert state(tmp_path) == "waived"
    revoked = command("waiver", "revoke", f"W-{YEAR}-0002", "--reason", "the host is there", folder=tmp_path)
    assert (revoked.returncode, revoked.stdout) == (0, f"W-{YEAR}-0002\n")
    assert state(tmp_path) == "fail"
    assert command("waiver", "revoke", f"W-{YEAR}-0002", "--reason", "again", folder=tmp_path).returncode == 2


def test_a_literal_subject_holds_no_wildcard(tmp_path: Path) -> None:
    """What is copied from a finding covers that one; what is typed without the flag is a pattern."""
    estate(tmp_path)
    asked = ("waiver", "request", "backups", "dumps/night*", "--reason", REASON)

    assert command(*asked, "--literal", folder=tmp_path).returncode == 0
    assert command(*asked, folder=tmp_path).returncode == 0
    assert [each["subjects"] for each in listed(tmp_path)] == [["dumps/night[*]"], ["dumps/night*"]]


def test_one_person_alone_waives_nothing(tmp_path: Path) -> None:
    """Neither by another spelling nor by a name that the same user claims; an emergency ends within a day."""
    estate(tmp_path, 40)
    command(*REQUEST, folder=tmp_path)

    same = command("waiver", "approve", f"W-{YEAR}-0001", folder=tmp_path)
    claimed = command("waiver", "approve", f"W-{YEAR}-0001", "--by", "bob", folder=tmp_path)
    emergency = command(*REQUEST, "--emergency", folder=tmp_path)

    assert [same.returncode, claimed.returncode] == [2, 2]
    assert "another person than the requester approves; have somebody else run" in same.stderr
    assert "at most 24 hours" in claimed.stderr
    assert "is in force as an EMERGENCY of one person until" in emergency.stderr
    assert state(tmp_path) == "waived"
    assert " EMERGENCY  covers 1  approved by nobody: " in command("waiver", "list", folder=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("bakups", "nightly"), 'no configured check "bakups", did you mean "backups"?', id="check"),
        pytest.param(("backups", "*"), "a waiver of everything is not a waiver", id="everything"),
        pytest.param(("backups",), "name subjects, or a source and a cause", id="nothing"),
        pytest.param(("backups", "nightly", "--days", "181"), "at most 180 days after its start", id="days"),
        pytest.param(("backups", "nightly", "--until", "soon"), "expected a date such as 2027-03-31", id="no-date"),
        pytest.param(("backups", "nightly", "--until", "2020-01-01"), "lies before its start", id="past"),
        pytest.param(("backups", "nightly", "--days", "3", "--emergency"), "--days does not go with", id="two-ends"),
        pytest.param(
            ("backups", "--source", "dump", "--cause", "denied"),
            "does not read 'dump', did you mean",
            id="source",
        ),
    ],
)
def test_a_request_out_of_order_is_refused(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit 2, with what is allowed, and no file."""
    estate(tmp_path)

    done = command("waiver", "request", *arguments, "--reason", REASON, folder=tmp_path)

    assert (done.returncode, done.stdout, said in done.stderr) == (2, "", True), done.stderr
    assert not (tmp_path / "waivers.toml").exists()


def test_the_list_shows_what_counts_and_all_on_demand(tmp_path: Path) -> None:
    """Ended ones are counted on standard error, and malformed ones named."""
    estate(tmp_path)
    waive(tmp_path)
    command(*REQUEST, "--by", "ana", folder=tmp_path)
    command("waiver", "revoke", "w1", "--reason", "not needed any more", "--by", "cal", folder=tmp_path)

    table = command("waiver", "list", folder=tmp_path)
    everything = command("waiver", "list", "--all", folder=tmp_path)

    assert table.stdout.startswith(f"W-{YEAR}-0001  backups  dumps/nightly  requested  covers ?  approved by nobody: ")
    assert table.stderr == "controlwatch: 1 more have ended: --all\n"
    assert everything.stdout.startswith("w1  backups  dumps/nightly  revoked  ")
    assert [item["status"] for item in listed(tmp_path)] == ["requested"]
    ended, requested = listed(tmp_path, "--all")
    assert (ended["status"], ended["revoked_by"], ended["approved_by"]) == ("revoked", "cal", "bob")
    assert (requested["covers"], requested["approved_by"], requested["subjects"]) == (None, None, ["dumps/nightly"])
    with (tmp_path / "waivers.toml").open("a") as file:
        file.write('[[waiver]]\nid = "w3"\n')
    assert command("waiver", "list", "--format", "json", folder=tmp_path).returncode == 2
    assert listed(tmp_path)[-1]["status"] == "malformed"


def test_a_running_engine_takes_up_what_the_command_line_wrote(tmp_path: Path) -> None:
    """By itself: nobody tells it."""
    estate(tmp_path, 40)

    with serving(tmp_path):
        until((tmp_path / "state" / "engine.sock").exists)
        until(lambda: state(tmp_path) == "fail")
        command(*REQUEST, "--by", "ana", folder=tmp_path)
        assert command("waiver", "approve", f"W-{YEAR}-0001", folder=tmp_path).returncode == 0
        until(lambda: state(tmp_path) == "waived")
        command("waiver", "revoke", f"W-{YEAR}-0001", "--reason", "the host is there", folder=tmp_path)
        until(lambda: state(tmp_path) == "fail")


def test_a_request_is_turned_down_and_asked_for_again(tmp_path: Path) -> None:
    """By another person than the requester; the next request names the one that it goes on with."""
    estate(tmp_path, 40)
    command(*REQUEST, "--by", "ana", folder=tmp_path)
    own = command("waiver", "reject", f"W-{YEAR}-0001", "--reason", "no", "--by", "ana", folder=tmp_path)
    done = command("waiver", "reject", f"W-{YEAR}-0001", "--reason", "keys are in stock", folder=tmp_path)
    more = command(*REQUEST, "--by", "ana", "--extends", f"W-{YEAR}-0001", folder=tmp_path)
    found = listed(tmp_path, "--all")

    assert (own.returncode, own.stdout) == (2, "")
    assert (done.returncode, done.stdout) == (0, f"W-{YEAR}-0001\n")
    assert "was never in force" in done.stderr
    assert (more.returncode, found[1]["extends"]) == (0, f"W-{YEAR}-0001")
    assert found[0]["revoked_reason"] == "keys are in stock"
