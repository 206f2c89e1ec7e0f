"""Alerts about checks: one alert a check, and a page stands for the ticket of the same check.

Each expression gives a number by check. Writing adds the labels of the configured check, and leaves out what is paused,
pending or waived, and the demo.
"""

from __future__ import annotations

from typing import Final

from engine.alerting.alert import Alert, indented
from engine.alerting.words import CHECK, number, since

SHOW: Final = "controlwatch check {{ $labels.check }}"
NAME: Final = "{{ $labels.check }}"

PENDING: Final = '(controlwatch_check_state{$job, state="pending"} == 1)'
QUIET: Final = '(controlwatch_check_state{$job, state=~"pending|waived"} == 1)'
PAUSED: Final = "(controlwatch_check_paused{$job} == 1)"


def of_check(expr: str, *excepted: str, waived: bool = False) -> str:
    """Give an expression's numbers by check the labels of the configured check; ``waived``: tell those that only waivers hold, too."""
    silent = [PAUSED, PENDING if waived else QUIET]
    others = "".join(f"\n  unless on (job, instance, check) {item}" for item in (*silent, *map(bracketed, excepted)))
    return f"""
label_replace(controlwatch_check_info{{$job}}, "check_severity", "$$1", "severity", "(.*)")
* on (job, instance, check) group_left () (
  max by (job, instance, check) (
{indented(expr, 2)}
  ){others}
)
"""


def bracketed(expr: str) -> str:
    """Put an expression into brackets inside that of a check."""
    return f"(\n{indented(expr, 2)}\n  )"


BREAK_GLASS: Final = """
(controlwatch_check_alarms{$job, alarm="break_glass_used"} > 0)
and on (job, instance, check) (
  time() - controlwatch_check_alarm_timestamp_seconds{$job, alarm="break_glass_used"} < $break_glass_seconds
)
"""
MFA_LOST: Final = 'controlwatch_check_alarms{$job, alarm="mfa_lost"} > 0'
BACKUP: Final = """
(
  (controlwatch_check_alarms{$job, alarm="backup_overdue"} > 0)
  or count by (job, instance, check) (controlwatch_backup_deadline_timestamp_seconds{$job} < time())
)
and on (job, instance, check) controlwatch_check_info{$job, severity="critical"}
"""
EXPIRED: Final = """
max by (job, instance, check) (
  controlwatch_check_source_info{$job}
  * on (job, instance, source) group_left () max by (job, instance, source) (
    controlwatch_tls_not_after_timestamp_seconds{$job} < time()
  )
)
"""
"""When the last of the certificates of a check expired that have."""
TLS: Final = f"""
(
  (controlwatch_check_alarms{{$job, alarm="tls_broken"}} > 0)
  or (controlwatch_check_urgent{{$job}} > 0)
  or (
    {indented(EXPIRED, 2).strip()}
    unless on (job, instance, check) (
      {indented(EXPIRED, 3).strip()}
      <= on (job, instance, check) controlwatch_check_as_of_timestamp_seconds{{$job}}
    )
  ) * 0 + 1
)
and on (job, instance, check) controlwatch_check_info{{$job, check_id="tls_expiry", severity=~"critical|high"}}
"""
"""An expiry before the latest judgement's oldest observation was judged, so the alarm tells it, unless it is waived."""
PAGES: Final = (BREAK_GLASS, MFA_LOST, BACKUP, TLS)

COUNTS: Final = number("controlwatch_check_failed{@}", CHECK, ": #") + number(
    "controlwatch_check_population{@}", CHECK, " of # fail"
)

CHECKS: Final = (
    Alert(
        name="ControlwatchBreakGlassUsed",
        severity="page",
        group="checks",
        expr=of_check(BREAK_GLASS, waived=True),
        when="a break-glass account was used within the last 24 hours",
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
        expr=of_check(MFA_LOST, waived=True),
        when="an administrator who had MFA has it no more",
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
        expr=of_check('controlwatch_check_state{$job, state="warn"} == 1', *PAGES),
        when="a check passes with something expiring or due, and none of the four pages stands for it",
        summary=f"{NAME} will fail unless somebody acts"
        + number("controlwatch_check_warned{@}", CHECK, ": # subjects are due")
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
        expr=of_check(
            "controlwatch_check_waiver_end_timestamp_seconds{$job} - time() < $waiver_lead_seconds", waived=True
        ),
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
