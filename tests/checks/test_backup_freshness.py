"""``backup_freshness``: the rows are the spec."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from checks.backup_freshness import CHECK, LONGEST
from checks.model.doubt import Cause
from checks.model.judgement import Judgement, Outcome
from checks.model.records import Backup, Record
from checks.model.units import duration
from tests.support.builders import ago, ahead, backup, backup_set, judged
from tests.support.clock import NOW

SECOND = timedelta(seconds=1)
PASS, WARN, FAIL, UNKNOWN = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN


def judge(backups: Sequence[Backup], told: dict[str, Any] | None = None, **policy: Any) -> Judgement:
    """Judge a set that holds these backups."""
    records: list[Record] = [backup_set(**{"backups": len(backups), **(told or {})}), *backups]
    return judged(CHECK, records, **policy)


def snap(when: str, **told: Any) -> Backup:
    """Build a complete backup that began some time ago."""
    return backup(f"snap-{when}-{sorted(told)}", **{"started_at": ago(when), **told})


FUTURE = {"started_at": ahead("2d")}


@pytest.mark.parametrize(
    ("when", "expected", "until"),
    [
        pytest.param("0s", PASS, ahead("24h"), id="just begun"),
        pytest.param("23h", PASS, ahead("1h"), id="inside the objective"),
        pytest.param("24h", WARN, ahead("6h"), id="the objective itself is past it"),
        pytest.param("29h", WARN, ahead("1h"), id="inside the grace"),
        pytest.param("30h", FAIL, None, id="past the grace"),
    ],
)
def test_age(when: str, expected: Outcome, until: object) -> None:
    """Age is that of the data in the newest complete backup, from the start of its run."""
    judgement = judge([snap(when, finished_at=ago("0s")), snap("50h")])
    assert (judgement.outcome, judgement.until) == (expected, until)


@pytest.mark.parametrize(
    ("backups", "expected"),
    [
        pytest.param([snap("1h", status="partial"), snap("40h")], FAIL, id="partial does not count"),
        pytest.param([snap("1h", status="failed"), snap("40h")], FAIL, id="failed does not count"),
        pytest.param([snap("1h", status="running"), snap("40h")], FAIL, id="running does not count"),
        pytest.param([snap("1h", status="partial"), snap("5h")], PASS, id="a complete one beside it does"),
        pytest.param([snap("1h", status="partial")], FAIL, id="nothing but partial"),
        pytest.param([snap("1h", size_bytes=0)], FAIL, id="empty"),
        pytest.param([snap("1h", size_bytes=0), snap("5h")], PASS, id="empty beside a full one"),
        pytest.param([snap("1h", status=None), snap("40h")], UNKNOWN, id="status not told might save it"),
        pytest.param([snap("1h", status="odd"), snap("40h")], UNKNOWN, id="a status new to us might"),
        pytest.param([snap("1h", size_bytes=None), snap("40h")], UNKNOWN, id="size not told might"),
        pytest.param([snap("39h", status=None), snap("40h")], FAIL, id="too old to save it"),
        pytest.param([snap("1h", status=None), snap("5h")], PASS, id="not needed"),
        pytest.param([snap("1h", started_at=None), snap("40h")], UNKNOWN, id="a date not told might save it"),
        pytest.param([snap("1h", started_at=None), snap("5h")], WARN, id="a date not told is a fault"),
        pytest.param([snap("1h", started_at=None, status="failed"), snap("40h")], FAIL, id="undated and failed"),
        pytest.param([snap("1h", **FUTURE), snap("5h")], WARN, id="a future date is a fault"),
        pytest.param([snap("1h", **FUTURE), snap("40h")], FAIL, id="and never the newest"),
        pytest.param([snap("1h", **FUTURE)], UNKNOWN, id="all in the future"),
        pytest.param([snap("1h", **FUTURE, status="partial")], FAIL, id="in the future and partial"),
        pytest.param([snap("1h", started_at=ahead("4m"))], PASS, id="a clock a little ahead"),
    ],
)
def test_what_counts(backups: list[Backup], expected: Outcome) -> None:
    """Only a complete backup with a believable date resets the clock; what is not told may not save a set."""
    assert judge(backups).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"declared": False}, WARN, id="found, not declared"),
        pytest.param({"declared": None}, WARN, id="declaration not told"),
        pytest.param({"unreadable": 2}, WARN, id="some unreadable"),
        pytest.param({"unreadable": None}, WARN, id="readability not told"),
        pytest.param({"backups": None}, UNKNOWN, id="number not told"),
        pytest.param({"backups": 0}, UNKNOWN, id="none, and yet one was shown"),
        pytest.param({"backups": 900}, PASS, id="more than were shown"),
        pytest.param({"rpo_seconds": None}, UNKNOWN, id="objective not told"),
        pytest.param({"grace_seconds": None}, UNKNOWN, id="grace not told"),
        pytest.param({"rpo_seconds": -1}, UNKNOWN, id="an objective that cannot be"),
        pytest.param({"rpo_seconds": 1e300}, UNKNOWN, id="an objective past all time"),
        pytest.param({"rpo_seconds": 3600}, WARN, id="the set's own objective"),
        pytest.param({"rpo_seconds": 3600, "grace_seconds": 3600}, FAIL, id="the set's own grace"),
    ],
)
def test_a_set(told: dict[str, Any], expected: Outcome) -> None:
    """A set may have its own objective; what is wrong with it leaves a fresh backup warned at best."""
    assert judge([snap("3h")], told).outcome is expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({"backups": 0}, FAIL, id="told to hold none"),
        pytest.param({"backups": 0, "rpo_seconds": None}, FAIL, id="none, whatever the objective"),
        pytest.param({"backups": 4}, UNKNOWN, id="holds some and shows none"),
        pytest.param({"backups": None}, UNKNOWN, id="not told"),
    ],
)
def test_a_set_without_backups(told: dict[str, Any], expected: Outcome) -> None:
    """A declared set that the source does not hold fails; one whose backups were not shown is unknown."""
    assert judged(CHECK, [backup_set(**told)]).outcome is expected


def test_backups_without_a_set_are_a_fault_of_the_source() -> None:
    """A set that nobody described has no objective that it could meet."""
    judgement = judged(CHECK, [snap("1h")])
    assert (judgement.outcome, judgement.cause) == (UNKNOWN, Cause.MALFORMED)


def test_the_proof_is_as_deep_as_the_newest_backup() -> None:
    """The depth of the newest complete backup is the set's; a word that is new to us is none."""
    assert judge([snap("1h", depth="exists"), snap("9h", depth="restored")]).depth == "exists"
    assert judge([snap("1h", depth="blessed")]).depth is None


