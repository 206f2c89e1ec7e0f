"""Metrics say what the snapshot says at the instant of rendering, and never more."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.result import Doubted
from checks.model.state import Standing, Tally
from engine.metrics import process_text, render
from engine.port import (
    Alarm,
    BlindBy,
    Deadline,
    Event,
    EvidenceView,
    KnownTime,
    PolicyValue,
    Selftest,
)
from tests.support.clock import NOW
from tests.support.series import exposed, value
from tests.support.snapshots import a_check, a_full_estate, a_snapshot, a_source, a_standing, an_estate

DAY = timedelta(days=1)


def test_a_removed_check_disappears() -> None:
    """A check that left the configuration leaves no series behind."""
    both = a_snapshot(checks=(a_check("kept"), a_check("removed")))
    assert b"removed" in render(both, NOW).body
    assert b"removed" not in render(a_snapshot(checks=(a_check("kept"),)), NOW).body


def test_a_restart_tells_what_the_store_kept() -> None:
    """Nothing is remembered between renderings: a new process exposes the same snapshot to the same bytes."""
    snapshot = an_estate(12)
    assert render(snapshot, NOW, process=str) == render(snapshot, NOW, process=str)


def test_nothing_personal_is_exposed() -> None:
    """Addresses, logins and host names in errors, events, gaps, ids and texts stay where they are, whoever put them."""
    private = ("ana@example.org", "svc-ana", "db7.corp.example.org", "10.7.8.9", "/home/ana")
    told = " ".join(private)
    ana, host = private[0], private[2]
    gap = Gap(source="okta-prod", cause=Cause.DENIED, kind="facts", fields=("account.mfa",), detail=told)
    check = a_check(
        gaps=(Doubted(gap=gap, subjects=1, examples=private),),
        team=ana,
        title=told,
        runbook=f"https://{host}/runbook",
        policy_ref=told,
        excluded=dict.fromkeys(private, 1),
        depths=dict.fromkeys(private, 1),
        alarms=dict.fromkeys(private, Alarm(count=1, at=NOW)),
        policy=dict.fromkeys(private, PolicyValue(value=told, origin=told)),
        blind_by=BlindBy(source="okta-prod", cause=Cause.DENIED, since=NOW, detail=told),
        standing=a_standing(tally=Tally(passed=1, unknown=1)),
        explain={told: told},
        evidence=private,
        deadlines=[Deadline(source="okta-prod", id=key, at=NOW, rpo_seconds=1, grace_seconds=1) for key in private],
    )
    source = a_source(last_error=told, title=told, gaps=(gap,), labels={"t1": ana}, complete=False, cause=Cause.BUSY)
    others = msgspec.structs.replace(source, name="other", labels={}, request_failures=dict.fromkeys(private, 1))
    snapshot = a_snapshot(
        checks=(check,),
        sources=(source, others),
        events=(Event(at=NOW, kind="finding", what=ana, text=told),),
        times=[KnownTime(source="okta-prod", id=key, what="tls_not_after", at=NOW) for key in ("t1", *private)],
        config_path=f"{private[4]}/controlwatch.toml",
        evidence=EvidenceView(chain_fault=told, chain_valid=False),
        **dict.fromkeys(("config_error", "evidence_error", "waivers_error"), told),
    )
    body = render(snapshot, NOW).body.decode()
    assert not [word for word in (*private, "ana", "corp", "@") if word in re.sub(r"# .*\n", "", body)]
    assert value(exposed(snapshot), "exposition_labels_blanked") == 1
    assert value(exposed(snapshot), "check_info", team="", check="workforce-mfa") == 1


def test_counts_are_those_of_the_json() -> None:
    """Counts and bounds are the tally's, and they add up."""
    tally = Tally(passed=92, warned=2, failed=5, unknown=3, missing=10, waived=1, undue=2)
    series = exposed(a_snapshot(checks=(a_check(standing=a_standing(tally=tally), urgent=1),)))
    names = ("read", "excluded", "population", "passed", "warned", "failed", "unknown", "waived", "undue", "missing")
    assert [value(series, f"check_{name}") for name in names] == [143, 45, 100, 92, 2, 5, 3, 1, 2, 10]
    assert value(series, "check_coverage_low_ratio") == pytest.approx(92 / 110)
    assert value(series, "check_coverage_high_ratio") == pytest.approx(105 / 110)
    assert value(series, "check_visibility_ratio") == pytest.approx(0.97)
    assert value(series, "check_urgent") == 1


