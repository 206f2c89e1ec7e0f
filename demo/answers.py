"""The answer sheet: what every configured check must find in an estate at first sight.

It is worked out from the estate's own facts and from the rules as people read them (the defaults in docs/checks),
with no code of the engine, the sources or the checks, so that all of these can be held against it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from demo.configured import KIOSK
from demo.estate import BackupCopy, Estate, Key, Site
from demo.people import Member
from demo.register import Vouched
from demo.replicas.github_tenant import number
from demo.replicas.graph_tenant import guid
from demo.tenants import github_login, okta_id

Verdict = Literal["pass", "warn", "fail", "unknown"]

_DAY: Final = timedelta(days=1)
_MONTH_DAYS: Final = 30.44
"""Every date of the register keeps more than a week away from what it is compared with."""
_STRONG: Final = frozenset({"key", "app", "code"})


@dataclass(frozen=True, slots=True)
class Out:
    """Out of scope, for a reason that is counted."""

    reason: str


@dataclass(frozen=True)
class Answer:
    """What a check must find."""

    subjects: Mapping[str, Verdict | Out]
    """Every subject read, as ``source/id``."""

    @property
    def read(self) -> int:
        """Subjects read."""
        return len(self.subjects)

    @property
    def excluded(self) -> dict[str, int]:
        """Subjects out of scope, by reason."""
        return dict(Counter(found.reason for found in self.subjects.values() if isinstance(found, Out)))

    def having(self, *verdicts: Verdict) -> frozenset[str]:
        """Name the subjects with one of these verdicts; a warned one is among the passed."""
        return frozenset(subject for subject, found in self.subjects.items() if found in verdicts)


def answers(estate: Estate, configured: Mapping[str, Iterable[str]], targets: Mapping[str, str]) -> dict[str, Answer]:
    """Give the answer of each configured check over its sources; ``targets`` gives the TLS target of each host."""
    return {
        check: Answer({found: verdict for name in sources for found, verdict in _about(estate, check, name, targets)})
        for check, sources in configured.items()
    }


def _about(estate: Estate, check: str, source: str, targets: Mapping[str, str]) -> Iterator[tuple[str, Verdict | Out]]:
    """Judge what a check must find in one of its sources."""
    now = estate.now
    if check in _OF_ACCOUNTS and source != "people":
        judge, lag = _OF_ACCOUNTS[check], _LAG[source]
        for subject, member in _accounts(estate, source):
            yield f"{source}/{subject}", judge(member, now, lag)
    elif check in _KEYS:
        for key in _KEYS[check](estate):
            yield f"{source}/{_key_id(estate, source, key)}", _key(key, source, now)
    elif check == "backups":
        for copy in estate.backups:
            if copy.source == source:
                yield f"{source}/{copy.set}", _backup(copy)
    elif check.endswith("-tls"):
        for site in estate.sites:
            if site.source == source:
                yield f"{source}/{targets[site.host]}", _site(site)
    elif check == "vendors":
        for item in estate.attestations:
            yield f"{source}/{item.vendor}/{item.offering}/{item.kind}", _vouched(item)


def _accounts(estate: Estate, source: str) -> Iterator[tuple[str, Member]]:
    if source == "okta-prod":
        for at in range(estate.workforce_size):
            yield okta_id(estate, at), estate.workforce(at)
    elif source == "entra-corp":
        for at in range(estate.office_size):
            member = estate.office(at)
            yield guid(member.login), member
    else:
        for at in range(estate.code_size):
            yield str(number(github_login(estate, at))), estate.engineer(at)


# ------------------------------------------------------------------------------------------------------- accounts


def _gone(member: Member, classes: frozenset[str]) -> Out | None:
    """Leave out what has no sign-in, and then what is of another class; a contractor is a person like others."""
    if member.status in {"disabled", "pending"}:
        return Out(member.status)
    klass = "human" if member.kind in {"contractor", "kiosk"} else member.kind
    return None if klass in classes else Out(klass)


def _mfa(member: Member, now: datetime, _lag: timedelta) -> Verdict | Out:
    if member.kind == "kiosk":
        return Out(f"rule:{KIOSK}")
    if outside := _gone(member, frozenset({"human"})):
        return outside
    if _STRONG & set(member.factors):
        return "pass"
    return "warn" if now - (member.activated_at or member.created_at) < 7 * _DAY else "fail"


def _admin_mfa(member: Member, _now: datetime, _lag: timedelta) -> Verdict | Out:
    if not member.admin:
        return Out("not_privileged")
    if outside := _gone(member, frozenset({"human", "guest", "break_glass"})):
        return outside
    if "key" in member.factors:
        return "pass"
    return "warn" if _STRONG & set(member.factors) else "fail"


def _used(member: Member, now: datetime, lag: timedelta) -> Verdict | Out:
    if member.kind == "kiosk":
        return Out(f"rule:{KIOSK}")
    if outside := _gone(member, frozenset({"human", "guest", "service", "break_glass"})):
        return outside
    if member.kind == "break_glass":
        return "pass" if member.seen_at is None else "fail"
    if member.seen_at is None:
        return "pass" if now - member.created_at < 14 * _DAY else "fail"
    return _idle(now - member.seen_at, (45 if member.admin else 90) * _DAY, 7 * _DAY, lag)


def _idle(age: timedelta, limit: timedelta, soon: timedelta, lag: timedelta) -> Verdict:
    """Judge an idleness that may truly be shorter by the lag of what tells it."""
    if age < limit:
        return "pass" if age < limit - soon else "warn"
    return "fail" if age >= limit + lag else "unknown"


def _left(member: Member, now: datetime, _lag: timedelta) -> Verdict | Out:
    if member.kind == "kiosk":
        return Out(f"rule:{KIOSK}")
    if outside := _gone(member, frozenset({"human", "break_glass"})):
        return outside
    end = member.left_at
    if end is None or end > now or member.started_at > end:
        return "pass"
    return "warn" if now - end < timedelta(hours=4 if member.admin else 24) else "fail"


_OF_ACCOUNTS: Final[Mapping[str, Callable[[Member, datetime, timedelta], Verdict | Out]]] = {
    "workforce-mfa": _mfa,
    "code-mfa": _mfa,
    "admin-mfa": _admin_mfa,
    "dormant-access": _used,
    "office-access": _used,
    "leavers": _left,
}
_LAG: Final = {"okta-prod": timedelta(hours=1), "entra-corp": _DAY, "github": _DAY}
"""How late each provider tells a sign-in."""


# ------------------------------------------------------------------------------------------------------- all others


_KEYS: Final[Mapping[str, Callable[[Estate], Iterable[Key]]]] = {
    "api-keys": lambda estate: estate.tokens,
    "app-secrets": lambda estate: estate.secrets,
    "code-tokens": lambda estate: estate.code_tokens,
}


def _key_id(estate: Estate, source: str, key: Key) -> str:
    if source == "entra-corp":
        secret = guid(f"key {key.name} secret {key.created_at.isoformat()}")
        return f"{guid(f'application {key.name}')}/password/{secret}"
    if source == "github":
        return f"authorization/{number(f'{github_login(estate, key.owner or 0)} personal access token {key.name}')}"
    return key.id


def _key(key: Key, source: str, now: datetime) -> Verdict:
    """Judge a key by its age, which GitHub does not tell, and by owner and use, which Graph does not tell."""
    old: Verdict = "unknown" if source == "github" else _idle(now - key.created_at, 90 * _DAY, 14 * _DAY, timedelta())
    idle: Verdict = "unknown"
    if source != "entra-corp" and key.used_at is not None:
        idle = _idle(now - key.used_at, 90 * _DAY, 14 * _DAY, _DAY)
    return max(old, idle, key=_BADNESS.index)


_BADNESS: Final[tuple[Verdict, ...]] = ("pass", "warn", "unknown", "fail")


def _backup(copy: BackupCopy) -> Verdict:
    age = min(copy.ages)
    if age < copy.rpo:
        return "pass"
    return "warn" if age < copy.rpo + copy.grace else "fail"


def _site(site: Site) -> Verdict:
    if site.fault != "none" or site.left <= timedelta():
        return "fail"
    life = site.began + site.left
    return "warn" if site.left <= min(30 * _DAY, life / 4) else "pass"


def _vouched(item: Vouched) -> Verdict:
    if item.status != "issued":
        return "fail"
    verdict = _in_time(item)
    read = item.document and item.reviewed is not None and item.issued is not None and item.reviewed <= item.issued
    return verdict if read or verdict == "fail" else "warn"


def _in_time(item: Vouched) -> Verdict:
    """Judge the time that an attestation has left, by its kind."""
    if item.period_end is not None:
        months = item.period_end / _MONTH_DAYS
        return "pass" if months < 12 else "warn" if months < 15 else "fail"
    if item.kind in {"pci_aoc", "pentest"}:
        ahead = [365 - (item.issued or 0)]
    else:
        ahead = [day for day in (item.valid_until, item.surveillance_due) if day is not None]
    left = min(ahead)
    return "pass" if left > 60 else "warn" if left > 0 else "fail"
