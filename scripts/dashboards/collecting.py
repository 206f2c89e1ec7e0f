"""Panels of what the sources ask of their providers, and what that costs."""

from __future__ import annotations

from typing import Final

from scripts.dashboards import look
from scripts.dashboards.look import CALM, FAIL, WARN, Scale
from scripts.dashboards.panels import Built, Column, Line, lines, rows
from scripts.dashboards.promql import rate, select

_KEY: Final = "job, instance, source, kind"


def collecting() -> list[Built]:
    """Give the panels of what the sources ask, how often, and for how long they may."""
    return [_requests(), _failed(), _throttled(), _quota(), _durations(), _runs(), _records(), _credentials()]


def _requests() -> Built:
    return lines(
        "Requests",
        "Answered requests a second by source, retries included.",
        [Line(rate("controlwatch_source_requests_total", "source"), "{{source}}")],
        look.RATE,
        width=8,
    )


def _failed() -> Built:
    return lines(
        "Requests that failed",
        "By source and cause; those that a retry mended are included.",
        [Line(rate("controlwatch_source_request_failures_total", "source, cause"), "{{source}}: {{cause}}", FAIL)],
        look.RATE,
        width=8,
    )


def _throttled() -> Built:
    return lines(
        "Throttled",
        "Answers by which a provider asked to wait, a second, and the part of the time in which requests were held "
        "back.",
        [
            Line(rate("controlwatch_source_throttled_total", "source"), "{{source}}, answers", WARN),
            Line(
                rate("controlwatch_source_throttle_wait_seconds_total", "source"),
                "{{source}}, held back",
                CALM,
                dashed=True,
            ),
        ],
        Scale(unit="short"),
        width=8,
    )


def _quota() -> Built:
    quota = f"{select('controlwatch_source_quota_remaining')} / {select('controlwatch_source_quota_limit')}"
    return lines(
        "Quota left",
        "What is left of the scarcest limit that the provider told last.",
        [Line(f"min by (source) ({quota})", "{{source}}")],
        Scale(unit="percentunit", decimals=0, highest=1),
        width=8,
    )


def _durations() -> Built:
    return lines(
        "Run duration",
        "How long the latest run of each source took.",
        [Line(f"max by (source) ({select('controlwatch_source_run_duration_seconds')})", "{{source}}")],
        look.SECONDS,
        width=8,
    )


def _runs() -> Built:
    return lines(
        "Runs, and those that were not complete",
        "Runs a second by source.",
        [
            Line(rate("controlwatch_source_runs_total", "source"), "{{source}}"),
            Line(
                rate("controlwatch_source_run_failures_total", "source"),
                "{{source}}, not complete",
                FAIL,
                dashed=True,
            ),
        ],
        Scale(unit="ops"),
        width=8,
    )


def _records() -> Built:
    return lines(
        "Records",
        "Records of each source's latest complete collection; a population that shrinks is a gap.",
        [Line(f"max by (source) ({select('controlwatch_source_records')})", "{{source}}")],
        look.COUNT,
    )


def _credentials() -> Built:
    return rows(
        "Credentials",
        "How long each source's credential lives, where its provider tells, and when the source runs next.",
        [
            f"min by ({_KEY}) ({select('controlwatch_source_next_run_timestamp_seconds')} - time())",
            f"min by ({_KEY}) ({select('controlwatch_source_credential_expiry_timestamp_seconds')} - time())",
            f"max by ({_KEY}) ({select('controlwatch_source_interval_seconds')})",
        ],
        [
            Column("Source", "source"),
            Column("Kind", "kind"),
            Column("Next run in", "A", Scale(unit="s", decimals=0, missing="–")),
            Column("Every", "C", Scale(unit="s", decimals=0)),
            Column("Credential lives for", "B", look.left(14 * 86_400), hued=False),
            Column("Engine", "instance"),
        ],
        sort="Credential lives for",
        width=12,
        height=8,
    )