def test_a_future_backup_ends_the_judgement_when_its_time_comes() -> None:
    """The result stands until the future date comes within the clock's tolerance."""
    assert judge([snap("1h", started_at=ahead("2h")), snap("40h")]).until == ahead("2h") - timedelta(minutes=5)


def test_size_may_be_left_out_by_policy() -> None:
    """With ``empty = "allow"`` a tool that tells no size is judged by status and date alone."""
    assert judge([snap("1h", size_bytes=None)], empty="allow").outcome is PASS


def test_its_populations_are_stale_well_within_the_objective() -> None:
    """The default maximal age is half the objective, and six hours at most."""
    assert CHECK.max_age(CHECK.policy()) == timedelta(hours=6)
    assert CHECK.max_age(CHECK.policy(rpo=duration("1h"))) == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("rpo", "grace", "expected"),
    [
        pytest.param(None, None, ("24h", "6h"), id="none of its own"),
        pytest.param("0s", "0s", ("24h", "6h"), id="zero is none"),
        pytest.param("1h", None, ("1h", "6h"), id="its own objective"),
        pytest.param(None, "1h", ("24h", "1h"), id="its own grace"),
        pytest.param("12h", "2h", ("12h", "2h"), id="both"),
    ],
)
def test_the_limits_of_a_set_are_those_that_it_is_judged_by(
    rpo: str | None, grace: str | None, expected: tuple[str, str]
) -> None:
    """A set's own come before the policy's; at the RPO it is warned, and at both together it fails."""
    assert CHECK.limits is not None
    own = (None if rpo is None else duration(rpo), None if grace is None else duration(grace))
    limit, slack = CHECK.limits(CHECK.policy(), *own)
    assert (limit, slack) == (duration(expected[0]), duration(expected[1]))
    names = ("rpo_seconds", "grace_seconds")
    told = {name: 0 if length is None else length.total_seconds() for name, length in zip(names, own, strict=True)}
    ages = [limit - SECOND, limit, limit + slack - SECOND, limit + slack]
    outcomes = [judge([backup(started_at=NOW - age)], told).outcome for age in ages]
    assert outcomes == [PASS, WARN, WARN, FAIL]


@pytest.mark.parametrize("own", [-SECOND, LONGEST + SECOND], ids=["negative", "beyond ten years"])
def test_limits_that_cannot_be_are_the_policys(own: timedelta) -> None:
    """Such a set is unknown; whatever is still said of it goes by the policy."""
    assert CHECK.limits is not None
    assert CHECK.limits(CHECK.policy(), own, own) == (duration("24h"), duration("6h"))
