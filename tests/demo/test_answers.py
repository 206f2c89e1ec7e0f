"""The engine finds over the demo's wire what the answer sheet, worked out without it, says that it must find."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import sources
from checks.model.judgement import Outcome
from demo.answers import Answer, answers
from demo.configured import configured
from demo.estate import DEFAULT_ACCOUNTS, FEWEST, Estate
from demo.running import Demo, running
from engine.config import load
from engine.host import hosting
from engine.port import CheckView, Query, Row

PATIENCE = timedelta(seconds=60)


def _now() -> datetime:
    return datetime.now(UTC)


async def _found(demo: Demo) -> tuple[Mapping[str, CheckView], Mapping[str, Sequence[Row]]]:
    """Collect and judge everything once; return the checks and their findings."""
    config = load(demo.config)
    async with hosting(config, version="test", demo=True, listen=False, watch=False) as hosted:
        await hosted.engine.once(tuple(config.checks), PATIENCE)
        snapshot = hosted.engine.snapshot
        assert snapshot is not None
        assert {view.name: view.last_error for view in snapshot.sources if view.last_error} == {}
        assert snapshot.waivers_error is None
        rows = {
            view.name: (await hosted.port.rows(Query(check=view.name, view="all", limit=10_000))).rows
            for view in snapshot.checks
        }
        return {view.name: view for view in snapshot.checks}, rows


def _told(answer: Answer) -> dict[str, object]:
    return {
        "read": answer.read,
        "excluded": answer.excluded,
        "population": len(answer.having("pass", "warn", "fail", "unknown")),
        "passed": len(answer.having("pass", "warn")),
        "warned": answer.having("warn"),
        "failed": answer.having("fail"),
        "unknown": len(answer.having("unknown")),
    }


def _seen(view: CheckView, rows: Sequence[Row]) -> dict[str, object]:
    def having(outcome: Outcome) -> frozenset[str]:
        return frozenset(row.subject for row in rows if row.outcome is outcome)

    tally = view.tally
    assert (tally.warned, tally.failed) == (len(having(Outcome.WARN)), len(having(Outcome.FAIL)))
    return {
        "read": view.read,
        "excluded": dict(view.excluded),
        "population": tally.population,
        "passed": tally.passed,
        "warned": having(Outcome.WARN),
        "failed": having(Outcome.FAIL),
        "unknown": tally.unknown,
    }


@pytest.mark.parametrize(
    ("seed", "accounts"),
    [(1, DEFAULT_ACCOUNTS), (2, FEWEST), (3, 347), (1_000_003, 1_200)],
    ids=["default", "fewest", "odd", "large"],
)
async def test_the_engine_finds_what_the_answer_sheet_says(seed: int, accounts: int, tmp_path: Path) -> None:
    """Read, excluded by reason, passed, warned, failed, unknown, and who: all agree for every configured check."""
    estate = Estate(seed, accounts, _now())
    async with running(estate, tmp_path, _now, kinds=sources.kinds()) as demo:
        views, rows = await _found(demo)
        targets = {host: listener.target for host, listener in demo.listeners.items()}
        sheet = answers(estate, configured(demo.wired), targets)
    assert views.keys() == sheet.keys()
    for name, answer in sheet.items():
        assert _seen(views[name], rows[name]) == _told(answer), name


def test_every_family_has_something_to_find() -> None:
    """The default estate has passes, warnings, failures and exclusions, so that agreeing on it says something."""
    estate = Estate(1, DEFAULT_ACCOUNTS, _now())
    checks = {"workforce-mfa": ["okta-prod"], "vendors": ["register"], "backups": ["dumps"], "leavers": ["okta-prod"]}
    sheet = answers(estate, checks, {})
    assert sheet["workforce-mfa"].having("fail")
    assert sheet["workforce-mfa"].excluded.keys() >= {"disabled", "pending", "service", "break_glass"}
    assert sheet["vendors"].having("fail")
    assert sheet["leavers"].having("warn")
    assert sheet["backups"].having("pass")
