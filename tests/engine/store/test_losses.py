"""Over any run of judgements the losses that are counted are those that a few lines of plain Python count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.model.judgement import Outcome
from engine.port import Alarm, Query
from engine.store import Diff, Live, Raises
from engine.store.sqlite import SqliteStore, open_sqlite
from tests.support.clock import NOW
from tests.support.judging import KEY, finding, judge

HOUR = timedelta(hours=1)
BY_LOSS = Raises(loses="lost")


@dataclass
class Oracle:
    """Losses in plain Python: who passed last or left with a loss, and who has failed since."""

    passed: set[str] = field(default_factory=set)
    lost: dict[str, datetime] = field(default_factory=dict)
    open: dict[str, Outcome] = field(default_factory=dict)

    def judge(self, outcomes: dict[str, str], now: datetime, *, complete: bool) -> Alarm:
        """Apply one complete or partial judgement."""
        for name, outcome in outcomes.items():
            self._one(name, outcome, now)
        if complete:
            left = set(self.open) - set(outcomes)
            self.passed |= left & set(self.lost)
            for name in left | {name for name, what in outcomes.items() if what == "pass"}:
                self.open.pop(name, None)
                self.lost.pop(name, None)
        counted = [
            self.lost[name]
            for name, outcome in self.open.items()
            if outcome in {"fail", "unknown"} and name in self.lost
        ]
        return Alarm(count=len(counted), at=max(counted, default=None))

    def _one(self, name: str, outcome: str, now: datetime) -> None:
        if outcome in {"pass", "warn"}:
            self.passed.add(name)
        if outcome == "fail" and name in self.passed:
            self.passed.discard(name)
            self.lost[name] = now
        if outcome == "warn":
            self.lost.pop(name, None)
        if outcome in {"fail", "warn", "unknown"}:
            self.open[name] = Outcome(outcome)


OUTCOMES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.sampled_from(["pass", "warn", "fail", "unknown", "held"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(OUTCOMES, st.booleans(), st.booleans()), min_size=1, max_size=8))
async def test_alarms_are_what_a_pencil_says_and_never_more_than_open_findings(
    tmp_path_factory: pytest.TempPathFactory,
    judgements: Sequence[tuple[dict[str, str], bool, bool]],
) -> None:
    """Over any run of judgements the losses counted agree with the oracle, and none is waived or resolved."""
    store = open_sqlite(tmp_path_factory.mktemp("property") / "store.sqlite", subject_key=KEY)
    oracle = Oracle()
    try:
        for number, (outcomes, complete, waived) in enumerate(judgements):
            now = NOW + number * HOUR
            diff = await _judged(store, outcomes, now, complete=complete, waived=waived)
            expected = oracle.judge(outcomes, now, complete=complete)
            rows = (await store.rows(Query(), now)).rows
            counting = [row for row in rows if row.outcome is not Outcome.WARN and row.waiver is None]
            assert diff.alarms["lost"].count <= len(counting)
            assert diff.alarms == {"lost": Alarm() if waived else expected}
    finally:
        await store.close()


async def _judged(store: SqliteStore, outcomes: dict[str, str], now: datetime, *, complete: bool, waived: bool) -> Diff:
    found = [
        finding(
            name,
            outcome=Outcome.UNKNOWN if outcome == "held" else Outcome(outcome),
            carried=outcome == "held",
        )
        for name, outcome in outcomes.items()
        if outcome != "pass"
    ]
    passing = [f"okta-prod/{name}" for name, outcome in outcomes.items() if outcome in {"pass", "warn"}]
    waivers = [Live(id="W", subjects=["okta-prod/*"], starts=now, ends=now + HOUR)] if waived else []
    return await judge(store, found, now, complete=complete, waivers=waivers, raises=BY_LOSS, passing=passing)
