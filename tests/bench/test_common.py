"""A bench that misses a limit ends with 1, and so does one that looked at none."""

from __future__ import annotations

import pytest

from bench.common import Budgets


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        pytest.param([("paint", 51.0), ("memory", 80.0)], "NOT MET: paint", id="one is missed"),
        pytest.param([("paint", float("nan"))], "NOT MET: paint", id="no figure"),
        pytest.param([], "no limit was looked at", id="none"),
    ],
)
def test_a_limit_that_is_missed_ends_a_bench_with_1(figures: list[tuple[str, float]], said: str) -> None:
    """What was missed is named, and what was met is not."""
    budgets = Budgets()
    for what, figure in figures:
        budgets.at_most(what, figure, 50 if what == "paint" else 80, "ms")

    with pytest.raises(SystemExit) as ended:
        budgets.leave()
    assert ended.value.code == said  # a text: it is printed, and the exit code is 1


def test_limits_that_are_met_let_a_bench_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    """A limit itself is met, from either side, and each is told on a line."""
    budgets = Budgets()
    budgets.at_most("paint", 50.0, 50.0, "ms")
    budgets.at_least("ratio", 0.8, 0.8, "×")
    budgets.leave()

    assert [line.rpartition(": ")[2] for line in capsys.readouterr().out.splitlines()] == ["met", "met"]
