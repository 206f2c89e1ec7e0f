"""What counts about a check and how a source is are told in a few cells, and never better than they are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from checks.model.doubt import Cause, Gap
from checks.model.judgement import Outcome
from checks.model.state import State, Tally
from engine.port import BlindBy, Snapshot, SourceView
from tests.support.clock import NOW
from tests.support.findings import a_detail, a_row
from tests.support.snapshots import a_check, a_snapshot, a_source, a_standing
from tui.attention import key_of, selection, worst_first
from tui.family import data
from tui.finding import note
from tui.header import header
from tui.lines import plain
from tui.model import Word, attention, build
from tui.outages import outages
from tui.panels import panel
from tui.sources import detail, table
from tui.status import (
    data_line,
    data_state,
    figure,
    row_word,
    source_cause,
    source_state,
    sources_line,
    word_cell,
    worst_source,
)
from tui.status import worst_first as by_badness

HOUR = timedelta(hours=1)


def in_doubt(tally: Tally, **changes: Any) -> Snapshot:
    """Build an estate whose source has told all that it can, and whose check is blind all the same."""
    told = f"{tally.unknown} of {tally.population} subjects cannot be judged"
    blind = BlindBy(source="okta-prod", cause=Cause.UNREACHABLE, since=NOW - HOUR, detail=told)
    view = a_check(standing=a_standing(tally=tally, threshold=0.1 if tally.failed else 1.0), blind_by=blind)
    others = [a_source("aardvark"), a_source()]
    return a_snapshot(checks=[msgspec.structs.replace(view, **changes)], sources=others)


@pytest.mark.parametrize(
    ("snapshot", "told"),
    [
        pytest.param(in_doubt(Tally(failed=51, unknown=9)), "51 ✖ 9 ?", id="blind with counts"),
        pytest.param(in_doubt(Tally(failed=43112, unknown=123456)), "43k ✖ 123k ?", id="blind with many"),
        pytest.param(in_doubt(Tally(barred=True)), "no data", id="blind with nobody in scope"),
        pytest.param(
            in_doubt(Tally(passed=1), standing=a_standing(valid_until=NOW - HOUR), as_of=NOW - 2 * HOUR),
            "was ✔ 04:30",
            id="too old",
        ),
        pytest.param(
            in_doubt(Tally(passed=1), standing=a_standing(valid_until=NOW - HOUR), as_of=None),
            "too old",
            id="was is not known",
        ),
        pytest.param(
            a_snapshot(checks=[a_check(standing=a_standing(tally=Tally(passed=22, failed=2), threshold=0.9))]),
            "2/24",
            id="passes with failures",
        ),
        pytest.param(a_snapshot(), "98", id="passes without"),
    ],
)
def test_a_figure_tells_what_fails_and_what_is_unknown(snapshot: Snapshot, told: str) -> None:
    """No data is said only where there is none, and what a passing check tolerates is not hidden."""
    assert figure(build(snapshot, None, NOW).items[0], NOW) == told


def test_a_source_that_leaves_subjects_in_doubt_is_limited_everywhere() -> None:
    """What blinds a check is never ticked off beside it: panel, family, sources and their detail tell why."""
    model = build(in_doubt(Tally(passed=1, unknown=1)), None, NOW)
    assert model.items[0].state is State.UNKNOWN
    why = "workforce-mfa: 1 of 2 subjects cannot be judged"

    rows = table(model, 140).rows
    assert [key for key, _ in rows] == ["okta-prod", "aardvark"]
    assert plain(rows[0][1]).startswith("▲ LIMITED ")
    assert plain(rows[0][1]).rstrip().endswith(f"unreachable: {why}")
    assert any(why in plain(row) for _, row in detail(model, "okta-prod", 140).rows)
    assert plain(panel(model, "mfa", 1, 78).foot[0]).startswith(" data ▲ LIMITED")
    assert plain(data(model.sources, NOW)[0]).startswith("data ▲ LIMITED 5m")
    (outage,) = outages(model.items, model, 140, 3)
    assert "LIMITED: unreachable; workforce-mfa is BLIND: 1 of 2 subjects" in plain(outage)
    assert model.tells_all("okta-prod")
    assert not build(a_snapshot(sources=()), None, NOW).tells_all("okta-prod")


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(in_doubt(Tally(passed=9, unknown=1)), id="unknown subjects that a waiver covers"),
        pytest.param(in_doubt(Tally(passed=9)), id="no unknown subject"),
    ],
)
def test_a_source_whose_subjects_are_known_is_well(snapshot: Snapshot) -> None:
    """Only a blind check's unknown subjects are held against the source that is named."""
    view = snapshot.checks[0]
    waived = msgspec.structs.replace(view.standing.tally or Tally(), waived_unknown=1, waived_bar=True)
    checks = [msgspec.structs.replace(view, standing=msgspec.structs.replace(view.standing, tally=waived))]
    model = build(msgspec.structs.replace(snapshot, checks=checks), None, NOW)

    assert [each.gaps for each in model.sources] == [(), ()]


