"""What is typed into a filter narrows the list, or is said not to be understood; nothing is ignored in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from checks.model.judgement import Outcome
from engine.port import Query
from tests.support.clock import NOW
from tests.support.snapshots import a_check
from tui.filters import FIELDS, NEVER, Filter, Scope, applied, completed, parse, suggestions, whole

FAIL, UNKNOWN, WARN = Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN
SCOPE = Scope(
    checks=[
        a_check("workforce-mfa", team="identity", severity="high", sources=("okta-prod",)),
        a_check("admin-mfa", team="identity", severity="critical", sources=("okta-prod", "aws")),
        a_check("guests", team="", severity="low", sources=("aws",)),
    ],
    now=NOW,
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", {}),
        ("ana !kiosk ~^svc- !~x", {"text": "ana !kiosk ~^svc- !~x"}),
        ("http://x mood:good", {"text": "http://x mood:good"}),
        ("status:fail ana", {"outcomes": [FAIL], "text": "ana"}),
        ("status:f", {"outcomes": [FAIL]}),
        ("status:blind", {"outcomes": [UNKNOWN]}),
        ("status:fail,warn", {"outcomes": [FAIL, WARN]}),
        ("!status:warn", {"outcomes": [FAIL, UNKNOWN]}),
        ("!status:warn !status:fail", {"outcomes": [UNKNOWN]}),
        ("status:waived", {"waived": True}),
        ("!status:waived", {"waived": False}),
        ("waived:no", {"waived": False}),
        ("!waived:no", {"waived": True}),
        ("check:admin", {"checks": ["admin-mfa"]}),
        ("!check:mfa", {"checks": ["guests"]}),
        ("owner:identity severity:high", {"checks": ["workforce-mfa"]}),
        ("owner:none", {"checks": ["guests"]}),
        ("owner:nobody", {"checks": []}),
        ("!severity:low", {"checks": ["workforce-mfa", "admin-mfa"]}),
        ("source:aws", {"source": "aws"}),
        ("!source:a.b", {"text": r"!~^a\.b/"}),
        ('reason:"no second" ana', {"reason": "no second", "text": "ana"}),
        ("!reason:weak", {"reason": "!weak"}),
        ('reason:="no second \\"factor\\"" ana', {"reason_is": 'no second "factor"', "text": "ana"}),
        ("reason:=weak", {"reason_is": "weak"}),
        ("check:=admin-mfa", {"checks": ["admin-mfa"]}),
        ("check:=mfa", {"checks": []}),
        ("!check:=guests", {"checks": ["workforce-mfa", "admin-mfa"]}),
        ("due:past", {"due_by": NOW}),
        ("due:7d", {"due_by": NOW + timedelta(days=7)}),
        ("due:yes", {"due_by": NEVER}),
        ("status: due:", {}),
    ],
)
def test_a_filter_is_read(typed: str, found: dict[str, Any]) -> None:
    """Fields are translated; everything else is a word for the engine."""
    assert parse(typed, SCOPE) == Filter(**found)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("status:green", "status is one of fail, blind, warn, waived"),
        ("status:w", "status is one of"),
        ("severity:huge", "severity is one of critical, high"),
        ("waived:perhaps", "waived is yes or no"),
        ("due:soon", "due is yes, past, or within"),
        ("!due:7d", "due is yes, past, or within"),
        ("!reason:=weak", "reason:= names the one whole reason"),
        ("reason:=weak reason:=none", "reason:= names the one whole reason"),
    ],
)
def test_what_is_not_understood_is_told(typed: str, fault: str) -> None:
    """A wrong value never widens or narrows the list in silence."""
    assert parse(typed, SCOPE).faults[0].startswith(fault)


@pytest.mark.parametrize("reason", ["no second factor", 'a "quoted" word', '"', "a\\b", "=", "tail ", "ü\tx"])
def test_a_whole_reason_is_read_as_it_was_written(reason: str) -> None:
    """Quotation marks and blanks within are its own."""
    assert parse(f"{whole('reason', reason)} ana", SCOPE) == Filter(reason_is=reason, text="ana")


def test_a_filter_takes_the_place_of_the_one_before_and_leaves_the_rest() -> None:
    """View, check, sort and page stay; every condition of the old filter goes."""
    query = Query(family="mfa", check="admin-mfa", view="new", sort="label", reverse=True)

    narrowed = applied(query, parse("status:fail,warn owner:identity source:aws due:past waived:no x reason:y", SCOPE))

    assert narrowed.outcomes == (FAIL, WARN)
    assert narrowed.checks == ("workforce-mfa", "admin-mfa")
    assert applied(narrowed, Filter()) == query


def test_an_owner_of_no_check_finds_nothing() -> None:
    """No check is not every check."""
    assert applied(Query(), parse("owner:nobody", SCOPE)).checks == ("",)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("", [f"{each}:" for each in FIELDS]),
        ("s", ["status:", "source:", "severity:"]),
        ("ana !se", ["!severity:"]),
        ("status:", ["status:fail", "status:blind", "status:warn", "status:waived"]),
        ("owner:i", ["owner:identity"]),
        ("source:", ["source:aws", "source:okta-prod"]),
        ("check:ad", ["check:admin-mfa"]),
        ("xyz", []),
        ("ana ", []),
    ],
)
def test_fields_and_values_are_offered(typed: str, offered: list[str]) -> None:
    """What may come next is said while typing."""
    assert suggestions(typed, SCOPE) == offered


def test_a_value_that_cannot_be_typed_is_not_offered() -> None:
    """A team or source whose name would control the terminal goes into no prompt."""
    hostile = Scope(
        checks=[a_check("a", team="ops\x1b]0;x\x07"), a_check("b", team="ops", sources=("x\u202e",))], now=NOW
    )

    assert suggestions("owner:", hostile) == ["owner:ops"]
    assert completed("owner:ops", hostile) is None
    assert suggestions("source:x", hostile) == []


def test_the_word_that_is_typed_is_completed() -> None:
    """Only the last word changes."""
    assert completed("ana se", SCOPE) == "ana severity:"
    assert completed("ana ", SCOPE) is None
    assert completed("zzz", SCOPE) is None
