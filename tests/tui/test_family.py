"""What stands above a family's findings hides nothing bad at any width, and proves nothing that it cannot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from checks.model.state import State
from engine.port import SourceView
from tests.support.clock import NOW
from tests.support.estates import all_pass, mixed
from tests.support.snapshots import a_check, a_snapshot, a_source
from tui.attention import selection
from tui.family import checks, data, judged, nothing_found, split, told_of
from tui.format import number
from tui.lines import plain, size
from tui.model import FAMILIES, RANK, Item, build
from tui.sources import detail
from tui.status import WORD_GLYPHS

WIDTHS = (40, 60, 80, 120, 160)


def of(family: str) -> Sequence[Item]:
    """Give the checks of a family in the mixed estate."""
    return build(mixed(), None, NOW).family(family)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_worst_check_is_in_sight_and_the_others_are_counted(family: str, width: int) -> None:
    """At every width the worst check has its name, and none of the others vanishes without a count."""
    drawn = checks(of(family), None, width, NOW)
    worst = min(of(family), key=lambda item: RANK[item.word])
    named = sum(item.view.name in plain(drawn) for item in of(family))
    counted = sum(int(part[:-1]) for part in plain(drawn).partition(" +")[2].replace("+", "").split())

    assert size(drawn) <= width
    assert f"{WORD_GLYPHS[worst.word]} {worst.word} {worst.view.name}" in plain(drawn)
    assert named + counted == len(of(family))


@pytest.mark.parametrize("width", WIDTHS)
def test_the_check_that_is_shown_alone_stays_in_sight(width: int) -> None:
    """Whoever steps through the checks sees which one is shown, however good it is."""
    best = max(of("access"), key=lambda item: RANK[item.word])

    assert best.view.name in plain(checks(of("access"), best.view.name, width, NOW))


def test_checks_keep_their_order() -> None:
    """What is left of the strip stands where it always stands."""
    drawn = plain(checks(of("access"), None, 160, NOW))
    places = [drawn.index(item.view.name) for item in of("access")]

    assert places == sorted(places)


def test_no_finding_of_a_blind_check_proves_nothing() -> None:
    """A check that is blind says who does not tell it what, since when, and what was known before."""
    blind = [item for item in of("access") if item.view.name == "stale-accounts"]

    told = plain(nothing_found(blind, NOW))

    assert told.startswith("? no finding is known, which proves nothing: aws: unreachable, since")
    assert "was ✔ 01:30" in told
    assert plain(nothing_found(of("access"), NOW)).startswith(
        "? no finding is known, which proves nothing: 2 checks are blind"
    )


def test_no_finding_of_a_good_check_says_how_many_were_judged() -> None:
    """An empty list that is good carries its proof."""
    items = build(all_pass(), None, NOW).family("mfa")
    whole = sum(item.view.tally.population for item in items)

    told = plain(nothing_found(items, NOW))

    assert told.startswith(f"✔ no findings, {number(whole)} subjects judged, data as of ")
    assert told.endswith("Z")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        (State.FAIL, "! no finding is here, yet workforce-mfa says FAIL"),
        (State.WARN, "! no finding is here, yet workforce-mfa says WARN"),
        (State.WAIVED, "◆ no open finding, 43 112 subjects judged"),
        (State.STALE, "? no finding is known, which proves nothing"),
        (State.PENDING, "? no finding is known, which proves nothing"),
    ],
)
def test_an_empty_list_is_green_only_where_the_check_passes(state: State, says: str) -> None:
    """Whatever else the check says, its empty list is no all-clear."""
    item = replace(build(all_pass(), None, NOW).family("mfa")[0], state=state)

    assert plain(nothing_found([item], NOW)).startswith(says)


def test_an_empty_family_is_no_all_clear() -> None:
    """Where no check is configured nothing was looked at."""
    assert plain(nothing_found([], NOW)).startswith("no check is configured here")


def test_subjects_are_counted_only_where_all_checks_are_sure() -> None:
    """A count that is missing or may be old makes the sum unknown, and so how its subjects stand."""
    assert judged(of("mfa")) == 43_112 + 41
    assert plain(split(of("mfa"))) == "✖ 3  ▲ 1 204  ✔ 41 946  "
    assert judged(of("access")) is None
    assert split(of("access")) == ()
    assert judged([]) is None


def test_the_past_is_that_of_the_check_shown_alone_else_of_the_worst() -> None:
    """A family without a check has none."""
    assert [each.view.name for name in ("workforce-mfa", None) if (each := told_of(of("mfa"), name))] == [
        "workforce-mfa",
        "admin-mfa",
    ]
    assert told_of([], None) is None


def test_the_data_line_names_the_worst_source_first_and_each_by_its_state() -> None:
    """The age in front is that of the source that is worst off."""
    model = build(mixed(), None, NOW)
    mine = [each for each in model.sources if each.name in {"okta-prod", "aws"}]

    assert [plain(each) for each in data(mine, NOW)] == [
        "data ! STALE 26h (aws ! unreachable okta-prod ✔)",
        "data ! STALE 26h",
    ]
    assert [plain(each) for each in data(mine[:1], NOW)] == ["data ✔ 4m (okta-prod ✔)", "data ✔ 4m"]
    assert data([], NOW) == []


def test_a_paused_check_has_one_word() -> None:
    """The chip, the line below the overview and a source's page call it what the list calls it."""
    paused = a_check(paused_until=NOW + timedelta(hours=1))
    model = build(a_snapshot(checks=[paused, a_check("leavers")], sources=[reads("workforce-mfa")]), None, NOW)

    texts = [
        plain(checks(model.items, None, 80, NOW)),
        plain(selection(model, "workforce-mfa")[0]),
        "\n".join(plain(row) for _, row in detail(model, "okta-prod", 100).rows),
    ]

    assert [text for text in texts if "‖ PAUSED" not in text or "BLIND" in text] == []
    assert plain(nothing_found(model.items, NOW)).endswith("workforce-mfa is paused")


def reads(check: str) -> SourceView:
    """Build a source that a check reads."""
    return msgspec.structs.replace(a_source(), checks=(check,))
