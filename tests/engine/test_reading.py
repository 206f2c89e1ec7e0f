"""What a snapshot reads as at an instant: one state a check, whom it blames, and until when green may be believed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.model.doubt import Cause, Gap
from checks.model.result import Doubted
from checks.model.state import GREEN, Standing, Tally
from engine.exposition import Kept
from engine.port import (
    SELFTEST_MAX_AGE,
    BlindBy,
    CheckView,
    Selftest,
    Snapshot,
    state_at,
)
from tests.support.clock import NOW
from tests.support.series import exposed, greens, is_green, state_of_check, value
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


@settings(deadline=None)
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


@st.composite
def estates(draw: st.DrawFn) -> Snapshot:
    """Draw a live engine with up to three checks in any standing, whose self-test may hold, fail or have lapsed."""
    numbers = draw(st.lists(st.integers(0, 3), max_size=3, unique=True))
    views = [draw(checks(f"check-{number}")) for number in numbers]
    error = draw(st.sampled_from([None, "mfa_coverage: pass came out as fail"]))
    return a_snapshot(checks=views, selftest=Selftest(passed_at=draw(TIMES), error=error))


@st.composite
def lasting(draw: st.DrawFn) -> Snapshot:
    """Draw an engine that has proven itself within two hours, with checks that pass for up to six more."""
    proofs = draw(st.lists(st.integers(0, 360), min_size=1, max_size=3))
    passed_at = NOW - timedelta(minutes=draw(st.integers(0, 120)))
    views = [
        a_check(f"check-{number}", standing=a_standing(valid_until=NOW + timedelta(minutes=proof)))
        for number, proof in enumerate(proofs)
    ]
    return a_snapshot(checks=views, selftest=Selftest(passed_at=passed_at))


@settings(deadline=None)
@given(
    course=st.lists(
        st.tuples(estates() | lasting(), st.timedeltas(timedelta(0), timedelta(hours=1))), min_size=1, max_size=3
    ),
    later=st.timedeltas(timedelta(0), timedelta(hours=6)),
)
def test_no_frozen_exposition_is_green_past_its_proof(
    course: list[tuple[Snapshot, timedelta]], later: timedelta
) -> None:
    """Whenever the renderer freezes, its last bytes are green only while each proof and the self-test still hold.

    What the reader of the line may believe is what the engine itself would say of that snapshot at the reader's time.
    """
    kept, now, snapshot, series = Kept(), NOW, a_snapshot(), exposed(a_snapshot())
    for drawn, step in course:
        snapshot, now = drawn, now + step
        series = exposed(snapshot, now, kept)
        assert series == exposed(snapshot, now)
    at, proof = now + later, snapshot.selftest
    believed = {view.name: view for view in snapshot.checks if view.name in greens(series, at)}
    for view in believed.values():
        assert state_at(view, snapshot, at) in GREEN
        assert view.standing.valid_until is not None
        assert at < view.standing.valid_until
        assert proof.passed_at is not None
        assert at < proof.passed_at + SELFTEST_MAX_AGE
    if not later:
        assert set(believed) == {view.name for view in snapshot.checks if state_at(view, snapshot, at) in GREEN}


def test_a_proof_ends_with_the_self_test_that_vouches_for_it() -> None:
    """``valid_until`` is the earlier of the check's own proof and of the self-test's end."""
    long = a_check(standing=a_standing(valid_until=NOW + timedelta(days=1)))
    passed_at = NOW - timedelta(minutes=30)
    series = exposed(a_snapshot(checks=(long,), selftest=Selftest(passed_at=passed_at)))
    ends = passed_at + SELFTEST_MAX_AGE
    assert value(series, "check_valid_until_timestamp_seconds") == ends.timestamp()
    assert is_green(series, ends - timedelta(seconds=1))
    assert not is_green(series, ends)


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
                "gaps": (Doubted(gap=Gap(source="edge", cause=Cause.MALFORMED, kind="members")),),
            },
            "edge",
            "malformed",
            id="its gap",
        ),
        pytest.param(
            {"blind_by": BlindBy(source="gone", cause=Cause.DENIED, since=NOW)},
            "",
            "denied",
            id="a source that is configured no more: the engine",
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
    counted = [amount for (name, _), amount in series.items() if name.endswith("_checks_blinded")]
    assert sum(counted) == 1


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
