"""The sources: who tells, how old it is, what went wrong, and when each is asked again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import ClassVar, Self

from textual.binding import BindingType
from textual.widget import Widget

from engine.port import Event, EventQuery, SourceView
from tui.format import age, age2, clean, fit, full, moment, number, seconds, wrap
from tui.keys import SOURCES, Key, bindings
from tui.lines import Line, Span, line
from tui.model import Model, is_fresh
from tui.place import Place
from tui.screens.deeds import accept_source
from tui.screens.page import Page
from tui.screens.waive import waive_blind
from tui.status import GLYPHS, ROLES, SOON, source_plan, source_state
from tui.timeline import EVENTS_ASKED, timeline
from tui.widgets.board import Board, Content
from tui.work import start

EXPIRES_DAYS = 14
"""A credential that ends within so many days is told as a warning."""
WIDE = 120
"""From this width on the table has more columns, and the detail is beside it."""
_ORDER = {"NO DATA": 0, "STALE": 1, "DOWN": 2, "PARTIAL": 3, "FIRST RUN": 4, "OK": 5}


def table(model: Model, width: int) -> Content:
    """List the sources, the worst first."""
    now = model.now
    ordered = sorted(model.sources, key=lambda each: (_ORDER[source_state(each, now)[1]], each.name))
    wide = width >= 96
    fresh = sum(is_fresh(source, now) for source in ordered)
    if model.snapshot is None:
        empty = "  … waiting for the engine's first snapshot"
    else:
        empty = "  No sources configured: edit the configuration, see ?"
    return Content(
        title=line(Span("Sources", "strong")),
        note=line(Span(f"{fresh} of {len(ordered)} fresh", "dim")),
        head=[_headings(width - 1, wide=wide)],
        rows=[(source.name, _row(source, now, width - 1, wide=wide)) for source in ordered],
        empty=[line(Span(empty, "dim"))],
    )


def _name_width(width: int) -> int:
    return max(10, min(24, width - 62))


def _headings(width: int, *, wide: bool) -> Line:
    text = (
        f"{'State':<12}{fit('Source', _name_width(width))} {fit('Data age', 8, right=True)} {fit('Max', 4, right=True)}"
    )
    text += f" {fit('Records', 8, right=True)} {fit('Next', 8, right=True)}"
    text += f" {fit('Took', 6, right=True)} {fit('Held', 9, right=True)}" if wide else ""
    return line(Span(f" {text}  Last error", "dim"))


def _row(source: SourceView, now: datetime, width: int, *, wide: bool) -> Line:
    glyph, word, role = source_state(source, now)
    aged = "–" if source.as_of is None else age2(now - source.as_of)
    cells = [
        Span(fit(f"{glyph} {word}", 12), role if word == "OK" else f"bold.{role}"),
        Span(fit(clean(source.name), _name_width(width)), "text" if word == "OK" else "strong"),
        Span(" " + fit(aged, 8, right=True), "text" if is_fresh(source, now) else "stale"),
        Span(" " + fit(age(source.max_age), 4, right=True), "dim"),
        Span(" " + fit(number(source.records) if source.as_of else "–", 8, right=True), "text"),
        Span(" " + fit(_next(source, now), 8, right=True), "dim"),
    ]
    if wide:
        held = f"{number(source.runs - source.failures)}/{number(source.runs)}"
        cells.append(Span(" " + fit(seconds(source.duration_seconds), 6, right=True), "dim"))
        cells.append(Span(" " + fit(held, 9, right=True), "dim" if source.failures == 0 else "text"))
    cells.append(Span("  " + _error(source), "dim" if source.last_error is None else "text"))
    return tuple(cells)


def _next(source: SourceView, now: datetime) -> str:
    if source.running:
        return "running"
    if source.next_run is None:
        return "–"
    return "now" if source.next_run <= now else age(source.next_run - now)


def _error(source: SourceView) -> str:
    if source.last_error is not None:
        return clean(source.last_error)
    if source.running and source.requests_planned is not None:
        return source_plan(source)
    return ""


def detail(model: Model, name: str | None, width: int, events: Sequence[Event] | None = None) -> Content:
    """Tell everything about one source; ``events`` are its own, newest first, None while they are not known."""
    source = model.source(name) if name is not None else None
    if source is None:
        return Content(title=line(Span("Source", "strong")), empty=[line(Span("  nothing selected", "dim"))])
    glyph, word, role = source_state(source, model.now)
    lines = _facts(source, model, width, events)
    return Content(
        title=line(Span(f"{glyph} ", f"bold.{role}"), Span(clean(source.name), "strong"), Span(f" {word}", role)),
        note=line(Span(clean(source.kind), "dim")),
        rows=[(str(index), each) for index, each in enumerate(lines)],
    )


def _facts(source: SourceView, model: Model, width: int, events: Sequence[Event] | None) -> list[Line]:
    now = model.now
    lines: list[Line] = []
    if source.last_error is not None:
        cause = source.cause.value.replace("_", " ") if source.cause else "not complete"
        begun = "" if source.failing_since is None else f" since {full(source.failing_since, now)}"
        lines += field("cause", f"{cause}{begun}", width, "bold.fail")
        lines += field("error", clean(source.last_error), width)
    aged = "never complete" if source.as_of is None else f"{full(source.as_of, now)}, {age2(now - source.as_of)} old"
    lines += field("data", f"{aged}, may be {age2(source.max_age)} old", width)
    if events is not None and model.snapshot is not None:
        cells = 96 if width >= 120 else 48 if width >= 66 else 24
        strip = timeline(events, source, model.snapshot.started_at, now, cells)
        lines.append((Span(f" {'24h':<8}", "dim"), *strip, Span(" now", "dim")))
    lines += field("runs", _runs(source, now), width)
    if source_plan(source):
        lines += field("plan", source_plan(source), width)
    lines += _budget(source, now, width)
    for gap in source.gaps:
        fields = f" {', '.join(gap.fields)}" if gap.fields else ""
        text = f"{gap.cause.value.replace('_', ' ')} ({gap.kind}){fields}: {clean(gap.detail)}"
        lines += field("gap", text, width, "blind")
    lines += _affected(source, model, width)
    if source.digest is not None:
        lines += field("digest", source.digest, width, "dim")
    return lines


def _runs(source: SourceView, now: datetime) -> str:
    held = f"{number(source.runs - source.failures)} of {number(source.runs)} complete since the engine started"
    upcoming = "running now" if source.running else f"next {moment(source.next_run, now)}"
    return f"every {age2(source.every)}, {upcoming}, last took {seconds(source.duration_seconds)}; {held}"


def _budget(source: SourceView, now: datetime, width: int) -> list[Line]:
    """Tell of requests, rate limits and the credential, as far as they are known."""
    lines: list[Line] = []
    if source.requests:
        failed = sum(source.request_failures.values())
        causes = ", ".join(f"{number(count)} {cause}" for cause, count in source.request_failures.items())
        told = f"; {number(failed)} failed: {clean(causes)}" if failed else ""
        lines += field("asked", f"{number(source.requests)} requests since the engine started{told}", width)
    if source.throttled:
        held = f", held back for {seconds(source.throttle_seconds)}" if source.throttle_seconds else ""
        lines += field("waits", f"told to wait {number(source.throttled)} times{held}", width, "warn")
    if source.quota is not None:
        limit = "" if source.quota.limit is None else f" of {number(source.quota.limit)}"
        anew = "" if source.quota.reset_at is None else f", anew at {moment(source.quota.reset_at, now)}"
        lines += field("quota", f"{number(source.quota.remaining)}{limit} requests left{anew}", width)
    if source.credential_expires_at is not None:
        left = source.credential_expires_at - now
        ends = f"in {age2(left)}" if left > SOON else "NOW" if left > -SOON else f"{age2(-left)} ago"
        role = "fail" if left <= SOON else "warn" if left.days < EXPIRES_DAYS else "text"
        lines += field("secret", f"ends {full(source.credential_expires_at, now)}, {ends}", width, role)
    return lines


def _affected(source: SourceView, model: Model, width: int) -> list[Line]:
    found = [item for item in model.items if item.view.name in source.checks]
    if not found:
        return field("checks", "no check reads it", width, "dim")
    lines: list[Line] = []
    for item in found:
        label = "checks" if not lines else ""
        state = Span(f"{GLYPHS[item.state]} {item.word:<7}", ROLES[item.word])
        held = f"  as of {moment(item.view.as_of, model.now)}" if item.view.as_of is not None else ""
        name = Span(clean(item.view.name), "text", f"open_check({item.view.name!r})")
        lines.append(line(Span(f" {label:<8}", "dim"), state, name, Span(held, "dim")))
    return lines


def field(name: str, text: str, width: int, role: str = "text") -> list[Line]:
    """Write a named text, wrapped, its name in the margin."""
    return [
        line(Span(f" {name if index == 0 else '':<8}", "dim"), Span(each, role))
        for index, each in enumerate(wrap(text, max(10, width - 11)))
    ]


class SourcesScreen(Page):
    """A table of sources, and everything about the selected one."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(SOURCES)
    KEYS: ClassVar[tuple[Key, ...]] = SOURCES
    FOOTER: ClassVar[tuple[str, ...]] = (
        "move.open",
        "do.run",
        "do.run_all",
        "source.accept",
        "go.events",
        "do.copy",
        "go.back",
    )

    def __init__(self, selected: str = "") -> None:
        self._table = Board(lambda width: table(self.model, width), id="sources")
        self._table.key = selected or None
        self._events: tuple[str, Sequence[Event]] | None = None
        """The source whose events are known, and they."""
        self._seen: object = None
        self._detail = Board(self._detail_content, id="source", selects=False)
        super().__init__()

    @classmethod
    def at(cls, place: Place) -> Self:
        """Make the screen for a place, the cursor on its source."""
        page = cls(place.name)
        page.restore(place)
        return page

    def place(self) -> Place:
        """Say where the cursor is."""
        return Place("sources", "", self._table.key)

    def restore(self, place: Place) -> None:
        """Put the cursor where it was."""
        if isinstance(place.left, str):
            self._table.select(place.left)

    def _detail_content(self, width: int) -> Content:
        name = self._table.key
        known = self._events[1] if self._events is not None and self._events[0] == name else None
        return detail(self.model, name, width, known)

    def draw(self) -> None:
        """Draw; ask for the source's events again when it was asked."""
        super().draw()
        source = self.model.source(self._table.key or "")
        seen = None if source is None else (source.name, source.attempted_at, source.last_error)
        if seen != self._seen:
            self._seen = seen
            if source is not None:
                start(self, partial(self._load, source.name), group="events", exclusive=True)

    async def _load(self, name: str) -> None:
        query = EventQuery(kinds=("source",), what=name, limit=EVENTS_ASKED)
        try:
            self._events = name, (await self.home.port.events(query)).events
        except (OSError, TimeoutError):
            self._events = None
        self._detail.redraw()

    def crumbs(self) -> str:
        """Say where this is."""
        return "controlwatch ▸ Sources"

    def body(self) -> Sequence[Widget]:
        """Give the table and the detail."""
        return [self._table, self._detail]

    def on_mount(self) -> None:
        """Start in the table."""
        self._table.focus()

    def lay_out(self, _width: int, height: int) -> None:
        """Give the table what it needs and the detail the rest."""
        rows = len(self.model.sources) + 3
        self._table.styles.height = "1fr" if height < 16 else max(4, min(rows, (height - 3) // 2))
        self.set_class(height < 16, "short")

    def subject(self) -> tuple[str, str]:
        """Give the selected source's name."""
        return self._table.key or "", ""

    def run_targets(self) -> Sequence[str]:
        """Name the selected source."""
        return [self._table.key] if self._table.key else []

    def action_waive(self) -> None:
        """Request a waiver of what the selected source cannot tell."""
        name = self._table.key or ""
        waive_blind(self, [item for item in self.model.items if name in item.view.sources], name)

    def object_here(self) -> str:
        """Name the source whose events are meant."""
        return self._table.key or ""

    def action_open_check(self, name: str) -> None:
        """Show the findings of a check that reads the source."""
        self.home.open_check(name)

    def action_accept(self) -> None:
        """Accept that the selected source tells of fewer subjects."""
        accept_source(self, self._table.key or "")

    def on_board_moved(self) -> None:
        """Tell about another source."""
        self.draw()

    def on_board_opened(self) -> None:
        """Go into the detail, to scroll it."""
        self._detail.focus()
