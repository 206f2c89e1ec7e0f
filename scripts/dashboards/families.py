"""Panels of the four families."""

from __future__ import annotations

from typing import Final

from scripts.dashboards import look
from scripts.dashboards.look import BLIND, CALM, ENDED, FAIL, WAIVED, WARN, Scale, Word
from scripts.dashboards.panels import Built, Column, Line, bars, lines, rows
from scripts.dashboards.promql import mine, select

_DAY: Final = 86_400
_SET: Final = "job, instance, source, set"
_AGE_OF_SET: Final = f"(time() - {select('controlwatch_backup_newest_timestamp_seconds')})"
_RPO: Final = select("controlwatch_backup_rpo_seconds")


def people() -> list[Built]:
    """Give the panels of MFA and access."""
    return [
        _coverage("mfa", "MFA coverage", "The bounds meet when every account's factors are told."),
        _coverage("access", "Access that is used, owned and in date", "Each check's own population."),
        _counts("mfa", "Accounts without proven MFA"),
        _counts("access", "Accounts and keys that fail or cannot be judged"),
    ]


def things() -> list[Built]:
    """Give the panels of backups, attestations and TLS certificates."""
    return [_recovery(), _backups(), _certificates(), _attestations()]


def _of(family: str, metric: str) -> str:
    return mine(select(f"controlwatch_check_{metric}", f'family="{family}"'))


def _coverage(family: str, title: str, told: str) -> Built:
    return lines(
        title,
        "The least and the greatest share of the population that may pass, by the latest judgement, and the share that "
        "must. "
        f"{told} A line goes on while its check is blind: see Checks. In a terminal: `controlwatch check NAME`.",
        [
            Line(f"max by (check) ({_of(family, 'coverage_low_ratio')})", "{{check}}, at least", CALM),
            Line(f"max by (check) ({_of(family, 'coverage_high_ratio')})", "{{check}}, at most", WAIVED, dashed=True),
            Line(f"max by (check) ({_of(family, 'threshold_ratio')})", "{{check}}, must", WARN, dashed=True),
        ],
        Scale(unit="percentunit", decimals=1, highest=1),
        height=9,
    )


def _counts(family: str, title: str) -> Built:
    return lines(
        title,
        "Subjects of the latest judgement that fail (waived and undue ones included), that are seen and cannot be "
        "judged, and that are out of scope for a stated reason. Metrics name nobody; `controlwatch check NAME` does.",
        [
            Line(f"sum by (check) ({_of(family, 'failed')})", "{{check}}, failed", FAIL),
            Line(f"sum by (check) ({_of(family, 'unknown')})", "{{check}}, unknown", BLIND, dashed=True),
            Line(f"sum by (check) ({_of(family, 'excluded')})", "{{check}}, excluded", CALM, dashed=True),
        ],
        look.COUNT,
    )


def _recovery() -> Built:
    per_rpo = Scale(unit="percentunit", decimals=0, steps=((ENDED, FAIL), (-0.01, CALM), (1, WARN)))
    return bars(
        "Backup age against RPO",
        "Data age of the newest complete backup of each declared set, in parts of its RPO. Past 100 % it lives on its "
        "grace; the table beside says how long.",
        f"max by (set) ({mine(f'{_AGE_OF_SET} / on ({_SET}) group_right () {_RPO}')})",
        per_rpo,
        legend="{{set}}",
        width=10,
    )


def _backups() -> Built:
    key = f"{_SET}, check"
    never = select("controlwatch_time_never_known", 'kind=~"files|restic"')
    never_seen = Scale(unit="none", words={"0": Word("seen", CALM), "1": Word("NEVER SEEN", FAIL)}, missing="–")
    return rows(
        "Backup sets",
        "To the deadline: how long until RPO and grace are over, by the newest backup that was ever seen, also while "
        "the source is down; none for a set under a live waiver. In a terminal: `controlwatch check NAME`.",
        [
            f"max by ({key}) ({mine(select('controlwatch_backup_deadline_timestamp_seconds') + ' - time()')})",
            f"max by ({key}) ({mine(f'{_AGE_OF_SET} + on ({_SET}) group_right () 0 * {_RPO}')})",
            f"max by ({key}) ({mine(_RPO)})",
            f'max by ({_SET}) (label_replace({never}, "set", "$1", "name", "(.+)"))',
        ],
        [
            Column("To the deadline", "A", look.left(0), hued=True),
            Column("Set", "set"),
            Column("Data age", "B", Scale(unit="s", decimals=1)),
            Column("RPO", "C", Scale(unit="s", decimals=1)),
            Column("Ever", "D", never_seen, hued=True),
            Column("Source", "source"),
            Column("Check", "check"),
            Column("Engine", "instance"),
        ],
        sort="To the deadline",
        width=14,
        height=8,
    )


def _certificates() -> Built:
    return bars(
        "TLS certificates, time left",
        "Of each configured target, by what was served last, also while it cannot be reached. Amber below seven days "
        "is this panel's own mark; the check judges by lifetime. In a terminal: `controlwatch check NAME`.",
        f"sort(min by (target) ({select('controlwatch_tls_not_after_timestamp_seconds')}) - time())",
        look.left(7 * _DAY),
        legend="{{target}}",
        height=10,
    )


def _attestations() -> Built:
    return bars(
        "Attestations, time left",
        "Of each registered offering: how long its newest attestation is current. Amber below sixty days is this "
        "panel's own mark; the check judges by kind. In a terminal: `controlwatch check NAME`.",
        f"sort(min by (attestation) ({select('controlwatch_attestation_end_timestamp_seconds')}) - time())",
        look.left(60 * _DAY),
        legend="{{attestation}}",
        height=10,
    )
