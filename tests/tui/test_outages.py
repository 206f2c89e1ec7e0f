"""What a source of the checks in view does not tell is said in one line, with what that costs each check."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause, Gap
from checks.model.result import Doubted
from engine.port import Snapshot
from tests.support.clock import NOW
from tests.support.estates import a_gap, all_blind, all_pass, mixed, starting
from tui.lines import plain, size
from tui.model import build
from tui.outages import outages

HOUR = timedelta(hours=1)
MEMBERS = msgspec.structs.replace(a_gap(), kind="members", fields=(), missing=9)


def told(estate: Snapshot, family: str = "mfa", width: int = 300, most: int = 3) -> list[str]:
    """Give the lines of a family as text."""
    model = build(estate, None, NOW)
    found = outages(model.family(family), model, width, most)
    assert all(size(each) <= width for each in found)
    return [plain(each).rstrip() for each in found]


def changed(costs: Doubted | None = None, **changes: Any) -> Snapshot:
    """Build an estate whose ``okta-prod`` is otherwise, and whose first check says what a gap costs."""
    estate = all_pass()
    first, *rest = estate.checks
    sources = [
        msgspec.structs.replace(each, **changes) if each.name == "okta-prod" else each for each in estate.sources
    ]
    gaps = () if costs is None else (costs,)
    return msgspec.structs.replace(estate, sources=sources, checks=[msgspec.structs.replace(first, gaps=gaps), *rest])


@pytest.mark.parametrize(
    ("estate", "says"),
    [
        pytest.param(
            changed(last_error="401 Unauthorized", cause=Cause.DENIED, failing_since=NOW - HOUR),
            " ✖ okta-prod DOWN: denied since 04:30Z (1h); what it told counts until 22 Nov 05:26Z",
            id="down",
        ),
        pytest.param(
            changed(gaps=(MEMBERS,)),
            " ? okta-prod PARTIAL: denied: subjects may be missing, at most 9: may FAIL, cannot PASS",
            id="partial",
        ),
        pytest.param(
            changed(gaps=(MEMBERS, msgspec.structs.replace(MEMBERS, missing=None))),
            " ? okta-prod PARTIAL: denied: subjects may be missing, nobody knows how many: may FAIL, cannot PASS",
            id="partial without a bound",
        ),
        pytest.param(
            changed(gaps=(a_gap(),), costs=Doubted(gap=a_gap(), subjects=6, bars=True)),
            " ▲ okta-prod LIMITED: denied; workforce-mfa may FAIL, cannot PASS, 6 subjects cannot be judged; roles not",
            id="limited",
        ),
        pytest.param(
            changed(gaps=(a_gap(),), costs=Doubted(gap=a_gap(), subjects=6, bars=False)),
            " ▲ okta-prod LIMITED: denied; workforce-mfa 6 subjects cannot be judged; roles not told",
            id="limited without barring",
        ),
        pytest.param(
            changed(as_of=None, last_error="403", cause=Cause.DENIED, failing_since=NOW - HOUR),
            " ✖ okta-prod NO DATA: denied since 04:30Z (1h)",
            id="never told anything",
        ),
    ],
)
def test_a_source_that_does_not_tell_all_has_a_line(estate: Snapshot, says: str) -> None:
    """Who, in which state, why, and what it costs."""
    (line,) = told(estate)

    assert line.startswith(says)


def test_hidden_facts_that_cost_nothing_here_are_not_worth_a_line() -> None:
    """A gap in facts that no check of the family reads is told on the sources screen alone."""
    assert told(changed(gaps=(a_gap(),))) == []
    assert told(changed(gaps=(a_gap(),), costs=Doubted(gap=a_gap("aws"), subjects=6))) == []


def test_sources_of_other_families_are_none_of_this_list() -> None:
    """Only who feeds a check in view is told of."""
    assert told(mixed(), "backup") == []
    assert told(all_pass()) == []


def test_checks_that_are_blind_for_it_are_named() -> None:
    """A source that is too old says whom it blinds."""
    (line,) = told(mixed(), "access")

    assert line.startswith(
        " ! aws STALE 1d02h: unreachable since 01:30Z (4h); stale-accounts, access-keys are BLIND; asks again "
    )


def test_those_that_do_not_fit_are_counted() -> None:
    """With one line for three sources the worst is told, and how many more there are."""
    (line,) = told(all_blind(), "access", 120, 1)

    assert line.endswith("+2 more, S shows them")
    assert len(told(all_blind(), "access", 120)) == 3


def test_a_first_run_says_how_far_it_is() -> None:
    """Before the first answer nothing is known, which is said, not left out."""
    assert told(starting())[0].startswith(" … aws FIRST RUN: running, 212 of 1 204 requests, ~6m to full coverage")


@pytest.mark.parametrize("width", [40, 80, 160])
def test_hostile_texts_are_literal(width: int) -> None:
    """What a provider answered moves nothing and runs nothing."""
    evil = Gap(source="okta-prod", cause=Cause.DENIED, kind="members", detail="[@click=app.exit]q\x1b[2J" + "x" * 9_999)

    (line,) = told(changed(gaps=(evil,)), width=width)

    assert "\x1b" not in line