def test_what_is_not_told_has_no_series() -> None:
    """An unset time and the counts of a check that was never judged have no series; a ``never`` series says why."""
    check = a_check(standing=Standing(tally=None), as_of=None, state_since=None)
    source = a_source(attempted_at=None, completed_at=None, complete=False, as_of=None, next_run=None, records=0)
    series = exposed(a_snapshot(checks=(check,), sources=(source,), ticked_at=None, selftest=Selftest()))
    for name in (
        *(
            "check_valid_until_timestamp_seconds",
            "check_as_of_timestamp_seconds",
            "check_state_since_timestamp_seconds",
        ),
        *("check_read", "check_population", "check_failed", "check_coverage_low_ratio", "check_visibility_ratio"),
        *("source_last_success_timestamp_seconds", "source_as_of_timestamp_seconds", "source_records"),
        *("scheduler_last_tick_timestamp_seconds", "selftest_last_success_timestamp_seconds"),
    ):
        assert value(series, name) is None, name
    for name in ("check_never_judged", "source_never_completed", "scheduler_never_ticked", "selftest_never_passed"):
        assert value(series, name) == 1, name


def test_unbounded_doubt_is_no_zero() -> None:
    """When nothing bounds the missing subjects, their number is not told and a series says that."""
    tally = Tally(passed=9, missing=None, barred=True)
    series = exposed(a_snapshot(checks=(a_check(standing=a_standing(tally=tally)),)))
    assert value(series, "check_missing") is None
    assert value(series, "check_missing_unbounded") == 1


def test_a_source_says_how_its_latest_run_went() -> None:
    """An incomplete run is down with its cause; gaps are counted by cause and by what they hide."""
    gaps = (facts_gap(Cause.DENIED, ("account.mfa",), ""), facts_gap(Cause.DENIED, ("account.roles",), ""))
    series = exposed(a_snapshot(sources=(a_source(complete=False, cause=Cause.THROTTLED, gaps=gaps),)))
    assert value(series, "source_up", source="okta-prod", kind="okta") == 0
    assert value(series, "source_incomplete", cause="throttled") == 1
    assert value(series, "source_gap", cause="denied", gap="facts") == 2
    assert value(series, "source_runs_total") == 7
    assert value(series, "source_run_failures_total") == 2


def test_only_configured_names_have_times() -> None:
    """Times of configured targets and declared sets are exposed, those of discovered ones are not."""
    edge = a_source("edge", kind="tls", labels={"t1": "www.example.org:443", "t2": "127.0.0.1:8443@localhost"})
    dumps = a_source("dumps", kind="files", labels={"nightly": "nightly-db"})
    day = NOW + timedelta(days=1)
    times = (
        KnownTime(source="edge", id="t1", what="tls_not_after", at=day),
        KnownTime(source="edge", id="found", what="tls_not_after", at=day),
        KnownTime(source="dumps", id="nightly", what="backup_newest", at=NOW, limit_seconds=86_400),
        KnownTime(source="gone", id="t1", what="tls_not_after", at=day),
    )
    series = exposed(a_snapshot(sources=(edge, dumps), times=times))
    assert value(series, "tls_not_after_timestamp_seconds") == day.timestamp()
    assert value(series, "backup_newest_timestamp_seconds", source="dumps", set="nightly-db") == NOW.timestamp()
    assert value(series, "time_never_known", name="www.example.org:443") == 0
    assert value(series, "time_never_known", name="127.0.0.1:8443@localhost") == 1


def test_the_exposition_carries_its_own_instants() -> None:
    """The snapshot's instant and that of rendering are inside, so a hung engine and a hung renderer both show."""
    series = exposed(a_snapshot(), NOW + timedelta(seconds=15))
    assert value(series, "exposition_snapshot_timestamp_seconds") == NOW.timestamp()
    assert value(series, "exposition_render_timestamp_seconds") == NOW.timestamp() + 15


@pytest.mark.parametrize(
    ("changes", "name", "expected"),
    [
        pytest.param({}, "demo", 0, id="no demo"),
        pytest.param({"demo": True}, "demo", 1, id="demo"),
        pytest.param({"phase": "starting"}, "engine_live", 0, id="starting"),
        pytest.param({"config_error": "bad"}, "config_last_reload_successful", 0, id="a refused reload"),
        pytest.param({"evidence_error": "full", "evidence_failures": 3}, "evidence_writable", 0, id="evidence"),
        pytest.param({"evidence_failures": 3}, "evidence_write_failures_total", 3, id="evidence failures"),
        pytest.param({"waivers_error": "bad"}, "waivers_valid", 0, id="malformed waivers"),
        pytest.param({"loop_lag_seconds": 0.25}, "event_loop_lag_seconds", 0.25, id="loop lag"),
    ],
)
def test_the_engine_says_how_it_is(changes: dict[str, Any], name: str, expected: float) -> None:
    """What ails the monitor itself is a series of its own."""
    assert value(exposed(a_snapshot(**changes)), name) == expected


