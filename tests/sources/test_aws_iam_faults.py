"""What AWS denies, breaks off or has no time for is a gap or an error, and never a smaller account."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from checks.model.doubt import Cause
from checks.model.records import Factor
from sources.aws_iam import SOURCE
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unreachable
from sources.common.limits import Limits
from tests.sources.contract import breaches_of_probes
from tests.support import iam as wire
from tests.support.aws import EVERYTHING, PASSKEY, STRONG, VIRTUAL, accounts, answers, asking, collected, gap
from tests.support.iam import Answer, root, row, table

# What is denied.


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        pytest.param(
            "GetAccountAuthorizationDetails",
            ("account.privileged", "account.roles", "credential.privileged"),
            id="policies",
        ),
        pytest.param("GetAccountSummary", ("account.interactive",), id="summary"),
        pytest.param("ListMFADevices", ("account.factors",), id="devices"),
        pytest.param("ListVirtualMFADevices", ("account.factors",), id="root-device"),
    ],
)
async def test_a_refusal_costs_its_facts_and_names_the_permission(
    action: str, fields: tuple[str, ...], tmp_path: Path
) -> None:
    """Everybody is still told, the facts are not, and the gap says what to grant."""
    rows = (root(), row("ana", wire.PERSON, mfa_active="true"), row("ci", wire.KEY))
    found = await collected(tmp_path, *rows, **{action: wire.error("AccessDenied", 403)})
    assert (gap(found).cause, gap(found).kind, gap(found).fields) == (Cause.DENIED, "facts", fields)
    assert f"grant iam:{action}" in gap(found).detail
    assert len(found.records) == 4


@pytest.mark.parametrize("action", ["GetAccountAuthorizationDetails", "GetAccountSummary", "ListMFADevices"])
async def test_keys_that_end_in_mid_run_end_the_run(action: str, tmp_path: Path) -> None:
    """Only a missing permission is a gap of some facts; whatever else AWS refuses leaves the run incomplete."""
    told: dict[str, Any] = {action: wire.error("ExpiredToken", 403)}
    async with asking(tmp_path, row("ana", wire.PERSON, mfa_active="true"), **told) as asked:
        fault = await asked.fault()
    assert "temporary keys are over" in str(fault)


async def test_without_devices_one_user_is_asked_for_few(tmp_path: Path) -> None:
    """A refusal is not asked for once per user."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(30)]
    async with asking(tmp_path, *rows, ListMFADevices=wire.error("AccessDenied", 403)) as asked:
        found = await asked.collect()
    assert asked.iam.times("ListMFADevices") <= 4
    told = accounts(found)
    assert {told[f"u{at}"].why["factors"] for at in range(30)} == {"denied"}
    assert {told[f"u{at}"].mfa for at in range(30)} == {True}


async def test_probes_say_what_each_refusal_costs(tmp_path: Path) -> None:
    """Every permission is a probe; a refused one names itself and the facts that it costs."""
    refused: dict[str, Any] = dict.fromkeys(answers(), wire.error("AccessDenied", 403))
    refused["GenerateCredentialReport"] = wire.result("GenerateCredentialReport", "<State>COMPLETE</State>")
    async with asking(tmp_path, row("ana"), **refused) as asked:
        probes = await SOURCE.test(asked.config, asked.ctx)
    assert breaches_of_probes(SOURCE, probes) == []
    assert [probe.ok for probe in probes] == [True, False, False, False, False, None]
    assert probes[3].costs == ("account.privileged", "account.roles", "credential.privileged")
    assert "grant iam:GetAccountAuthorizationDetails" in probes[3].detail


# Errors.


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        pytest.param(wire.error("AccessDenied", 403), Refused, "grant iam:GetCredentialReport", id="denied"),
        pytest.param(
            wire.error("InvalidClientTokenId", 403), Refused, "does not know the access key", id="unknown-key"
        ),
        pytest.param(wire.error("SignatureDoesNotMatch", 403), Refused, "store both again", id="signature"),
        pytest.param(wire.error("ExpiredToken", 403), Refused, "temporary keys are over", id="expired"),
        pytest.param(wire.error("SomethingNew", 400), Refused, "does not expect", id="new-to-us"),
        pytest.param(wire.error("Throttling", 400), Throttled, "ask less often", id="throttled"),
        pytest.param(wire.error("ServiceFailure", 500), Unreachable, "AWS has a fault", id="their-fault"),
        pytest.param((503, "<html>"), Unreachable, "503", id="gateway"),
        pytest.param((200, "<html><body>sign in</body></html>"), Malformed, "GetCredentialReportResult", id="proxy"),
        pytest.param((200, "{}"), Malformed, "not XML", id="json"),
        pytest.param((200, '<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'), Malformed, "not XML", id="document-type"),
        pytest.param((200, "<a>" * 5000 + "</a>" * 5000), Malformed, "not XML", id="too-deep"),
        pytest.param(wire.result("GetCredentialReport", "<Content>eA==</Content>"), Malformed, "new to us", id="shape"),
    ],
)
async def test_errors_say_who_must_act(told: Answer, kind: type[SourceError], words: str, tmp_path: Path) -> None:
    """Each answer has its kind and its next step, and no message repeats what the server said."""
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        fault = await asked.fault(Limits(attempts=2))
    assert isinstance(fault, kind)
    assert words in str(fault)
    assert "a-token-that-nobody-may-see" not in str(fault)
    assert "wJalrXUtnFEMI" not in str(fault)


