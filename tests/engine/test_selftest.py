"""The checks judge known subjects too: where they judge one of them otherwise than they must, nothing is known."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import checks
from checks.model.doubt import Cause
from checks.model.judgement import Judgement, Outcome, passed
from checks.model.state import State
from engine.selftest import run_selftest
from tests.support.estate import Clock, Script
from tests.support.mfa import enrolled, one_check
from tests.support.running import driven


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


MUTANTS = {
    "always pass": lambda *_: passed(),
    "always fail": lambda *_: Judgement(outcome=Outcome.FAIL, reason="always"),
    "always unknown": lambda *_: Judgement(outcome=Outcome.UNKNOWN, reason="always", cause=Cause.INTERNAL),
    "excludes everything": lambda *_: Judgement(outcome=Outcome.EXCLUDED, reason="always"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
@pytest.mark.parametrize("unit", sorted(checks.discover()))
async def test_the_self_test_trips_over_a_mutated_judge(tmp_path: Path, unit: str, mutant: str) -> None:
    """Whatever check goes wrong, in whichever of these ways, the monitor notices."""
    check = dataclasses.replace(checks.discover()[unit], judge=MUTANTS[mutant])

    assert await run_selftest(tmp_path, {unit: check}) is not None


async def test_the_self_test_holds_on_the_checks_as_they_are(tmp_path: Path) -> None:
    """Every example of every check comes out as expected, through everything, and leaves nothing behind."""
    assert await run_selftest(tmp_path) is None
    assert _names(tmp_path) == []


async def test_a_failed_self_test_makes_every_state_unknown(tmp_path: Path) -> None:
    """A monitor that cannot be believed shows nothing green."""
    script = Script()
    script.tell(*enrolled(3))
    async with driven(one_check(tmp_path, script), Clock()) as it:
        await it.run()
        assert it.state() is State.PASS
        it.engine.doings.selftest = type(it.engine.doings.selftest)(error="mfa_coverage: wrong")
        it.engine.publish()

        assert it.state() is State.UNKNOWN
