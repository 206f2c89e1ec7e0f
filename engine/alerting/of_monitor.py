"""Alerts about the monitor itself: is it there, does it move, has it proven itself, does it keep evidence?"""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Alert, indented
from engine.alerting.records import ALIVE, STALLED, TICK
from engine.alerting.words import HOST, INSTANCE, names, since

CHECK_ALL: Final = "controlwatch check"
CONFIG: Final = "controlwatch config check"
MISSED: Final = "max_over_time(controlwatch_check_info{@}[$remembered]) unless on (check) controlwatch_check_info{@}"
HEARD: Final = "last_over_time(controlwatch_exposition_snapshot_timestamp_seconds{$job}[$remembered])"
GONE: Final = f"""
(
  (
    max by (job, instance) ({HEARD})
    unless on (job, instance) controlwatch_exposition_snapshot_timestamp_seconds{{$job}}
  )
  or (
    max by (job, instance) (up{{$job}} == 0)
    and on (job, instance) (
      {HEARD}
      or ALERTS{{$job, alertname="ControlwatchDown", alertstate="firing"}}
    )
  )
)
unless on (job, instance) (min_over_time(controlwatch_demo{{$job}}[$remembered]) == 1)
"""
"""Instances that were heard within a day and give no exposition: none answers, something else does, or nobody asks.

While Prometheus asks and gets no answer it lasts for longer than the day. What was never heard is another program of
the same job, and what was nothing but a demo may end.
"""

