"""The monitor monitors itself: subjects whose judgement is known go through all that a real one does.

Spool, fold, diff, store, snapshot and rendered metrics, under a reserved source in a folder of its own that no total
counts. The
first outcome that comes out wrong is named; a fault of the way itself is a wrong outcome too.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import checks
from checks.model.check import EXAMPLE_NOW, Check
from checks.model.judgement import Outcome
from checks.model.records import Record, subject_of, tag_of
from checks.model.state import Tally
from engine.blobs import FolderBlobs
from engine.config import CheckConfig, Config
from engine.evaluate import Material
from engine.evidence import Manifest
from engine.judge import Bench, judge
from engine.metrics import render
from engine.port import Query, Selftest, Snapshot
from engine.settings import CheckCommon
from engine.spool import Spooler
from engine.store import CheckMemory, SourceMemory, Store
from engine.store.sqlite import open_sqlite
from engine.views import check_views
from engine.waivers import Waivers

RESERVED = "selftest"
JOINED = "selftest-joined"


@dataclass(frozen=True, slots=True)
class _Case:
    """The examples of one check."""

    name: str
    check: Check
    expected: Mapping[str, Outcome]
    """Subject to the outcome that it must have."""
    records: Sequence[Record]
    joined: Sequence[Record]


class _Afresh:
    """Remembers nothing: each example is judged for the first time."""

    def __init__(self) -> None:
        self.settling = asyncio.Lock()

    def in_force(self, check: CheckConfig) -> CheckMemory | None:
        return CheckMemory(name=check.name, configured_at=EXAMPLE_NOW)

    def remember(self, memory: CheckMemory) -> None:
        """Forget it: the caller has it."""


async def run_selftest(state_dir: Path, units: Mapping[str, Check] | None = None) -> str | None:
    """Send every example through everything; return what came out wrong, or None."""
    found = checks.discover() if units is None else units
    try:
        with tempfile.TemporaryDirectory(prefix="selftest-", dir=state_dir, ignore_cleanup_errors=True) as folder:
            return await _through(Path(folder), [_case(name, check) for name, check in found.items()])
    except Exception as error:  # noqa: BLE001 - whatever breaks the way shows as a monitor not to be believed
        return f"the self-test could not run: {type(error).__name__}: {error}"


async def _through(folder: Path, cases: Sequence[_Case]) -> str | None:
    blobs = FolderBlobs(folder / "blobs")
    store = open_sqlite(folder / "store.sqlite", subject_key=b"selftest" * 4)
    try:
        for case in cases:
            wrong = await _one(case, blobs, store)
            if wrong is not None:
                return f"{case.name}: {wrong}"
    finally:
        await store.close()
    return None


async def _one(case: _Case, blobs: FolderBlobs, store: Store) -> str | None:
    """Send one check's examples through; return what came out wrong."""
    config = _configured(case)
    memory = {RESERVED: _collected(RESERVED, case.records, blobs), JOINED: _collected(JOINED, case.joined, blobs)}
    bench = Bench(Material(memory, blobs), store, {}, Waivers())
    [(remembered, _)] = await judge([config], bench, _Afresh(), EXAMPLE_NOW)
    rows = await store.rows(Query(check=case.name, view="open", limit=10_000), EXAMPLE_NOW)
    stored = {row.subject: row.outcome for row in rows.rows}
    wrong = _compare(case, stored)
    if wrong is not None:
        return wrong
    whole = Config(path=Path(), folder=Path(), checks={case.name: config})
    view = check_views(whole, {case.name: remembered}, memory, {}, EXAMPLE_NOW)
    snapshot = Snapshot(
        seq=1,
        at=EXAMPLE_NOW,
        started_at=EXAMPLE_NOW,
        checks=view,
        selftest=Selftest(passed_at=EXAMPLE_NOW),
    )
    body = (await asyncio.to_thread(render, snapshot, EXAMPLE_NOW, process=str)).body.decode()
    return _metrics_wrong(case, view[0].tally, body)


def _case(name: str, check: Check) -> _Case:
    """Gather the examples of a check; each is a subject of one population."""
    expected: dict[str, Outcome] = {}
    records: list[Record] = []
    joined: list[Record] = []
    for example in check.examples:
        first = min(example.records, key=lambda record: check.over.index(type(record)))
        expected[subject_of(first)] = example.expect
        records += example.records
        joined += example.joined
    if check.knows_own:
        records += joined
    return _Case(f"{RESERVED}-{name.replace('_', '-')}", check, expected, _unique(records), _unique(joined))


def _unique(records: Sequence[Record]) -> list[Record]:
    """Keep one of each record: examples may share a person."""
    return list({(type(record), record.source, record.id): record for record in records}.values())


def _configured(case: _Case) -> CheckConfig:
    policy = case.check.policy()
    common = CheckCommon(check=case.name, sources=(RESERVED, JOINED))
    joined = (JOINED,) if case.check.knows is not None and not case.check.knows_own else ()
    return CheckConfig(case.name, common, policy, {}, case.check, (RESERVED,), joined, digest="")


def _collected(name: str, records: Sequence[Record], blobs: FolderBlobs) -> SourceMemory:
    """Spool records as a complete collection of a source."""
    spooler = Spooler(name, blobs.spool())
    spooler.add([msgspec.structs.replace(record, source=name) for record in records])
    blob = spooler.commit()
    manifest = Manifest(
        source=name,
        kind=RESERVED,
        started_at=EXAMPLE_NOW,
        finished_at=EXAMPLE_NOW,
        as_of=EXAMPLE_NOW,
        complete=True,
        pages=1,
        read=spooler.read,
        records=dict(Counter(tag_of(type(record)) for record in records)),
        blob=blob.digest,
        bytes=blob.size_bytes,
    )
    return SourceMemory(name=name, kind=RESERVED, attempted_at=EXAMPLE_NOW, complete=manifest)


def _compare(case: _Case, stored: Mapping[str, Outcome]) -> str | None:
    for subject, expected in case.expected.items():
        seen = stored.get(subject, Outcome.PASS)
        if seen is not (Outcome.PASS if expected is Outcome.EXCLUDED else expected):
            return f"{subject} came out {seen.value}, expected {expected.value}"
    return None


def _metrics_wrong(case: _Case, tally: Tally, body: str) -> str | None:
    """Compare the counts, and the rendered metrics, with what is expected."""
    counts = Counter(case.expected.values())
    expected = {
        "population": len(case.expected) - counts[Outcome.EXCLUDED],
        "passed": counts[Outcome.PASS] + counts[Outcome.WARN],
        "warned": counts[Outcome.WARN],
        "failed": counts[Outcome.FAIL],
        "unknown": counts[Outcome.UNKNOWN],
    }
    for name, value in expected.items():
        if getattr(tally, name) != value:
            return f"{name} is {getattr(tally, name)}, expected {value}"
        labels = f'{{check="{case.name}",family="{case.check.family}"}}'
        if f"controlwatch_check_{name}{labels} {value}\n" not in body:
            return f"the metrics do not say {name} {value}"
    state = f'controlwatch_check_state{{check="{case.name}",family="{case.check.family}",state="fail"}} 1\n'
    return None if state in body else "the metrics do not say that it fails"
