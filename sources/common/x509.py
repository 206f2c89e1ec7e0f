"""What a certificate says: its dates, its names, its issuer, and whether a name is one of its own.

Names follow RFC 9525 (and RFC 6125 before it): only subject alternative names count, never the common name; a wildcard
stands for exactly one whole label, the left-most, above at least two more; an address matches an address only.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from sources.common.errors import Malformed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Validity:
    """When a certificate is valid."""

    not_before: datetime
    """Start, UTC."""
    not_after: datetime
    """End, UTC."""


@dataclass(frozen=True, slots=True)
class Names:
    """The subject alternative names that a server may be asked for by."""

    dns: tuple[str, ...] = ()
    """DNS names as written, perhaps with a wildcard."""
    addresses: tuple[Address, ...] = ()
    """IP addresses."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate, read."""

    validity: Validity
    """Its dates."""
    names: Names | None
    """Its names; None when the extension is there and cannot be read."""
    issuer: str
    """Who issued it, RFC 4514."""
    fingerprint: str
    """SHA-256 of its DER form, hex."""


def read_certificate(der: bytes) -> Certificate:
    """Read a certificate; raises ``Malformed`` when it cannot be parsed."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        validity = Validity(parsed.not_valid_before_utc, parsed.not_valid_after_utc)
        issuer = parsed.issuer.rfc4514_string()
    except ValueError as fault:
        raise Malformed(f"a certificate cannot be parsed: {fault}") from fault
    return Certificate(validity, _names(parsed), issuer, hashlib.sha256(der).hexdigest())


def read_validity(der: bytes) -> Validity:
    """Read the dates alone; raises ``Malformed`` when the certificate cannot be parsed."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        return Validity(parsed.not_valid_before_utc, parsed.not_valid_after_utc)
    except ValueError as fault:
        raise Malformed(f"a certificate cannot be parsed: {fault}") from fault


def name_matches(names: Names, asked: str) -> bool:
    """Tell whether a host name (A-labels) or an IP address is among the names."""
    address = as_address(asked)
    if address is not None:
        return address in names.addresses
    wanted = asked.lower().removesuffix(".").split(".")
    return any(_covers(name.lower().split("."), wanted) for name in names.dns)


def as_address(host: str) -> Address | None:
    """Read an IP address, a zone apart; None for a host name."""
    if ":" not in host and not host[-1:].isdigit():
        return None
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _covers(pattern: list[str], wanted: list[str]) -> bool:
    if "" in wanted or "" in pattern:
        return False
    if pattern[0] != "*":
        return pattern == wanted
    return len(pattern) > 2 and pattern[1:] == wanted[1:]


def _names(certificate: x509.Certificate) -> Names | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Names()
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None
    addresses = found.get_values_for_type(x509.IPAddress)
    return Names(
        tuple(found.get_values_for_type(x509.DNSName)),
        tuple(one for one in addresses if isinstance(one, Address)),
    )
