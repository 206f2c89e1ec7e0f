"""Estates of one check: who fails, what is overdue or broken, and the alerts that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tests.engine.alerting.estate import (
    HOUR,
    Estate,
    Signal,
    alarm,
    always,
    check,
    key,
    monitor,
    source,
)
from tests.engine.alerting.promtool import fire

DAY: Final = 24 * HOUR
WELL: Final = {**monitor(), **source()}
MFA: Final = {"check": "workforce-mfa", "family": "mfa"}
BACKUPS: Final = {"check": "backups", "family": "backup"}
EDGE: Final = {"check": "certificates", "family": "certification"}
FAILING: Final = fire("CheckFailing", **MFA)
DUE: Final = fire("CheckDue", **MFA)
LOST: Final = fire("AdminLostMfa", **MFA, raised="0")
GLASS: Final = fire("BreakGlassUsed", **MFA, raised="0")
SECOND_LOST: Final = fire("AdminLostMfa", **MFA, raised="1800")
AGAIN: Final = fire("BreakGlassUsed", **MFA, raised="1800")
OLD: Final = fire("BreakGlassUsed", **MFA, raised="-172800")
OVERDUE: Final = fire("BackupOverdue", **BACKUPS)
BROKEN: Final = fire("TlsBroken", **EDGE)
WAIVER: Final = fire("WaiverExpiring", **MFA)
GREW: Final = fire("ExclusionsGrew", **MFA)


def joined(estates: Sequence[Estate]) -> Estate:
    """Join estates; the last to name a series says what it tells."""
    return {name: signal for estate in estates for name, signal in estate.items()}


def mfa(state: str = "fail", *more: Estate, **changes: Signal) -> Estate:
    """Build an estate with one MFA check in a state, with further series and changed ones."""
    own = {key(f"check_{name}", instance="a", **MFA): signal for name, signal in changes.items()}
    return {**WELL, **check(state=state), **own, **joined(more)}


def turning(*turns: tuple[int, str]) -> Estate:
    """Build an estate whose MFA check changes its state."""
    return {**WELL, **check(state=lambda minute: [state for since, state in turns if since <= minute][-1])}


def of_set(name: str, deadline: float) -> Estate:
    """Write when a backup set is past its deadline."""
    one = {"instance": "a", "check": "backups", "source": "dumps", "set": name}
    return {key("backup_deadline_timestamp_seconds", **one): always(deadline)}


def backups(state: str = "stale", *more: Estate, severity: str = "critical", deadline: float = 600) -> Estate:
    """Build an estate with a backup check of one set whose deadline is at a second."""
    told = check("backups", "backup", state, check_id="backup_freshness", severity=severity, source="dumps")
    return {
        **WELL,
        **told,
        **of_set("nightly", deadline),
        **{name: signal for estate in more for name, signal in estate.items()},
    }


def edge(
    state: str = "pass",
    *more: Estate,
    severity: str = "high",
    expires: float = 90 * DAY,
    check_id: str = "tls_expiry",
) -> Estate:
    """Build an estate with a TLS check of one target, out of nobody's scope, whose certificate ends at a second."""
    told = check("certificates", "certification", state, check_id=check_id, severity=severity, source="edge")
    one = {"instance": "a", "source": "edge", "target": "www.example.org:443"}
    return {
        **WELL,
        **told,
        **of_edge_broken(0),
        key("tls_not_after_timestamp_seconds", **one): always(expires),
        key("tls_deadline_timestamp_seconds", **one, check="certificates"): always(expires),
        **{name: signal for estate in more for name, signal in estate.items()},
    }


def of_edge(name: str, signal: Signal) -> Estate:
    """Write one series of the TLS check."""
    return {key(f"check_{name}", instance="a", **EDGE): signal}


def of_edge_broken(count: int) -> Estate:
    """Write how many targets of the TLS check are broken."""
    return alarm("certificates", "certification", "tls_broken", always(count))
