"""The listener's TLS: what ``tls_server_config`` asks for becomes one context, or every fault of it is told.

Field by field it is the exporter toolkit's (https://github.com/prometheus/exporter-toolkit, docs/web-configuration.md,
read 2026-11-21). What the TLS library here cannot do as Go does is refused, never left out in silence.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from engine.convert import Faults, choice, shown
from sources.common.local import open_at_once

if TYPE_CHECKING:
    import ssl

    from cryptography.x509 import Certificate

LARGEST: Final = 1 << 20
"""Bytes of a file that is read."""
OTHERS: Final = stat.S_IRWXO | stat.S_IWGRP
"""What a private key may not grant: nothing to others, and to its group to read alone."""

FileState = tuple[int, int, int, int]
Seen = dict[Path, FileState | None]
"""The files that were read, as they were then; None: it could not be."""

VERSIONS: Final = ("TLS12", "TLS13")
_VERIFYING: Final = ("VerifyClientCertIfGiven", "RequireAndVerifyClientCert")
_UNVERIFIED: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_ALWAYS_ON: Final = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
"""Suites of TLS 1.3; they may be named and cannot be turned off, as in Go."""
_SUITES: Final[Mapping[str, str]] = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
"""Go's names of the suites of TLS 1.2, and OpenSSL's."""


class TlsServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``tls_server_config``; an empty text is a key that is not there."""

    cert: str = ""
    key: Any = ""
    """A private key, PEM; ``Any``, so that no message repeats what stands there."""
    client_ca: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    client_auth_type: Literal[
        "NoClientCert",
        "RequestClientCert",
        "RequireAnyClientCert",
        "RequireClientCert",
        "VerifyClientCertIfGiven",
        "RequireAndVerifyClientCert",
    ] = "NoClientCert"
    client_allowed_sans: tuple[str, ...] | None = None
    min_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS10", "TLS11", "TLS12", "TLS13"] = "TLS13"
    cipher_suites: tuple[str, ...] = ()
    prefer_server_cipher_suites: bool = True
    curve_preferences: Any = None


@dataclass(frozen=True, slots=True)
class TlsTerms:
    """On what terms a connection is encrypted, and with whom."""

    context: ssl.SSLContext
    client_required: bool
    """Whether only a client with a certificate of the given authorities gets in."""
    allowed_sans: frozenset[str] | None
    """Of the client's names one must be here; None: any name."""
    policy: bytes
    """Equal for terms that let in the same clients in the same way, whatever certificate they show."""

    def admits(self, certificate: bytes | None) -> bool:
        """Tell whether a client with this verified certificate (DER; None: without one) may come in."""
        if self.allowed_sans is None:
            return True
        return certificate is not None and not self.allowed_sans.isdisjoint(alternative_names(certificate))


def alternative_names(certificate: bytes) -> list[str]:
    """List a certificate's DNS names, e-mail addresses, IP addresses and URIs as texts; none if it cannot be read."""
    from cryptography import x509

    try:
        extension = x509.load_der_x509_certificate(certificate).extensions
        names = extension.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return []
    texts = [names.get_values_for_type(kind) for kind in (x509.DNSName, x509.RFC822Name)]
    texts.append(names.get_values_for_type(x509.UniformResourceIdentifier))
    return [*(text for group in texts for text in group), *map(str, names.get_values_for_type(x509.IPAddress))]


def read_file(path: Path, seen: Seen) -> tuple[bytes, int]:
    """Read a small file, give its mode, and note in ``seen`` what was read; raises ``OSError`` with a reason.

    A pipe is not waited for: it is no file.
    """
    seen[path] = None
    with open_at_once(path) as file:
        status = os.fstat(file.fileno())
        seen[path] = state_of_file(status)
        octets = file.read(LARGEST + 1)
    if len(octets) > LARGEST:
        raise OSError(0, f"more than {LARGEST} bytes")
    return octets, stat.S_IMODE(status.st_mode)


def state_of_file(status: os.stat_result) -> FileState:
    """Tell what changes when a file does, its mode included."""
    return (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino)


def mode_fault(mode: int) -> str | None:
    """Say what is wrong with the mode of a file that holds a private key."""
    if not mode & OTHERS:
        return None
    return f"holds a private key and has mode {mode:04o}; at most 0640 (Kubernetes: defaultMode: 0440): chmod o=,g-w"


def tls_terms(settings: TlsServerConfig, folder: Path, faults: Faults, seen: Seen) -> TlsTerms | None:
    """Build the terms, noting every fault; None when there was one. Paths are relative to ``folder``."""
    before = len(faults.found)
    section = _Section(settings, folder, faults, seen)
    section.policy()
    suites = section.suites()
    cert, key, ca = section.material("cert"), section.material("key"), section.material("client_ca")
    section.pair(cert, key)
    if ca is not None:
        section.certificates("client_ca", ca)
    if len(faults.found) > before:
        return None
    assert cert is not None
    assert key is not None
    context = section.context(cert, key, ca, suites)
    if context is None:
        return None
    sans = settings.client_allowed_sans
    required = settings.client_auth_type == "RequireAndVerifyClientCert"
    policy = msgspec.json.encode((msgspec.structs.replace(settings, cert="", key="", cert_file="", key_file=""), ca))
    return TlsTerms(context, required, None if sans is None else frozenset(sans), policy)


