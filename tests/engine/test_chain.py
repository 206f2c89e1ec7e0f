"""The chain shows every entry that was changed, removed, added or moved."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.chain import GENESIS, Head, Link, link, verify

AT = "2026-11-21T05:30:00.000000Z"


def chain(*bodies: bytes) -> list[Link]:
    """Build a chain of transitions with these bodies."""
    links: list[Link] = []
    head = Head()
    for body in bodies:
        links.append(link(head, "transition", AT, body))
        head = Head(links[-1].seq, links[-1].hash)
    return links


FOUR = (b'{"to":"fail"}', b'{"to":"warn"}', b'{"to":"pass"}', b'{"to":"stale"}')


def test_a_whole_chain_verifies() -> None:
    """An untouched chain holds to its last entry, and says where it ends."""
    links = chain(*FOUR)
    verified = verify(links, Head(4, links[-1].hash))
    assert (verified.entries, verified.head, verified.first_bad) == (4, Head(4, links[-1].hash), None)


@pytest.mark.parametrize("border", range(5))
def test_a_chain_verifies_piece_by_piece(border: int) -> None:
    """Each piece follows the head of the one before, and says how many entries hold so far."""
    links = chain(*FOUR)
    first = verify(links[:border])
    second = verify(links[border:], start=first.head)
    assert (first.entries, second.entries, second.first_bad) == (border, 4, None)
    assert verify(links[border + 1 :], start=first.head).first_bad == (border + 1 if border < 3 else None)


def test_an_empty_chain_verifies() -> None:
    """A chain without an entry ends where the first would begin."""
    assert verify([]).head == Head(0, GENESIS)


@pytest.mark.parametrize(
    ("tamper", "first_bad"),
    [
        pytest.param(lambda links: [links[0]._replace(body=b'{"to":"pass"}'), *links[1:]], 1, id="body"),
        pytest.param(lambda links: [links[0], links[1]._replace(kind="finding"), *links[2:]], 2, id="kind"),
        pytest.param(
            lambda links: [links[0], links[1]._replace(at=AT.replace("05", "06")), *links[2:]], 2, id="instant"
        ),
        pytest.param(lambda links: [links[0], links[1]._replace(prev=GENESIS), *links[2:]], 2, id="prev"),
        pytest.param(lambda links: [links[0], links[1]._replace(hash=GENESIS), *links[2:]], 2, id="hash"),
        pytest.param(lambda links: links[1:], 1, id="first deleted"),
        pytest.param(lambda links: [links[0], *links[2:]], 2, id="middle deleted"),
        pytest.param(
            lambda links: [links[0], *[item._replace(seq=item.seq - 1) for item in links[2:]]], 2, id="renumbered"
        ),
        pytest.param(lambda links: [links[0], links[2], links[1], links[3]], 2, id="reordered"),
        pytest.param(lambda links: [*links, links[-1]], 5, id="repeated"),
        pytest.param(lambda links: links[:-1], 4, id="cut off at the end"),
        pytest.param(lambda links: [], 1, id="all cut off"),
        pytest.param(lambda links: chain(*FOUR[:3], b'{"to":"pass"}'), 5, id="end rewritten with its hashes"),
    ],
)
def test_tampering_is_found(tamper: Callable[[list[Link]], list[Link]], first_bad: int) -> None:
    """Whatever was done to a chain whose head is noted, the first entry that is not right is named, and why."""
    links = chain(*FOUR)
    verified = verify(tamper(links), Head(4, links[-1].hash))
    assert verified.first_bad == first_bad
    assert verified.why


@given(st.integers(0, 3), st.data())
def test_no_bit_can_flip_unseen(which: int, data: st.DataObject) -> None:
    """Flipping any single bit of any entry's hash, prev or body breaks the chain."""
    links = chain(*FOUR)
    part = data.draw(st.sampled_from(("prev", "hash", "body")))
    entry = links[which]
    raw = bytearray(getattr(entry, part))
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    flipped = bytes(raw)
    links[which] = {
        "prev": entry._replace(prev=flipped),
        "hash": entry._replace(hash=flipped),
        "body": entry._replace(body=flipped),
    }[part]
    assert verify(links).first_bad is not None


def test_a_kind_with_a_newline_is_refused() -> None:
    """No kind or instant can be made to look like the next line of the frame."""
    with pytest.raises(ValueError, match="newline"):
        link(Head(), "finding\n1", AT, b"{}")


def test_an_auditor_can_hash_an_entry_with_standard_tools() -> None:
    """The frame is the five lines that the documentation says, and sha256sum agrees."""
    entry = chain(*FOUR)[1]
    frame = b"\n".join([entry.prev.hex().encode(), b"2", b"transition", AT.encode(), entry.body])
    assert hashlib.sha256(frame).digest() == entry.hash
    tool = shutil.which("sha256sum")
    if tool is not None:
        done = subprocess.run([tool], input=frame, capture_output=True, check=True)
        assert done.stdout.decode().split()[0] == entry.hash.hex()