def test_a_gap_that_the_source_told_itself_is_not_told_twice() -> None:
    """The cause that the source gave is the better text."""
    gap = Gap(source="okta-prod", cause=Cause.UNREACHABLE, kind="facts", fields=("account.mfa",))
    estate = msgspec.structs.replace(in_doubt(Tally(passed=1, unknown=1)), sources=[a_source(gaps=(gap,))])

    assert [each.gaps for each in build(estate, None, NOW).sources] == [(gap,)]


@pytest.mark.parametrize(("fault", "late"), [("gone", timedelta(0)), (None, timedelta(minutes=20))], ids=str)
def test_a_frozen_screen_promises_nothing(fault: str | None, late: timedelta) -> None:
    """While nothing newer is known no source is ticked off, fresh, running, or asked again."""
    estate = a_snapshot(sources=[a_source(running=True), a_source("aws")])
    model = build(estate, fault, NOW + late)
    assert model.is_frozen
    told = [
        *(plain(row) for row in header(model, "", 120)),
        *(plain(row) for _, row in table(model, 140).rows),
        plain(table(model, 140).note),
        *(plain(row) for _, row in detail(model, "aws", 140).rows if "✔ PASS" not in plain(row)),
        *(plain(row) for row in panel(model, "mfa", 1, 100).foot),
        *(plain(row) for row in selection(model, "workforce-mfa")[1:]),
        *(plain(row) for row in data(model.sources, model.now)),
    ]

    untrue = ("asks again", "next run", "fresh", "running", "↻", "data ✔", "prod ✔", "✔ OK")
    assert [(word, row) for word in untrue for row in told if word in row] == []
    assert "2 sources, nothing newer is known" in told[1]


def test_a_blind_row_tells_its_counts() -> None:
    """The worst-first list and the lines about its cursor tell what is known now, not that nothing is."""
    model = build(in_doubt(Tally(failed=51, unknown=9)), None, NOW)
    (group,) = attention(model)
    text = "\n".join([plain(worst_first(model, 140).rows[0][1]), *map(plain, selection(model, key_of(group)))])

    assert "no data" not in text
    assert text.count("51 ✖ 9 ?") == 2


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("resolved_at", [None, NOW], ids=["open", "resolved"])
def test_no_finding_is_green(outcome: Outcome, resolved_at: datetime | None) -> None:
    """Whatever became of it: what is resolved has no state, and what nobody could judge is blind."""
    row = a_row(outcome=outcome, resolved_at=resolved_at)
    cells = [word_cell(row_word(row), width) for width in (8, 9, 12)]

    assert row_word(row) is not Word.PASS
    assert {cell.role.removeprefix("bold.") for cell in cells} <= {"fail", "blind", "warn", "dim"}
    if resolved_at is not None:
        assert [cell.text.rstrip() for cell in cells] == ["resolved", "resolved", "· resolved"]


def limited(name: str, cause: Cause = Cause.DENIED, **changes: Any) -> SourceView:
    """Build a source that does not tell all."""
    gap = Gap(source=name, cause=cause, kind="facts", fields=("account.roles",), detail="")
    return a_source(name, gaps=(gap,), **changes)


