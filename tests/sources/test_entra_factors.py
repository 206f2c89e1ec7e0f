"""An Entra tenant's report tells who has a second factor; whom it leaves out is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checks import mfa_coverage
from checks.model.records import Factor
from demo.replicas.faults import Erase, Omit
from demo.replicas.graph import GraphTenant as Tenant
from sources.common.lookup import Lookup
from tests.support.entra import REPORT, by_id, collected, person, verdict


@pytest.mark.parametrize(
    ("told", "mfa", "factors", "cause"),
    [
        pytest.param({"methods": []}, False, (), None, id="none"),
        pytest.param({"methods": ["fido2"]}, True, (("fido2", "phishing_resistant"),), None, id="a-security-key"),
        pytest.param(
            {"methods": ["windowsHelloForBusiness", "passKeyDeviceBound"]},
            True,
            (("passKeyDeviceBound", "phishing_resistant"), ("windowsHelloForBusiness", "phishing_resistant")),
            None,
            id="passkeys",
        ),
        pytest.param(
            {"methods": ["mobilePhone", "softwareOneTimePasscode"]},
            True,
            (("mobilePhone", "weak"), ("softwareOneTimePasscode", "strong")),
            None,
            id="text-and-code",
        ),
        pytest.param({"methods": ["email", "password"]}, False, (), None, id="what-only-resets-is-no-factor"),
        pytest.param(
            {"methods": ["temporaryAccessPass"], "mfa_capable": True},
            True,
            None,
            "not_exposed",
            id="capable-by-nothing-that-counts",
        ),
        pytest.param({"methods": ["irisScan"]}, True, (("irisScan", None),), None, id="a-new-word-has-no-strength"),
        pytest.param(
            {"methods": ["fido2"], "mfa_registered": True, "mfa_capable": False},
            False,
            (),
            None,
            id="registered-and-not-allowed",
        ),
        pytest.param({"methods": [], "user_type": "Guest"}, None, None, "federated", id="a-guest's-are-at-home"),
        pytest.param(
            {"methods": ["fido2"], "user_type": "Guest"},
            True,
            (("fido2", "phishing_resistant"),),
            None,
            id="a-guest-with-one-here",
        ),
        pytest.param({"account_enabled": False}, None, None, "not_exposed", id="disabled-users-are-left-out"),
    ],
)
async def test_the_report_decides(
    tmp_path: Path,
    told: dict[str, Any],
    mfa: bool | None,  # noqa: FBT001 - a column of the table
    factors: tuple[tuple[str, str | None], ...] | None,
    cause: str | None,
) -> None:
    """``isMfaCapable`` is the yes or no; methods are rated, and a word that is new to us has no strength."""
    account = by_id(await collected(tmp_path, Tenant([person(**told)])))["ana"]
    assert account.mfa is mfa
    assert account.factors == (None if factors is None else tuple(Factor(*pair) for pair in factors))
    assert account.why.get("factors") == cause


@pytest.mark.parametrize(
    ("kind", "cause"),
    [pytest.param("Member", "truncated", id="member"), pytest.param("Guest", "federated", id="guest")],
)
async def test_an_enabled_user_whom_the_report_omits_is_unknown(tmp_path: Path, kind: str, cause: str) -> None:
    """A missing row is not a no: the report is late, or the user is another tenant's."""
    users = [person("ana", user_type=kind), person("bob")]
    found = await collected(tmp_path, Tenant(users), (REPORT, Omit(frozenset({"ana"}))))
    assert by_id(found)["ana"].why == {"factors": cause, "mfa": cause}
    assert by_id(found)["bob"].mfa is True
    if kind == "Member":
        result = verdict(mfa_coverage.CHECK, found)
        assert (result.tally.failed, result.tally.unknown) == (0, 1)


async def test_a_row_without_its_answer_is_unknown(tmp_path: Path) -> None:
    """A report that leaves ``isMfaCapable`` out has told nothing."""
    found = await collected(tmp_path, Tenant([person()]), (REPORT, Erase("isMfaCapable")))
    assert by_id(found)["ana"].why == {"factors": "not_exposed", "mfa": "not_exposed"}


async def test_a_report_of_many_users_does_not_stay_in_memory() -> None:
    """Past its limit a lookup moves to disk, and finds the same."""
    lookup = Lookup(limit=10)
    for start in range(0, 3_000, 7):
        lookup.add({f"id-{at}": at % 5 for at in range(start, min(start + 7, 3_000))})
    wanted = [f"id-{at}" for at in range(4_000)]
    found = lookup.find(wanted)
    lookup.close()
    assert found == {f"id-{at}": at % 5 for at in range(3_000)}
