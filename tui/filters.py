"""What a person types to narrow the list of findings, as conditions of a query; pure.

Words, ``!word``, ``~regex`` and ``!~regex`` are the engine's own (they hold of label, subject, reason or check); a
``field:value`` is translated here, and after ``check:=`` and ``reason:=`` stands the whole of it, in quotation marks
where it has blanks. A field or value that is not known is told, never silently ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import msgspec

from checks.model.judgement import Outcome
from engine.port import CheckView, Query

STATUSES = {
    "fail": Outcome.FAIL,
    "blind": Outcome.UNKNOWN,
    "unknown": Outcome.UNKNOWN,
    "warn": Outcome.WARN,
}
SHOWN_STATUSES = ("fail", "blind", "warn")
SEVERITIES = ("critical", "high", "medium", "low")
NEVER = datetime.max.replace(tzinfo=UTC)
FIELDS = ("status", "check", "source", "reason", "owner", "severity", "waived", "due")
_TOKEN = re.compile(r'(?P<name>!?\w+):(?P<exact>=?)"(?P<quoted>(?:\\"|[^"])*)"?|(?P<word>\S+)')
_QUOTE = '\\"'
"""A quotation mark within a quoted value."""
_SPAN = re.compile(r"(\d{1,4})([dhm])")
_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What narrows a list."""

    text: str = ""
    """Words and regular expressions, for the engine."""
    reason: str = ""
    reason_is: str = ""
    """The whole reason, letter by letter."""
    outcomes: Sequence[Outcome] = ()
    """Any of these; empty: all."""
    checks: Sequence[str] | None = None
    """Any of these configured checks; None: all. Empty: no check is meant, so no finding is."""
    source: str | None = None
    waived: bool | None = None
    due_by: datetime | None = None
    faults: Sequence[str] = ()
    """What was not understood."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What names may stand in a filter."""

    checks: Sequence[CheckView]
    now: datetime
    sources: Sequence[str] = field(default=())


def parse(typed: str, scope: Scope) -> Filter:
    """Read what was typed; a field that is not known is a word, and said to be one."""
    found = Filter()
    for match in _TOKEN.finditer(typed):
        quoted = (match["quoted"] or "").replace(_QUOTE, '"')
        word = match["word"] or f"{match['name']}:{match['exact']}{quoted}"
        bare, without = word.removeprefix("!"), word.startswith("!")
        name, colon, value = bare.partition(":")
        read = _READERS.get(name) if colon else None
        if read is None:
            found = replace(found, text=f"{found.text} {word}".strip())
        elif value:
            found = read(found, value, without, scope)
    return found


def whole(name: str, value: str) -> str:
    """Write the filter that finds a whole check or reason, and none that merely holds its words."""
    return f'{name}:="{value.replace(chr(34), _QUOTE)}"'


def applied(query: Query, found: Filter) -> Query:
    """Narrow a query by a filter, in the place of the filter of before."""
    one = found.outcomes[0] if len(found.outcomes) == 1 else None
    return msgspec.structs.replace(
        query,
        text=found.text,
        reason=found.reason,
        reason_is=found.reason_is,
        outcome=one,
        outcomes=() if one is not None else tuple(found.outcomes),
        checks=() if found.checks is None else tuple(found.checks) or ("",),  # No check has an empty name.
        source=found.source,
        waived=found.waived,
        due_by=found.due_by,
    )


def _fault(found: Filter, text: str) -> Filter:
    return replace(found, faults=(*found.faults, text))


def _status(found: Filter, value: str, without: bool, _scope: Scope) -> Filter:  # noqa: FBT001 - one signature for all fields
    words = [_meant(each, (*STATUSES, "waived")) for each in value.split(",")]
    if words == ["waived"]:
        return replace(found, waived=not without)
    named = [STATUSES[each] for each in words if each in STATUSES]
    if len(named) != len(words):
        return _fault(found, f"status is one of {', '.join(SHOWN_STATUSES)}, waived")
    every = (Outcome.FAIL, Outcome.UNKNOWN, Outcome.WARN)
    wanted = [each for each in every if (each in named) is not without]
    return replace(found, outcomes=[each for each in wanted if not found.outcomes or each in found.outcomes])


def _meant(value: str, known: Sequence[str]) -> str | None:
    """Give the known word that a value is, or is the only one to begin so; None where that is not clear."""
    begun = [each for each in known if each.startswith(value)]
    return value if value in known else begun[0] if len(begun) == 1 and value else None


