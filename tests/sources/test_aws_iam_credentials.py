"""An AWS account tells its keys and certificates; a key without a use is unused only where that is told."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.model.doubt import Cause
from checks.model.records import Credential, field_names
from tests.support import iam as wire
from tests.support.aws import LAG, collected, credentials, gap
from tests.support.iam import arn_of, row

CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.expires_at"}))


async def test_keys_and_certificates_are_told_by_their_columns(tmp_path: Path) -> None:
    """A used key, an inactive one and a certificate; of certificates no use is told."""
    cells = {
        "access_key_2_active": "false",
        "access_key_2_last_rotated": "2026-01-01T00:00:00+00:00",
        "cert_1_active": "true",
        "cert_1_last_rotated": "2025-01-01T00:00:00+00:00",
    }
    found = credentials(await collected(tmp_path, row("ci", wire.KEY, cells)))
    first = found["access_key_1"]
    assert first == Credential(
        id=f"{arn_of('ci')}#access_key_1",
        source="aws",
        label="ci access_key_1",
        kind="access_key",
        status="active",
        owner=arn_of("ci"),
        privileged=False,
        created_at=datetime(2026, 10, 1, tzinfo=UTC),
        last_used_at=datetime(2026, 11, 19, tzinfo=UTC),
        never_used=False,
        use_lag=LAG,
    )
    assert (found["access_key_2"].status, found["access_key_2"].never_used) == ("inactive", True)
    assert found["cert_1"].kind == "signing_certificate"
    assert found["cert_1"].why == dict.fromkeys(("last_used_at", "never_used", "use_lag"), "not_exposed")


@pytest.mark.parametrize(
    ("cells", "never", "why"),
    [
        pytest.param({"access_key_1_last_used_date": "N/A"}, True, {}, id="never"),
        pytest.param(
            {"access_key_1_last_used_date": "N/A", "access_key_1_last_rotated": "2015-01-01T00:00:00Z"},
            None,
            {"last_used_at": "not_exposed", "never_used": "not_exposed"},
            id="older-than-the-tracking",
        ),
        pytest.param(
            {"access_key_1_last_used_date": "yesterday"},
            None,
            {"last_used_at": "unsupported", "never_used": "unsupported"},
            id="a-word-that-is-new",
        ),
        pytest.param(
            {"access_key_1_last_used_date": "N/A", "access_key_1_last_rotated": "N/A"},
            None,
            {"created_at": "unsupported", "last_used_at": "not_exposed", "never_used": "not_exposed"},
            id="no-creation",
        ),
    ],
)
async def test_a_key_without_a_use_is_unused_only_where_that_is_told(
    cells: dict[str, str], *, never: bool | None, why: dict[str, str], tmp_path: Path
) -> None:
    """Never used is told of a key that AWS has tracked since it was made, and of no other."""
    one = credentials(await collected(tmp_path, row("ci", wire.KEY, cells)))["access_key_1"]
    assert (one.last_used_at, one.never_used, one.why) == (None, never, why)


async def test_a_key_of_a_status_that_is_new_is_still_told(tmp_path: Path) -> None:
    """A word besides true and false does not hide a key."""
    one = credentials(await collected(tmp_path, row("ci", wire.KEY, access_key_1_active="paused")))["access_key_1"]
    assert (one.status, one.why) == (None, {"status": "unsupported"})


async def test_credentials_without_a_column_are_a_gap(tmp_path: Path) -> None:
    """Users with more credentials than the report shows make every fact of credentials doubtful."""
    found = await collected(tmp_path, row("ana", additional_credentials_info="3 access keys"))
    assert (gap(found).cause, gap(found).kind) == (Cause.UNSUPPORTED, "facts")
    assert set(gap(found).fields) == {*CREDENTIAL_FIELDS, "account.last_seen_at"}
    none = await collected(tmp_path, row("ana", additional_credentials_info="N/A"))
    assert none.gaps == ()
