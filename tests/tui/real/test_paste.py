"""What is pasted into a real terminal is text, and never a command."""

from __future__ import annotations

from pathlib import Path

from tests.support.programs import canned
from tests.support.walking import follow


def test_an_escape_in_a_paste_ends_nothing(tmp_path: Path) -> None:
    """The filter has the first line of it, controls dropped; the rest is neither typed nor obeyed."""
    with canned("mixed", "300", "unicode", "stops", home=tmp_path, size=(132, 40)) as terminal:
        terminal.expect("LIVE")
        follow(terminal, (("1", "▌.*workforce"), ("1", "row 1/300"), ("slash", "status:")))
        terminal.write(b"\x1b[200~abc\x1b[31mdef\rqqR\x1b[2")
        terminal.write(b"01~x")
        terminal.expect(r"/ abc\[31mdefx")
        terminal.expect(r"match “abc\[31mdefx”")
        assert "Quit" not in terminal.text