MONITOR: Final = (
    Alert(
        name="ControlwatchDeadMan",
        severity="none",
        group="monitor",
        keeps=False,
        expr=f"{ALIVE.name}{{$job}} == 1",
        when="always, while the monitor is alive, watches at least one check and has proven itself",
        summary=f"Controlwatch at {HOST} is alive, and has proven itself.",
        meaning="This alert always fires, one an instance, and goes to a heartbeat service outside. That service wakes "
        "somebody when it stops: then the monitor, Prometheus or Alertmanager is down, stands still, is not proven, or "
        "watches nothing.",
        action="Nothing while it fires. When it stopped, look at the other alerts of this instance, then at its host.",
        command=CHECK_ALL,
    ),
    Alert(
        name="ControlwatchDown",
        severity="ticket",
        group="monitor",
        wait="confirm",
        expr=f"""
(
{indented(GONE)}
)
or
(
  label_replace(
    absent(
      controlwatch_exposition_snapshot_timestamp_seconds{{$job}}
      unless on (job, instance) (controlwatch_demo{{$job}} == 1)
    ),
    "job", "$name", "", ""
  )
  unless on (job) (
{indented(GONE, 2)}
  )
)
""",
        when="an instance that gave metrics of Controlwatch within the last day gives none, or the job has none (also "
        "when it shows nothing but a demo)",
        summary="{{ if $labels.instance }}Controlwatch at {{ $labels.instance }} gives no metrics{{ else }}"
        "Prometheus has no Controlwatch in job {{ $labels.job }}{{ end }}: no control is watched.",
        meaning="Prometheus gets no metrics, so every other alert is blind, and the heartbeat has stopped.",
        action="Look whether the service runs, whether its port answers, and whether Prometheus scrapes it under the "
        "job that [alerts] names. What was mended meanwhile is not told as resolved: close it by hand.",
        command=CONFIG,
    ),
    Alert(
        name="ControlwatchStalled",
        severity="ticket",
        group="monitor",
        wait="settle",
        expr=f"""
(time() - controlwatch_exposition_snapshot_timestamp_seconds{{$job}} > $stall_seconds)
or (time() - controlwatch_exposition_render_timestamp_seconds{{$job}} > $stall_seconds)
or (time() - {TICK} > $stall_seconds)
""",
        when="the snapshot, the rendering or the scheduler's last tick is older than five minutes",
        summary=f"Controlwatch at {HOST} has stood still for {{{{ $value | humanizeDuration }}}}: nothing is green.",
        meaning="It answers scrapes, and shows what it knew before: its engine, scheduler or renderer hangs. No check "
        "counts as held meanwhile. A clock that is five minutes slow looks the same.",
        action="Read the last lines of its log, compare its clock with that of Prometheus, then restart it.",
        command=CHECK_ALL,
    ),
    Alert(
        name="ControlwatchClockAhead",
        severity="ticket",
        group="monitor",
        wait="confirm",
        expr=f"""
(controlwatch_exposition_snapshot_timestamp_seconds{{$job}} - time() > $skew_seconds)
or (controlwatch_exposition_render_timestamp_seconds{{$job}} - time() > $skew_seconds)
or ({TICK} - time() > $skew_seconds)
""",
        when="its clock is, or was at the scheduler's last tick, more than a minute ahead of that of Prometheus",
        summary=f"The clock of Controlwatch at {HOST} is {{{{ $value | humanizeDuration }}}} ahead: nothing is green.",
        meaning="Proofs end by the clock, so a fast one would make old proof look fresh. No check counts as held.",
        action="Look at the time synchronisation of both hosts; mend the wrong one, and restart what runs there.",
        command=CHECK_ALL,
    ),
    Alert(
        name="ControlwatchSelfTestFailing",
        severity="ticket",
        group="monitor",
        wait="confirm",
        expr=f"""
(
  (controlwatch_selftest_ok{{$job}} == 0)
  or (
    time() - controlwatch_selftest_last_success_timestamp_seconds{{$job}}
    > controlwatch_selftest_max_age_seconds{{$job}}
  )
  or (controlwatch_selftest_last_success_timestamp_seconds{{$job}} - time() > $skew_seconds)
)
unless on (job, instance) ({STALLED.name}{{$job}} == 1)
""",
        when="the self-test failed, never passed, or passed too long ago or in the future; not while it stands still",
        summary=f"Controlwatch at {HOST} has not proven itself"
        + since("controlwatch_selftest_last_success_timestamp_seconds{@}", INSTANCE)
        + ": every state is unknown.",
        meaning="Examples with known answers did not come out right, so nobody may believe what it says.",
        action="Run it once more; if an example still comes out wrong, go back to the version before.",
        command="controlwatch check --collect",
    ),
    Alert(
        name="ControlwatchEngineBlind",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr=f"""
(controlwatch_engine_checks_blinded{{$job}} > 0)
and on (job, instance) (controlwatch_selftest_ok{{$job}} == 1)
unless on (job, instance) ({STALLED.name}{{$job}} == 1)
unless on (job, instance) (
  time() - controlwatch_evidence_failing_since_timestamp_seconds{{$job}} > $evidence_seconds
)
""",
        when="checks are unknown or stale by a fault of the engine itself, though its self-test passes",
        summary=f"Controlwatch at {HOST} itself fails to judge {{{{ $value | humanize }}}} of its checks.",
        meaning="The sources told what they know, and the engine could not judge or keep it.",
        detail="Checks: " + names('topk(10, controlwatch_check_blind{@,source=""})', INSTANCE, "check") + ".",
        action="Find the first fault in its log: a disk that is full is yours to mend; report any other fault.",
        command=CHECK_ALL,
    ),
    Alert(
        name="ControlwatchEvidenceFailing",
        severity="page",
        group="monitor",
        wait="settle",
        expr="time() - controlwatch_evidence_failing_since_timestamp_seconds{$job} > $evidence_seconds",
        when="no write of evidence has succeeded for four hours",
        summary=f"Controlwatch at {HOST} has written no evidence for {{{{ $value | humanizeDuration }}}}.",
        meaning="What is collected now cannot be shown to an auditor later: the gap grows until writes succeed.",
        action="Look at the disk, its space and the owner of the state folder; writes go on by themselves.",
        command="controlwatch evidence verify",
    ),
    Alert(
        name="ControlwatchEvidenceChainBroken",
        severity="ticket",
        group="monitor",
        expr="controlwatch_evidence_chain_valid{$job} == 0",
        when="the evidence chain did not hold when it was last read whole",
        summary=f"The evidence of Controlwatch at {HOST} is not what was written.",
        meaning="An entry of the chain was changed, lost or put in: a disk fault, a restored backup, or a hand.",
        action="Touch nothing in the state folder; find the first entry that differs, and tell who owns the evidence.",
        command="controlwatch evidence verify",
    ),
    Alert(
        name="ControlwatchConfigRefused",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr="""
controlwatch_config_last_reload_successful{$job} == 0
or controlwatch_web_config_last_reload_successful{$job} == 0
""",
        when="the latest reload of the configuration, or of its web configuration, was refused",
        summary=f"Controlwatch at {HOST} refused its new configuration; the one in force is"
        + since("controlwatch_config_loaded_timestamp_seconds{@}", INSTANCE, " # old")
        + ".",
        meaning="The last good configuration is in force: what was changed since is not watched.",
        action="Mend every fault that the command tells, then reload.",
        command=CONFIG,
    ),
    Alert(
        name="ControlwatchWaiversUnreadable",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr="controlwatch_waivers_valid{$job} == 0",
        when="the waivers could not be read",
        summary=f"Controlwatch at {HOST} cannot read its waivers: a malformed one waives nothing.",
        meaning="Accepted deviations may show as failures until the file is mended.",
        action="Mend every fault that the command tells; it is read again by itself.",
        command=CONFIG,
    ),
    Alert(
        name="ControlwatchSeriesDropped",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr="sum without (reason) (controlwatch_exposition_series_dropped{$job}) > 0",
        when="series are left out of the exposition",
        summary=f"{{{{ $value | humanize }}}} series of Controlwatch at {HOST} are left out of its metrics.",
        meaning="A name is unfit for a label, or the cap is reached and optional families are left out. Alerts and "
        "panels that use them say less.",
        detail="Families: " + names("controlwatch_exposition_family_dropped{@}", INSTANCE, "metric") + ".",
        action="Raise metrics.max_series (and the sample_limit of the scrape), or mend the name that the log tells.",
        command=CONFIG,
    ),
    Alert(
        name="ControlwatchFamilyEmpty",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr='controlwatch_checks_configured{$job, family=~"$families"} == 0',
        when="a family that had checks when these rules were written has none any more",
        summary=f"Controlwatch at {HOST} has no {{{{ $labels.family }}}} check any more.",
        meaning="A whole family of controls is not watched, and nothing of it can fail.",
        action="Put its checks back; or, when they were removed on purpose, write the rules again.",
        command=CONFIG,
    ),
    Alert(
        name="ControlwatchCheckVanished",
        severity="ticket",
        group="monitor",
        wait="persist",
        expr="""
count by (job, instance) (
  group by (job, instance, check, family) (max_over_time(controlwatch_check_info{$job}[$remembered]))
  unless on (job, instance, check) controlwatch_check_info{$job}
  unless on (job, instance, family) (controlwatch_checks_configured{$job, family=~"$families"} == 0)
)
and on (job, instance) controlwatch_exposition_snapshot_timestamp_seconds{$job}
""",
        when="a check that was there within the last day is gone, and its family is not empty",
        summary=f"{{{{ $value | humanize }}}} checks of Controlwatch at {HOST} are gone: "
        + names(f"topk(10, {MISSED})", INSTANCE, "check")
        + ".",
        meaning="What is not configured cannot fail. It ends by itself a day after the check was last seen.",
        action="Find the change of the configuration; put the check back, or tell the owner of its controls.",
        command=CONFIG,
    ),
)
