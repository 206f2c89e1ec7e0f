"""The page of the docs comes from the table."""

from __future__ import annotations

import re
from typing import Final

from checks.model.units import format_duration
from engine.alerting.alert import DECIDED, Alert
from engine.alerting.alerts import ALERTS
from engine.alerting.records import RECORDS
from engine.alerting.timing import Timing

_SERIES: Final = re.compile(r"\b(?:controlwatch_\w+|[a-z]+:controlwatch_\w+:\w+|up)(?=\{)")


def series_of(expr: str) -> tuple[str, ...]:
    """Name the series that an expression reads, recorded ones included, in order and once each."""
    return tuple(dict.fromkeys(_SERIES.findall(expr)))


def page() -> str:
    """Write docs/alerts.md."""
    records = "".join(
        f"| `{row.name}` | {', '.join(f'`{label}`' for label in row.labels)} | {row.meaning} |\n" for row in RECORDS
    )
    groups = "\n".join(_group(title, key) for title, key in _GROUPS)
    return f"{_OPENING}{_RECORDS}{records}\n{groups}"


def _group(title: str, key: str) -> str:
    head = f"## {title}\n\n| alert | class | when | for | meaning | series |\n|---|---|---|---|---|---|\n"
    return head + "".join(_row(alert) for alert in ALERTS if alert.group == key)


def _row(alert: Alert) -> str:
    wait = format_duration(getattr(Timing(), alert.wait)) if alert.wait else ""
    cells = (
        f"[{alert.name}](runbooks/{alert.runbook})",
        f"{alert.severity}, once"
        if alert.once
        else f"**{alert.severity}**"
        if alert.severity == "page"
        else alert.severity,
        alert.when,
        wait,
        alert.meaning,
        ", ".join(f"`{name}`" for name in series_of(alert.expr)),
    )
    return f"| {' | '.join(cells)} |\n"


_TIMES: Final = Timing()
_CAUSES: Final = ", ".join(f"`{cause}`" for cause in DECIDED.split("|"))
_GROUPS: Final = (("The monitor", "monitor"), ("Sources", "sources"), ("Checks", "checks"))
_OPENING: Final = f"""# Alerts

<!-- Generated from engine/alerting; a test says how. -->

```sh
controlwatch rules > rules.yml && promtool check rules rules.yml
controlwatch rules --format operator > rules.yaml     # a PrometheusRule
```

`controlwatch rules` writes {len(RECORDS)} recording and {len(ALERTS)} alert rules from the configuration.
Its thresholds reach the rules as exported instants and numbers, so none lives twice. Write the rules again when
`[alerts]`, the checks or the version change. A rules file speaks of one scrape job, `[alerts] job`: give each
configuration a job of its own.

- **`severity`** is for routing: `page` wakes somebody, `ticket` does not, `none` is the heartbeat. `[alerts] page`
  names the alerts that page instead of those below. The check's own severity is `check_severity`, beside `team`.
- **One thing, one alert.** A source that is down makes one alert, however many checks it blinds. A doubt that somebody
  must decide ({_CAUSES})
  makes one a source, with the label `notify="once"`. A page stands for the ticket of the same check.
- **Paused and pending checks, waived subjects, and the demo, notify nobody.** A waiver silences what it covers and not
  the rest of the check: what is overdue, urgent or due beside it is told. So is the end of a waiver.
- **A second victim is told.** Each loss of MFA and each use of a break-glass account is an alert of its own (label
  `raised`); those of one check share a notification, which comes again with each.
- **Blind is not resolved.** All but the heartbeat go on for {format_duration(_TIMES.keep)} once their condition is
  gone, so a lost scrape resolves nothing. When it lasts, `ControlwatchDown` fires; let it, and `ControlwatchStalled`,
  inhibit all others of the same instance in Alertmanager. What is mended while `ControlwatchDown` fires is not told as
  resolved: close it by hand.
- **The heartbeat** `ControlwatchDeadMan` always fires, one an instance that has a check. Send it to a service outside
  that wakes somebody when it stops.
- `job` and `instance` name an engine. Where two targets share both, the worse one counts, and nothing is held by the
  proof of the other.
- Every alert has the annotations `summary`, `description`, `command` and `runbook_url`, and `check_runbook` where the
  check has one of its own.
- In textfile mode give the series a job of their own by `metric_relabel_configs`
  ([example](metrics-listener.md#without-a-network-the-textfile-collector)). A file that nobody writes any more shows as
  `ControlwatchStalled`, a lost file or a lost node_exporter as `ControlwatchDown`; other node_exporters never do.

"""
_RECORDS: Final = """## Recorded

`check:controlwatch_held:bool` is the one thing that a dashboard may show green. It is 0, and not absent, for a check
that is not held; a lost scrape leaves no series at all, which is not green either. The demo is recorded too.

| series | labels | what it says |
|---|---|---|
"""
