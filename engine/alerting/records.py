"""Recording rules: what is held, what stands still, and whether the monitor is alive. The demo is recorded too."""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Record, indented

TICK: Final = (
    "(controlwatch_scheduler_last_tick_timestamp_seconds{$job} or controlwatch_engine_started_timestamp_seconds{$job})"
)
"""When the scheduler last ticked; of one that never did, when the engine started."""

STALLED: Final = Record(
    name="instance:controlwatch_stalled:bool",
    labels=("job", "instance"),
    meaning="1 while the engine, its scheduler or its renderer stands still, or one of their clocks is ahead; else 0.",
    expr=f"""
max by (job, instance) (
  (
    (time() - controlwatch_exposition_snapshot_timestamp_seconds{{$job}} > bool $stall_seconds)
    + (time() - controlwatch_exposition_render_timestamp_seconds{{$job}} > bool $stall_seconds)
    + (time() - {TICK} > bool $stall_seconds)
    + (controlwatch_exposition_snapshot_timestamp_seconds{{$job}} - time() > bool $skew_seconds)
    + (controlwatch_exposition_render_timestamp_seconds{{$job}} - time() > bool $skew_seconds)
    + ({TICK} - time() > bool $skew_seconds)
    > bool 0
  )
  or controlwatch_exposition_snapshot_timestamp_seconds{{$job}} * 0 + 1
)
""",
)
HELD: Final = Record(
    name="check:controlwatch_held:bool",
    labels=("job", "instance", "check", "family"),
    meaning="1 while a configured check passes or warns, its proof has not ended and the engine is not stalled; "
    "else 0. The only thing that may be shown green.",
    expr="""
min by (job, instance, check, family) (
  (
    (max without (state) (controlwatch_check_state{$job, state=~"pass|warn"}) == bool 1)
    * (controlwatch_check_valid_until_timestamp_seconds{$job} > bool time())
  )
  or max without (state) (controlwatch_check_state{$job}) * 0
  or max without (check_id, severity, team) (controlwatch_check_info{$job}) * 0
)
* on (job, instance) group_left () (instance:controlwatch_stalled:bool{$job} == bool 0)
or
max by (job, instance, check, family) (controlwatch_check_info{$job} * 0)
""",
)
FAMILY: Final = Record(
    name="family:controlwatch_held:ratio",
    labels=("job", "instance", "family"),
    meaning="The share of a family's configured checks that is held.",
    expr="avg by (job, instance, family) (check:controlwatch_held:bool{$job})",
)
CONTROL: Final = Record(
    name="control:controlwatch_held:min",
    labels=("job", "instance", "control", "framework", "criterion"),
    meaning="Whether every check that tests a control is held: a control is as good as its worst check.",
    expr="""
min by (job, instance, control, framework, criterion) (
  controlwatch_check_control_info{$job}
  * on (job, instance, check) group_left () check:controlwatch_held:bool{$job}
)
""",
)
ALIVE: Final = Record(
    name="instance:controlwatch_alive:bool",
    labels=("job", "instance"),
    meaning="1 while the exposition is there with at least one check, nothing stands still, and the self-test passed "
    "within its greatest age; else 0.",
    expr="""
(instance:controlwatch_stalled:bool{$job} == bool 0)
* on (job, instance) min by (job, instance) (controlwatch_selftest_ok{$job} == bool 1)
* on (job, instance) min by (job, instance) (
  time() - controlwatch_selftest_last_success_timestamp_seconds{$job}
  <= bool controlwatch_selftest_max_age_seconds{$job}
)
* on (job, instance) min by (job, instance) (
  controlwatch_selftest_last_success_timestamp_seconds{$job} - time() <= bool $skew_seconds
)
* on (job, instance) (
  min by (job, instance) (sum without (family) (controlwatch_checks_configured{$job})) > bool 0
)
or
instance:controlwatch_stalled:bool{$job} * 0
""",
)

RAISES: Final = "job, instance, check, alarm"
LATEST: Final = f"""
count_values by ({RAISES}) ("raised", floor(
  controlwatch_check_alarm_timestamp_seconds{{$job, alarm=~"$raised"}}
  or (controlwatch_check_alarms{{$job, alarm=~"$raised"}} > 0) * 0
))
"""
"""The latest raise of each alarm; one that tells no time was raised at 0, so that it is told all the same."""
SEEN: Final = Record(
    name="alarm:controlwatch_seen:timestamp",
    labels=("job", "instance", "check", "alarm", "raised"),
    meaning="When Prometheus first saw that an alarm was raised, one series a raise; `raised` is the Unix time of the "
    "raise. It lasts until no finding of the check has that alarm any more.",
    expr=f"""
(
  last_over_time(alarm:controlwatch_seen:timestamp{{$job}}[$remembered])
  and on ({RAISES}, raised) (
{indented(LATEST, 2)}
  )
)
or
(
{indented(LATEST)}
) * 0 + time()
or
(
  alarm:controlwatch_seen:timestamp{{$job}}
  and on (job, instance, check) last_over_time(controlwatch_check_info{{$job}}[$remembered])
  unless on ({RAISES}) (max by ({RAISES}) (controlwatch_check_alarms{{$job}}) == 0)
)
""",
)
"""An exposition tells the latest raise alone; earlier ones are remembered, or a second victim would end the first's."""

RECORDS: Final = (STALLED, HELD, FAMILY, CONTROL, ALIVE, SEEN)
"""In the order in which they are evaluated: each may use those before it."""