@dataclass(frozen=True, slots=True)
class _Section:
    """One section while it is read."""

    told: TlsServerConfig
    folder: Path
    faults: Faults
    seen: Seen

    def fault(self, key: str, message: str) -> None:
        self.faults.add(f"tls_server_config.{key}", message)

    def policy(self) -> None:
        """Find what is wrong with versions and client policy, or cannot be had here."""
        told = self.told
        for key, version in (("min_version", told.min_version), ("max_version", told.max_version)):
            if version not in VERSIONS:
                self.fault(key, f"{version} is not safe and not served; write TLS12 or TLS13")
        if told.min_version > told.max_version:
            self.fault("min_version", f"{told.min_version} is above max_version, {told.max_version}")
        if told.curve_preferences is not None:
            self.fault("curve_preferences", "curves cannot be chosen here, the TLS library does; leave it out")
        verifies, has_ca = told.client_auth_type in _VERIFYING, bool(told.client_ca or told.client_ca_file)
        if told.client_auth_type in _UNVERIFIED:
            kind = f"{told.client_auth_type} verifies nothing and is not served"
            self.fault("client_auth_type", f"{kind}; write RequireAndVerifyClientCert, and give client_ca_file")
        elif verifies and not has_ca:
            self.fault("client_ca_file", f"missing; {told.client_auth_type} needs the authorities to verify with")
        elif has_ca and not verifies:
            self.fault(
                "client_auth_type", "client authorities are given and not used; write RequireAndVerifyClientCert"
            )
        self._sans()

    def _sans(self) -> None:
        sans = self.told.client_allowed_sans
        if sans is not None and self.told.client_auth_type != "RequireAndVerifyClientCert":
            self.fault("client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert")
        if sans is not None and not all(sans or ("",)):
            self.fault("client_allowed_sans", "name at least one, and no empty one; or leave it out")

    def suites(self) -> Sequence[str]:
        """Translate the suites of TLS 1.2; empty: the library's own choice."""
        named = self.told.cipher_suites
        for index, name in enumerate(named):
            if name not in _SUITES and name not in _ALWAYS_ON:
                self.fault(f"cipher_suites[{index}]", f"unknown suite {shown(name)}{choice(name, _SUITES)}")
        chosen = [_SUITES[name] for name in named if name in _SUITES]
        if named and not chosen and self.told.min_version != "TLS13":
            self.fault("cipher_suites", "names no suite of TLS 1.2; name one, or write min_version: TLS13")
        return chosen

    def material(self, key: str) -> bytes | None:
        """Read what stands in ``key``, or in the file that ``key_file`` names; None when there is none, or a fault."""
        inline, name = getattr(self.told, key), getattr(self.told, f"{key}_file")
        if isinstance(inline, str) and not (inline and name):
            if name:
                return self._file(f"{key}_file", self.folder / name, secret=key == "key")
            if not inline and key != "client_ca":
                self.fault(f"{key}_file", "missing")
            return inline.encode() or None
        told = "expected a text, in PEM" if not name else f"write one of {key} and {key}_file, not both"
        self.fault(key, told)
        return None

    def _file(self, key: str, path: Path, *, secret: bool) -> bytes | None:
        try:
            octets, mode = read_file(path, self.seen)
        except OSError as error:
            self.fault(key, f"{path} cannot be read: {error.strerror}")
            return None
        fault = mode_fault(mode) if secret else None
        if fault is not None:
            self.fault(key, f"{path} {fault}")
        return octets

    def certificates(self, key: str, pem: bytes) -> list[Certificate]:
        """Read the certificates of a PEM text; empty with a fault when there is none."""
        from cryptography import x509

        try:
            return x509.load_pem_x509_certificates(pem)
        except ValueError:
            self.fault(self._named(key), "holds no PEM certificate that can be read")
            return []

    def pair(self, cert: bytes | None, key: bytes | None) -> None:
        """Find out whether certificate and key can be read, and belong together."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

        chain = self.certificates("cert", cert) if cert is not None else []
        if key is None:
            return
        try:
            private = load_pem_private_key(key, None)
        except TypeError:
            self.fault(self._named("key"), "is encrypted, and there is no place for its password; give it in the clear")
            return
        except ValueError:
            self.fault(self._named("key"), "holds no PEM private key that can be read")
            return
        form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        if chain and chain[0].public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
            self.fault(self._named("key"), f"is not the key of {self._named('cert')}")

    def context(self, cert: bytes, key: bytes, ca: bytes | None, suites: Sequence[str]) -> ssl.SSLContext | None:
        """Build the context of sound material."""
        import ssl

        told = self.told
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = _version(told.min_version), _version(told.max_version)
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET
        context.num_tickets = 0  # a resumed session would skip the verification of the client
        if not told.prefer_server_cipher_suites:
            context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
        context.set_alpn_protocols(["http/1.1"])
        try:
            if suites:
                context.set_ciphers(":".join(suites))
            with _as_file(cert) as cert_path, _as_file(key) as key_path:
                context.load_cert_chain(cert_path, key_path, password=lambda: b"")
            if ca is not None:
                context.load_verify_locations(cadata=ca.decode())
        except (ssl.SSLError, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            self.fault(self._named("cert"), f"the TLS library refuses what is given ({reason})")
            return None
        if told.client_auth_type in _VERIFYING:
            required = told.client_auth_type == "RequireAndVerifyClientCert"
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
            context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # as in Go, an intermediate may be the anchor
        return context

    def _named(self, key: str) -> str:
        return f"{key}_file" if getattr(self.told, f"{key}_file") else key


def _version(name: str) -> ssl.TLSVersion:
    import ssl

    return {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}[name]


@contextmanager
def _as_file(octets: bytes) -> Iterator[str]:
    """Give a path under which the TLS library finds bytes that were read before: in memory, where the system can."""
    if hasattr(os, "memfd_create"):
        held = os.memfd_create("pem")
        try:
            os.write(held, octets)
            yield f"/proc/self/fd/{held}"
        finally:
            os.close(held)
        return
    with tempfile.NamedTemporaryFile() as file:  # made with mode 0600
        file.write(octets)
        file.flush()
        yield file.name