async def test_a_wrong_clock_is_told_from_a_wrong_secret(tmp_path: Path) -> None:
    """The server's own date says whose fault a signature is."""
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=wire.error("SignatureDoesNotMatch", 403)) as asked:
        asked.iam.date = "Sat, 21 Nov 2026 06:30:00 GMT"
        fault = await asked.fault()
    assert "3600 s apart; set the clock" in str(fault)


async def test_throttling_is_waited_out(tmp_path: Path) -> None:
    """A throttled request is asked again, and tells in the end."""
    told = [wire.error("Throttling"), wire.report(table(row("ana")))]
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        found = await asked.collect()
    assert "ana" in accounts(found)
    assert asked.glass.slept


async def test_every_request_is_signed_and_shows_no_secret(tmp_path: Path) -> None:
    """The signature covers the body; the secret itself is in no header and no form."""
    async with asking(tmp_path, root(), row("ana", wire.PERSON, mfa_active="true")) as asked:
        await asked.collect()
    assert all("SignedHeaders=accept;content-type;host;x-amz-date" in one["Authorization"] for one in asked.iam.headers)
    assert "wJalrXUtnFEMI" not in f"{asked.iam.headers}{asked.iam.asked}"


# Pages.


async def test_pages_are_followed_by_their_markers(tmp_path: Path) -> None:
    """Policies and devices come in pages, and all of them count."""

    def paged(form: Any) -> Answer:
        return wire.devices(PASSKEY) if form.get("Marker") == "m1" else wire.devices(VIRTUAL, marker="m1")

    found = await collected(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=paged)
    assert accounts(found)["ana"].factors == (*STRONG, Factor(kind="u2f", strength="phishing_resistant"))


@pytest.mark.parametrize(
    ("told", "asked_times"),
    [
        pytest.param(wire.details(marker="again"), 2, id="the-same-marker-again"),
        pytest.param(
            wire.result("GetAccountAuthorizationDetails", "<IsTruncated>true</IsTruncated>"), 1, id="no-marker"
        ),
        pytest.param(lambda form: wire.details(marker=f"{form.get('Marker', '')}m"), 10, id="no-end"),
    ],
)
async def test_a_list_that_never_ends_is_cut_off_aloud(told: Any, asked_times: int, tmp_path: Path) -> None:
    """What says that there is more and cannot be followed ends the run, as truncated, and as soon as it shows."""
    async with asking(tmp_path, row("ana"), GetAccountAuthorizationDetails=told) as asked:
        assert isinstance(await asked.fault(Limits(pages=10)), Truncated)
    assert asked.iam.times("GetAccountAuthorizationDetails") == asked_times


async def test_an_answer_that_does_not_say_whether_there_is_more_is_malformed(tmp_path: Path) -> None:
    """A lost ``IsTruncated`` is not a no."""
    told = wire.result("ListMFADevices", wire.members("MFADevices"))
    async with asking(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=told) as asked:
        assert isinstance(await asked.fault(), Malformed)


# The sweep.


async def test_administrators_come_first_and_the_plan_is_told(tmp_path: Path) -> None:
    """The devices of administrators are asked for before all others, and the cost of it all is known before."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(6)]
    users = [wire.detail(f"u{at}", inlines=(wire.inline(EVERYTHING),) if at == 5 else ()) for at in range(6)]
    async with asking(tmp_path, *rows, GetAccountAuthorizationDetails=wire.details(*users)) as asked:
        await asked.collect()
    first = next(form for form in asked.iam.asked if form["Action"] == "ListMFADevices")
    assert first["UserName"] == "u5"
    plans = [one.plan for one in asked.ctx.told if one.plan is not None]
    assert plans[0].requests == 6
    assert plans[0].seconds == pytest.approx(1.2)


async def test_what_a_run_has_no_time_for_is_a_gap(tmp_path: Path) -> None:
    """With time for half of the users, the others keep their yes and their factors are not told."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(6)]
    keys = {"requests_per_second": 0.05}
    async with asking(tmp_path, *rows, keys=keys, deadline=timedelta(seconds=70)) as asked:
        found = await asked.collect()
    late = [one for one in accounts(found).values() if one.why.get("factors") == "truncated"]
    assert len(late) == 3
    assert (gap(found).cause, gap(found).fields) == (Cause.TRUNCATED, ("account.factors",))
    assert len(accounts(found)) == 7
