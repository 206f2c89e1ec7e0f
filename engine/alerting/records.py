"""Recording rules: what is held, what stands still, and whether the monitor is alive. The demo is recorded too."""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Record

STALLED: Final = Record(
    name="instance:controlwatch_stalled:bool",
    labels=("job", "instance"),
    meaning="1 while the engine, its scheduler or its renderer stands still, or its clock is ahead; else 0.",
    expr="""
max by (job, instance) (
  (time() - controlwatch_exposition_snapshot_timestamp_seconds{$job} > bool $stall_seconds)
  + (time() - controlwatch_exposition_render_timestamp_seconds{$job} > bool $stall_seconds)
  + (
    time() - (
      controlwatch_scheduler_last_tick_timestamp_seconds{$job}
      or controlwatch_engine_started_timestamp_seconds{$job}
    ) > bool $stall_seconds
  )
  + (controlwatch_exposition_snapshot_timestamp_seconds{$job} - time() > bool $skew_seconds)
  + (controlwatch_exposition_render_timestamp_seconds{$job} - time() > bool $skew_seconds)
  > bool 0
)
""",
)
HELD: Final = Record(
    name="check:controlwatch_held:bool",
    labels=("job", "instance", "check", "family"),
    meaning="1 while a configured check passes or warns, its proof has not ended and the engine is not stalled; "
    "else 0. The only thing that may be shown green.",
    expr="""
max by (job, instance, check, family) (
  (controlwatch_check_state{$job, state=~"pass|warn"} == 1)
  and on (job, instance, check) (controlwatch_check_valid_until_timestamp_seconds{$job} > time())
  and on (job, instance) (instance:controlwatch_stalled:bool{$job} == 0)
)
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
    meaning="1 while the exposition is there, nothing stands still, and the self-test passed within its greatest age.",
    expr="""
max by (job, instance) (
  (instance:controlwatch_stalled:bool{$job} == bool 0)
  * on (job, instance) (controlwatch_selftest_ok{$job} == bool 1)
  * on (job, instance) (
    time() - controlwatch_selftest_last_success_timestamp_seconds{$job}
    <= bool controlwatch_selftest_max_age_seconds{$job}
  )
)
or
instance:controlwatch_stalled:bool{$job} * 0
""",
)

RECORDS: Final = (STALLED, HELD, FAMILY, CONTROL, ALIVE)
"""In the order in which they are evaluated: each may use those before it."""
