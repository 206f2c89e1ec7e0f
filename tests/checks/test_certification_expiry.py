"""``certification_expiry``: the rows are the spec."""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from checks.certification_expiry import CHECK, FUTURE, NO_END, ODD_PERIOD, PREMATURE, Policy, current_until
from checks.model.judgement import Outcome
from checks.model.records import Bridge
from checks.model.units import utc
from tests.support.builders import ago, ahead, attestation, judged
from tests.support.clock import NOW

PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN
DAY = timedelta(days=1)


def day(text: str) -> Any:
    """Give the end of a day."""
    return utc(f"{text}T23:59:59Z")


def certificate(kind: str = "iso27001", **told: Any) -> Any:
    """Build a certificate: no period, no opinion."""
    return attestation(**{"kind": kind, "period_start": None, "period_end": None, "opinion": None, **told})


@pytest.mark.parametrize(
    ("period_end", "expected", "until"),
    [
        pytest.param("2026-03-31", PASS, day("2027-03-31"), id="current"),
        pytest.param("2025-11-21", PASS, day("2026-11-21"), id="the last day"),
        pytest.param("2025-11-20", WARN, day("2027-02-20"), id="past twelve months"),
        pytest.param("2025-08-21", WARN, day("2026-11-21"), id="the last day of fifteen months"),
        pytest.param("2025-08-20", FAIL, None, id="past fifteen months"),
        pytest.param("2026-12-31", UNKNOWN, day("2026-12-31") - timedelta(minutes=5), id="a period not over yet"),
    ],
)
def test_a_type_2_report_ages_from_its_period_end(period_end: str, expected: Outcome, until: object) -> None:
    """Current for twelve calendar months, warned to fifteen, then it fails."""
    judgement = judged(CHECK, attestation(period_end=day(period_end), issued_at=ago("200d")))
    assert (judgement.outcome, judgement.until) == (expected, until)


@pytest.mark.parametrize(
    ("start", "end", "outcome", "bridged"),
    [
        pytest.param("2026-09-01", "2026-11-30", WARN, True, id="joins and reaches"),
        pytest.param("2026-09-10", "2026-11-30", FAIL, False, id="leaves a hole"),
        pytest.param("2026-08-01", "2026-11-30", FAIL, False, id="does not join"),
        pytest.param("2026-09-01", "2026-12-31", FAIL, False, id="longer than three months"),
        pytest.param("2026-09-01", "2026-11-20", FAIL, False, id="over already"),
    ],
)
def test_a_bridge_letter_is_warned_and_short(start: str, end: str, outcome: Outcome, *, bridged: bool) -> None:
    """Under a policy that asks for letters, one that joins the period and is live bridges it, unaudited."""
    letter = Bridge(start=utc(f"{start}T00:00:00Z"), end=day(end))
    item = attestation(period_end=day("2026-08-31"), issued_at=day("2026-09-15"), bridge=letter)
    judgement = judged(CHECK, item, current_months=0, warned_months=0)
    assert judgement.outcome is outcome
    assert ("bridged" in judgement.reason) == bridged


def test_a_bridge_letter_changes_nothing_by_default() -> None:
    """A report is current for longer than any letter may reach, so a letter neither helps nor harms."""
    letter = Bridge(start=utc("2026-04-01T00:00:00Z"), end=day("2026-06-30"))
    for period_end in ("2026-03-31", "2025-10-31", "2025-03-31"):
        item = attestation(period_end=day(period_end))
        bridged = attestation(period_end=day(period_end), bridge=letter)
        assert judged(CHECK, item).outcome is judged(CHECK, bridged).outcome