DOWN = {"last_error": "503", "failing_since": NOW - HOUR, "cause": Cause.UNREACHABLE, "complete": False}


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        pytest.param([limited("a"), a_source("b", **DOWN)], ["b", "a"], id="down before a limit"),
        pytest.param([limited("a"), a_source("b", as_of=NOW - 99 * HOUR)], ["b", "a"], id="stale before a limit"),
        pytest.param([limited("a"), limited("b", Cause.THROTTLED)], ["b", "a"], id="what passes before what stays"),
        pytest.param([a_source("a"), limited("b")], ["b", "a"], id="a limit before what is well"),
        pytest.param([a_source("b"), a_source("a")], ["b", "a"], id="those that are alike as they are configured"),
    ],
)
def test_a_fault_comes_before_a_limit_that_is_known(sources: Sequence[SourceView], names: Sequence[str]) -> None:
    """In every line that names sources: what broke today is read before what has been so for a year."""
    text = plain(sources_line(sources, NOW))

    assert [each.name for each in by_badness(sources, NOW)] == names
    assert text.index(f"{names[0]} ") < text.index(f" {names[1]} ")


def test_the_table_of_sources_begins_with_what_broke() -> None:
    """Also where the limit blinds a check, and what broke has not blinded one yet."""
    blind = BlindBy(source="aardvark", cause=Cause.DENIED, since=NOW - HOUR, detail="")
    view = a_check(standing=a_standing(tally=Tally(passed=1, unknown=1)), sources=("aardvark",), blind_by=blind)
    model = build(a_snapshot(checks=[view], sources=[limited("aardvark"), a_source("zebra", **DOWN)]), None, NOW)

    assert [key for key, _ in table(model, 100).rows] == ["zebra", "aardvark"]


def test_a_finding_tells_of_the_source_that_broke() -> None:
    """Not of the one whose limit is known, though its data is older."""
    found = a_detail(a_row(), a_check())
    refs = [msgspec.structs.replace(found.evidence[0], source=name) for name in ("limited", "down")]
    sources = [limited("limited", as_of=NOW - 9 * HOUR), a_source("down", **DOWN)]
    model = build(a_snapshot(checks=[a_check()], sources=sources), None, NOW)

    assert "data ✖ DOWN" in plain(note(msgspec.structs.replace(found, evidence=refs), model))


def test_every_line_of_data_tells_of_the_same_source() -> None:
    """The one that broke, on the dashboard, above a family and on a finding; the oldest of those that are alike."""
    down = [a_source(name, **DOWN, as_of=NOW - hours * HOUR) for name, hours in (("young", 1), ("old", 2))]
    sources = [limited("limited", as_of=NOW - 9 * HOUR), *down]

    assert worst_source(sources, NOW).name == "old"
    assert plain(data_state(sources, NOW)) == "data ✖ DOWN 2h"
    assert plain(data_line(sources, NOW, 60)).startswith("data ✖ DOWN 2h")
    assert plain(data(sources, NOW)[0]).startswith("data ✖ DOWN 2h")


def test_data_of_the_future_is_no_tick() -> None:
    """A clock is wrong: how old it is nobody knows, and no age is told."""
    source = a_source(as_of=NOW + 3 * HOUR)

    assert source_state(source, NOW)[1] == "STALE"
    assert plain(sources_line([source], NOW)) == "okta-prod ! STALE"
    assert "! STALE (max " in plain(data_line([source], NOW, 80))
    assert plain(data_state([source], NOW)) == "data ! STALE"
    assert source_cause(source, NOW) == "of the future"


def test_a_known_limit_comes_after_new_faults_and_before_what_is_well() -> None:
    """Worst first puts nothing that is limited below a source that tells all."""
    sources = [a_source("aardvark"), limited("known"), a_source("new", **DOWN), a_source("zebra")]
    model = build(a_snapshot(sources=sources), None, NOW)

    assert [key for key, _ in table(model, 120).rows] == ["new", "known", "aardvark", "zebra"]


def test_a_source_whose_run_was_not_kept_is_down() -> None:
    """It answered, and nothing of that is there: a full disk is no source that is well."""
    lost = a_source(last_error="evidence cannot be written: no space left", failing_since=NOW)

    assert source_state(lost, NOW) == ("✖", "DOWN", "fail")
    assert source_cause(lost, NOW) == "not kept"
