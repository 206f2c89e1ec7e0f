"""What is on the screen of an app, as SVG: the same bytes on every machine, and the same look in every viewer.

Textual's own export lays words out by the width of a font that the viewer may not have, fetches that font from a
network, and draws the frame of a window. Here every word stands at its own column, boxes and bars are drawn as shapes,
and what is on the screen is told as text too, for those who cannot see it and for comparing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape, unescape
from typing import Any, Final, NamedTuple

from rich.cells import cell_len
from rich.color import Color, blend_rgb
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME
from textual._compositor import LayoutUpdate
from textual.app import App

CELL: Final = (9, 20)
"""Width and height of a cell, in pixels; whole numbers leave no seams between shapes."""
FONT_PIXELS: Final = 15
MARGIN: Final = 12
BASELINE: Final = 15
FONTS: Final = "ui-monospace,'SF Mono',Menlo,Consolas,'DejaVu Sans Mono',monospace"
_WORDS: Final = re.compile(r"[!-~]+|([▁-█─━░▒▓▔])\1*|[^\x00-\x20\x7f]")
"""Words of a font, runs of one shape, and single signs."""
_TEXT: Final = re.compile(r"<desc>\n(.*)\n</desc>", re.DOTALL)
_SIDES: Final = "│ud ┌rd ┐ld └ru ┘lu ├udr ┤udl ┬lrd ┴lru ┼lrud ╴l ╶r ┃UD"
_ARMS: Final = {each[0]: each[1:] for each in _SIDES.split()}
"""Where a box's sign goes from its middle: left, right, up, down; capitals are heavy."""
_ROUND: Final = {"╭": (1, 1), "╮": (-1, 1), "╰": (1, -1), "╯": (-1, -1)}
_FLAT: Final = {"─": 1, "━": 3}
_SHADES: Final = {"░": 0.25, "▒": 0.5, "▓": 0.75}


class Piece(NamedTuple):
    """Text in one style, from a column on."""

    column: int
    text: str
    ink: str
    paper: str
    style: Style


def picture(app: App[Any], title: str) -> str:
    """Draw the screen of a running app."""
    return svg([list(row) for row in _rows(app)], app.size.width, title)


def told(drawn: str) -> list[str]:
    """Give the rows of a picture as text."""
    found = _TEXT.search(drawn)
    return unescape(found.group(1)).split("\n") if found else []


def svg(rows: Sequence[Sequence[Segment]], columns: int, title: str) -> str:
    """Draw rows of segments; one line of the file is a row of the screen."""
    paper = _paper(rows)
    width, height = columns * CELL[0] + 2 * MARGIN, len(rows) * CELL[1] + 2 * MARGIN
    words = "\n".join("".join(segment.text for segment in row).rstrip() for row in rows)
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    font = f'font-family="{FONTS}" font-size="{FONT_PIXELS}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>',
        f"<title>{escape(title)}</title>",
        f"<desc>\n{escape(words)}\n</desc>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{paper}"/>',
        *(_row(_pieces(row), number, paper) for number, row in enumerate(rows)),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _rows(app: App[Any]) -> Iterator[Iterable[Segment]]:
    """Give what the compositor would send to a terminal, whole."""
    update = app.screen._compositor.render_update(full=True, screen_stack=app._background_screens)
    assert isinstance(update, LayoutUpdate)
    for row in update.strips:
        yield [segment for strip in row for segment in strip]


def _paper(rows: Sequence[Sequence[Segment]]) -> str:
    """Give the colour behind most of the screen."""
    cells: dict[str, int] = {}
    for row in rows:
        for piece in _pieces(row):
            cells[piece.paper] = cells.get(piece.paper, 0) + len(piece.text)
    return max(sorted(cells), key=lambda paper: cells[paper])


def _pieces(row: Sequence[Segment]) -> Iterator[Piece]:
    column = 0
    for text, style, _ in row:
        look = style or Style.null()
        ink = _colour(look.color, SVG_EXPORT_THEME.foreground_color)
        paper = _colour(look.bgcolor, SVG_EXPORT_THEME.background_color)
        if look.reverse:
            ink, paper = paper, ink
        if look.dim:
            ink = blend_rgb(ink, paper, 0.4)
        yield Piece(column, text, ink.hex, paper.hex, look)
        column += cell_len(text)


def _colour(color: Color | None, otherwise: ColorTriplet) -> ColorTriplet:
    return otherwise if color is None or color.is_default else color.get_truecolor(SVG_EXPORT_THEME)


