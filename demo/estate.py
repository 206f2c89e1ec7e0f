"""A synthetic company: who works there, which keys exist, what is backed up, who vouches for whom.

Everything follows from the seed, the number of accounts and the time at which the company was looked at first. Some
numbers are a cast: each plays a part that an audit would find. All others are background.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, Literal

from demo.cast import CAST_SIZE, CODE_PARTS, OFFICE_PARTS, WORKFORCE_PARTS, guest
from demo.people import Days, Member, background, ordinary
from demo.register import REGISTER, Vouched

FEWEST: Final = 90
MOST: Final = 1_000_000
DEFAULT_ACCOUNTS: Final = 200
DEFAULT_SEED: Final = 1

WORKFORCE, OFFICE, CODE = "example.org", "example.net", "example.com"
_ENGINEERS: Final = 4_000
"""Accounts at the code host at most."""
_OWNER: Final = 0
"""Who answers for the break-glass accounts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A long-lived key, token or secret."""

    id: str
    name: str
    owner: int | None
    """Number of the member who owns it, in the same directory; None: nobody is told."""
    created_at: datetime
    used_at: datetime | None
    """Last use; None: never."""
    ends_at: datetime | None = None
    """End of its validity; None: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCopy:
    """A backup set and where its copy lies."""

    source: str
    set: str
    pattern: str
    """strftime pattern of its files' names."""
    ages: tuple[timedelta, ...]
    """Ages of its files at first sight, the newest first."""
    rpo: timedelta
    grace: timedelta
    checksum: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A host with a TLS certificate."""

    source: Literal["edge", "internal"]
    host: str
    fault: Literal["none", "expired", "other_name", "self_signed"] = "none"
    began: timedelta
    """Age of the certificate at first sight."""
    left: timedelta
    """Time to its end at first sight; negative: it has expired."""


@dataclass(frozen=True)
class Estate:
    """The company at first sight; ``now`` is an aware UTC instant."""

    seed: int
    accounts: int
    now: datetime

    @cached_property
    def days(self) -> Days:
        """Instants before first sight."""
        return Days(self.now.replace(microsecond=0))

    @property
    def code_size(self) -> int:
        """Accounts at the code host."""
        return min(max(self.accounts * 12 // 100, 12), _ENGINEERS)

    @property
    def office_size(self) -> int:
        """Accounts in the directory of the office."""
        return max(self.accounts // 5, 15)

    @property
    def workforce_size(self) -> int:
        """Accounts in the directory of the workforce."""
        return self.accounts - self.code_size - self.office_size

    def workforce(self, number: int) -> Member:
        """Return one account of the workforce's directory."""
        if number >= CAST_SIZE:
            return background(self.seed, "workforce", WORKFORCE, number, self.days)
        member = ordinary(self.seed, "workforce", WORKFORCE, number, self.days)
        part = WORKFORCE_PARTS.get(number)
        return member if part is None else part(member, self.days)

    def office(self, number: int) -> Member:
        """Return one account of the office's directory."""
        part = OFFICE_PARTS.get(number)
        if part is not None:
            return part(ordinary(self.seed, "office", OFFICE, number, self.days), self.days)
        member = background(self.seed, "office", OFFICE, number, self.days)
        return guest(member) if member.person and number % 7 == 0 else member

    def engineer(self, number: int) -> Member:
        """Return one account at the code host."""
        part = CODE_PARTS.get(number)
        member = ordinary(self.seed, "code", CODE, number, self.days)
        return member if part is None else part(member, self.days)

    def people(self) -> Iterator[Member]:
        """Walk through everybody who belongs on the roster."""
        for number in range(self.workforce_size):
            if (member := self.workforce(number)).person:
                yield member
        for number in range(self.office_size):
            if (member := self.office(number)).person:
                yield member

    def aliases(self, member: Member) -> tuple[str, ...]:
        """Return further accounts that a person answers for: break-glass accounts have an owner."""
        if member.number != _OWNER:
            return ()
        directory = self.workforce if member.login.endswith(WORKFORCE) else self.office
        parts = WORKFORCE_PARTS if member.login.endswith(WORKFORCE) else OFFICE_PARTS
        return tuple(one.login for number in parts if (one := directory(number)).kind == "break_glass")

    @cached_property
    def tokens(self) -> tuple[Key, ...]:
        """API tokens of the workforce's directory."""
        told = (
            ("scim-sync", 12, 30, 0.5),
            ("backup", 10, 62, 1),
            ("deploy", 11, 80, 0.3),
            ("legacy-export", 2, 210, 3),
        )
        return tuple(
            Key(
                id=f"00T{self.seed % 4096:03x}{at:014x}",
                name=name,
                owner=owner,
                created_at=self.days.ago(age),
                used_at=self.days.ago(used),
            )
            for at, (name, owner, age, used) in enumerate(told)
        )

    @cached_property
    def secrets(self) -> tuple[Key, ...]:
        """Secrets of applications in the office's directory, which nobody is told to own or to use."""
        told = (("invoice-export", 40), ("crm-sync", 25))
        return tuple(
            Key(
                id=name,
                name=name,
                owner=None,
                created_at=self.days.ago(age),
                used_at=None,
                ends_at=self.days.ago(age - 180),
            )
            for name, age in told
        )

    @cached_property
    def code_tokens(self) -> tuple[Key, ...]:
        """Personal tokens at the code host, which tells who owns them and when they were used, not how old they are."""
        told = (("ci", 4, 35, 0.2), ("mirror", 5, 20, 2), ("docs", 6, 300, 130), ("labels", 7, 50, 30))
        return tuple(
            Key(id=name, name=name, owner=owner, created_at=self.days.ago(age), used_at=self.days.ago(used))
            for name, owner, age, used in told
        )

    @cached_property
    def backups(self) -> tuple[BackupCopy, ...]:
        """Backup sets."""
        hours, day = timedelta(hours=1), timedelta(days=1)
        return (
            BackupCopy(
                source="dumps",
                set="orders-db",
                pattern="orders-%Y%m%dT%H%M%SZ.sql.zst",
                ages=(3 * hours, 27 * hours, 51 * hours),
                rpo=day,
                grace=6 * hours,
                checksum=True,
            ),
            BackupCopy(
                source="models",
                set="model-registry",
                pattern="weights-%Y-%m-%d-%H%M%S.tar",
                ages=(30 * hours, 78 * hours),
                rpo=2 * day,
                grace=12 * hours,
            ),
            BackupCopy(
                source="wal",
                set="orders-wal",
                pattern="%Y%m%dT%H%M%SZ.wal",
                ages=tuple(timedelta(seconds=10 + 30 * back) for back in range(6)),
                rpo=timedelta(minutes=3),
                grace=timedelta(seconds=45),
            ),
        )

    @cached_property
    def sites(self) -> tuple[Site, ...]:
        """Hosts with TLS certificates."""
        day, minute = timedelta(days=1), timedelta(minutes=1)
        return (
            Site(source="edge", host="www.example.org", began=20 * day, left=70 * day),
            Site(source="edge", host="shop.example.org", began=70 * day, left=20 * day),
            Site(source="edge", host="api.example.org", began=3 * minute, left=5 * minute),
            Site(source="edge", host="vpn.example.org", began=30 * day, left=60 * day),
            Site(source="internal", host="metrics.example.net", began=10 * day, left=80 * day),
            Site(source="internal", host="git.example.net", began=40 * day, left=325 * day),
            Site(source="internal", host="legacy.example.net", fault="expired", began=368 * day, left=-3 * day),
            Site(source="internal", host="files.example.net", fault="other_name", began=15 * day, left=75 * day),
            Site(source="internal", host="wiki.example.net", fault="self_signed", began=100 * day, left=265 * day),
        )

    @property
    def attestations(self) -> tuple[Vouched, ...]:
        """The register of attestations."""
        return REGISTER
