"""A STARTTLS dialogue ends in consent, or in the cause of who must act."""

from __future__ import annotations

import pytest

from checks.model.doubt import Cause
from sources.common.errors import SourceError
from sources.common.starttls import DIALOGUES, Dialogue


def talk(protocol: str, *chunks: bytes) -> list[bytes]:
    """Play a server against a dialogue, chunk by chunk, and return what the dialogue sent."""
    dialogue: Dialogue = DIALOGUES[protocol]()
    sent = [next(dialogue)]
    for chunk in chunks:
        try:
            sent.append(dialogue.send(chunk))
        except StopIteration:
            return sent
    pytest.fail("the dialogue waits for more")


def test_a_dialogue_bears_any_fragmentation() -> None:
    """A greeting that comes octet by octet means the same."""
    whole = b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n"

    sent = talk("smtp", *(bytes([octet]) for chunk in whole for octet in chunk))

    assert [one for one in sent if one] == [b"EHLO controlwatch\r\n", b"STARTTLS\r\n"]


REFUSALS = {
    "smtp without STARTTLS": ("smtp", [b"220 x\r\n", b"250-x\r\n250 SIZE\r\n"], Cause.UNSUPPORTED),
    "smtp too busy": ("smtp", [b"421 later\r\n"], Cause.UNREACHABLE),
    "smtp refuses": ("smtp", [b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"502 no\r\n"], Cause.UNSUPPORTED),
    "not smtp": ("smtp", [b"SSH-2.0-x\r\n"], Cause.MALFORMED),
    "no end of line": ("smtp", [b"x" * 20_000], Cause.MALFORMED),
    "a greeting without end": ("smtp", [b"220-x\r\n" * 200], Cause.MALFORMED),
    "injection behind smtp": (
        "smtp",
        [b"220 x\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go\r\n250 evil\r\n"],
        Cause.MALFORMED,
    ),
    "injection behind imap": ("imap", [b"* OK x\r\n", b"a1 OK go\r\n* evil\r\n"], Cause.MALFORMED),
    "injection behind postgres": ("postgres", [b"SR"], Cause.MALFORMED),
    "imap refuses": ("imap", [b"* OK x\r\n", b"a1 BAD no\r\n"], Cause.UNSUPPORTED),
    "imap signed in already": ("imap", [b"* PREAUTH x\r\n"], Cause.UNSUPPORTED),
    "imap says bye": ("imap", [b"* BYE x\r\n"], Cause.UNREACHABLE),
    "not imap": ("imap", [b"+OK POP3\r\n"], Cause.MALFORMED),
    "postgres without TLS": ("postgres", [b"N"], Cause.UNSUPPORTED),
    "postgres in trouble": ("postgres", [b"E"], Cause.UNREACHABLE),
    "not postgres": ("postgres", [b"220"], Cause.MALFORMED),
}


@pytest.mark.parametrize(
    ("protocol", "chunks", "cause"), [pytest.param(*row, id=name) for name, row in REFUSALS.items()]
)
def test_a_refused_starttls_has_its_cause(protocol: str, chunks: list[bytes], cause: Cause) -> None:
    """Who must act follows from what the server answered, and pipelined plaintext never reaches the handshake."""
    with pytest.raises(SourceError) as refusal:
        talk(protocol, *chunks)

    assert refusal.value.cause == cause
