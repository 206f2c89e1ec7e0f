"""A line is text with roles: pure, comparable, free of colours, so that a screen can be tested and diffed as data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len

from tui.format import fit


class Span(NamedTuple):
    """Text that is drawn in one style."""

    text: str
    role: str = "text"
    """What it means; ``tui.theme`` says how that looks."""
    action: str = ""
    """What a click on it does, as a key's action; empty: nothing of its own."""
    link: str = ""
    """An address that terminals which know of links open by themselves (OSC 8); empty: none."""


Line = tuple[Span, ...]
BLANK: Line = ()


def line(*parts: str | Span) -> Line:
    """Make a line; bare strings have the role ``text``."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def plain(drawn: Line) -> str:
    """Give the text alone."""
    return "".join(span.text for span in drawn)


def size(drawn: Line) -> int:
    """Count the cells."""
    return sum(cell_len(span.text) for span in drawn)


def crop(drawn: Line, width: int) -> Line:
    """Pad or cut to exactly ``width`` cells; a cut ends in an ellipsis."""
    kept: list[Span] = []
    left = width
    for index, span in enumerate(drawn):
        cells = cell_len(span.text)
        if cells > left or (cells == left and any(after.text for after in drawn[index + 1 :])):
            if left > 0:
                kept.append(span._replace(text=fit(span.text + "…" if cells <= left else span.text, left)))
            return _cut(kept)
        kept.append(span)
        left -= cells
    return (*kept, Span(" " * left)) if left else tuple(kept)


def _cut(kept: list[Span]) -> Line:
    """End a cut line in an ellipsis, also where a span happened to fill the width exactly."""
    if kept and not kept[-1].text.endswith("…"):
        text = kept[-1].text
        kept[-1] = kept[-1]._replace(text=fit(text + "…", cell_len(text)))
    return tuple(kept)


def action_at(drawn: Line, x: int) -> str:
    """Give what a click on a cell does; empty where it does nothing."""
    for span in drawn:
        x -= cell_len(span.text)
        if x < 0:
            return span.action
    return ""


def ends(left: Line, right: Line, width: int) -> Line:
    """Put one line at the left and one at the right edge; the left one is cut to leave two cells between them."""
    room = width - size(right)
    if room < 2:
        return crop(right, width)
    head = crop(left, room - 2) if size(left) > room - 2 else left
    return (*head, Span(" " * (room - size(head))), *right)


def shrink(lines: Sequence[Line], width: int) -> Line:
    """Give the first line that fits the width, else the last, cut."""
    return next((each for each in lines if size(each) <= width), crop(lines[-1], width))


def frame_top(title: Line, note: Line, width: int, role: str) -> Line:
    """Draw the top of a box with a title at the left and a note at the right."""
    room = width - 6
    head = crop(title, room) if size(title) > room else title
    tail = note if note and size(head) + size(note) + 3 <= room else BLANK
    end = (Span(" ", role), *tail, Span(" ─╮", role)) if tail else (Span("╮", role),)
    dashes = width - size(head) - 4 - size(end)
    return (Span("╭─ ", role), *head, Span(" " + "─" * dashes, role), *end)


def frame_side(body: Line, role: str) -> Line:
    """Draw one row of a box around a line of the inner width."""
    return (Span("│", role), *body, Span("│", role))


def frame_bottom(width: int, role: str) -> Line:
    """Draw the bottom of a box."""
    return (Span("╰" + "─" * (width - 2) + "╯", role),)


def rule(title: Line, note: Line, width: int, role: str) -> Line:
    """Draw a horizontal rule with a title at the left and a note at the right."""
    left = (Span("─ ", role), *title, Span(" ", role))
    right = (Span(" ", role), *note, Span(" ─", role)) if note else BLANK
    middle = width - size(left) - size(right)
    if middle < 1:
        return crop(left, width)
    return (*left, Span("─" * middle, role), *right)
