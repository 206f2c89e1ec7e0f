"""Alerts about sources: one alert a source, however many checks it blinds, and whatever cause it gives."""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Alert, indented
from engine.alerting.words import SOURCE, names, number, since

TEST: Final = "controlwatch source test {{ $labels.source }}"
CAUSES: Final = names(
    "group by (cause) (controlwatch_source_blinds{@} or controlwatch_source_incomplete{@})", SOURCE, "cause"
)
BLINDED: Final = names("topk(10, controlwatch_check_blind{@})", SOURCE, "check")
TOLD: Final = f"Causes: {CAUSES}. Checks: {BLINDED}."

BLIND: Final = """
(controlwatch_source_blinds{$job, cause!~"$decided"} > 0)
or (controlwatch_source_blinds{$job} > 0 and on (job, instance, source, cause) controlwatch_source_incomplete{$job})
or (
  controlwatch_source_up{$job} == 0
  and on (job, instance, source) (
    time() - controlwatch_source_failing_since_timestamp_seconds{$job}
    unless on (job, instance, source) (
      time() - controlwatch_source_failing_since_timestamp_seconds{$job}
      <= 2 * controlwatch_source_interval_seconds{$job}
    )
  )
)
"""
"""It blinds for a cause that passes, or because its latest run failed, or has been down for two intervals.

A doubt that somebody must decide, of a source that answers, is none of them. Where its interval is not exported, every
failure counts.
"""

SOURCES: Final = (
    Alert(
        name="ControlwatchSourceBlind",
        severity="ticket",
        group="sources",
        wait="confirm",
        expr=f"""
controlwatch_source_checks_blinded{{$job}}
and on (job, instance, source) (
{indented(BLIND)}
)
""",
        when="a source is down for two intervals, or blinds a check for a cause that should pass, or because its "
        "latest run failed",
        summary="Source {{ $labels.source }} is blind"
        + since("controlwatch_source_failing_since_timestamp_seconds{@}", SOURCE)
        + ": {{ $value | humanize }} checks cannot be judged.",
        meaning="The source does not tell all, and time or its owner should mend that. One alert stands for all checks "
        "that it blinds; with none blind yet, what it told last still holds.",
        detail=TOLD,
        action="See what it answers now. When its population shrank and that is right, accept it.",
        command=TEST,
    ),
    Alert(
        name="ControlwatchSourceUndecided",
        severity="ticket",
        group="sources",
        wait="decide",
        once=True,
        expr=f"""
controlwatch_source_checks_blinded{{$job}}
and on (job, instance, source) (controlwatch_source_blinds{{$job, cause=~"$decided"}} > 0)
unless on (job, instance, source) (
{indented(BLIND)}
)
""",
        when="a source that answers blinds checks for a cause that somebody must decide (denied, unlicensed, not "
        "exposed, federated, not configured, unsupported)",
        summary="Source {{ $labels.source }} cannot tell what {{ $value | humanize }} checks need: decide.",
        meaning="The source answers, and will not tell this by itself, so its checks stay unknown.",
        detail=TOLD,
        action="Grant what the command names, or waive it with a reason. This is told once and not repeated.",
        command=TEST,
    ),
    Alert(
        name="ControlwatchCredentialExpiring",
        severity="ticket",
        group="sources",
        wait="persist",
        expr="controlwatch_source_credential_expiry_timestamp_seconds{$job} - time() < $credential_lead_seconds",
        when="the credential of a source ends within `credential_lead`",
        summary="The credential of source {{ $labels.source }} "
        "{{ if gt $value 0.0 }}ends in {{ $value | humanizeDuration }}{{ else }}has ended{{ end }}.",
        meaning="When it ends the source is blind, and so are the checks that read it.",
        detail=number("controlwatch_source_checks{@}", SOURCE, "They are #."),
        action="Make a new credential with the same least privilege, and store it under the same reference.",
        command=TEST,
    ),
)
