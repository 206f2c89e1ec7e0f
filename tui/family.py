"""What stands above the findings of a family: its checks, its data, and why there is no finding; pure.

Nothing green is said here that the checks do not say: an empty list is good only where every check of it passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from engine.port import SourceView
from tui.format import clean, moment, number
from tui.keymap import PLAIN, Keymap
from tui.lines import Line, Span, crop, line, size
from tui.model import RANK, Item, Word
from tui.status import (
    ROLES,
    WORD_GLYPHS,
    blind_line,
    coverage,
    data_state,
    each_source,
    figure,
    item_cell,
    said,
    was,
)

_GAP = Span("   ")


def checks(items: Sequence[Item], shown: str | None, width: int, now: datetime) -> Line:
    """Show every check of the family in its configured order; what does not fit is counted, the worst never is.

    The check that is shown alone stays; a click on one shows it alone.
    """
    if not items:
        return line(Span(" no check of this family is configured", "dim"))
    whole = [_chip(each, now) for each in items]
    forms = [[each[:kept] for each in whole] for kept in (4, 3, 2)]
    for chips in forms:
        drawn = _drawn(items, chips, shown, range(len(items)))
        if size(drawn) <= width:
            return drawn
    order = sorted(range(len(items)), key=lambda at: (items[at].view.name != shown, RANK[items[at].word], at))
    fitting = 1
    while fitting < len(items) and size(_drawn(items, forms[-1], shown, order[: fitting + 1])) <= width:
        fitting += 1
    return crop(_drawn(items, forms[-1], shown, order[:fitting]), width)


def _chip(item: Item, now: datetime) -> Line:
    """Write a check: its word, its name, what counts about it, and its coverage."""
    return (
        item_cell(item, len(said(item)) + 2),
        Span(f" {clean(item.view.name, 32)}"),
        Span(f" {figure(item, now)}", "text"),
        Span(f" {coverage(item)}" if item.word is not Word.BLIND else "", "dim"),
    )


def _drawn(items: Sequence[Item], chips: Sequence[Line], shown: str | None, kept: Sequence[int]) -> Line:
    """Put chips beside each other, and count the checks that are left out by their words."""
    spans: list[Span] = [Span(" ")]
    for at in sorted(kept):
        name = items[at].view.name
        chip = chips[at] if shown in {None, name} else [Span(each.text, "faint") for each in chips[at]]
        spans += [*(each._replace(action=f"only('{name}')") for each in chip), _GAP]
    left = [item.word for at, item in enumerate(items) if at not in kept]
    spans += [Span("+", "dim")] * bool(left)
    spans += [Span(f"{left.count(word)}{WORD_GLYPHS[word]} ", ROLES[word]) for word in Word if word in left]
    return tuple(spans[:-1]) if spans[-1] is _GAP else tuple(spans)


def told_of(items: Sequence[Item], shown: str | None) -> Item | None:
    """Give the check whose past is drawn: the one that is shown alone, else the worst."""
    return next(
        (each for each in items if each.view.name == shown),
        min(items, key=lambda each: RANK[each.word], default=None),
    )


def judged(scope: Sequence[Item]) -> int | None:
    """Count the subjects that the checks judged; None where a count is missing, or may no longer be true."""
    if not scope or any(item.view.standing.tally is None for item in scope):
        return None
    if any(item.word is Word.BLIND or item.stale_since is not None for item in scope):
        return None
    return sum(item.view.tally.population for item in scope)


def split(scope: Sequence[Item]) -> Line:
    """Write how the judged subjects stand, by word, without those of which there are none; nothing where unsure."""
    if judged(scope) is None:
        return ()
    tallies = [item.view.tally for item in scope]
    counts = {
        Word.FAIL: sum(each.failed - each.waived for each in tallies),
        Word.BLIND: sum(each.unknown - each.waived_unknown for each in tallies),
        Word.WARN: sum(each.warned for each in tallies),
        Word.WAIVED: sum(each.waived + each.waived_unknown for each in tallies),
        Word.PASS: sum(each.passed - each.warned for each in tallies),
    }
    return tuple(Span(f"{WORD_GLYPHS[word]} {number(count)}  ", ROLES[word]) for word, count in counts.items() if count)


def data(sources: Sequence[SourceView], now: datetime) -> list[Line]:
    """Say how old the data is that the checks read, and the state of each source; the longest form first."""
    if not sources:
        return []
    head = data_state(sources, now)
    each = each_source(sources, now)
    return [(*head, Span(" (", "dim"), each[0]._replace(text=each[0].text.lstrip()), *each[1:], Span(")", "dim")), head]


def nothing_found(scope: Sequence[Item], now: datetime, keymap: Keymap = PLAIN) -> Line:
    """Say why no finding is open: what a check cannot see, or the proof that it was looked at."""
    if not scope:
        keys = keymap.named("go.help")
        return line(Span(f"no check is configured here: edit the configuration, see {keys}", "dim"))
    blind = [item for item in scope if item.word is Word.BLIND]
    if blind:
        text = f"no finding is known, which proves nothing: {_unseen(scope, blind, now)}"
        return line(Span("? ", "bold.blind"), Span(text, "dim"))
    odd = next((item for item in scope if item.word in {Word.FAIL, Word.WARN}), None)
    if odd is not None:
        return line(
            Span("! ", "stale"), Span(f"no finding is here, yet {clean(odd.view.name)} says {odd.word}", "text")
        )
    times = [item.view.as_of for item in scope if item.view.as_of is not None]
    at = f", data as of {moment(min(times), now)}" if times else ""
    subjects = f"{number(judged(scope) or 0)} subjects judged{at}"
    waived = [clean(item.view.name, 32) for item in scope if item.word is Word.WAIVED]
    if waived:
        held = f"{', '.join(waived)} holds by a waiver alone" if len(waived) == 1 else f"{len(waived)} hold by a waiver"
        return line(Span("◆ ", "waived"), Span(f"no open finding, {subjects}; {held}", "text"))
    return line(Span("✔ ", "pass"), Span(f"no findings, {subjects}", "text"))


def _unseen(scope: Sequence[Item], blind: Sequence[Item], now: datetime) -> str:
    first = blind[0]
    if len(scope) == 1:
        return ("" if first.blind is None else blind_line(first.blind, now) + "; ") + was(first, now)
    if len(blind) > 1:
        return f"{len(blind)} checks are blind"
    return f"{clean(first.view.name, 32)} is {said(first).lower()}"
