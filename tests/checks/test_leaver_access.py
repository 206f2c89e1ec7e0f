"""``leaver_access``: the rows are the spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from checks.leaver_access import CHECK
from checks.model.doubt import Cause
from checks.model.judgement import Outcome
from checks.model.known import KnownRecords, NotTold
from checks.model.records import Person
from tests.support.builders import account, ago, ahead, judged, person
from tests.support.clock import NOW

PASS, WARN, FAIL, UNKNOWN, EXCLUDED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.UNKNOWN, Outcome.EXCLUDED


def leaver(ident: str = "ana", when: str = "30d", **told: Any) -> Person:
    """Build somebody whose employment ended some time ago."""
    return person(ident, **{"status": "terminated", "ends": True, "ends_at": ago(when), **told})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        pytest.param({}, PASS, id="active, no end"),
        pytest.param({"status": "leave"}, PASS, id="on leave"),
        pytest.param({"ends": True, "ends_at": ahead("20d")}, PASS, id="leaves in three weeks"),
        pytest.param(
            {"status": "terminated", "ends": True, "ends_at": ahead("1d")}, PASS, id="terminated as of tomorrow"
        ),
        pytest.param({"ends": None}, UNKNOWN, id="end not told"),
        pytest.param({"ends": True, "ends_at": None}, UNKNOWN, id="an end without a date"),
        pytest.param({"status": None}, UNKNOWN, id="status not told"),
        pytest.param({"status": "sabbatical"}, UNKNOWN, id="a status that is new to us"),
        pytest.param({"status": "terminated"}, UNKNOWN, id="terminated and without an end"),
        pytest.param({"status": "terminated", "ends": True, "ends_at": None}, UNKNOWN, id="terminated, date not told"),
        pytest.param({"status": "terminated", "ends": True, "ends_at": ago("9d")}, FAIL, id="left"),
        pytest.param({"ends": True, "ends_at": ago("9d")}, FAIL, id="past its end, whatever the status says"),
        pytest.param({"ends": True, "ends_at": ago("9d"), "starts_at": ago("3d")}, PASS, id="rehired"),
        pytest.param({"ends": True, "ends_at": ago("9d"), "starts_at": None}, UNKNOWN, id="perhaps rehired"),
        pytest.param({"ends": True, "ends_at": ago("9d"), "starts_at": ahead("3d")}, FAIL, id="comes back later"),
        pytest.param({"status": None, "ends": True, "ends_at": ago("9d")}, FAIL, id="left, status not told"),
        pytest.param(
            {"status": None, "ends": True, "ends_at": ago("9d"), "starts_at": ago("3d")},
            UNKNOWN,
            id="a new start, status not told",
        ),
    ],
)
def test_a_person(told: dict[str, Any], expected: Outcome) -> None:
    """A person is here, has left, or it is not told."""
    assert judged(CHECK, account(), [person(**told)]).outcome is expected


@pytest.mark.parametrize(
    ("left", "plain", "privileged", "not_told"),
    [
        pytest.param("1h", WARN, WARN, WARN, id="an hour ago"),
        pytest.param("4h", WARN, FAIL, UNKNOWN, id="four hours ago"),
        pytest.param("23h", WARN, FAIL, UNKNOWN, id="a day ago, almost"),
        pytest.param("24h", FAIL, FAIL, FAIL, id="a day ago"),
    ],
)
def test_grace(left: str, plain: Outcome, privileged: Outcome, not_told: Outcome) -> None:
    """Access must end within a day, privileged access within four hours; privilege that is not told may decide."""
    outcomes = {
        told: judged(CHECK, account(privileged=told), [leaver(when=left)]).outcome for told in (False, True, None)
    }
    assert outcomes == {False: plain, True: privileged, None: not_told}


@pytest.mark.parametrize(
    ("keys", "roster", "expected"),
    [
        pytest.param(("e1", "ana@example.org"), [person()], PASS, id="one key of two is known"),
        pytest.param(("e1", "e2"), [person(keys=("e1", "e2"))], PASS, id="two keys, one person"),
        pytest.param(("e1", "e2"), [person(keys=("e1",)), leaver("bo", keys=("e2",))], UNKNOWN, id="they disagree"),
        pytest.param(("e1", "e2"), [leaver(keys=("e1",)), leaver("bo", keys=("e2",))], FAIL, id="all of them left"),
        pytest.param(("e1",), [leaver(keys=("e1",)), person("ana2", keys=("e1",))], PASS, id="two rows, rehired"),
        pytest.param(
            ("e1",), [leaver(keys=("e1",)), person("ana2", keys=("e1",), ends=None)], UNKNOWN, id="perhaps here"
        ),
        pytest.param(
            ("e1",), [leaver(keys=("e1",)), leaver("ana2", "1h", keys=("e1",))], WARN, id="the last end counts"
        ),
        pytest.param(("e1",), [person()], FAIL, id="nobody"),
        pytest.param((), [person()], FAIL, id="no key at all"),
        pytest.param(None, [person()], UNKNOWN, id="keys not told"),
        pytest.param(("e1",), [person(keys=None)], UNKNOWN, id="a row without a key may be the one"),
        pytest.param(("e1", "e2"), [person(keys=("e1",)), person("bo", keys=None)], UNKNOWN, id="or may disagree"),
        pytest.param(("e1",), [leaver(keys=("e1",)), person("bo", keys=None)], FAIL, id="a failure stands"),
        pytest.param(("e1",), [leaver(when="1h", keys=("e1",)), person("bo", keys=None)], UNKNOWN, id="grace does not"),
    ],
)
def test_keys(keys: Any, roster: Sequence[Person], expected: Outcome) -> None:
    """Every key that names somebody counts; nobody under any key of a complete roster is an orphan."""
    assert judged(CHECK, account(keys=keys), roster).outcome is expected


@pytest.mark.parametrize(
    ("told", "policy", "expected"),
    [
        pytest.param({"klass": "break_glass"}, {}, FAIL, id="break-glass is in scope"),
        pytest.param({"klass": "service"}, {}, EXCLUDED, id="a service"),
        pytest.param({"klass": "bot"}, {}, EXCLUDED, id="a bot"),
        pytest.param({"klass": "guest"}, {}, EXCLUDED, id="a guest"),
        pytest.param({"klass": "guest"}, {"guests": True}, FAIL, id="a guest, where guests are on the roster"),
        pytest.param({"klass": None}, {}, UNKNOWN, id="class not told"),
        pytest.param({"status": "disabled"}, {}, EXCLUDED, id="disabled, as it should be"),
        pytest.param({"status": "locked"}, {}, FAIL, id="locked is live"),
        pytest.param({"status": None}, {}, UNKNOWN, id="status not told"),
    ],
)
def test_scope(told: dict[str, Any], policy: dict[str, Any], expected: Outcome) -> None:
    """Live accounts of people are in scope."""
    assert judged(CHECK, account(**told), [leaver()], **policy).outcome is expected


def test_an_orphan_may_be_unknown_by_policy() -> None:
    """A company whose roster leaves people out can say so; the account stays in the count."""
    assert judged(CHECK, account(), [], absent="unknown").outcome is UNKNOWN


@pytest.mark.parametrize(
    ("doubt", "of"),
    [
        pytest.param(NotTold(Cause.TRUNCATED, "people"), "people", id="a roster with a gap"),
        pytest.param(NotTold(Cause.NOT_CONFIGURED), None, id="no roster at all"),
    ],
)
def test_absence_from_a_roster_that_is_not_complete_proves_nothing(doubt: NotTold, of: str | None) -> None:
    """An account that such a roster does not show is unknown through the roster, not a leaver's."""
    judgement = CHECK.judge(account(), CHECK.policy(), NOW, KnownRecords(doubt=doubt))
    assert (judgement.outcome, judgement.cause, judgement.of) == (UNKNOWN, doubt.cause, of)


def test_it_says_when_it_will_judge_otherwise() -> None:
    """A last day, and the end of a grace, are the instants at which the judgement changes."""
    assert judged(CHECK, account(), [person(ends=True, ends_at=ahead("3d"))]).until == ahead("3d")
    assert judged(CHECK, account(), [leaver(when="1h")]).until == ahead("23h")


def test_facts_name_no_person() -> None:
    """Facts hold the end and the grace, and neither name nor key of the person."""
    facts = judged(CHECK, account(), [leaver()]).facts
    assert facts["ended_at"] == "2026-10-22T05:30:00Z"
    assert not any("example.org" in str(value) for value in facts.values())
