"""What is pasted is text: no byte of it is ever a key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual._xterm_parser import XTermParser
from textual.events import Key, Paste

from tui.pasting import END, LONGEST, SILENCES, START, Pastes

PIECES = st.lists(
    st.sampled_from(
        [START, END, "\x1b", "\x1b[", "\x1b[2", "\x1b[20", "0~", "1~", "[", "q", "\r", "\x9b31m", "ä", "\x00"]
    ),
    max_size=12,
)


def read(*pieces: str) -> str:
    """Feed pieces, and give all that was given on, what was held back included."""
    pastes = Pastes()
    return "".join([*(pastes.feed(piece) for piece in pieces), pastes.silence()])


@pytest.mark.parametrize(
    ("sent", "given"),
    [
        pytest.param("qq\x1b[A\x1b", "qq\x1b[A\x1b", id="keys"),
        pytest.param(f"{START}abc\x1b[31mdef\rqqR{END}", f"{START}abc[31mdef\rqqR{END}", id="a colour"),
        pytest.param(f"{START}{START}a{END}q", f"{START}[200~a{END}q", id="a start in a paste"),
        pytest.param(f"{START}a\tb\x00\x03\x7f\x9bc\n{END}", f"{START}a bc\n{END}", id="controls"),
        pytest.param(f"{START}a\x1b[201{END}j", f"{START}a[201{END}j", id="half an end"),
        pytest.param(f"{START}a{END}{START}b{END}", f"{START}a{END}{START}b{END}", id="two"),
        pytest.param(f"{START}{'a' * (LONGEST + 9)}\x1b{END}q", f"{START}{'a' * LONGEST}{END}q", id="too long"),
    ],
)
def test_a_paste_has_no_control_but_the_ends_of_lines(sent: str, given: str) -> None:
    """Keys pass as they come, and so do the marks; an endless paste is cut."""
    assert read(sent) == given


@given(PIECES, st.data())
def test_any_split_of_the_bytes_means_the_same(pieces: list[str], data: st.DataObject) -> None:
    """A mark may lie in two reads, or in six."""
    sent = "".join(pieces)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=8)))
    ends = zip([0, *cuts], [*cuts, len(sent)], strict=True)

    assert read(*(sent[start:end] for start, end in ends)) == read(sent)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.data())
def test_whatever_is_pasted_is_one_paste_and_no_key(text: str, data: st.DataObject) -> None:
    """As Textual reads it, wherever the reads end."""
    pasted = text.replace(END, "")
    sent = START + pasted + END
    cut = data.draw(st.integers(0, len(sent)))
    parser, pastes = XTermParser(), Pastes()
    found = [event for piece in (sent[:cut], sent[cut:]) if (on := pastes.feed(piece)) for event in parser.feed(on)]

    assert not [event for event in found if isinstance(event, Key)]
    assert len([event for event in found if isinstance(event, Paste)]) <= 1


@pytest.mark.parametrize("cut", range(1, len(START)))
def test_a_start_that_comes_slowly_is_a_start(cut: int) -> None:
    """What was taken for keys meanwhile is no reason to take the text for keys too."""
    pastes = Pastes()
    before = pastes.feed(START[:cut]) + pastes.silence()

    assert before == START[:cut]
    assert pastes.feed(f"{START[cut:]}q{END}") == f"{START}q{END}"


def test_a_paste_that_never_ends_is_ended_by_silence() -> None:
    """After five seconds without a byte keys are keys again."""
    pastes = Pastes()
    pastes.feed(f"{START}abc\x1b[20")

    assert [pastes.silence() for _ in range(SILENCES)] == [""] * (SILENCES - 1) + [END]
    assert pastes.feed("q") == "q"
