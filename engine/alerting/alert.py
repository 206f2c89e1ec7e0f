"""An alert is one frozen row: from it come its rule, its line in docs/alerts.md and its tests."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template
from textwrap import indent
from typing import Final, Literal

from checks.model.doubt import STRUCTURAL

Severity = Literal["page", "ticket", "none"]
"""How somebody is told: woken, by a ticket, or not at all (a heartbeat)."""
Group = Literal["monitor", "sources", "checks"]

RUNBOOKS: Final = "docs/runbooks"
"""Where the runbooks are when the configuration names no address of its own."""
DECIDED: Final = "|".join(sorted(cause.value for cause in STRUCTURAL))
"""The causes that somebody must decide, as a regular expression of PromQL."""
RAISED: Final = "break_glass_used|mfa_lost"
"""The alarms of which each raise is an alert of its own, as a regular expression of PromQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One recording rule."""

    name: str
    expr: str
    """PromQL, a ``string.Template`` over ``job`` (a matcher), the times and the leads."""
    labels: tuple[str, ...]
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert."""

    name: str
    severity: Severity
    """Its class when the configuration does not name the alerts that page."""
    group: Group
    expr: str
    """PromQL, a ``string.Template`` as that of a record; gives one series a thing that is wrong."""
    when: str
    """The condition in words."""
    wait: str = ""
    """The field of ``Timing`` that is its ``for``; empty: at once."""
    keeps: bool = True
    """Whether it goes on for a while once its condition is gone."""
    summary: str
    """One line that names the thing; a template of Prometheus."""
    meaning: str
    """What it means."""
    detail: str = ""
    """What Prometheus tells beside, as a sentence; a template of Prometheus."""
    action: str
    """What to do."""
    command: str
    """The command that shows it; a template of Prometheus."""
    once: bool = False
    """Whether it is told once and never repeated (label ``notify``)."""

    @property
    def runbook(self) -> str:
        """File name of its runbook."""
        return f"{self.name}.md"


def real(expr: str) -> str:
    """Leave the demo out: an estate that is synthetic wakes nobody."""
    return f"(\n{indented(expr)}\n)\nunless on (job, instance) (controlwatch_demo{{$job}} == 1)"


def indented(expr: str, steps: int = 1) -> str:
    """Move an expression in by so many steps."""
    return indent(expr.strip(), "  " * steps)


def filled(expr: str, words: dict[str, str]) -> str:
    """Fill an expression's words in; raises ``KeyError`` for one that is not known."""
    return Template(expr.strip()).substitute(words)
