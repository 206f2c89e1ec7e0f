"""A certificate authority of the demo's own: short-lived certificates for hosts that do not exist."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_YEARS: Final = timedelta(days=3650)


@dataclass(frozen=True, slots=True)
class Issuer:
    """A root and its key, which live as long as the demo."""

    key: ec.EllipticCurvePrivateKey
    cert: x509.Certificate

    def pem(self) -> bytes:
        """Return the root, for ``ca_file``."""
        return self.cert.public_bytes(serialization.Encoding.PEM)

    def leaf(self, path: Path, host: str, begin: datetime, end: datetime) -> None:
        """Write a server certificate for one name, and its key, into one PEM file."""
        key = ec.generate_private_key(ec.SECP256R1())
        _write(path, key, _server(host, key, begin, end).issuer_name(self.cert.subject).sign(self.key, hashes.SHA256()))


def make_issuer(now: datetime) -> Issuer:
    """Make a root that is valid for ten years before and after ``now``."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("Controlwatch demo root")
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    cert = (
        _dated(x509.CertificateBuilder(), key, now - _YEARS, now + _YEARS)
        .subject_name(name)
        .issuer_name(name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Issuer(key, cert)


def self_signed(path: Path, host: str, begin: datetime, end: datetime) -> None:
    """Write a server certificate that vouches for itself, and its key, into one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    _write(path, key, _server(host, key, begin, end).issuer_name(_name(host)).sign(key, hashes.SHA256()))


def _server(host: str, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime) -> x509.CertificateBuilder:
    return (
        _dated(x509.CertificateBuilder(), key, begin, end)
        .subject_name(_name(host))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )


def _dated(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        builder.public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _write(path: Path, key: ec.EllipticCurvePrivateKey, cert: x509.Certificate) -> None:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.write_bytes(cert.public_bytes(serialization.Encoding.PEM) + private)
