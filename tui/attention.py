"""The worst first: every check that does not pass in a row, blind ones by the source that does not tell; pure."""

from __future__ import annotations

from collections.abc import Sequence

from checks.model.state import State
from tui.format import address, age, age3, brief, clean, compact, counted, fit, fitting, moment, moved
from tui.keymap import PLAIN, Keymap
from tui.lines import BLANK, Line, Span, line, size
from tui.model import Group, Item, Model, Word, attention
from tui.scene import Scene
from tui.status import (
    GLYPHS,
    ROLES,
    WORD_GLYPHS,
    began,
    begun,
    blind_line,
    coverage,
    figure,
    item_cell,
    retry,
    since,
    source_plan,
    source_state,
    sources_line,
    sources_of,
    state_cell,
    was,
    word_cell,
)
from tui.widgets.board import Content
from tui.yesterday import is_new, turned

GROUP = "source:"
"""Prefix of a key that names a blind source, not a check."""
_STEPS = 116
"""From this width on movement, data and the next step are told."""
_ROOMY = 130
"""From this width on names need not be cut short for it."""
_ALL = 150
"""From this width on so are the instant and the waivers."""


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
        empty=nothing(model, ""),
        more=lambda keys: _more(entries, keys),
    )


def key_of(entry: Item | Group) -> str:
    """Give the key of a row: the check's name, or the blind source and its cause."""
    if isinstance(entry, Item):
        return entry.view.name
    return f"{GROUP}{entry.blind.source}:{entry.blind.cause}"


def team(item: Item, width: int) -> Span:
    """Write who owns a check; nobody is worth a warning."""
    return Span(fit(clean(item.view.team) or "unowned", width), "dim" if item.view.team else "warn")


def _more(entries: Sequence[Item | Group], keys: Sequence[str]) -> Line:
    words = [Word.BLIND if isinstance(entry, Group) else entry.word for entry in entries if key_of(entry) in keys]
    parts = [Span(f"… {len(keys)} more ", "dim")]
    parts += [Span(f" {WORD_GLYPHS[word]}{words.count(word)}", ROLES[word]) for word in Word if word in words]
    return tuple(parts)


def nothing(model: Model, otherwise: str) -> list[Line]:
    """Say why there is no row: not started, not configured, or proof that all was checked."""
    if model.snapshot is None:
        return [line(Span("  … waiting for the engine's first snapshot", "dim"))]
    if not model.items:
        keys = model.keymap.named("go.help")
        return [line(Span(f"  No checks configured: edit the configuration, see {keys} ", "dim"))]
    if otherwise:
        return [line(Span(f"  {otherwise}", "dim"))]
    subjects = sum(item.view.tally.population for item in model.items)
    times = [item.view.as_of for item in model.items if item.view.as_of is not None]
    at = f", data as of {moment(min(times), model.now)}" if times else ""
    text = f"nothing needs attention: {len(model.items)} checks pass, {counted(subjects, 'judgement')}{at}"
    down = [source.name for source in model.sources if source.last_error is not None]
    if down:
        why = model.keymap.named("go.sources")
        text = f"no check is red yet, but no answer from {', '.join(down)} ({why} shows why){at}"
        return [line(Span("  ! ", "stale"), Span(text))]
    return [line(Span("  ✔ ", "pass"), Span(text))]


def _headings(width: int) -> Line:
    named = f"{'State':<9}{fit('Check', _name_width(width))}"
    at = fit("Since", 18) if width >= _ALL else fit("Since", 6, right=True)
    text = f"{named} {'Findings':>13} {'Coverage':>11} {at} {fit('Team', 10)}"
    if width >= _STEPS:
        text += f" {fit('24h', 10)} {fit('Data', 9)}"
        text += f" {fit('Waiver', 7)}" if width >= _ALL else ""
        text += " Next step"
    return line(Span(" " + text, "dim"))


def _name_width(width: int) -> int:
    if width >= _STEPS:
        return 26 if width >= _ROOMY else 21
    return max(10, width - 9 - 14 - 12 - 7 - 11) if width >= 72 else max(10, width - 9 - 14 - 5)


def attention_line(entry: Item | Group, model: Model, width: int) -> Line:
    """Write one row of the worst-first list."""
    return _check(entry, model, width) if isinstance(entry, Item) else _group(entry, model, width)