@pytest.mark.parametrize(
    ("kind", "told", "expected"),
    [
        pytest.param("soc2_type1", {"period_end": ago("120d"), "opinion": "unqualified"}, WARN, id="type I, at best"),
        pytest.param("soc2_type1", {"period_end": ago("30d"), "opinion": "unqualified"}, UNKNOWN, id="type I, early"),
        pytest.param("soc2_type1", {"period_end": ago("400d"), "opinion": "unqualified"}, FAIL, id="type I, too old"),
        pytest.param("soc2_type1", {"period_end": None, "opinion": "unqualified"}, UNKNOWN, id="type I, date not told"),
        pytest.param("iso27001", {}, PASS, id="ISO 27001"),
        pytest.param("iso27701", {}, PASS, id="ISO 27701"),
        pytest.param("iso42001", {"valid_until": NOW}, FAIL, id="ISO, ended"),
        pytest.param("iso27001", {"valid_until": ahead("60d")}, WARN, id="ISO, near its end"),
        pytest.param("iso27001", {"valid_until": None}, UNKNOWN, id="ISO, end not told"),
        pytest.param("iso27001", {"surveillance_due": ago("1d")}, FAIL, id="ISO, surveillance overdue"),
        pytest.param("iso27001", {"surveillance_due": ahead("9d")}, WARN, id="ISO, surveillance soon"),
        pytest.param("iso27001", {"surveillance_due": None}, UNKNOWN, id="ISO, surveillance not told"),
        pytest.param("hitrust_r2", {"surveillance_due": None}, UNKNOWN, id="HITRUST r2, interim not told"),
        pytest.param("hitrust_i1", {"surveillance_due": None}, PASS, id="HITRUST i1 has none"),
        pytest.param("pci_aoc", {"issued_at": ago("200d")}, PASS, id="PCI AoC"),
        pytest.param("pci_aoc", {"issued_at": ago("320d")}, WARN, id="PCI AoC, near its end"),
        pytest.param("pci_aoc", {"issued_at": ago("366d")}, FAIL, id="PCI AoC, past a year"),
        pytest.param("csa_star", {"issued_at": None}, UNKNOWN, id="CSA STAR, issue not told"),
        pytest.param("pentest", {"issued_at": ahead("9d")}, UNKNOWN, id="a test from the future"),
        pytest.param("dpa", {"valid_until": ahead("90d")}, PASS, id="DPA"),
        pytest.param("baa", {"valid_until": None}, UNKNOWN, id="BAA, end not told"),
        pytest.param("tisax", {}, UNKNOWN, id="a kind that is new to us"),
        pytest.param(None, {}, UNKNOWN, id="kind not told"),
    ],
)
def test_time_by_kind(kind: Any, told: dict[str, Any], expected: Outcome) -> None:
    """Each kind has its own clock, or two."""
    assert judged(CHECK, certificate(**{"kind": kind, "reviewed_at": ago("1d"), **told})).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"status": "in_progress", "next_expected": ahead("30d")}, FAIL, id="in progress is not in force"),
        pytest.param({"status": "in_progress", "next_expected": ago("30d")}, FAIL, id="in progress and overdue"),
        pytest.param({"status": "withdrawn"}, FAIL, id="withdrawn"),
        pytest.param({"status": "suspended", "kind": None}, FAIL, id="suspended, whatever it is"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
        pytest.param({"status": "lapsed"}, UNKNOWN, id="a status that is new to us"),
        pytest.param({"opinion": "qualified"}, WARN, id="a qualified opinion"),
        pytest.param({"opinion": "adverse"}, FAIL, id="an adverse opinion"),
        pytest.param({"opinion": "disclaimer"}, FAIL, id="no opinion given"),
        pytest.param({"opinion": None}, UNKNOWN, id="opinion not told"),
        pytest.param({"opinion": "glowing"}, UNKNOWN, id="an opinion that is new to us"),
        pytest.param({"categories": ("availability",)}, FAIL, id="a category too few"),
        pytest.param({"categories": ("SECURITY",)}, PASS, id="categories in any case"),
        pytest.param({"categories": None}, UNKNOWN, id="categories not told"),
        pytest.param({"categories": None, "required_categories": ()}, PASS, id="none needed"),
        pytest.param({"required_categories": None}, UNKNOWN, id="need not told"),
    ],
)
def test_status_opinion_and_scope(told: dict[str, Any], expected: Outcome) -> None:
    """Each of them can void a report that is current."""
    assert judged(CHECK, attestation(**told)).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected", "depth"),
    [
        pytest.param({}, PASS, "reviewed", id="hashed and reviewed"),
        pytest.param({"document": ""}, WARN, "claimed", id="no document"),
        pytest.param(
            {"document": "", "document_intact": None}, WARN, "claimed", id="no document, nothing to be intact"
        ),
        pytest.param({"document": None, "document_intact": None}, UNKNOWN, None, id="document not told"),
        pytest.param({"document_intact": False}, FAIL, None, id="missing or changed"),
        pytest.param({"document": None, "document_intact": False}, FAIL, None, id="changed, path not told"),
        pytest.param({"document_intact": None}, UNKNOWN, None, id="not compared"),
        pytest.param({"document_digest": None}, UNKNOWN, None, id="not hashed"),
        pytest.param({"reviewed_by": ""}, WARN, "document", id="reviewed by nobody"),
        pytest.param({"reviewed_by": " \t\u200b"}, WARN, "document", id="reviewed by blanks"),
        pytest.param({"document_digest": "sha256:" + sha256().hexdigest()}, FAIL, None, id="an empty document"),
        pytest.param({"reviewed_by": None}, WARN, "document", id="reviewer not told"),
        pytest.param({"reviewed_at": None}, WARN, "document", id="review not dated"),
        pytest.param({"reviewed_at": ago("101d")}, WARN, "document", id="reviewed before it was issued"),
        pytest.param({"issued_at": None}, UNKNOWN, None, id="issue not told"),
        pytest.param({"reviewed_at": ahead("1d")}, WARN, "document", id="reviewed in the future"),
    ],
)
def test_the_document(told: dict[str, Any], expected: Outcome, depth: str | None) -> None:
    """What is claimed, held and reviewed are three depths of proof."""
    judgement = judged(CHECK, attestation(**told))
    assert (judgement.outcome, judgement.depth) == (expected, depth)


