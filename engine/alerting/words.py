"""Pieces of annotations: templates of Prometheus that ask it for a number or for names when an alert is told.

The answer may change while an alert lasts. Annotations are no part of an alert's identity, so a changed cause or count
makes no new alert, and brings no new notification.
"""

from __future__ import annotations

from typing import Final

INSTANCE: Final = ("job", "instance")
CHECK: Final = (*INSTANCE, "check")
SOURCE: Final = (*INSTANCE, "source")
HOST: Final = "{{ $labels.instance }}"


def _asked(expr: str, labels: tuple[str, ...]) -> str:
    """Ask Prometheus; ``@`` in the expression stands for matchers of the alert's own labels."""
    matchers = ",".join(f"{label}=%[{place}]q" for place, label in enumerate(labels, start=1))
    values = " ".join(f"$labels.{label}" for label in labels)
    return f"printf `{expr.replace('@', matchers)}` {values} | query"


def number(expr: str, labels: tuple[str, ...], told: str, *, form: str = "humanize") -> str:
    """Tell the number that an expression gives, at ``#`` in a text; nothing at all when it gives none."""
    before, _, after = told.partition("#")
    return f"{{{{ with {_asked(expr, labels)} }}}}{before}{{{{ . | first | value | {form} }}}}{after}{{{{ end }}}}"


def since(expr: str, labels: tuple[str, ...], told: str = " for #") -> str:
    """Tell how long ago the instant is that an expression gives."""
    return number(f"time() - {expr}", labels, told, form="humanizeDuration")


def names(expr: str, labels: tuple[str, ...], label: str) -> str:
    """List one label of all series that an expression gives, in order."""
    listed = f'{{{{ range $i, $e := {_asked(expr, labels)} | sortByLabel "{label}" }}}}'
    return f"{listed}{{{{ if $i }}}}, {{{{ end }}}}{{{{ $e.Labels.{label} }}}}{{{{ end }}}}"
