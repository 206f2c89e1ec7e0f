"""What the overview's boards show: four family panels in configured order, and the worst first above them."""

from __future__ import annotations

from collections.abc import Sequence

from checks.model.state import State
from tui.format import age, clean, fit, moment, number
from tui.lines import BLANK, Line, Span, line
from tui.model import FAMILIES, Group, Item, Model, Word, attention, worst_word
from tui.status import (
    GLYPHS,
    ROLES,
    WORD_GLYPHS,
    blind_line,
    coverage,
    data_line,
    figure,
    since,
    source_plan,
    source_state,
    sources_of,
    state_cell,
    was,
    word_cell,
)
from tui.widgets.board import Content

GROUP = "source:"
"""Prefix of a key that names a blind source, not a check."""


def panel(model: Model, family: str, place: int, width: int, below: Sequence[Line] = ()) -> Content:
    """Show a family: its checks in configured order, what is put below them, and how fresh its data is."""
    items = model.family(family)
    worst = worst_word(items)
    sources = {source.name: source for item in items for source in sources_of(item, model)}
    title = line(Span(FAMILIES[family], "strong"))
    if worst is not None:
        title = (Span(f"{WORD_GLYPHS[worst]} ", f"bold.{ROLES[worst]}"), *title)
    foot = [(Span(" "), *data_line(list(sources.values()), model.now, width - 2))] if items else []
    return Content(
        title=title,
        note=line(Span(str(place), "dim")),
        rows=list(zip([item.view.name for item in items], check_lines(items, model, width - 1), strict=True)),
        empty=_nothing(model, f"no {FAMILIES[family]} check configured"),
        foot=[*below, *foot],
        more=lambda keys: more(model, keys),
    )


def more(model: Model, keys: Sequence[str]) -> Line:
    """Say how many checks do not fit, and the worst of them."""
    hidden = [item for item in model.items if item.view.name in keys]
    parts = [Span(f"… {len(keys)} more ", "dim")]
    for word in Word:
        count = sum(item.word is word for item in hidden)
        if count:
            parts.append(Span(f" {WORD_GLYPHS[word]}{count}", ROLES[word]))
    return tuple(parts)


def check_lines(items: Sequence[Item], model: Model, width: int) -> list[Line]:
    """Write checks in a row each; the narrower, the fewer columns."""
    wide, middle = width >= 66, width >= 52
    figures = [figure(item, model.now, short=not middle) for item in items]
    counts = max([9 if middle else 6, *map(len, figures)])
    name = width - 9 - (1 + counts) - (1 + 4) - (12 if middle else 0) - (12 if wide else 0)
    lines: list[Line] = []
    for item, counted in zip(items, figures, strict=True):
        cells: list[Span] = [
            *state_cell(item),
            Span(fit(clean(item.view.name), name), "dim" if item.word is Word.PASS else "text"),
            Span(" " + fit(counted, counts, right=True), _figure_role(item)),
        ]
        if wide:
            cells.append(Span(" " + fit(coverage(item), 11, right=True), "dim"))
        cells.append(Span(" " + fit(since(item, model.now), 4, right=True), "dim"))
        if middle:
            cells += [Span("  "), team(item, 10)]
        lines.append(tuple(cells))
    return lines


def team(item: Item, width: int) -> Span:
    """Write who owns a check; nobody is worth a warning."""
    return Span(fit(clean(item.view.team) or "unowned", width), "dim" if item.view.team else "warn")


def _figure_role(item: Item) -> str:
    return "dim" if item.word in {Word.PASS, Word.BLIND} else "strong"


def worst_first(model: Model, width: int) -> Content:
    """Show everything that does not pass, the worst first; blind checks by the source that does not tell."""
    entries = attention(model)
    bad = sum(model.counts[word] for word in Word if word is not Word.PASS)
    head = [_headings(width - 1)] if width >= 100 else []
    return Content(
        title=line(Span("Needs attention", "strong"), Span(" worst first", "dim")),
        note=line(Span(f"{bad} of {len(model.items)} checks", "dim")) if model.items else BLANK,
        head=head,
        rows=[(key_of(entry), attention_line(entry, model, width - 1)) for entry in entries],
        empty=_nothing(model, ""),
        more=lambda keys: _more_entries(entries, keys),
    )


