"""A public key infrastructure made by the openssl program, and listeners that show its certificates.

    with Farm() as farm:
        pki = Pki(tmp_path, now=NOW)
        port = farm.tls(pki.leaf("good", days=90))
        expired = farm.tls(pki.leaf("late", days=-3))

Both are synchronous and need no event loop, so end-to-end tests can use them around another process.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import subprocess
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import Final, Self

from tests.support.servers import needs

_CA: Final = """\
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
"""
_CA_EXTENSIONS: Final = """\
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_LEAF_EXTENSIONS: Final = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth, clientAuth
subjectKeyIdentifier = hash
"""


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate, its key, and what a server that is set up well would send."""

    name: str
    """Common name."""
    cert: Path
    """PEM of the certificate alone."""
    key: Path
    """PEM of its private key."""
    chain: Path
    """PEM of the certificate and its issuers, without the root."""
    not_before: datetime
    """Start of validity, UTC."""
    not_after: datetime
    """End of validity, UTC."""


class Pki:
    """A root and an intermediate, ``issuing``, under which leaves are made; all dates count from ``now``."""

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        """Make the root and the intermediate in ``folder``; ``now`` is the machine's time unless given."""
        self._openssl = needs("openssl", package="openssl")
        self._folder = folder
        self.now = (now or datetime.now(UTC)).replace(microsecond=0)
        (folder / "index.txt").touch()
        (folder / "ca.cnf").write_text(_CA.format(folder=folder))
        self.root = self.authority("root", by=None)
        self.issuing = self.authority("issuing", by=self.root)

    @property
    def ca_file(self) -> Path:
        """The root's PEM, for ``ca_file``."""
        return self.root.cert

    def authority(
        self,
        name: str,
        *,
        by: Issued | None,
        days: float = 3_650,
        began: float = 365,
        key: Path | None = None,
        subject: str | None = None,
    ) -> Issued:
        """Make a certificate authority; without ``by`` it signs itself. ``key`` and ``subject`` serve cross-signs."""
        return self._issue(name, _CA_EXTENSIONS, by, (began, days), key=key, subject=subject)

    def leaf(
        self,
        name: str,
        *,
        names: Sequence[str] = ("localhost",),
        days: float = 90,
        began: float | None = None,
        by: Issued | None = None,
    ) -> Issued:
        """Make a server certificate for DNS names and addresses that ends ``days`` from now (minus: ago).

        It began ``began`` days ago (minus: begins then), by default so that it lasts 120 days or more.
        """
        began = max(1.0, 120 - days) if began is None else began
        return self._issue(name, _LEAF_EXTENSIONS + _alternatives(names), by or self.issuing, (began, days))

    def self_signed(self, name: str, *, names: Sequence[str] = ("localhost",), days: float = 90) -> Issued:
        """Make a server certificate that vouches for itself."""
        return self._issue(name, _LEAF_EXTENSIONS + _alternatives(names), None, (30, days))

    def _issue(
        self,
        name: str,
        extensions: str,
        by: Issued | None,
        span: tuple[float, float],
        *,
        key: Path | None = None,
        subject: str | None = None,
    ) -> Issued:
        stem = self._folder / name
        cert, request, extension_file = (stem.with_suffix(end) for end in (".pem", ".csr", ".ext"))
        extension_file.write_text(extensions)
        made = key or stem.with_suffix(".key")
        if key is None:
            self._run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", made)
        self._run("req", "-new", "-key", made, "-subj", f"/CN={subject or name}", "-out", request)
        not_before, not_after = self.now - timedelta(days=span[0]), self.now + timedelta(days=span[1])
        signer = ("-selfsign", "-keyfile", made) if by is None else ("-cert", by.cert, "-keyfile", by.key)
        dates = ("-startdate", _asn1(not_before), "-enddate", _asn1(not_after))
        files = ("-in", request, "-out", cert, "-extfile", extension_file)
        self._run("ca", "-batch", "-notext", "-config", self._folder / "ca.cnf", *signer, *dates, *files)
        chain = stem.with_suffix(".chain")
        above = by.chain.read_text() if by is not None and by.cert != by.chain else ""
        chain.write_text(cert.read_text() + above)
        # A root's chain is the root itself, and nobody sends that.
        return Issued(name, cert, made, cert if by is None else chain, not_before, not_after)

    def _run(self, *arguments: str | Path) -> None:
        done = subprocess.run([self._openssl, *arguments], capture_output=True, check=False, text=True)
        assert done.returncode == 0, done.stderr