@pytest.mark.parametrize(
    ("told", "expected", "reason"),
    [
        pytest.param({"period_start": "2025-07-01", "period_end": "2026-06-30"}, PASS, None, id="a year"),
        pytest.param({"period_start": "2026-06-01", "period_end": "2026-06-28"}, PASS, None, id="28 days"),
        pytest.param({"period_start": "2026-06-01", "period_end": "2026-06-27"}, UNKNOWN, ODD_PERIOD, id="27 days"),
        pytest.param({"period_start": "2026-06-30", "period_end": "2026-06-30"}, UNKNOWN, ODD_PERIOD, id="a day"),
        pytest.param({"period_start": "2024-07-01", "period_end": "2026-06-30"}, PASS, None, id="24 months"),
        pytest.param({"period_start": "2024-06-28", "period_end": "2026-06-30"}, UNKNOWN, ODD_PERIOD, id="more"),
        pytest.param({"period_start": "1976-07-01", "period_end": "2026-06-30"}, UNKNOWN, ODD_PERIOD, id="50 years"),
        pytest.param({"period_start": None, "period_end": "2026-06-30"}, UNKNOWN, NO_END, id="start not told"),
        pytest.param({"issued_at": "2026-06-30"}, PASS, None, id="issued on the last day"),
        pytest.param({"issued_at": "2026-06-29"}, UNKNOWN, PREMATURE, id="issued before the period ended"),
        pytest.param({"issued_at": "2030-01-01"}, UNKNOWN, FUTURE, id="issued in the future"),
    ],
)
def test_dates_that_cannot_be_true_prove_nothing(told: dict[str, Any], expected: Outcome, reason: str | None) -> None:
    """A SOC 2 report is issued by now, after its period, which has a usual length."""
    days = {"period_start": "2025-07-01", "period_end": "2026-06-30", "issued_at": "2026-09-01", **told}
    read = {"period_start": "T00:00:00Z", "period_end": "T23:59:59Z", "issued_at": "T00:00:00Z"}
    dates: dict[str, Any] = {name: None if text is None else utc(text + read[name]) for name, text in days.items()}
    judgement = judged(CHECK, attestation(**dates, reviewed_at=ago("1d")))
    assert judgement.outcome is expected
    if reason is not None:
        assert judgement.reason == reason