def key_of(entry: Item | Group) -> str:
    """Give the key of a row: the check's name, or the blind source and its cause."""
    if isinstance(entry, Item):
        return entry.view.name
    return f"{GROUP}{entry.blind.source}:{entry.blind.cause}"


def _more_entries(entries: Sequence[Item | Group], keys: Sequence[str]) -> Line:
    words = [Word.BLIND if isinstance(entry, Group) else entry.word for entry in entries if key_of(entry) in keys]
    parts = [Span(f"… {len(keys)} more ", "dim")]
    parts += [Span(f" {WORD_GLYPHS[word]}{words.count(word)}", ROLES[word]) for word in Word if word in words]
    return tuple(parts)


def _nothing(model: Model, otherwise: str) -> list[Line]:
    """Say why there is no row: not started, not configured, or proof that all was checked."""
    if model.snapshot is None:
        return [line(Span("  … waiting for the engine's first snapshot", "dim"))]
    if not model.items:
        return [line(Span("  No checks configured: edit the configuration, see ? ", "dim"))]
    if otherwise:
        return [line(Span(f"  {otherwise}", "dim"))]
    subjects = sum(item.view.tally.population for item in model.items)
    times = [item.view.as_of for item in model.items if item.view.as_of is not None]
    at = f", data as of {moment(min(times), model.now)}" if times else ""
    text = f"nothing needs attention: {len(model.items)} checks pass, {number(subjects)} judgements{at}"
    down = [source.name for source in model.sources if source.last_error is not None]
    if down:
        text = f"no check is red yet, but no answer from {', '.join(down)} (S shows why){at}"
        return [line(Span("  ! ", "stale"), Span(text))]
    return [line(Span("  ✔ ", "pass"), Span(text))]


def _headings(width: int) -> Line:
    extra = _extra(width)
    named = f"{'State':<9}{fit('Check', _name_width(width))}"
    text = f"{named} {'Findings':>13} {'Coverage':>11} {'Since':>6} {fit('Team', 10)}"
    if extra:
        text += f" {fit('24h', 9)} {fit('Data', 10)} Next step"
    return line(Span(" " + text, "dim"))


def _extra(width: int) -> bool:
    return width >= 118


def _name_width(width: int) -> int:
    if _extra(width):
        return 26
    return max(10, width - 9 - 14 - 12 - 7 - 11) if width >= 72 else max(10, width - 9 - 14 - 5)


def attention_line(entry: Item | Group, model: Model, width: int) -> Line:
    """Write one row of the worst-first list."""
    return _check(entry, model, width) if isinstance(entry, Item) else _group(entry, model, width)


def _check(item: Item, model: Model, width: int) -> Line:
    name = _name_width(width)
    cells = [
        *state_cell(item),
        Span(fit(clean(item.view.name), name), "strong"),
        Span(" " + fit(figure(item, model.now), 13, right=True)),
    ]
    if width < 72:
        return (*cells, Span(" " + fit(since(item, model.now), 4, right=True), "dim"))
    cells += [
        Span(" " + fit(coverage(item), 11, right=True), "dim"),
        Span(" " + fit(since(item, model.now), 6, right=True)),
        Span(" "),
        team(item, 10),
    ]
    if _extra(width):
        left = width - 9 - name - 14 - 12 - 7 - 11 - 10 - 11 - 1
        cells.append(Span(f" {fit(_moved(item), 9)}", "dim"))
        cells.append(_data(item, model))
        cells.append(Span(" " + fit(next_step(item), left), "dim"))
    return tuple(cells)


def _moved(item: Item) -> str:
    opened, resolved = item.view.opened_24h, item.view.resolved_24h
    return f"+{opened} -{resolved}" if opened or resolved else "–"


def _data(item: Item, model: Model) -> Span:
    """Write the age of the data that a check rests on, in eleven cells."""
    if item.stale_since is not None:
        seen = item.view.as_of or item.stale_since
        return Span(" " + fit(f"! {age(model.now - seen)} ago", 10), "stale")
    if item.view.as_of is None:
        return Span(" " + fit("–", 10), "dim")
    return Span(" " + fit(f"✔ {age(model.now - item.view.as_of)}", 10), "dim")


