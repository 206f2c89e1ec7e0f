"""Alerts about checks: one alert a check, and a page stands for the ticket of the same check.

Each expression gives a number by check. Writing adds the labels of the configured check, and leaves out what is paused
or pending, and the demo. What is waived is left out subject by subject, by the engine: a waiver of one subject silences
no other of the same check.
"""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Alert, indented
from engine.alerting.records import SEEN
from engine.alerting.words import CHECK, number, since

SHOW: Final = "controlwatch check {{ $labels.check }}"
NAME: Final = "{{ $labels.check }}"

PAUSED: Final = "(min by (job, instance, check) (controlwatch_check_paused{$job}) == 1)"
PENDING: Final = '(min by (job, instance, check) (controlwatch_check_state{$job, state="pending"}) == 1)'


def of_check(expr: str, *excepted: str) -> str:
    """Give an expression's numbers by check the labels of the configured check, and leave silent ones out.

    Where two targets share job and instance, a check is silent when it is so on both, and has the labels of one.
    """
    silent = (PAUSED, PENDING, *map(bracketed, excepted))
    others = "".join(f"\n  unless on (job, instance, check) {item}" for item in silent)
    return f"""
(
  max by (job, instance, check, raised) (
{indented(expr, 2)}
  ){others}
)
* on (job, instance, check) group_left (family, check_id, check_severity, team)
topk by (job, instance, check) (
  1, label_replace(controlwatch_check_info{{$job}}, "check_severity", "$$1", "severity", "(.*)")
)
"""


def bracketed(expr: str) -> str:
    """Put an expression into brackets inside that of a check."""
    return f"(\n{indented(expr, 2)}\n  )"


BREAK_GLASS: Final = f"""
(time() - {SEEN.name}{{$job, alarm="break_glass_used"}} < bool $break_glass_seconds > 0)
* on (job, instance, check) group_left () max by (job, instance, check) (
  controlwatch_check_alarms{{$job, alarm="break_glass_used"}} > 0
)
"""
MFA_LOST: Final = f"""
({SEEN.name}{{$job, alarm="mfa_lost"}} > bool 0)
* on (job, instance, check) group_left () max by (job, instance, check) (
  controlwatch_check_alarms{{$job, alarm="mfa_lost"}} > 0
)
"""
"""Each raise is an alert of its own (label ``raised``), so that a second victim is told while the first still is."""
BACKUP: Final = """
(
  (controlwatch_check_alarms{$job, alarm="backup_overdue"} > 0)
  or count by (job, instance, check) (controlwatch_backup_deadline_timestamp_seconds{$job} < time())
)
and on (job, instance, check) controlwatch_check_info{$job, severity="critical"}
"""
TLS: Final = """
(
  (controlwatch_check_alarms{$job, alarm="tls_broken"} > 0)
  or (controlwatch_check_urgent{$job} > 0)
  or count by (job, instance, check) (controlwatch_tls_deadline_timestamp_seconds{$job} < time())
)
and on (job, instance, check) controlwatch_check_alarms{$job, alarm="tls_broken"}
and on (job, instance, check) controlwatch_check_info{$job, severity=~"critical|high"}
"""
"""A check that may raise ``tls_broken`` says so by a zero: urgent work of any other is no broken TLS."""
DUE: Final = """
(controlwatch_check_state{$job, state="warn"} == 1)
or (
  (controlwatch_check_state{$job, state="waived"} == 1)
  and on (job, instance, check) (controlwatch_check_warned{$job} > 0 or controlwatch_check_undue{$job} > 0)
)
"""
"""A waiver covers its subjects, not those of the same check that are due beside them."""
PAGES: Final = (BREAK_GLASS, MFA_LOST, BACKUP, TLS)

COUNTS: Final = number("controlwatch_check_failed{@}", CHECK, ": #") + number(
    "controlwatch_check_population{@}", CHECK, " of # fail"
)