def test_a_certificate_from_the_future_proves_nothing() -> None:
    """Whatever its kind, what is issued only later is not in force, and is judged again when that day comes."""
    judgement = judged(
        CHECK, certificate(valid_until=ahead("900d"), surveillance_due=ahead("800d"), issued_at=ahead("9d"))
    )
    assert (judgement.outcome, judgement.reason) == (UNKNOWN, FUTURE)
    assert judgement.until == ahead("9d") - timedelta(minutes=5)


def test_the_worst_is_the_verdict_and_the_first_to_change_is_its_time() -> None:
    """A failure outweighs doubt, doubt a warning; a result stands until its first part changes."""
    assert judged(CHECK, attestation(opinion="adverse", status=None)).outcome is FAIL
    assert judged(CHECK, attestation(opinion=None, document="")).outcome is UNKNOWN
    two = certificate(valid_until=ahead("100d"), surveillance_due=ahead("90d"), issued_at=ago("100d"))
    assert judged(CHECK, two).until == ahead("30d")


def test_calendar_months_end_with_the_month() -> None:
    """Twelve months from the end of February are the end of February."""
    judgement = judged(CHECK, attestation(period_end=utc("2024-02-29T23:59:59Z")))
    assert judgement.facts["current_until"] == "2025-02-28T23:59:59Z"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(attestation(period_end=day("2026-03-31")), day("2027-03-31"), id="type 2, from its period"),
        pytest.param(attestation(period_end=day("2024-03-31"), period_start=ago("2000d")), None, id="an odd period"),
        pytest.param(attestation(kind="soc2_type1", period_end=day("2026-03-31")), day("2027-03-31"), id="type 1"),
        pytest.param(attestation(period_end=None), None, id="no period told"),
        pytest.param(certificate(), ahead("200d"), id="the surveillance audit comes first"),
        pytest.param(certificate(surveillance_due=ahead("800d")), ahead("700d"), id="the certificate ends first"),
        pytest.param(certificate(surveillance_due=None), None, id="no surveillance audit told"),
        pytest.param(certificate(surveillance_due=ago("9d")), ago("9d"), id="past its time, and so told"),
        pytest.param(certificate("dpa"), ahead("700d"), id="a contract"),
        pytest.param(certificate("pentest", issued_at=day("2026-03-31")), day("2027-03-31"), id="yearly"),
        pytest.param(certificate("a novelty"), None, id="a new kind"),
        pytest.param(certificate(status="suspended"), None, id="suspended"),
        pytest.param(certificate(status="in_progress"), None, id="in progress"),
        pytest.param(certificate(status=None), None, id="no status told"),
        pytest.param(certificate(issued_at=ahead("9d")), None, id="of the future"),
        pytest.param(attestation(opinion="adverse"), None, id="adverse"),
        pytest.param(attestation(opinion=None), None, id="no opinion told"),
        pytest.param(certificate(categories=()), None, id="lacks a category"),
        pytest.param(certificate(document_intact=False), None, id="its document changed"),
        pytest.param(certificate(document_intact=None), ahead("200d"), id="its document cannot be read"),
        pytest.param(certificate(document=""), ahead("200d"), id="only claimed"),
    ],
)
def test_an_attestation_that_counts_tells_its_end(record: Any, expected: object) -> None:
    """The end is the one that its time is judged by; one that fails for another reason, or cannot be true, has none."""
    assert current_until(record, Policy(), NOW) == expected


def test_the_end_of_currency_is_where_the_judgement_turns() -> None:
    """A Type II report stops to pass at the very instant that is told, whatever the policy."""
    for months in (4, 6, 12):
        end = current_until(attestation(), Policy(current_months=months), NOW)
        assert end is not None
        before, after = (judged(CHECK, attestation(), now=at, current_months=months) for at in (end - DAY / 9, end))
        assert (before.outcome, after.outcome) == (PASS, WARN)