class Farm:
    """Listeners on loopback, each in a thread of its own, that end with the ``with`` block."""

    def __init__(self) -> None:
        """Have no listener yet."""
        self._open = ExitStack()
        self._ready: list[tuple[socket.socket, Thread]] = []

    def __enter__(self) -> Self:
        """Start with no listener."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop every listener and wait for its thread."""
        for listening, _ in self._ready:
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
        for _, thread in self._ready:
            thread.join()
        self._open.close()

    def tls(
        self,
        issued: Issued,
        *,
        host: str = "127.0.0.1",
        sends: Path | None = None,
        newest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
        clients: Path | None = None,
        starttls: Callable[[socket.socket], None] | None = None,
    ) -> int:
        """Listen with a certificate and return the port.

        ``sends`` is the PEM file to show instead of the whole chain, ``newest`` the newest version, ``clients``
        the authorities whose client certificates are demanded, ``starttls`` a dialogue that comes first.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sends or issued.chain, issued.key)
        context.maximum_version = newest
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)

        def handle(connection: socket.socket) -> None:
            if starttls is not None:
                starttls(connection)
            with context.wrap_socket(connection, server_side=True) as tls:
                tls.recv(1)

        return self.serve(handle, host=host)

    def serve(self, handle: Callable[[socket.socket], None], *, host: str = "127.0.0.1") -> int:
        """Hand each connection to ``handle``, one after another, and return the port."""
        listening = self._listen(host)
        thread = Thread(target=_accept, args=(listening, handle), daemon=True)
        self._ready.append((listening, thread))
        thread.start()
        return port_of(listening)

    def silent(self) -> int:
        """Accept connections and never say a word; returns the port."""
        return port_of(self._listen("127.0.0.1"))

    def closed(self) -> int:
        """Return a port on which nothing listens: it is bound, so nobody else takes it."""
        bound = self._open.enter_context(socket.socket())
        bound.bind(("127.0.0.1", 0))
        return port_of(bound)

    def _listen(self, host: str) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return self._open.enter_context(socket.create_server((host, 0), family=family, backlog=1_024))


def port_of(bound: socket.socket) -> int:
    """Tell the port of a bound socket."""
    return int(bound.getsockname()[1])


def smtp_starttls(connection: socket.socket) -> None:
    """Play the plaintext part of an SMTP server (RFC 3207)."""
    connection.sendall(b"220-mail.example.org ESMTP\r\n220 ready\r\n")
    assert connection.recv(512).startswith(b"EHLO ")
    connection.sendall(b"250-mail.example.org\r\n250-SIZE 1000\r\n250 STARTTLS\r\n")
    assert connection.recv(512) == b"STARTTLS\r\n"
    connection.sendall(b"220 go ahead\r\n")


def imap_starttls(connection: socket.socket) -> None:
    """Play the plaintext part of an IMAP server (RFC 9051 §6.2.1)."""
    connection.sendall(b"* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n")
    tag, _, command = connection.recv(512).partition(b" ")
    assert command == b"STARTTLS\r\n"
    connection.sendall(b"* CAPABILITY IMAP4rev1\r\n" + tag + b" OK begin\r\n")


def postgres_starttls(connection: socket.socket) -> None:
    """Play the plaintext part of a PostgreSQL server (SSLRequest, protocol 3)."""
    assert connection.recv(8) == bytes((0, 0, 0, 8, 4, 210, 22, 47))
    connection.sendall(b"S")


def _accept(listening: socket.socket, handle: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        # A client that breaks off is what many tests are about.
        with connection, suppress(OSError):
            connection.settimeout(10)
            handle(connection)


def _alternatives(names: Sequence[str]) -> str:
    if not names:
        return ""
    return f"subjectAltName = {', '.join(map(_alternative, names))}\n"


def _alternative(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"


def _asn1(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
