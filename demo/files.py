"""Real files: the roster that HR exports, the register with its documents, and the backups."""

from __future__ import annotations

import csv
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from demo.estate import BackupCopy, Estate
from demo.people import Member
from demo.register import Vouched

_HEADER: Final = ("email", "aliases", "name", "status", "start_date", "end_date")
_KEPT: Final = 24
"""Files of a backup set that are kept."""
_CATEGORIES: Final = '["security", "availability", "confidentiality"]'


@dataclass
class Files:
    """The files of the demo, in its folder."""

    estate: Estate
    folder: Path
    left: dict[str, datetime] = field(default_factory=dict)
    """Login to the end of employment, of those who have left since first sight."""

    def write_all(self) -> None:
        """Write everything as it is at first sight."""
        self.write_roster()
        self._write_register()
        for copy in self.estate.backups:
            (self.folder / copy.source).mkdir()
            for age in reversed(copy.ages):
                self.back_up(copy, self.estate.now - age)

    def write_roster(self) -> None:
        """Export the roster anew; readers see the old one or the new one, never half of it."""
        fresh = self.folder / "people.csv.new"
        with fresh.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(_HEADER)
            writer.writerows(self._rows())
        fresh.replace(self.folder / "people.csv")

    def back_up(self, copy: BackupCopy, at: datetime) -> None:
        """Write one backup of the data of ``at``, and let the oldest go."""
        folder = self.folder / copy.source
        path = folder / f"{at:{copy.pattern}}"
        content = f"{copy.set} {at.isoformat()} {self.estate.seed}\n".encode() * 64
        _write(path, content, at)
        if copy.checksum:
            stated = path.with_name(f"{path.name}.sha256")
            _write(stated, f"{hashlib.sha256(content).hexdigest()}  {path.name}\n".encode(), at)
        for old in sorted(folder.glob(f"*{path.suffix}"))[:-_KEPT]:
            old.unlink()

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for member in self.estate.people():
            yield self._row(member)

    def _row(self, member: Member) -> tuple[str, ...]:
        end = self.left.get(member.login, member.left_at)
        gone = member.login in self.left or (end is not None and member.started_at <= end <= self.estate.now)
        status = "terminated" if gone else "leave" if member.on_leave else "active"
        aliases = ";".join(self.estate.aliases(member))
        name = member.login.partition("@")[0].replace(".", " ").title()
        ended = "" if end is None else end.isoformat()
        return (member.login, aliases, name, status, member.started_at.isoformat(), ended)

    def _write_register(self) -> None:
        today = self.estate.now.date()
        (self.folder / "reports").mkdir()
        rows = [_attestation(item, today) for item in self.estate.attestations]
        (self.folder / "attestations.toml").write_text("\n".join(rows), encoding="utf-8")
        for item in self.estate.attestations:
            if item.document and item.status == "issued":
                text = (
                    f"{item.vendor}: {item.offering}, {item.kind}. A document of a demo; nobody has audited anything.\n"
                )
                (self.folder / document_of(item)).write_text(text, encoding="utf-8")


def document_of(item: Vouched) -> str:
    """Name the document of an attestation, relative to the folder."""
    return f"reports/{item.vendor}-{item.offering}-{item.kind}.txt".lower().replace(" ", "-")


def _attestation(item: Vouched, today: date) -> str:
    facts: Mapping[str, object] = {
        "vendor": item.vendor,
        "offering": item.offering,
        "kind": item.kind,
        "status": item.status,
        "opinion": item.opinion,
        "document": document_of(item) if item.document and item.status == "issued" else None,
        "reviewed_by": None if item.reviewed is None else "vendor-risk",
    }
    back = {"period_end": item.period_end, "issued": item.issued, "reviewed_on": item.reviewed}
    ahead = {"valid_until": item.valid_until, "surveillance_due": item.surveillance_due}
    lines = ["[[attestation]]"]
    lines += [f'{key} = "{value}"' for key, value in facts.items() if value is not None]
    lines += [f"{key} = {today - timedelta(days=days)}" for key, days in back.items() if days is not None]
    lines += [f"{key} = {today + timedelta(days=days)}" for key, days in ahead.items() if days is not None]
    if item.kind.startswith("soc2"):
        lines += [f"categories = {_CATEGORIES}", 'required_categories = ["security"]']
        if item.period_end is not None:
            lines.append(f"period_start = {today - timedelta(days=item.period_end + 365)}")
    return "\n".join(lines) + "\n"


def _write(path: Path, content: bytes, at: datetime) -> None:
    fresh = path.with_name(f".{path.name}")
    fresh.write_bytes(content)
    os.utime(fresh, (at.timestamp(), at.timestamp()))
    fresh.replace(path)