def _checks(found: Filter, scope: Scope, holds: Callable[[CheckView], bool], *, without: bool) -> Filter:
    """Narrow to the checks of which something holds, or does not."""
    named = [view.name for view in scope.checks if holds(view) is not without]
    return replace(found, checks=[each for each in named if found.checks is None or each in found.checks])


def _check(found: Filter, value: str, without: bool, scope: Scope) -> Filter:  # noqa: FBT001
    wanted = value.casefold()
    if value.startswith("="):
        return _checks(found, scope, lambda view: view.name == value[1:], without=without)
    return _checks(found, scope, lambda view: wanted in view.name.casefold(), without=without)


def _owner(found: Filter, value: str, without: bool, scope: Scope) -> Filter:  # noqa: FBT001
    wanted = value.casefold()
    if wanted in {"none", "unowned", "-"}:
        return _checks(found, scope, lambda view: not view.team, without=without)
    return _checks(found, scope, lambda view: wanted in view.team.casefold(), without=without)


def _severity(found: Filter, value: str, without: bool, scope: Scope) -> Filter:  # noqa: FBT001
    wanted = _meant(value, SEVERITIES)
    if wanted is None:
        return _fault(found, f"severity is one of {', '.join(SEVERITIES)}")
    return _checks(found, scope, lambda view: view.severity == wanted, without=without)


def _source(found: Filter, value: str, without: bool, _scope: Scope) -> Filter:  # noqa: FBT001
    if without:  # A subject begins with its source's name.
        return replace(found, text=f"{found.text} !~^{re.escape(value)}/".strip())
    return replace(found, source=value)


def _reason(found: Filter, value: str, without: bool, _scope: Scope) -> Filter:  # noqa: FBT001
    if value.startswith("="):
        if without or found.reason_is not in {"", value[1:]}:
            return _fault(found, "reason:= names the one whole reason that is wanted")
        return replace(found, reason_is=value[1:])
    words = " ".join(f"!{each}" if without else each for each in value.split())
    return replace(found, reason=f"{found.reason} {words}".strip())


def _waived(found: Filter, value: str, without: bool, _scope: Scope) -> Filter:  # noqa: FBT001
    if value not in {"yes", "no"}:
        return _fault(found, "waived is yes or no")
    return replace(found, waived=(value == "yes") is not without)


def _due(found: Filter, value: str, without: bool, scope: Scope) -> Filter:  # noqa: FBT001
    span = _SPAN.fullmatch(value)
    if without or not (span or value in {"yes", "past"}):
        return _fault(found, "due is yes, past, or within a time such as 7d")
    if span is None:
        return replace(found, due_by=NEVER if value == "yes" else scope.now)
    return replace(found, due_by=scope.now + timedelta(**{_UNITS[span[2]]: int(span[1])}))


_READERS: dict[str, Callable[[Filter, str, bool, Scope], Filter]] = {
    "status": _status,
    "check": _check,
    "source": _source,
    "reason": _reason,
    "owner": _owner,
    "severity": _severity,
    "waived": _waived,
    "due": _due,
}


def suggestions(typed: str, scope: Scope) -> list[str]:
    """Give what the word that is being typed may become: names of fields, or values of the field before the colon."""
    last = "" if not typed or typed.endswith(" ") else typed.rsplit(maxsplit=1)[-1]
    mark, bare = ("!", last[1:]) if last.startswith("!") else ("", last)
    name, colon, value = bare.partition(":")
    if not colon:
        return [f"{mark}{each}:" for each in FIELDS if each.startswith(bare)] if bare or not typed.strip() else []
    return [f"{mark}{name}:{each}" for each in _values(name, scope) if each.startswith(value) and each != value]


def completed(typed: str, scope: Scope) -> str | None:
    """Complete the word that is being typed by the first suggestion; None where there is none."""
    if not typed or typed.endswith(" "):
        return None
    found = suggestions(typed, scope)
    last = typed.rsplit(maxsplit=1)[-1]
    return typed[: len(typed) - len(last)] + found[0] if found else None


def _values(name: str, scope: Scope) -> list[str]:
    sources = scope.sources or {source for view in scope.checks for source in view.sources}
    known: dict[str, Sequence[str]] = {
        "status": (*SHOWN_STATUSES, "waived"),
        "severity": SEVERITIES,
        "waived": ("yes", "no"),
        "due": ("yes", "past", "7d", "30d"),
        "check": [view.name for view in scope.checks],
        "owner": sorted({view.team for view in scope.checks if view.team}),
        "source": sorted(sources),
    }
    return [each for each in known.get(name, ()) if " " not in each and each.isprintable()]