def _row(pieces: Iterable[Piece], number: int, paper: str) -> str:
    """Draw one row: what is behind the text first."""
    made = list(pieces)
    behind = [_rect(each.column, cell_len(each.text), each.paper) for each in made if each.paper != paper]
    front = [shape for each in made for shape in _front(each)]
    return f'<g transform="translate({MARGIN} {MARGIN + number * CELL[1]})">{"".join(behind + front)}</g>'


def _rect(column: int, cells: int, fill: str) -> str:
    return f'<rect x="{column * CELL[0]}" width="{cells * CELL[0]}" height="{CELL[1]}" fill="{fill}"/>'


def _front(piece: Piece) -> Iterator[str]:
    """Draw words, signs, and shapes."""
    look = ' font-weight="bold"' if piece.style.bold else ""
    look += ' text-decoration="underline"' if piece.style.underline else ""
    solid, round_, others = "", "", []
    for found in _WORDS.finditer(piece.text):
        word = found.group()
        column = piece.column + cell_len(piece.text[: found.start()])
        left = column * CELL[0]
        if word[0] in _SHADES:
            others.append(f'<path fill="{piece.ink}" opacity="{_SHADES[word[0]]}" d="{_box(left, len(word))}"/>')
        elif word[0] in _ROUND:
            round_ += _corner(left, *_ROUND[word[0]])
        elif shape := _shape(word, left):
            solid += shape
        else:
            others.append(_word(word, column, piece.ink, look))
    if solid:
        others.append(f'<path shape-rendering="crispEdges" fill="{piece.ink}" d="{solid}"/>')
    if round_:
        others.append(f'<path fill="none" stroke="{piece.ink}" d="{round_}"/>')
    yield from others


def _word(word: str, column: int, ink: str, look: str) -> str:
    """Put a word at its column, as wide as its cells; a sign in the middle of its own, as wide as the font draws it."""
    cells = cell_len(word)
    left, fits = column * CELL[0], f' textLength="{cells * CELL[0]}"' if cells > 1 else ""
    if not word.isascii():
        left, fits = left + cells * CELL[0] // 2, ' text-anchor="middle"'
    return f'<text x="{left}" y="{BASELINE}" fill="{ink}"{look}{fits}>{escape(word)}</text>'


def _shape(signs: str, left: int) -> str:
    """Trace the sides of boxes, or bars, that are all the same; empty for what a font draws."""
    (wide, high), sign = CELL, signs[0]
    if sign in _FLAT:
        return _box(left, len(signs), top=high // 2 - _FLAT[sign] // 2, tall=_FLAT[sign])
    if sign in _ARMS:
        return "".join(_arm(arm, left) for arm in _ARMS[sign])
    if "▁" <= sign <= "█":
        tall = high * (ord(sign) - ord("▁") + 1) / 8
        return _box(left, len(signs), top=high - tall, tall=tall)
    if "▉" <= sign <= "▏":
        return _box(left, (ord("▏") - ord(sign) + 1) / 8)
    if sign == "▐":
        return _box(left + wide / 2, 0.5)
    return _box(left, len(signs), tall=high / 8) if sign == "▔" else ""


def _box(left: float, cells: float, *, top: float = 0, tall: float = CELL[1]) -> str:
    wide = cells * CELL[0]
    return f"M{left:g} {top:g}h{wide:g}v{tall:g}h-{wide:g}z"


def _arm(arm: str, left: int) -> str:
    """Trace from the middle of a cell to one side; capitals are heavy."""
    wide, high = CELL
    thick = 3 if arm.isupper() else 1
    across, down = left + wide // 2 - thick // 2, high // 2 - thick // 2
    x, y, w, h = {
        "l": (left, down, wide // 2 + 1, thick),
        "r": (across, down, left + wide - across, thick),
        "u": (across, 0, thick, high // 2 + 1),
        "d": (across, down, thick, high - down),
    }[arm.lower()]
    return f"M{x} {y}h{w}v{h}h-{w}z"


def _corner(left: int, way: int, down: int) -> str:
    """Trace the round corner of a box, a line one pixel thick."""
    wide, high = CELL
    x, y = left + wide // 2 + 0.5, high // 2 + 0.5
    side = left + (wide if way > 0 else 0)
    end = high if down > 0 else 0
    return f"M{side} {y:g}H{x + 4 * way:g}Q{x:g} {y:g} {x:g} {y + 4 * down:g}V{end}"
