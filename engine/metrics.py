"""Metrics are a snapshot read at one instant: rendered ahead of the scrape, with the instant inside.

States are derived when rendered, and each proof is exported with the instant at which it ends, so that a frozen
exposition turns from green by itself: a state of pass or warn holds only while
``controlwatch_check_valid_until_timestamp_seconds`` is in the future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from engine.catalogue import CATALOGUE, CHECKS, ENGINE, OWN, SOURCES, TIMES
from engine.exposition import CAP, LABELS, Exposition, Kept, Metric, expose
from engine.port import Snapshot
from engine.reading import read

GREEN: Final = (
    '(controlwatch_check_state{state=~"pass|warn"} == 1)\n'
    "  and ignoring (state) (controlwatch_check_valid_until_timestamp_seconds > time())"
)
"""Green in PromQL. Matching all labels but ``state`` keeps one engine's proof from vouching for another's state."""


def process_text() -> str:
    """Read the process's own metrics (memory, CPU, file descriptors); empty where the system does not tell."""
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    try:
        ProcessCollector(registry=registry)
        return generate_latest(registry).decode()
    except ValueError:  # "unlimited" open files, which the collector reads as a number
        return ""


def render(
    snapshot: Snapshot,
    now: datetime,
    *,
    cap: int = CAP,
    process: Callable[[], str] = process_text,
    spent: float | None = None,
    kept: Kept | None = None,
) -> Exposition:
    """Render a snapshot as it reads at ``now``.

    Fit for a thread. What it says depends on nothing but ``process``, the snapshot and the numbers given; ``kept``,
    what the rendering before left, only makes it faster. A snapshot or a clock that stands still shows by the two
    instants inside; past ``cap`` series, optional families are left out whole. ``spent`` is what the rendering before
    took, in seconds.
    """
    reading = read(snapshot, now)
    return expose(CATALOGUE, OWN, reading, at=now, cap=cap, foreign=process(), spent=spent, kept=kept)


def page() -> str:
    """Write the page of the docs from the catalogue."""
    sections = (
        ("Is the monitor alive?", ENGINE),
        ("Checks", CHECKS),
        ("Sources", SOURCES),
        ("What a configuration names", TIMES),
        ("The exposition itself", OWN),
    )
    families = "\n".join(_section(title, metrics) for title, metrics in sections)
    return f"{_OPENING}{families}\n{_labels()}"


_OPENING = f"""# Metrics

<!-- Generated from engine/catalogue/; a test says how. -->

`GET /metrics` on `metrics.listen` (default `127.0.0.1:10965`) answers with Prometheus text 0.0.4, rendered ahead of the
scrape at least every 15 seconds. A scrape never asks a source for anything. Scrape every 30 to 60 seconds.

**In PromQL green is one line.** A check is held when this has a series for it, and never otherwise:

```promql
{GREEN}
```

A lost scrape ends it at once, a hung engine at the latest when the proof ends. `waived` is a state of its own and not
green. Beside the series below stand `process_…` (memory, CPU, file descriptors).

- Times are Unix instants, never ages. A time that is not set has no series.
- Counts of a check that was never judged have no series, because zero would be a claim;
  `controlwatch_check_never_judged` says so.
- A label holds a configured name or a member of a closed set, and nothing about a person. A value with `@`, white space
  or a control character is refused: its series are left out and counted. (A TLS target may carry its `@server-name`.)
- Past `metrics.max_series` ({CAP} by default) optional families are left out whole, those with the highest number in
  the last column first, and `controlwatch_exposition_family_dropped` names them. Core families (no number) always stay.
- `/-/healthy` answers 503 when the scheduler has not ticked for five minutes, `/-/ready` while nothing can be read.

"""


def _section(title: str, metrics: Sequence[Metric[Any]]) -> str:
    head = (
        f"## {title}\n\n| name | type | labels | unit | series | what it says | shed |\n|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(_row(metric) for metric in metrics)


def _row(metric: Metric[Any]) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    cells = (f"`{metric.name}`", metric.kind, labels, metric.unit, metric.bound, metric.help, str(metric.shed or ""))
    return f"| {' | '.join(cells)} |\n"


def _labels() -> str:
    def values(members: Iterable[str] | None) -> str:
        return "a configured name" if members is None else ", ".join(f"`{member}`" for member in sorted(members))

    rows = (f"| `{name}` | {label.meaning} | {values(label.values)} |\n" for name, label in LABELS.items())
    return "## Labels\n\n| label | meaning | values |\n|---|---|---|\n" + "".join(rows)
