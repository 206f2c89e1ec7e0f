"""An Entra tenant tells the last use of an account as far as it proves one; an attempt is none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks import mfa_coverage, stale_access
from checks.model.doubt import Cause
from checks.model.state import Verdict
from demo.replicas.faults import Erase
from demo.replicas.graph import GraphTenant as Tenant
from demo.replicas.graph import SignIn
from sources.common import graph_wire as wire
from tests.support.builders import ago
from tests.support.entra import ACTIVITY_FIELDS, MFA_FIELDS, USERS, by_id, collected, people, person, verdict, without

START = wire.SUCCESS_SINCE
YOUNG = ago("100d")


@pytest.mark.parametrize(
    ("signed", "created", "told"),
    [
        pytest.param(
            SignIn(ago("1h"), ago("1h"), ago("5d")),
            YOUNG,
            (ago("5d"), False, timedelta(hours=24), "success"),
            id="a-success-counts-not-a-later-attempt",
        ),
        pytest.param(
            SignIn(ago("3d"), ago("1d")),
            YOUNG,
            (YOUNG, None, timedelta(days=99, hours=24), "attempt"),
            id="attempts-alone-may-all-have-failed",
        ),
        pytest.param(
            SignIn(ago("3d")),
            datetime(2021, 5, 1, tzinfo=UTC),
            (START, None, ago("3d") - START + timedelta(hours=24), "attempt"),
            id="successes-are-kept-since-december-2023",
        ),
        pytest.param(
            SignIn(datetime(2022, 6, 1, tzinfo=UTC)),
            datetime(2021, 5, 1, tzinfo=UTC),
            (datetime(2022, 6, 1, tzinfo=UTC), None, timedelta(hours=24), "attempt"),
            id="an-old-attempt-stands",
        ),
        pytest.param(SignIn(), YOUNG, (None, True, timedelta(hours=24), "any"), id="the-year-one-is-never"),
        pytest.param(None, YOUNG, (None, True, timedelta(hours=24), "any"), id="left-out-is-never"),
        pytest.param(
            None, datetime(2019, 1, 1, tzinfo=UTC), (None, None, None, None), id="older-than-the-record-is-not-told"
        ),
    ],
)
async def test_the_last_use_is_what_the_tenant_proves(
    tmp_path: Path,
    signed: SignIn | None,
    created: datetime,
    told: tuple[datetime | None, bool | None, timedelta | None, str | None],
) -> None:
    """A success is a use; an attempt bounds it; nothing is never, unless the account is older than the record."""
    account = by_id(await collected(tmp_path, Tenant([person(sign_in=signed, created=created)])))["ana"]
    assert (account.last_seen_at, account.never_seen, account.activity_lag, account.activity_basis) == told


async def test_failed_attempts_do_not_keep_an_account_alive(tmp_path: Path) -> None:
    """An account under attack that nobody signs in to is not told to be in use."""
    tenant = Tenant([person(sign_in=SignIn(interactive=ago("1h")), created=ago("800d"))])
    assert verdict(stale_access.CHECK, await collected(tmp_path, tenant)).verdict is not Verdict.PASS


async def test_where_successes_are_not_kept_at_all_an_attempt_counts(tmp_path: Path) -> None:
    """A cloud whose answer has no such property gives the attempt, and says so."""
    signed = SignIn(interactive=ago("3d"))
    found = await collected(
        tmp_path,
        Tenant([person(sign_in=signed)]),
        (USERS, Erase("signInActivity.lastSuccessfulSignInDateTime")),
    )
    assert (by_id(found)["ana"].last_seen_at, by_id(found)["ana"].activity_basis) == (ago("3d"), "attempt")


@pytest.mark.parametrize(
    ("tenant", "cause"),
    [
        pytest.param(Tenant(people(3), premium=False), Cause.UNLICENSED, id="no-licence"),
        pytest.param(without("AuditLog.Read.All"), Cause.DENIED, id="no-permission"),
    ],
)
async def test_without_sign_ins_the_users_are_read_all_the_same(tmp_path: Path, tenant: Tenant, cause: Cause) -> None:
    """One more question without signInActivity; then MFA and activity are gaps, and everything else is told."""
    found = await collected(tmp_path, tenant)
    assert {(gap.cause, gap.fields) for gap in found.gaps} == {(cause, ACTIVITY_FIELDS), (cause, MFA_FIELDS)}
    account = by_id(found)["user-0000"]
    assert (account.status, account.privileged, account.last_seen_at, account.never_seen) == (
        "active",
        False,
        None,
        None,
    )
    assert account.why == dict.fromkeys(
        ("mfa", "factors", "last_seen_at", "never_seen", "activity_lag", "activity_basis"), cause.value
    )
    for check in (mfa_coverage.CHECK, stale_access.CHECK):
        assert verdict(check, found).verdict is Verdict.UNKNOWN