CHECKS: Final = (
    Alert(
        name="ControlwatchBreakGlassUsed",
        severity="page",
        group="checks",
        expr=of_check(BREAK_GLASS),
        when="a break-glass account was used, and Prometheus saw that first within the last 24 hours; one alert a use",
        summary=f"{NAME}: {{{{ $value | humanize }}}} break-glass accounts in use"
        + since(
            'controlwatch_check_alarm_timestamp_seconds{@,alarm="break_glass_used"}', CHECK, ", the last seen # ago"
        )
        + ".",
        meaning="An account for emergencies was used. Either there is an emergency, or somebody should not have it.",
        action="Ask whoever keeps its seal whether the use is known. If it is not, this is an incident.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchAdminLostMfa",
        severity="page",
        group="checks",
        expr=of_check(MFA_LOST),
        when="an administrator who had MFA has it no more; one alert a loss",
        summary=f"{NAME}: {{{{ $value | humanize }}}} administrators had MFA and lost it"
        + since('controlwatch_check_alarm_timestamp_seconds{@,alarm="mfa_lost"}', CHECK, ", the last # ago")
        + ".",
        meaning="A second factor was taken off an account that can change everything: a reset, or a takeover.",
        action="Look at who reset it, and lock the account until its owner has proven who they are.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchBackupOverdue",
        severity="page",
        group="checks",
        wait="settle",
        expr=of_check(BACKUP),
        when="a backup set of a critical check is past RPO and grace, also by the last good answer",
        summary=f"{NAME}: {{{{ $value | humanize }}}} critical backup sets are past RPO and grace.",
        meaning="A restore now would lose more data than the policy allows. When the source is down this is told by "
        "what it last said.",
        action="Look at the latest run of the backup job, start one, and wait until it is complete.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchTlsBroken",
        severity="page",
        group="checks",
        wait="settle",
        expr=of_check(TLS),
        when="TLS of a critical or high check is expired, invalid or urgent, also by the last good answer",
        summary=f"{NAME}: production TLS is expired, invalid or about to expire.",
        meaning="Clients refuse to connect, or soon will.",
        action="Renew the certificate or mend its chain, and make sure that the server has loaded it.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchCheckFailing",
        severity="ticket",
        group="checks",
        wait="confirm",
        expr=of_check('controlwatch_check_state{$job, state="fail"} == 1', *PAGES),
        when="a check fails, and none of the four above stands for it",
        summary=f"{NAME} fails{COUNTS}" + since("controlwatch_check_state_since_timestamp_seconds{@}", CHECK) + ".",
        meaning="The control that it tests does not hold, waived and undue failures left out.",
        action="Mend what the command lists; or waive it, with a reason, an approver and an end.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchCheckDue",
        severity="ticket",
        group="checks",
        wait="due",
        expr=of_check(DUE, *PAGES),
        when="a check passes, or is waived, with something expiring or due, and none of the four pages stands for it",
        summary=f"{NAME} will fail unless somebody acts"
        + number("controlwatch_check_warned{@} + controlwatch_check_undue{@}", CHECK, ": # subjects are due")
        + number("controlwatch_check_urgent{@} > 0", CHECK, ", # of them urgent")
        + ".",
        meaning="It still passes. Something expires soon, or failures are inside the time to remediate them.",
        action="Plan the work before the date that the command shows.",
        command=SHOW,
    ),
    Alert(
        name="ControlwatchWaiverExpiring",
        severity="ticket",
        group="checks",
        wait="persist",
        expr=of_check("controlwatch_check_waiver_end_timestamp_seconds{$job} - time() < $waiver_lead_seconds"),
        when="a waiver that names the check ends within `waiver_lead`",
        summary=f"A waiver of {NAME} ends in {{{{ $value | humanizeDuration }}}}.",
        meaning="What it accepts counts as a failure again after that.",
        action="Mend what it covers, or have it approved anew before it ends.",
        command="controlwatch waiver list",
    ),
    Alert(
        name="ControlwatchExclusionsGrew",
        severity="ticket",
        group="checks",
        wait="due",
        expr=of_check("""
(
  controlwatch_check_excluded{$job} / (controlwatch_check_read{$job} > 0)
  - controlwatch_check_excluded{$job} offset $grown / (controlwatch_check_read{$job} offset $grown > 0)
  > 0.1
)
and on (job, instance, check) (
  controlwatch_check_excluded{$job} - controlwatch_check_excluded{$job} offset $grown >= 5
)
"""),
        when="within a day the excluded share of what a check reads grew by more than 10 points and 5 subjects",
        summary=f"{NAME} leaves {{{{ $value | humanizePercentage }}}} more of its subjects out than yesterday.",
        meaning="Who is out of scope cannot fail: an exclusion that is too wide looks like a better control.",
        action="Compare the counts by reason with yesterday's, and find the change of configuration or of the source.",
        command=SHOW,
    ),
)