def _check(item: Item, model: Model, width: int) -> Line:
    name = _name_width(width)
    cells: list[Span] = [
        *state_cell(item),
        Span(fit(clean(item.view.name), name), "strong"),
        Span(" " + fit(fitting(13, figure(item, model.now), figure(item, model.now, short=True)), 13, right=True)),
    ]
    if width < 72:
        return (*cells, Span(" " + fit(since(item, model.now), 4, right=True), "dim"))
    cells.append(Span(" " + fit(coverage(item), 11, right=True), "dim"))
    if width >= _ALL:
        cells.append(Span(" " + fit(brief(item.since, model.now, 13), 13)))
        cells.append(Span(" " + fit(since(item, model.now), 4, right=True), "strong"))
    else:
        cells.append(Span(" " + fit(since(item, model.now), 6, right=True)))
    cells += [Span(" "), team(item, 10)]
    if width >= _STEPS:
        cells += [*_moved(item, model), _data(item, model)]
        if width >= _ALL:
            cells.append(Span(" " + fit(waived(item, model), 7), "waived" if item.view.waivers else "dim"))
        cells.append(Span(" " + fit(next_step(item, model.keymap), width - size(tuple(cells)) - 1), "dim"))
    return tuple(cells)


def _moved(item: Item, model: Model) -> Line:
    """Write what moved within a day in eleven cells; ``NEW`` where the state itself is not older."""
    opened, resolved = item.view.opened_24h, item.view.resolved_24h
    if is_new(item, model):
        return (Span(" NEW ", "strong"), Span(fit(moved(opened, resolved, 6), 6), "dim"))
    return (Span(" " + fit(moved(opened, resolved, 10) or "–", 10), "dim"),)


def waived(item: Item, model: Model) -> str:
    """Write how many live waivers name the check, and when the first ends: ``2 →12d``."""
    if not item.view.waivers:
        return "–"
    ends = item.view.waiver_ends
    many = compact(item.view.waivers)
    return many if ends is None else fitting(7, f"{many} →{age(ends - model.now)}", f"{many} →{age3(ends - model.now)}")


def _data(item: Item, model: Model) -> Span:
    """Write the age of the data that a check rests on, in ten cells; a source that fails shows before it is too old."""
    if item.stale_since is not None:
        seen = item.view.as_of or item.stale_since
        old = age(model.now - seen)
        return Span(" " + fit(fitting(9, f"! {old} ago", f"! {old}"), 9), "stale")
    if item.view.as_of is None:
        return Span(" " + fit("–", 9), "dim")
    down = any(each.last_error is not None for each in sources_of(item, model))
    glyph, role = ("✖", "stale") if down else ("·" if model.is_frozen else "✔", "dim")
    return Span(" " + fit(f"{glyph} {age(model.now - item.view.as_of)}", 9), role)


def next_step(item: Item, keymap: Keymap = PLAIN) -> str:
    """Say what to do about a check, in a few words."""
    if item.is_paused and item.blind is not None:
        return f"paused {item.blind.detail}: {keymap.named('do.pause')} resumes it"
    if item.stale_since is not None:
        return f"last seen failing {moment(item.view.as_of, item.stale_since)}; its data is too old"
    if item.view.urgent:
        return f"{item.view.urgent} urgent, open the findings"
    if item.view.runbook:
        return f"{keymap.named('do.runbook')} {clean(item.view.runbook).removeprefix('https://')}"
    return clean(next(iter(item.view.explain.values()), "open the findings"))


def _group(group: Group, model: Model, width: int) -> Line:
    """Write a blind source: why, since when, how many checks, what they were, whose, and when it is asked again."""
    states = {item.state for item in group.items}
    lead = next(state for state in State if state in states)
    count = len(group.items)
    names = ", ".join(clean(item.view.name) for item in group.items)
    what = names if count == 1 or (width >= _ALL and count <= 3) else f"{count} checks"
    seen = [item for item in group.items if item.view.was is not None]
    last = was(seen[0] if seen else group.items[0], model.now)
    text = blind_line(group.blind, model.now, short=width < 60)
    head = (Span(f"{GLYPHS[lead]} BLIND  ", "bold.blind"), Span(text, "strong"))
    rest = f" · {what} · {last}"
    if width >= _STEPS:
        teams = dict.fromkeys(clean(item.view.team) or "unowned" for item in group.items)
        source = model.source(group.blind.source)
        again = retry(source, model.now) if source is not None else ""
        parts = (", ".join(teams) if width >= _ALL else "", again, _detail(group))
        rest += "".join(f" · {part}" for part in parts if part)
    return (*head, Span(fit(rest, max(0, width - 9 - len(text))), "dim"))


