"""Requesting a waiver: a form that tells while it is typed what it would cover, and one command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from textual.timer import Timer

from checks.model.doubt import STRUCTURAL, Cause
from engine.port import Port, RequestWaiver, WaiverView
from engine.port.subjects import is_wild
from tui.actor import actor
from tui.format import clean, number
from tui.lines import Line, Span, line
from tui.model import Item, Model
from tui.screens.form import Fault, Field, Form, Values, at_least, whole
from tui.screens.matching import named_by
from tui.screens.page import Page
from tui.waivers import (
    LONGEST_DAYS,
    LONGEST_STRUCTURAL_DAYS,
    REASON_CHARACTERS,
    day_of,
    subjects_fault,
    subjects_of,
    would_cover,
)
from tui.work import start

DEBOUNCE_SECONDS = 0.3
EDITED = 3
"""Subjects that are typed in one line at most; more are taken as they were marked."""
CAUSES = tuple(cause.value for cause in Cause if cause in STRUCTURAL)


def request_waiver(
    on: Page,
    check: str,
    subjects: Sequence[str] = (),
    *,
    source: str = "",
    cause: Cause | None = None,
    like: WaiverView | None = None,
) -> None:
    """Ask for what a request needs, and send it: for subjects of a check, or what a source structurally cannot tell.

    Subjects are patterns: what is taken from a row is made ``literal``. Empty names are asked for; ``like`` another
    waiver, it goes on with that. Read-only, it says so and does nothing else.
    """
    if on.home.read_only:
        on.say("read-only: waivers are requested where the engine runs")
        return
    request = _Request(on.home.port, on.model, tuple(subjects), structural=bool(source), like=like)
    form = Form(request.title, request.fields(check, source, cause), about=request.about, changed=request.changed)
    on.request(form, lambda values, answered: on.send(request.command(values), answered=answered))


def waive_blind(on: Page, items: Sequence[Item], source: str) -> None:
    """Request a waiver of what a source cannot tell the first of some checks; what passes with time is not waived."""
    for item in items:
        doubts = [(doubt.gap.source, doubt.gap.cause) for doubt in item.view.gaps]
        if item.view.blind_by is not None:
            doubts.insert(0, (item.view.blind_by.source, item.view.blind_by.cause))
        for named, cause in doubts:
            if cause in STRUCTURAL and source in {"", named} and named:
                request_waiver(on, item.view.name, source=named, cause=cause)
                return
    key = on.home.keymap.named("waiver.request")
    on.say(f"nothing here is structurally unknown (denied, not licensed, …); {key} on a finding waives that", "warn")


class _Request:
    """A request while it is typed; counts in the background what it would cover now."""

    def __init__(
        self, port: Port, model: Model, subjects: tuple[str, ...], *, structural: bool, like: WaiverView | None = None
    ) -> None:
        self._port = port
        self._model = model
        self._structural = structural
        self._like = like
        self._marked = () if len(subjects) <= EDITED and _can_be_typed(subjects) else subjects
        """Subjects that are taken as they were marked."""
        self._typed = () if self._marked else subjects
        self._told: Line = ()
        self._asked: tuple[str, tuple[str, ...]] | None = None
        self._timer: Timer | None = None

    @property
    def title(self) -> str:
        """Name the form."""
        if self._like is not None:
            return f"Extend {clean(self._like.id, 40)}: a request of its own, to be approved anew"
        return "Request a waiver of what is not told" if self._structural else "Request a waiver"

    def fields(self, check: str, source: str, cause: Cause | None) -> list[Field]:
        """Give the fields, filled with what is known."""
        longest = LONGEST_STRUCTURAL_DAYS if self._structural else LONGEST_DAYS
        like = self._like
        return [
            Field(name="check", label="Check", value=check, hint=self._checks(), fault=self._check_fault),
            *self._scope(source, cause),
            Field(
                name="reason",
                label="Reason",
                value=like.reason if like is not None else "",
                hint=f"why the deviation is accepted, in {REASON_CHARACTERS} characters or more",
                fault=at_least(REASON_CHARACTERS, f"say why in {REASON_CHARACTERS} characters or more"),
            ),
            Field(
                name="control",
                label="Instead",
                value=like.compensating_control if like is not None else "",
                hint="the compensating control: what is done instead",
            ),
            Field(
                name="ticket",
                label="Ticket",
                value=like.ticket if like is not None else "",
                hint="where it is discussed",
            ),
            Field(
                name="days",
                label="Days, or until",
                value="90",
                hint=f"days, or a last day such as 2027-02-19; it ends by itself, after {longest} days at most",
                fault=_ends(longest, self._model.now),
            ),
            Field(
                name="vendor",
                label="Vendor",
                choices=("yes", "no") if like is not None and like.vendor else ("no", "yes"),
                hint=f"yes: it waits for a vendor, which allows {LONGEST_STRUCTURAL_DAYS} days",
            ),
            Field(
                name="emergency",
                label="Emergency",
                choices=("no", "yes"),
                hint="yes: one person decides, it holds at once, for at most 24 hours, and is flagged",
            ),
        ]

    def _scope(self, source: str, cause: Cause | None) -> list[Field]:
        if self._structural:
            return [
                Field(name="source", label="Source", value=source, fault=self._source_fault),
                Field(
                    name="cause",
                    label="Cause",
                    value=cause.value if cause is not None else "",
                    hint=", ".join(CAUSES),
                    fault=lambda value, _values: "" if value in CAUSES else f"one of {', '.join(CAUSES)}",
                ),
            ]
        if self._marked:
            return []
        return [
            Field(
                name="subjects",
                label="Subjects",
                value=", ".join(self._typed),
                hint="ids, labels or globs (kiosk-*), by comma",
                fault=lambda value, _values: subjects_fault(subjects_of(value)),
            ),
        ]

    def _checks(self) -> str:
        return ", ".join(clean(item.view.name, 40) for item in self._model.items)

    def _check_fault(self, value: str, _values: Values) -> str:
        return "" if self._model.check(value) is not None else f"one of {self._checks()}"

    def _source_fault(self, value: str, _values: Values) -> str:
        names = [source.name for source in self._model.sources]
        return "" if value in names else f"one of {', '.join(clean(name, 40) for name in names)}"

    def command(self, values: Values) -> RequestWaiver:
        """Make the request of what was typed."""
        emergency = values["emergency"] == "yes"
        until = None if emergency else day_of(values["days"])
        return RequestWaiver(
            check=values["check"],
            subjects=self._subjects(values),
            source=values.get("source", ""),
            cause=values.get("cause", ""),
            reason=values["reason"],
            compensating_control=values["control"],
            ticket=values["ticket"],
            days=1 if emergency or until is not None else int(values["days"]),
            until=until,
            vendor=values["vendor"] == "yes",
            extends=self._like.id if self._like is not None else "",
            emergency=emergency,
            by=actor(),
        )

    def _subjects(self, values: Values) -> tuple[str, ...]:
        return self._marked or subjects_of(values.get("subjects", ""))

    def about(self, values: Values, _width: int) -> list[Line]:
        """Say who asks, when it holds, and what it would cover now."""
        by = clean(actor())
        if values["emergency"] == "yes":
            first = Span(f" EMERGENCY by {by}: it holds at once, for at most 24 hours, and is flagged", "warn")
        else:
            first = Span(f" By {by}; it waives nothing until another person approves it", "dim")
        return [line(first), self._told]

    def changed(self, form: Form) -> None:
        """Count what the present subjects would cover, a moment after the last key."""
        values = form.values
        asked = (values["check"], self._subjects(values))
        if asked == self._asked:
            return
        self._asked = asked
        if self._structural:
            self._told = line(Span(" Unknowns of that source are then waived, never passed", "text"))
            return
        if self._marked:
            names = ", ".join(clean(each, 40) for each in self._marked[:3])
            self._told = line(Span(f" {number(len(self._marked))} subjects: {names} …", "text"))
            return
        self._told = line(Span(" …", "dim"))
        if self._timer is not None:
            self._timer.stop()
        self._timer = form.set_timer(DEBOUNCE_SECONDS, lambda: self._start(form, *asked))

    def _start(self, form: Form, check: str, subjects: tuple[str, ...]) -> None:
        start(form, partial(self._count, form, check, subjects), group="count", exclusive=True)

    async def _count(self, form: Form, check: str, subjects: tuple[str, ...]) -> None:
        """Look up the open findings that the subjects cover."""
        if self._model.check(check) is None or subjects_fault(subjects):
            self._told = line(Span(" name a check and its subjects, to see what it would cover", "dim"))
        else:
            try:
                self._told = await self._covered(check, subjects)
            except (OSError, TimeoutError) as error:
                self._told = line(Span(f" not counted: {clean(str(error))}", "warn"))
        form.redraw_about()

    async def _covered(self, check: str, subjects: tuple[str, ...]) -> Line:
        found = await named_by(self._port, check, subjects)
        wild = any(is_wild(each) for each in subjects)
        return would_cover(found.rows, found.total, whole=found.whole, wild=wild)


def _can_be_typed(subjects: Sequence[str]) -> bool:
    """Tell whether subjects come out of a line of text as they went into it."""
    return subjects_of(", ".join(subjects)) == tuple(subjects) and all(each.isprintable() for each in subjects)


def _ends(longest: int, now: datetime) -> Fault:
    """Bound the days, or the last day, of what is no emergency."""

    def fault(value: str, values: Values) -> str:
        most = LONGEST_STRUCTURAL_DAYS if values.get("vendor") == "yes" else longest
        until = day_of(value)
        if values["emergency"] == "yes":
            return ""
        if until is None:
            return whole(1, most, "days")(value, values) and f"days from 1 to {most}, or a last day such as 2027-02-19"
        return (
            ""
            if 0 <= (until - now.astimezone(UTC).date()).days <= most
            else f"from today on, {most} days ahead at most"
        )

    return fault
