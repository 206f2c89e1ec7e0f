"""The demo's files are what people would find: an export, dumps dated by name, a register with documents."""

from __future__ import annotations

import csv
import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import tomli

from demo.estate import FEWEST, Estate
from demo.files import Files


def _written(folder: Path, now: datetime) -> Files:
    files = Files(Estate(1, FEWEST, now), folder)
    files.write_all()
    return files


def test_everybody_with_an_account_of_their_own_is_on_the_roster_once(tmp_path: Path, now: datetime) -> None:
    """People are; services, kiosks, guests and break-glass accounts are not, but as aliases of their owners."""
    estate = _written(tmp_path, now).estate
    with (tmp_path / "people.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["email"] for row in rows] == [member.login for member in estate.people()]
    aliases = {alias for row in rows for alias in row["aliases"].split(";") if alias}
    assert aliases == {"break-glass-1@example.org", "break-glass-2@example.org", "break-glass@example.net"}
    assert {row["status"] for row in rows} == {"active", "leave", "terminated"}
    assert all(bool(row["end_date"]) for row in rows if row["status"] == "terminated")


def test_backups_lie_in_time_and_the_oldest_go(tmp_path: Path, now: datetime) -> None:
    """A file's change is the time of its data, a checksum beside it is right, and a set does not grow for ever."""
    files = _written(tmp_path, now)
    dumps, _, wal = files.estate.backups
    for copy in files.estate.backups:
        found = sorted((path for path in (tmp_path / copy.source).iterdir() if path.suffix != ".sha256"), reverse=True)
        changed = [datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in found]
        assert changed == [now - age for age in copy.ages]
    newest = max(path for path in (tmp_path / dumps.source).iterdir() if path.suffix == ".zst")
    stated = newest.with_name(f"{newest.name}.sha256").read_text().split()[0]
    assert stated == hashlib.sha256(newest.read_bytes()).hexdigest()
    for minute in range(60):
        files.back_up(wal, now + timedelta(minutes=minute))
    assert len(list((tmp_path / wal.source).iterdir())) == 24


def test_the_register_names_documents_that_are_there(tmp_path: Path, now: datetime) -> None:
    """The register is TOML, and each document that it names says that it proves nothing."""
    _written(tmp_path, now)
    rows = tomli.loads((tmp_path / "attestations.toml").read_text())["attestation"]
    documents = [row["document"] for row in rows if "document" in row]
    assert len(rows) == 9
    assert len(set(documents)) == 7
    assert all("nobody has audited anything" in (tmp_path / name).read_text() for name in documents)
