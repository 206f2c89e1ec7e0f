"""A certificate tells its dates, issuer and names, and names match as RFC 9525 has it."""

from __future__ import annotations

import ssl
import subprocess
from datetime import UTC
from ipaddress import ip_address
from pathlib import Path

import pytest

from sources.common.errors import Malformed
from sources.common.x509 import Names, as_address, name_matches, read_certificate
from tests.support.clock import NOW
from tests.support.pki import Pki

NAMES = {
    "exact": (["a.example.org"], "a.example.org", True),
    "another": (["a.example.org"], "b.example.org", False),
    "case": (["A.Example.ORG"], "a.example.org", True),
    "trailing dot asked": (["a.example.org"], "a.example.org.", True),
    "wildcard": (["*.example.org"], "a.example.org", True),
    "wildcard, two labels": (["*.example.org"], "a.b.example.org", False),
    "wildcard, no label": (["*.example.org"], "example.org", False),
    "wildcard over a top-level domain": (["*.org"], "example.org", False),
    "wildcard in the middle": (["a.*.org"], "a.example.org", False),
    "A-label under a wildcard": (["*.example.org"], "xn--bcher-kva.example.org", True),
    "address": (["192.0.2.1"], "192.0.2.1", True),
    "address is no name": (["a.example.org"], "192.0.2.1", False),
    "IPv6 written otherwise": (["2001:db8::1"], "2001:db8:0:0:0:0:0:1", True),
    "second of many": (["x.test", "a.example.org"], "a.example.org", True),
}


@pytest.mark.parametrize(("names", "asked", "expected"), [pytest.param(*row, id=name) for name, row in NAMES.items()])
def test_names_match_as_openssl_says(names: list[str], asked: str, *, expected: bool, tmp_path: Path) -> None:
    """Our matcher agrees with the openssl program on every rule of RFC 9525 that both know."""
    issued = Pki(tmp_path, now=NOW).leaf("named", names=names)
    certificate = read_certificate(ssl.PEM_cert_to_DER_cert(issued.cert.read_text()))
    option = "-checkip" if as_address(asked) else "-checkhost"
    ask = ["openssl", "x509", "-in", str(issued.cert), "-noout", option, asked.removesuffix(".")]
    theirs = "does match" in subprocess.run(ask, capture_output=True, check=False, text=True).stdout

    assert certificate.names is not None
    assert name_matches(certificate.names, asked) is expected
    assert theirs is expected


def test_a_name_with_a_nul_is_no_match() -> None:
    """What stands before a NUL octet is not the name (CVE-2009-2408)."""
    assert not name_matches(Names(dns=("good.test\0.evil.test",)), "good.test")


def test_a_dns_name_that_reads_as_an_address_is_no_address() -> None:
    """Only an IP name answers for an address."""
    assert not name_matches(Names(dns=("192.0.2.1",)), "192.0.2.1")
    assert name_matches(Names(addresses=(ip_address("192.0.2.1"),)), "192.0.2.1")


def test_the_leaf_tells_issuer_and_fingerprint(tmp_path: Path) -> None:
    """The fingerprint is the SHA-256 that ``openssl x509 -fingerprint`` prints."""
    issued = Pki(tmp_path, now=NOW).leaf("printed")
    ask = ["openssl", "x509", "-in", str(issued.cert), "-noout", "-fingerprint", "-sha256"]
    printed = subprocess.run(ask, capture_output=True, check=True, text=True).stdout

    certificate = read_certificate(ssl.PEM_cert_to_DER_cert(issued.cert.read_text()))

    assert certificate.issuer == "CN=issuing"
    assert certificate.fingerprint == printed.strip().partition("=")[2].replace(":", "").lower()
    assert certificate.validity.not_after.tzinfo is UTC


def test_bytes_that_are_no_certificate_are_malformed() -> None:
    """A certificate that cannot be parsed is a doubt with a cause."""
    with pytest.raises(Malformed):
        read_certificate(b"0\x03\x02\x01\x01")
