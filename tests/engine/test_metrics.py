"""Metrics say what the snapshot says at the instant of rendering, and never more."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.model.doubt import Cause, Gap, facts_gap
from checks.model.result import Doubted
from checks.model.state import Standing, Tally
from engine.metrics import process_text, render
from engine.port import BlindBy, CheckView, Event, KnownTime, Selftest, state_at
from tests.support.clock import NOW
from tests.support.series import exposed, is_green, state_of_check, value
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing, an_estate

COUNTS = st.integers(0, 3)
TIMES = st.none() | st.timedeltas(timedelta(hours=-3), timedelta(hours=3)).map(lambda length: NOW + length)


@st.composite
def tallies(draw: st.DrawFn) -> Tally:
    """Draw counts that add up."""
    failed, unknown = draw(COUNTS), draw(COUNTS)
    waived = draw(st.integers(0, failed))
    return Tally(
        passed=draw(COUNTS),
        failed=failed,
        unknown=unknown,
        missing=draw(st.none() | COUNTS),
        barred=draw(st.booleans()),
        waived=waived,
        undue=draw(st.integers(0, failed - waived)),
        waived_unknown=draw(st.integers(0, unknown)),
        waived_bar=draw(st.booleans()),
    )


def checks(name: str) -> st.SearchStrategy[CheckView]:
    """Draw a check in any standing."""
    standings = st.builds(
        Standing,
        tally=st.none() | tallies(),
        threshold=st.sampled_from([0.5, 0.9, 1.0]),
        allow_empty=st.booleans(),
        attempted=st.booleans(),
        completed=st.booleans(),
        valid_until=TIMES,
        pending_until=TIMES,
    )
    return st.builds(
        lambda standing, paused, since: a_check(name, standing=standing, paused_until=paused, state_since=since),
        standings,
        TIMES,
        TIMES,
    )


@given(
    views=st.lists(st.integers(0, 9), max_size=4, unique=True).flatmap(
        lambda numbers: st.tuples(*(checks(f"check-{number}") for number in numbers)),
    ),
    proof=TIMES,
    error=st.sampled_from([None, "mfa_coverage: pass came out as fail"]),
    later=st.timedeltas(timedelta(0), timedelta(hours=4)),
)
def test_exactly_one_state_is_one(
    views: tuple[CheckView, ...], proof: datetime | None, error: str | None, later: timedelta
) -> None:
    """Of any snapshot at any instant, each check has exactly one state, and none is green past its proof."""
    snapshot = a_snapshot(checks=views, selftest=Selftest(passed_at=proof, error=error))
    now = NOW + later
    series = exposed(snapshot, now)
    for view in views:
        state = state_of_check(series, view.name)
        assert state == state_at(view, snapshot, now)
        assert is_green(series, now, view.name) == (state in {"pass", "warn"})
        assert (value(series, "check_never_judged", check=view.name) == 1) == (view.standing.tally is None)


def test_a_frozen_exposition_stops_being_green() -> None:
    """Bytes that nobody renders again are green until the proof ends and never after."""
    series = exposed(a_snapshot())
    assert is_green(series, NOW)
    assert is_green(series, NOW + timedelta(minutes=59))
    assert not is_green(series, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("changes", "later", "state"),
    [
        pytest.param({}, timedelta(0), "pass", id="all well"),
        pytest.param({}, timedelta(minutes=61), "stale", id="the clock is past valid_until"),
        pytest.param({"selftest": Selftest(passed_at=NOW, error="x")}, timedelta(0), "unknown", id="self-test wrong"),
        pytest.param({"selftest": Selftest()}, timedelta(0), "unknown", id="self-test never"),
        pytest.param(
            {"selftest": Selftest(passed_at=NOW - timedelta(hours=2, seconds=1))},
            timedelta(0),
            "unknown",
            id="self-test old",
        ),
        pytest.param(
            {"checks": (a_check(paused_until=NOW + timedelta(days=1)),)}, timedelta(0), "unknown", id="paused"
        ),
        pytest.param(
            {"checks": (a_check(standing=a_standing(valid_until=None)),)}, timedelta(0), "stale", id="nothing proven"
        ),
        pytest.param(
            {"checks": (a_check(standing=Standing(tally=None, pending_until=NOW + timedelta(days=1))),)},
            timedelta(0),
            "pending",
            id="never attempted",
        ),
        pytest.param(
            {"checks": (a_check(standing=Standing(tally=None, attempted=True)),)},
            timedelta(0),
            "unknown",
            id="never judged",
        ),
        pytest.param(
            {"checks": (a_check(standing=a_standing(tally=Tally(passed=9, failed=1))),)},
            timedelta(minutes=90),
            "fail",
            id="a failure survives staleness",
        ),
    ],
)
def test_the_state_is_derived_when_rendered(changes: dict[str, Any], later: timedelta, state: str) -> None:
    """The snapshot carries no state: the instant of rendering decides."""
    assert state_of_check(exposed(a_snapshot(**changes), NOW + later)) == state


def test_a_wrong_selftest_makes_every_check_unknown() -> None:
    """When the monitor cannot prove itself, no check is believed, and the engine itself is to blame."""
    snapshot = msgspec.structs.replace(an_estate(6), selftest=Selftest(passed_at=NOW, error="came out wrong"))
    series = exposed(snapshot)
    for view in snapshot.checks:
        assert state_of_check(series, view.name) == "unknown"
        assert value(series, "check_blind", check=view.name, source="", cause="internal") == 1
    assert value(series, "selftest_ok") == 0
    assert value(series, "source_checks_blinded", source="source-00") == 0


def test_a_wrong_selftest_outranks_a_source() -> None:
    """While the monitor cannot prove itself, no source is blamed, not even one that fails."""
    blind = a_check(blind_by=BlindBy(source="okta-prod", cause=Cause.UNREACHABLE, since=NOW))
    down = a_source(complete=False, cause=Cause.UNREACHABLE)
    series = exposed(a_snapshot(checks=(blind,), sources=(down,), selftest=Selftest()))
    assert value(series, "check_blind", source="", cause="internal") == 1
    assert value(series, "source_checks_blinded") == 0


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
    """Names of people in findings, errors, events and gaps stay where they are: none is in the exposition."""
    ana = "ana@example.org"
    gap = Gap(source="okta-prod", cause=Cause.DENIED, kind="facts", fields=("account.mfa",), detail=f"asked for {ana}")
    snapshot = a_snapshot(
        checks=(a_check(gaps=(Doubted(gap=gap, subjects=1, examples=(ana,)),), team=ana, explain={ana: ana}),),
        sources=(a_source(last_error=f"{ana} refused", gaps=(gap,), labels={"t1": ana}, complete=False),),
        events=(Event(at=NOW, kind="finding", what=ana, text=f"{ana} has no factor"),),
        times=(KnownTime(source="okta-prod", id="t1", what="tls_not_after", at=NOW),),
        config_path=f"/home/{ana}/controlwatch.toml",
        config_error=ana,
        evidence_error=ana,
        waivers_error=ana,
    )
    body = render(snapshot, NOW).body.decode()
    assert "ana" not in re.findall(r"\w+", body)
    assert "@" not in body
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


@pytest.mark.parametrize(
    ("check", "source", "cause"),
    [
        pytest.param(
            {"blind_by": BlindBy(source="edge", cause=Cause.BUSY, since=NOW)}, "edge", "busy", id="as the engine says"
        ),
        pytest.param({}, "okta-prod", "unreachable", id="its source that fails"),
        pytest.param({"sources": ()}, "", "internal", id="nobody: the engine"),
        pytest.param(
            {
                "sources": (),
                "gaps": (Doubted(gap=Gap(source="hr", cause=Cause.MALFORMED, kind="members")),),
            },
            "hr",
            "malformed",
            id="its gap",
        ),
    ],
)
def test_a_blind_check_says_whom_it_blames(check: dict[str, Any], source: str, cause: str) -> None:
    """A check that went stale while nobody judged names a source and a cause, from a closed set."""
    down = a_source(complete=False, cause=Cause.UNREACHABLE)
    snapshot = a_snapshot(checks=(a_check(**check),), sources=(down, a_source("edge")))
    assert value(exposed(snapshot), "check_blind") is None
    series = exposed(snapshot, NOW + timedelta(hours=1))
    assert value(series, "check_blind", source=source, cause=cause) == 1
    blinded = value(series, "source_checks_blinded", source="okta-prod")
    assert blinded == (1 if source == "okta-prod" else 0)


@pytest.mark.parametrize(
    ("later", "state", "since"),
    [
        pytest.param(timedelta(0), "pass", timedelta(days=-3), id="as the engine says"),
        pytest.param(timedelta(minutes=90), "stale", timedelta(hours=1), id="the check's proof ended"),
        pytest.param(timedelta(hours=5), "unknown", timedelta(minutes=110), id="the monitor's proof ended"),
    ],
)
def test_a_state_began_where_the_proof_ended(later: timedelta, state: str, since: timedelta) -> None:
    """A check that turned blind by itself did so when its proof ended, whenever the engine last looked."""
    series = exposed(a_snapshot(), NOW + later)
    assert state_of_check(series) == state
    assert value(series, "check_state_since_timestamp_seconds") == (NOW + since).timestamp()


def test_a_paused_check_blames_nobody() -> None:
    """A pause is somebody's decision: blind, said so, and no source's fault."""
    series = exposed(a_snapshot(checks=(a_check(paused_until=NOW + timedelta(hours=1)),)))
    assert value(series, "check_paused") == 1
    assert value(series, "check_blind") is None


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
        pytest.param({"waivers_active": 2}, "waivers_active", 2, id="waivers"),
        pytest.param({"waivers_error": "bad"}, "waivers_valid", 0, id="malformed waivers"),
        pytest.param({"loop_lag_seconds": 0.25}, "event_loop_lag_seconds", 0.25, id="loop lag"),
    ],
)
def test_the_engine_says_how_it_is(changes: dict[str, Any], name: str, expected: float) -> None:
    """What ails the monitor itself is a series of its own."""
    assert value(exposed(a_snapshot(**changes)), name) == expected


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
    exposition = render(an_estate(200), NOW, process=str)
    names = Counter(line.partition("{")[0] for line in exposition.body.decode().splitlines())
    assert exposition.series <= 5_000
    assert exposition.dropped > 0
    assert names["controlwatch_check_state"] == 1_400
    assert names["controlwatch_check_valid_until_timestamp_seconds"] == 200
    assert names["controlwatch_check_source_info"] == 0
    assert names["controlwatch_exposition_family_dropped"] > 0


def test_the_process_tells_of_itself() -> None:
    """Memory and CPU come from the official client, without a ``_created`` series."""
    text = process_text()
    assert "process_resident_memory_bytes" in text
    assert "_created" not in text
