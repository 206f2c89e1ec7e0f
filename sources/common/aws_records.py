"""Rows of a credential report as records: an account for each user, a credential for each of its keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from checks.model.doubt import Cause
from checks.model.records import Account, Credential
from sources.common.aws_policies import Admins
from sources.common.aws_report import KEYS_TRACKED, LONGEST_AGE, ROOT, SLOTS, Row

LAG: Final = LONGEST_AGE + timedelta(minutes=15)
"""A use may be later than told by the age of the report, and by the quarter of an hour in which one hides others."""
ROOT_ROLE: Final = "root"
_USES: Final = ("password_last_used", *(f"access_key_{slot}_last_used_date" for slot in SLOTS))


def to_account(source: str, row: Row, admins: Admins, keys_only: str) -> Account:
    """Tell a user, whose devices are not told yet."""
    arn, password = row.arn, row.truth("password_enabled")
    mfa = row.truth("mfa_active")
    ruled = password is False and keys_only != "human"
    told: dict[str, Any] = {
        "interactive": password,
        "privileged": admins.privileged(arn),
        "roles": admins.roles.get(arn),
        "created_at": row.moment("user_creation_time"),
        "mfa": mfa,
        "factors": () if mfa is False else None,
    }
    power = admins.gap.cause if admins.gap is not None else Cause.NOT_EXPOSED
    why = _why(told, {"privileged": power, "roles": power, "factors": Cause.NOT_EXPOSED})
    use, doubt = activity(row)
    return Account(
        id=arn,
        source=source,
        label=row.user,
        why=why | doubt,
        keys=(row.user.lower(),),
        status="active",
        klass=keys_only if ruled else "human",
        klass_basis="rule:keys_only" if ruled else "presumed",
        **told,
        **use,
    )


def to_root(source: str, arn: str, row: Row | None, summary: Mapping[str, int] | None) -> Account:
    """Tell the root user by its row and by the account's summary, which is newer; its device is not told yet.

    Its being unused is right, so it counts as a break-glass account. Every account has one, also if no row tells it,
    and it can sign in unless it is told that its password was taken away.
    """
    mfa = row.truth("mfa_active") if row is not None else None
    password = row.truth("password_enabled") if row is not None else None
    if summary is not None:
        mfa = bool(summary["AccountMFAEnabled"]) if "AccountMFAEnabled" in summary else mfa
        password = bool(summary.get("AccountPasswordPresent", password is not False))
    told: dict[str, Any] = {
        "created_at": row.moment("user_creation_time") if row is not None else None,
        "interactive": password,
        "mfa": mfa,
        "factors": () if mfa is False else None,
    }
    not_told = Cause.DENIED if summary is None else Cause.NOT_EXPOSED
    why = _why(told, {"interactive": not_told, "mfa": not_told, "created_at": Cause.NOT_EXPOSED, "factors": not_told})
    use, doubt = activity(row) if row is not None else _no_activity()
    return Account(
        id=arn,
        source=source,
        label=ROOT,
        why=why | doubt | {"keys": Cause.NOT_EXPOSED},
        status="active",
        klass="break_glass",
        klass_basis="presumed",
        privileged=True,
        roles=(ROOT_ROLE,),
        **told,
        **use,
    )


def to_credentials(source: str, row: Row, *, privileged: bool | None, power: Cause) -> Iterable[Credential]:
    """Tell the access keys and signing certificates of a user; ``power`` is why ``privileged`` is None."""
    for kind, column in (("access_key", "access_key"), ("signing_certificate", "cert")):
        for slot in SLOTS:
            name = f"{column}_{slot}"
            active, created = row.truth(f"{name}_active"), f"{name}_last_rotated"
            if active is False and not row.has(created):
                continue  # there is none, or an inactive one of which nothing is told
            told: dict[str, Any] = {
                "status": None if active is None else ("active" if active else "inactive"),
                "created_at": row.moment(created),
                "privileged": privileged,
            }
            why = _why(told, {"privileged": power})
            use, doubt = _key_use(row, f"{name}_last_used_date", told["created_at"])
            yield Credential(
                id=f"{row.arn}#{name}",
                source=source,
                label=f"{row.user} {name}",
                why=why | doubt,
                kind=kind,
                owner=row.arn,
                **told,
                **use,
            )


def activity(row: Row) -> tuple[dict[str, Any], dict[str, str]]:
    """Tell the last use of a user's password and keys, and why what is not told is not."""
    moments = [moment for name in _USES if (moment := row.moment(name)) is not None]
    garbled = any(row.moment(name) is None and not row.nothing(name) for name in _USES)
    last = max(moments, default=None)
    never = False if last is not None else (None if garbled else _never(row))
    use = {
        "last_seen_at": last,
        "never_seen": never,
        "activity_lag": None if garbled else LAG,
        "activity_basis": "any",
    }
    cause = Cause.UNSUPPORTED if garbled else Cause.NOT_EXPOSED
    why = _why(use, dict.fromkeys(use, cause))
    if never is True:
        why.pop("last_seen_at")  # there was no use, so there is nothing to tell
    return use, why


def _never(row: Row) -> bool | None:
    """Tell a user that was never used from one whose use AWS did not track yet, or who has nothing left to use."""
    created = row.moment("user_creation_time")
    if created is None or created < KEYS_TRACKED:
        return None
    usable = row.truth("password_enabled") is not False
    usable = usable or any(row.has(f"access_key_{slot}_last_rotated") for slot in SLOTS)
    return True if usable else None


def _no_activity() -> tuple[dict[str, Any], dict[str, str]]:
    names = ("last_seen_at", "never_seen", "activity_lag", "activity_basis")
    return {}, dict.fromkeys(names, Cause.NOT_EXPOSED.value)


def _key_use(row: Row, column: str, created: datetime | None) -> tuple[dict[str, Any], dict[str, str]]:
    """Tell the last use of a key, and why what is not told is not; of certificates none is."""
    used = row.moment(column)
    never = False if used is not None else None
    if used is None and row.nothing(column) and created is not None and created >= KEYS_TRACKED:
        never = True
    use = {"last_used_at": used, "never_used": never, "use_lag": LAG if column in row.cells else None}
    told = row.nothing(column) or column not in row.cells
    why = _why(use, dict.fromkeys(use, Cause.NOT_EXPOSED if told else Cause.UNSUPPORTED))
    if never is True:
        why.pop("last_used_at")
    return use, why


def _why(told: Mapping[str, Any], causes: Mapping[str, Cause]) -> dict[str, str]:
    """Give the cause of each field that is not told; a word that is new to us is ``unsupported``."""
    return {name: causes.get(name, Cause.UNSUPPORTED).value for name, value in told.items() if value is None}
