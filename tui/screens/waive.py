"""Requesting, approving and revoking a waiver: each a form, and one command; the engine writes the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from textual.timer import Timer

from checks.model.doubt import STRUCTURAL, Cause
from engine.port import ApproveWaiver, Command, Port, Query, RequestWaiver, RevokeWaiver, Row, WaiverView
from tui.actor import actor
from tui.format import clean, number
from tui.lines import Line, Span, line
from tui.model import Item, Model
from tui.screens.form import Fault, Field, Form, Values, at_least, whole
from tui.screens.page import Page
from tui.waivers import (
    LONGEST_DAYS,
    LONGEST_STRUCTURAL_DAYS,
    REASON_CHARACTERS,
    covers,
    not_approvable,
    not_revocable,
    page,
    subjects_fault,
    subjects_of,
    words_of,
    would_cover,
)
from tui.work import start

DEBOUNCE_SECONDS = 0.3
EDITED = 3
"""Subjects that are typed in one line at most; more are taken as they were marked."""
COUNTED = 8
"""Subjects that are looked up while somebody types."""
PAGE_ROWS = 500
PAGES = 4
CAUSES = tuple(cause.value for cause in Cause if cause in STRUCTURAL)


def request_waiver(
    on: Page, check: str, subjects: Sequence[str] = (), *, source: str = "", cause: Cause | None = None
) -> None:
    """Ask for what a request needs, and send it: for subjects of a check, or what a source structurally cannot tell.

    Empty names are asked for. Read-only, it says so and does nothing else.
    """
    if on.home.read_only:
        on.say("read-only: waivers are requested where the engine runs")
        return
    request = _Request(on.home.port, on.model, tuple(subjects), structural=bool(source))
    form = Form(request.title, request.fields(check, source, cause), about=request.about, changed=request.changed)
    on.fill(form, lambda values: on.send(request.command(values)))


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
    on.say("nothing here is structurally unknown (denied, not licensed, …); x on a finding waives that", "warn")


def approve_waiver(on: Page, waiver: WaiverView, send: Callable[[Command], None]) -> None:
    """Ask for the waiver's id, and approve it; say why where this user cannot."""
    by = actor()
    why = not_approvable(waiver, on.model.now, by)
    if why:
        on.say(why, "warn")
        return
    typed = Field(
        name="id",
        label=f"Type {clean(waiver.id, 40)}",
        hint=f"approved as {clean(by)}, which is claimed: a reviewed commit of the file proves it",
        fault=lambda value, _values: "" if value == waiver.id else f"type {clean(waiver.id, 40)} to approve it",
    )
    _confirmed(on, f"Approve {waiver.id}", waiver, typed, lambda _values: send(ApproveWaiver(id=waiver.id, by=by)))


def revoke_waiver(on: Page, waiver: WaiverView, send: Callable[[Command], None]) -> None:
    """Ask for a reason, and end a waiver or take a request back; say why where there is nothing to end."""
    why = not_revocable(waiver, on.model.now)
    if why:
        on.say(why, "warn")
        return
    typed = Field(
        name="reason",
        label="Reason",
        hint="why it ends; the entry stays in the file with its end",
        fault=at_least(REASON_CHARACTERS, f"say why in {REASON_CHARACTERS} characters or more"),
    )
    _confirmed(
        on,
        f"Revoke {waiver.id}",
        waiver,
        typed,
        lambda values: send(RevokeWaiver(id=waiver.id, reason=values["reason"], by=actor())),
    )


def _confirmed(on: Page, title: str, waiver: WaiverView, field: Field, then: Callable[[Values], None]) -> None:
    def about(_values: Values, width: int) -> list[Line]:
        return page(waiver, on.model, width, by=actor())[:-1]

    on.fill(Form(title, [field], about=about), then)


class _Request:
    """A request while it is typed; counts in the background what it would cover now."""

    def __init__(self, port: Port, model: Model, subjects: tuple[str, ...], *, structural: bool) -> None:
        self._port = port
        self._model = model
        self._structural = structural
        self._marked = subjects if len(subjects) > EDITED or any("," in each for each in subjects) else ()
        """Subjects that are taken as they were marked."""
        self._typed = () if self._marked else subjects
        self._told: Line = ()
        self._asked: tuple[str, tuple[str, ...]] | None = None
        self._timer: Timer | None = None

    @property
    def title(self) -> str:
        """Name the form."""
        return "Request a waiver of what is not told" if self._structural else "Request a waiver"

    def fields(self, check: str, source: str, cause: Cause | None) -> list[Field]:
        """Give the fields, filled with what is known."""
        longest = LONGEST_STRUCTURAL_DAYS if self._structural else LONGEST_DAYS
        return [
            Field(name="check", label="Check", value=check, hint=self._checks(), fault=self._check_fault),
            *self._scope(source, cause),
            Field(
                name="reason",
                label="Reason",
                hint=f"why the deviation is accepted, in {REASON_CHARACTERS} characters or more",
                fault=at_least(REASON_CHARACTERS, f"say why in {REASON_CHARACTERS} characters or more"),
            ),
            Field(name="control", label="Instead", hint="the compensating control: what is done instead"),
            Field(name="ticket", label="Ticket", hint="where it is discussed"),
            Field(
                name="days",
                label="Days",
                value="90",
                hint=f"it ends by itself; {longest} at most",
                fault=_days(longest),
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
        return RequestWaiver(
            check=values["check"],
            subjects=self._subjects(values),
            source=values.get("source", ""),
            cause=values.get("cause", ""),
            reason=values["reason"],
            compensating_control=values["control"],
            ticket=values["ticket"],
            days=1 if emergency else int(values["days"]),
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
        found: dict[int, Row] = {}
        total = 0
        complete = len(subjects) <= COUNTED
        for subject in subjects[:COUNTED]:
            query = Query(check=check, text=words_of(subject), sort="label", limit=PAGE_ROWS)
            for page_number in range(PAGES):
                rows = await self._port.rows(_at(query, page_number))
                total = rows.total
                found |= {row.id: row for row in rows.rows if covers(subject, row)}
                if (page_number + 1) * PAGE_ROWS >= rows.matching:
                    break
            else:
                complete = False
        wild = any("*" in each or "?" in each for each in subjects)
        return would_cover(list(found.values()), total, whole=complete, wild=wild)


def _at(query: Query, page_number: int) -> Query:
    return Query(
        check=query.check, text=query.text, sort=query.sort, limit=query.limit, offset=page_number * query.limit
    )


def _days(longest: int) -> Fault:
    """Bound the days of what is no emergency."""
    bounded = whole(1, longest, "days")
    return lambda value, values: "" if values["emergency"] == "yes" else bounded(value, values)
