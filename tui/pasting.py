r"""What a terminal sends between the marks of a bracketed paste is text, whatever bytes it holds; pure.

Textual ends a paste at the first ESC in it, and takes the rest for keys: a pasted ``\x1b[31m`` would turn what follows
into commands. What is given on here has in a paste neither ESC nor any other control but the ends of lines.
"""

from __future__ import annotations

import re
from typing import Final

START: Final = "\x1b[200~"
END: Final = "\x1b[201~"
LONGEST: Final = 1_048_576
"""Characters of one paste that are given on; the rest of it is dropped, up to its end."""
SILENCES: Final = 50
"""So many silences, of a tenth of a second each, end a paste whose end never comes: five seconds without a byte.

Until then what is typed belongs to the paste: nobody can tell it from what was pasted.
"""
_HELD_FROM: Final = 3
"""A start that is not whole is held back from ``ESC [ 2`` on; what is shorter may be a key, which does not wait."""
_CONTROLS: Final = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f]")


class Pastes:
    """Reads what a terminal sends, in pieces of any length."""

    def __init__(self) -> None:
        self._tail = ""
        """The end of what was read, as far as a mark may begin there."""
        self._sent = 0
        """How much of it was given on."""
        self._overdue = False
        """Whether what was given on of it was taken for keys meanwhile."""
        self._inside = False
        self._given = 0
        self._silences = 0

    def feed(self, data: str) -> str:
        """Give on what came, with the text of a paste made harmless."""
        self._silences = 0
        given: list[str] = []
        rest = data
        while rest:
            piece, rest = self._within(rest) if self._inside else self._outside(rest)
            given.append(piece)
        return "".join(given)

    def silence(self) -> str:
        """Hear nothing for a tenth of a second, and give on what need not wait any longer."""
        self._silences += 1
        if not self._inside:
            held, self._sent = self._tail[self._sent :], len(self._tail)
            self._overdue = bool(self._tail)
            return held
        if self._silences < SILENCES:
            return ""
        self._leave()
        return END

    def _outside(self, data: str) -> tuple[str, str]:
        """Give on keys, up to the start of a paste; and what is left."""
        text, sent = self._tail + data, self._sent
        at = text.find(START)
        if at >= 0:
            goes_on = at < sent and not self._overdue
            given = text[sent : at + len(START)] if goes_on else text[sent:at] + START
            self._enter()
            return given, text[at + len(START) :]
        begun = _begun(text, START)
        self._overdue = self._overdue and begun > len(data)
        held = begun if begun >= _HELD_FROM and not self._overdue else 0
        end = max(sent, len(text) - held)
        self._tail = text[len(text) - begun :]
        self._sent = max(0, end - (len(text) - begun))
        return text[sent:end], ""

    def _within(self, data: str) -> tuple[str, str]:
        """Give on the text of a paste, up to its end; and what is left."""
        text = self._tail + data
        at = text.find(END)
        if at >= 0:
            given = self._text(text[:at]) + END
            self._leave()
            return given, text[at + len(END) :]
        begun = _begun(text, END)
        self._tail = text[len(text) - begun :]
        return self._text(text[: len(text) - begun]), ""

    def _text(self, text: str) -> str:
        given = _CONTROLS.sub(_plain, text)[: LONGEST - self._given]
        self._given += len(given)
        return given

    def _enter(self) -> None:
        self._tail, self._sent, self._overdue, self._inside, self._given = "", 0, False, True, 0

    def _leave(self) -> None:
        self._tail, self._inside, self._silences = "", False, 0


def _plain(control: re.Match[str]) -> str:
    return " " if control.group() == "\t" else ""


def _begun(text: str, mark: str) -> int:
    """Count the characters at the end of a text with which a mark may begin."""
    return next((size for size in range(min(len(mark) - 1, len(text)), 0, -1) if text.endswith(mark[:size])), 0)