def next_step(item: Item) -> str:
    """Say what to do about a check, in a few words."""
    if item.is_paused and item.blind is not None:
        return f"paused {item.blind.detail}: p resumes it"
    if item.stale_since is not None:
        return f"last seen failing {moment(item.view.as_of, item.stale_since)}; its data is too old"
    if item.view.urgent:
        return f"{item.view.urgent} urgent, open the findings"
    if item.view.runbook:
        return f"o {clean(item.view.runbook)}"
    return clean(next(iter(item.view.explain.values()), "open the findings"))


def _group(group: Group, model: Model, width: int) -> Line:
    """Write a blind source: why, since when, how many checks, and what they were."""
    states = {item.state for item in group.items}
    lead = next(state for state in State if state in states)
    count = len(group.items)
    what = group.items[0].view.name if count == 1 else f"{count} checks"
    seen = [item for item in group.items if item.view.was is not None]
    last = was(seen[0] if seen else group.items[0], model.now)
    text = blind_line(group.blind, model.now, short=width < 60)
    head = (Span(f"{GLYPHS[lead]} BLIND  ", "bold.blind"), Span(text, "strong"))
    rest = f" · {clean(what)} · {last}"
    detail = f" · {clean(group.blind.detail)}" if group.blind.detail and width >= 118 else ""
    return (*head, Span(fit(rest + detail, max(0, width - 9 - len(text))), "dim"))


def selection(model: Model, key: str | None) -> list[Line]:
    """Tell two lines more about the selected row: since when, whose, why, what to do."""
    if key is None:
        return [BLANK, BLANK]
    if key.startswith(GROUP):
        return _about_group(model, key)
    item = model.check(key)
    return [BLANK, BLANK] if item is None else _about_check(item, model)


def _about_check(item: Item, model: Model) -> list[Line]:
    view = item.view
    begun = "" if item.since is None else f" since {moment(item.since, model.now)} ({since(item, model.now)})"
    first = line(
        Span(" "),
        word_cell(item.word),
        Span(clean(view.name), "strong"),
        Span(begun if item.word is not Word.PASS else "", "text"),
        Span(f" · {coverage(item)} of {view.tally.population} · {view.severity} · ", "dim"),
        Span(clean(view.team) or "unowned", "text" if view.team else "warn"),
    )
    why = blind_line(item.blind, model.now) if item.blind else clean(view.title)
    detail = f" · {clean(item.blind.detail)}" if item.blind and item.blind.detail else ""
    step = f" · o {clean(view.runbook)}" if view.runbook else ""
    return [first, line(Span(f" {why}{detail}{step}", "dim"))]


def _about_group(model: Model, key: str) -> list[Line]:
    group = next((each for each in model.groups if key_of(each) == key), None)
    if group is None:
        return [BLANK, BLANK]
    names = ", ".join(f"{clean(item.view.name)} ({was(item, model.now)})" for item in group.items)
    first = line(Span(" "), word_cell(Word.BLIND), Span(names))
    return [first, line(Span(f" {_why(group, model)}", "dim"))]


def _why(group: Group, model: Model) -> str:
    source = model.source(group.blind.source)
    if group.blind.detail:
        return clean(group.blind.detail)
    if source is not None:
        glyph, word, _ = source_state(source, model.now)
        told = clean(source.last_error or "") or source_plan(source)
        return f"{clean(source.name)} {glyph} {word} {told}"
    return blind_line(group.blind, model.now)


def events(model: Model) -> Content:
    """Show what happened lately, newest first."""
    found = model.snapshot.events if model.snapshot else ()
    rows = []
    for index, event in enumerate(found):
        glyph = GLYPHS[event.state] if event.state is not None else "·"
        role = "dim" if event.state is None else _event_role(event.state)
        what = fit(clean(event.what), 26)
        cells = line(
            Span(fit(moment(event.at, model.now), 14), "dim"),
            Span(f"{glyph} ", role),
            Span(f"{what} "),
            Span(clean(event.text), "dim"),
        )
        rows.append((str(index), cells))
    return Content(
        title=line(Span("Events", "strong")),
        note=line(Span("newest first", "dim")),
        rows=rows,
        empty=[line(Span("  nothing has changed since the engine started", "dim"))],
    )


def _event_role(state: State) -> str:
    return {
        State.FAIL: "fail",
        State.WARN: "warn",
        State.WAIVED: "waived",
        State.PASS: "pass",
    }.get(state, "blind")
