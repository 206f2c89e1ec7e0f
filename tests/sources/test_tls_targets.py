"""A target of TLS is read as it is written, or its fault says what is allowed."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from sources.common.exchange import Endpoint
from sources.common.settings import from_toml
from sources.tls import SOURCE, Config, parse_target
from tests.support.clock import NOW
from tests.support.pki import Pki


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Make one root and one intermediate for the whole module."""
    return Pki(tmp_path_factory.mktemp("pki"), now=NOW)


def config(pki: Pki, *targets: str, limit: str = "20s") -> Config:
    """Build a configuration as the engine does."""
    keys = {"targets": targets, "ca_file": str(pki.ca_file), "target_timeout": limit}
    return msgspec.convert(keys, Config, dec_hook=from_toml)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("www.example.org:443", Endpoint("www.example.org", 443, "www.example.org")),
        ("WWW.Example.org.:443", Endpoint("www.example.org", 443, "www.example.org")),
        ("127.0.0.1:8443@localhost", Endpoint("127.0.0.1", 8443, "localhost")),
        ("mail.example.org:587/smtp", Endpoint("mail.example.org", 587, "mail.example.org", "smtp")),
        ("10.0.0.1:143/imap@mx.test", Endpoint("10.0.0.1", 143, "mx.test", "imap")),
        ("[2001:DB8:0:0::1]:443", Endpoint("2001:db8::1", 443, "2001:db8::1")),
        ("[2001:db8::1]:443", Endpoint("2001:db8::1", 443, "2001:db8::1")),
        ("[::1]:5432/postgres@db.test", Endpoint("::1", 5432, "db.test", "postgres")),
        ("bücher.example:443", Endpoint("xn--bcher-kva.example", 443, "xn--bcher-kva.example")),
    ],
)
def test_a_target_is_read(text: str, endpoint: Endpoint) -> None:
    """Host, port, STARTTLS and server name are told apart; names become lower-case A-labels."""
    assert parse_target(text) == endpoint


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "write host:port"),
        ("www.example.org", "write host:port"),
        ("https://www.example.org:443", "write host:port"),
        ("www.example.org:0", "port 0 is not in 1 to 65535"),
        ("www.example.org:65536", "port 65536 is not in 1 to 65535"),
        ("mail.example.org:21/ftp", '"ftp" is no STARTTLS protocol; allowed: smtp, imap, postgres'),
        ("2001:db8::1:443", "write host:port"),
        ("[www.example.org]:443", "is no IPv6 address"),
        ("[127.0.0.1]:443", "is no IPv6 address"),
        ("www..example.org:443", "is no host name"),
        ("*.example.org:443", "is no host name"),
        ("www.example.org:443@", "write host:port"),
        ("www.example.org:443@a b", "write host:port"),
        ("www.example.org:443@a\u202eb.test", "control or direction character"),
        ("www.example.org:443@a\x07b.test", "control or direction character"),
        ("www\u200b.example.org:443", "control or direction character"),
    ],
)
def test_a_target_that_cannot_be_read_says_what_is_allowed(text: str, fault: str, pki: Pki, tmp_path: Path) -> None:
    """The fault names the key with its index, what was found and what to write."""
    assert SOURCE.check is not None

    (message,) = SOURCE.check(config(pki, "good.test:443", text), tmp_path)

    assert message.startswith(f'targets[1]: "{text}": ')
    assert fault in message


def test_duplicates_are_refused_however_they_are_written(pki: Pki, tmp_path: Path) -> None:
    """One endpoint in two spellings would count twice."""
    assert SOURCE.check is not None

    targets = ("a.test:443", "b.test:443", "A.test:443", "b.test:443@b.test", "[::1]:443", "[0:0:0:0:0:0:0:1]:443")
    messages = SOURCE.check(config(pki, *targets), tmp_path)

    assert messages == [
        'targets[2]: "A.test:443" is the same target as targets[0]',
        'targets[3]: "b.test:443@b.test" is the same target as targets[1]',
        'targets[5]: "[0:0:0:0:0:0:0:1]:443" is the same target as targets[4]',
    ]


def test_nothing_to_ask_and_no_time_to_ask_it_are_faults(pki: Pki, tmp_path: Path) -> None:
    """An empty list and a time-out of zero are refused before anything runs."""
    assert SOURCE.check is not None

    assert SOURCE.check(config(pki, limit="0s"), tmp_path) == [
        "targets: name at least one",
        "target_timeout: must be longer than 0s",
    ]


def test_targets_are_metric_labels_as_configured(pki: Pki) -> None:
    """A label is the record's id, so series and findings have one name."""
    assert SOURCE.labels is not None

    assert SOURCE.labels(config(pki, "A.test:443")) == {"A.test:443": "A.test:443"}