@pytest.mark.parametrize(
    ("name", "labels", "expected"),
    [
        pytest.param("waivers", {"status": "active"}, 2, id="live waivers"),
        pytest.param("waivers", {"status": "expired"}, 1, id="ended waivers"),
        pytest.param("config_loaded_timestamp_seconds", {}, NOW - DAY, id="configuration"),
        pytest.param("evidence_writes_total", {}, 9, id="writes"),
        pytest.param("evidence_failing_since_timestamp_seconds", {}, NOW, id="failing writes"),
        pytest.param("evidence_chain_valid", {}, 1, id="chain"),
        pytest.param("check_alarms", {"alarm": "mfa_lost"}, 1, id="an alarm"),
        pytest.param("check_alarms", {"alarm": "tls_broken"}, 0, id="an alarm that is silent"),
        pytest.param("check_alarm_timestamp_seconds", {"alarm": "mfa_lost"}, NOW, id="since when"),
        pytest.param("check_alarm_timestamp_seconds", {"alarm": "tls_broken"}, None, id="no time of a silent alarm"),
        pytest.param("check_judgement_failures_total", {}, 1, id="judgements that failed"),
        pytest.param("check_judged_timestamp_seconds", {}, NOW, id="judged"),
        pytest.param("check_waivers", {}, 1, id="waivers of a check"),
        pytest.param("check_waiver_end_timestamp_seconds", {}, NOW + DAY, id="the end of a waiver"),
        pytest.param("check_max_age_seconds", {}, 86_400, id="max_age"),
        pytest.param("check_gaps", {"cause": "denied"}, 1, id="gaps by cause"),
        pytest.param("check_depth", {"depth": "verified"}, 30, id="depth"),
        pytest.param("source_blinds", {"source": "source-00", "cause": "denied"}, 1, id="checks by source and cause"),
        pytest.param("source_request_failures_total", {"source": "source-00", "cause": "throttled"}, 3, id="requests"),
        pytest.param("source_throttle_wait_seconds_total", {"source": "source-00"}, 1.5, id="waited"),
        pytest.param("source_quota_remaining", {"source": "source-00"}, 10, id="quota"),
        pytest.param("source_credential_expiry_timestamp_seconds", {"source": "source-00"}, NOW + DAY, id="credential"),
        pytest.param("source_interval_seconds", {"source": "source-00"}, 900, id="interval"),
        pytest.param("backup_deadline_timestamp_seconds", {"set": "set-0"}, NOW + DAY, id="deadline"),
        pytest.param("backup_rpo_seconds", {"set": "set-0"}, 86_400, id="RPO"),
        pytest.param("tls_deadline_timestamp_seconds", {"source": "source-01"}, NOW + DAY, id="end of a certificate"),
        pytest.param("attestation_end_timestamp_seconds", {"attestation": "offering-0"}, NOW + DAY, id="attestation"),
    ],
)
def test_what_on_call_needs_is_told(name: str, labels: dict[str, str], expected: datetime | float | None) -> None:
    """Alarms, deadlines, waivers, quotas and evidence are exported as the snapshot has them."""
    told = value(exposed(a_full_estate(1, 3, 1, 1)), name, **labels)
    assert told == (expected.timestamp() if isinstance(expected, datetime) else expected)


@pytest.mark.parametrize(
    "name",
    [
        "config_loaded_timestamp_seconds",
        "evidence_last_write_timestamp_seconds",
        "evidence_failing_since_timestamp_seconds",
        "evidence_bytes",
        "evidence_chain_valid",
        "evidence_chain_verified_timestamp_seconds",
        "evidence_chain_entries",
        "check_judged_timestamp_seconds",
        "check_judging_seconds",
        "check_waiver_end_timestamp_seconds",
        "source_quota_remaining",
        "source_credential_expiry_timestamp_seconds",
    ],
)
def test_what_nobody_told_is_no_zero(name: str) -> None:
    """A chain that was never read is not broken, a quota that was never told is not spent: neither has a series."""
    assert value(exposed(a_snapshot()), name) is None


def test_every_family_is_counted() -> None:
    """A family without a check is a visible 0."""
    series = exposed(a_snapshot())
    counts = {family: value(series, "checks_configured", family=family) for family in ("mfa", "access", "backup")}
    assert counts == {"mfa": 1, "access": 0, "backup": 0}


def test_controls_join_through_an_info_metric() -> None:
    """A check tests several controls: one series each, and the control is in no other family."""
    series = exposed(a_snapshot())
    rows = [dict(labels) for name, labels in series if "control" in dict(labels) and name]
    assert {row["control"] for row in rows} == {"soc2:CC6.1", "iso27001:A.8.5"}
    assert len(rows) == 2


def test_past_the_cap_each_check_keeps_its_state() -> None:
    """The cap sheds counts and details, never a state or the instant at which its proof ends."""
    exposition = render(an_estate(200), NOW, cap=6_000, process=str)
    names = Counter(line.partition("{")[0] for line in exposition.body.decode().splitlines())
    assert exposition.series <= 6_000
    assert exposition.dropped > 0
    assert names["controlwatch_check_state"] == 1_400
    assert names["controlwatch_check_valid_until_timestamp_seconds"] == 200
    assert names["controlwatch_check_opened_24h"] == 0
    assert names["controlwatch_exposition_family_dropped"] > 0


def test_the_process_tells_of_itself() -> None:
    """Memory and CPU come from the official client, without a ``_created`` series."""
    text = process_text()
    assert "process_resident_memory_bytes" in text
    assert "_created" not in text
