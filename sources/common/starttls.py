"""STARTTLS: the few plaintext lines after which a server is ready for a handshake.

``smtp`` is RFC 3207, ``imap`` RFC 9051 §6.2.1 (RFC 2595 before it), ``postgres`` the SSLRequest of PostgreSQL's
protocol 3 ("SSL Session Encryption", read 2026-11-21). A dialogue does no input or output: it is a generator that
yields bytes to send and is sent the bytes that came in. Bytes that a server pipelines behind its consent came in the
clear, so they are an error and never reach the handshake (the class of CVE-2021-23222).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from types import MappingProxyType
from typing import Final

from checks.model.doubt import Cause
from sources.common.errors import Malformed, SourceError, Unreachable

Dialogue = Generator[bytes, bytes, None]
"""Yields bytes to send (perhaps none), is sent what came in, and returns when the handshake may start."""

_LONGEST: Final = 16_384
"""Octets that a server may send before it consents; far more than any greeting needs."""
_MOST_LINES: Final = 100
"""Lines of one SMTP reply."""
_SSL_REQUEST: Final = bytes.fromhex("00000008 04d2162f")


def smtp() -> Dialogue:
    """Greet, ask for STARTTLS if the server offers it, and wait for 220."""
    inbox = bytearray()
    _expect("220", (yield from _smtp_reply(inbox)), "its greeting")
    offers = yield from _smtp_reply(inbox, b"EHLO controlwatch\r\n")
    _expect("250", offers, "EHLO")
    if not any(line[4:].split(" ", 1)[0].upper() == "STARTTLS" for line in offers[1:]):
        raise SourceError("the SMTP server offers no STARTTLS", cause=Cause.UNSUPPORTED)
    _expect("220", (yield from _smtp_reply(inbox, b"STARTTLS\r\n")), "STARTTLS")
    _nothing_left(inbox)


def imap() -> Dialogue:
    """Wait for the greeting, send STARTTLS, and wait for its tagged OK."""
    inbox = bytearray()
    greeting = yield from _line(inbox)
    if not greeting.upper().startswith("* OK"):
        raise _refused("IMAP", "its greeting", greeting)
    answer = yield from _line(inbox, b"a1 STARTTLS\r\n")
    while answer.startswith("* "):
        answer = yield from _line(inbox)
    if not answer.upper().startswith("A1 OK"):
        raise _refused("IMAP", "STARTTLS", answer)
    _nothing_left(inbox)


def postgres() -> Dialogue:
    """Send SSLRequest, and wait for the one octet that answers it."""
    answer = yield _SSL_REQUEST
    while not answer:
        answer = yield b""
    if answer[:1] == b"N":
        raise SourceError("the PostgreSQL server has TLS switched off", cause=Cause.UNSUPPORTED)
    if answer[:1] == b"E":
        raise Unreachable("the PostgreSQL server answers SSLRequest with an error")
    if answer[:1] != b"S":
        raise Malformed("the server answers SSLRequest with neither S nor N, so it is no PostgreSQL server")
    _nothing_left(answer[1:])


DIALOGUES: Final[Mapping[str, Callable[[], Dialogue]]] = MappingProxyType(
    {"smtp": smtp, "imap": imap, "postgres": postgres},
)
"""What a target may name behind its port, as ``mail.example.org:587/smtp``."""


def _smtp_reply(inbox: bytearray, send: bytes = b"") -> Generator[bytes, bytes, list[str]]:
    lines = [(yield from _line(inbox, send))]
    while lines[-1][:3].isdigit() and lines[-1][3:4] == "-":
        if len(lines) > _MOST_LINES:
            raise Malformed("the SMTP server's reply has no end")
        lines.append((yield from _line(inbox)))
    return lines


def _line(inbox: bytearray, send: bytes = b"") -> Generator[bytes, bytes, str]:
    while b"\n" not in inbox:
        if len(inbox) > _LONGEST:
            raise Malformed("the server sends a line without end before STARTTLS")
        inbox += yield send
        send = b""
    line, _, rest = bytes(inbox).partition(b"\n")
    inbox[:] = rest
    return line.rstrip(b"\r").decode("ascii", "replace")


def _expect(code: str, reply: list[str], asked: str) -> None:
    if reply[-1][:3] != code:
        raise _refused("SMTP", asked, reply[-1])


def _refused(protocol: str, asked: str, answer: str) -> SourceError:
    """Tell a server that is busy or shutting down from one that will not, and from one that is no such server."""
    status = answer[:3]
    if protocol == "SMTP" and status.isdigit():
        message = f"the SMTP server answers {asked} with {status}"
        return Unreachable(message) if status[0] == "4" else SourceError(message, cause=Cause.UNSUPPORTED)
    word = next((word for word in answer.upper().split(" ")[1:2] if word in {"NO", "BAD", "PREAUTH", "BYE"}), None)
    if protocol == "IMAP" and word is not None:
        message = f"the IMAP server answers {asked} with {word}"
        return Unreachable(message) if word == "BYE" else SourceError(message, cause=Cause.UNSUPPORTED)
    return Malformed(f"the server does not speak {protocol}: {asked} has another form")


def _nothing_left(inbox: bytes | bytearray) -> None:
    if inbox:
        raise Malformed("the server sends plaintext behind its consent to STARTTLS, which may be injected")