def _detail(group: Group) -> str:
    """Say what was answered; the source is named already."""
    return clean(group.blind.detail).removeprefix(f"{clean(group.blind.source)}: ")


def selection(model: Model, key: str | None, drawn: Scene | None = None) -> list[Line]:
    """Tell three lines about the selected row, the most urgent first: since when and whose, what to do, what it is."""
    if key is None:
        return [BLANK, BLANK, BLANK]
    if key.startswith(GROUP):
        return _about_group(model, key)
    item = model.check(key)
    return [BLANK, BLANK, BLANK] if item is None else _about_check(item, model, drawn)


def _about_check(item: Item, model: Model, drawn: Scene | None) -> list[Line]:
    view = item.view
    at = began(item)
    held = "" if at is None else f" {begun(at, model.now)}"
    counted = f" · {figure(item, model.now)}, {coverage(item)}" if view.standing.tally is not None else ""
    first = line(
        Span(" "),
        item_cell(item),
        Span(clean(view.name), "strong"),
        Span(held if item.word is not Word.PASS else "", "text"),
        Span(" "),
        *(turned(drawn, item) if item.word is not Word.PASS else ()),
        Span("· owner ", "dim"),
        Span(clean(view.team) or "unowned", "text" if view.team else "warn"),
        Span(f" · {view.severity}{counted}", "dim"),
    )
    controls = f" · {clean(', '.join(view.controls))}" if view.controls else ""
    return [first, _do(item, model), line(Span(f" {clean(view.title)}{controls}", "dim"))]


def _do(item: Item, model: Model) -> Line:
    """Say what to do, why it is blind, whether it is waived, and what it rests on."""
    view = item.view
    parts: list[Line] = []
    if item.blind is not None:
        detail = f": {clean(item.blind.detail)}" if item.blind.detail else ""
        parts.append(line(Span(blind_line(item.blind, model.now), "blind"), Span(detail, "dim")))
    if view.runbook:
        book = clean(view.runbook)
        key = f"{model.keymap.named('do.runbook')} "
        parts.append(line(Span(key, "key", "runbook"), Span(book, "text", "runbook", address(view.runbook))))
    elif item.word is not Word.PASS and item.blind is None:
        parts.append(line(Span(next_step(item, model.keymap))))
    if item.word is not Word.PASS:
        parts.append(line(Span(f"waivers {waived(item, model)}" if view.waivers else "no waiver", "dim")))
    found = sources_of(item, model)
    if found:
        parts.append(line(Span("data ", "dim"), *sources_line(found, model.now)))
    return tuple(span for part in parts for span in (Span(" " if part is parts[0] else " · ", "dim"), *part))


def _about_group(model: Model, key: str) -> list[Line]:
    group = next((each for each in model.groups if key_of(each) == key), None)
    if group is None:
        return [BLANK, BLANK, BLANK]
    names = ", ".join(f"{clean(item.view.name)} ({was(item, model.now)})" for item in group.items)
    source = model.source(group.blind.source)
    upcoming = retry(source, model.now) if source is not None else ""
    again = f" · {upcoming}, {model.keymap.named('do.run')} asks it now" if upcoming else ""
    return [
        line(Span(" "), word_cell(Word.BLIND), Span(names)),
        line(Span(f" {_why(group, model)}", "dim")),
        line(Span(f" {blind_line(group.blind, model.now)}{again}", "dim")),
    ]


def _why(group: Group, model: Model) -> str:
    source = model.source(group.blind.source)
    if group.blind.detail:
        return _detail(group)
    if source is not None:
        glyph, word, _ = source_state(source, model.now)
        told = clean(source.last_error or "") or source_plan(source)
        return f"{clean(source.name)} {glyph} {word} {told}"
    return blind_line(group.blind, model.now)
