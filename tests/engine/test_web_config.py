"""A web configuration is validated whole: what it says holds, or every fault of it is told and nothing starts."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from engine.serve import open_web_config
from engine.web_config import WebConfigRefused, load_web_config
from engine.web_tls import alternative_names
from tests.support.pki import Issued, Pki
from tests.support.servers import needs
from tests.support.web import USER, hashed, tls, write


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Give a public key infrastructure with dates around today's."""
    folder = tmp_path / "pki"
    folder.mkdir()
    return Pki(folder)


@pytest.fixture
def server(pki: Pki) -> Issued:
    """Give a certificate whose key is its owner's alone."""
    issued = pki.leaf("server")
    issued.key.chmod(0o600)
    return issued


def faults(path: Path) -> list[str]:
    """Read a file that is refused, and give the faults without its name."""
    with pytest.raises(WebConfigRefused) as caught:
        load_web_config(path)
    assert all(fault.startswith(f"{path}: ") for fault in caught.value.faults)
    return [fault.removeprefix(f"{path}: ") for fault in caught.value.faults]


def text(folder: Path, content: str) -> Path:
    """Write a file as it stands."""
    path = folder / "web.yml"
    path.write_text(content)
    return path


def test_a_whole_configuration_is_read(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """Every key that is honoured, with paths relative to the file."""
    for name, source in (("c.pem", server.chain), ("k.pem", server.key), ("ca.pem", pki.ca_file)):
        (tmp_path / name).write_bytes(source.read_bytes())
        (tmp_path / name).chmod(0o640)
    path = write(
        tmp_path / "web.yml",
        tls_server_config={
            "cert_file": "c.pem",
            "key_file": "k.pem",
            "client_ca_file": "ca.pem",
            "client_auth_type": "RequireAndVerifyClientCert",
            "client_allowed_sans": ["scraper.example.org"],
            "min_version": "TLS12",
            "max_version": "TLS13",
            "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"],
            "prefer_server_cipher_suites": False,
        },
        http_server_config={"http2": False, "headers": {"X-Frame-Options": "deny", "X-XSS-Protection": ""}},
        basic_auth_users={USER: hashed()},
    )
    config = load_web_config(path)
    assert config.protections == {"TLS", "client certificates", "client_allowed_sans", "users"}
    assert config.headers == {"X-Frame-Options": "deny"}
    assert [file.name for file in config.seen] == ["web.yml", "c.pem", "k.pem", "ca.pem"]
    assert hashed()[:7] not in repr(config)


def test_certificates_may_stand_in_the_file_itself(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """``cert``, ``key`` and ``client_ca`` hold PEM, and then the file is as secret as its key."""
    section = {
        "cert": server.chain.read_text(),
        "key": server.key.read_text(),
        "client_ca": pki.ca_file.read_text(),
        "client_auth_type": "RequireAndVerifyClientCert",
    }
    path = write(tmp_path / "web.yml", tls_server_config=section)
    assert load_web_config(path).protections == {"TLS", "client certificates"}
    path.chmod(0o644)
    (fault,) = faults(path)
    assert fault.startswith(f"tls_server_config.key: {path} holds a private key and has mode 0644; at most 0640")


GOOD = "basic_auth_users: {prometheus: $2b$04$" + "a" * 53 + "}\n"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("", ["expected sections and found none; one of tls_server_config,"], id="empty"),
        pytest.param("- a\n", ["expected sections and found none"], id="a list"),
        pytest.param("a: [\n", ["line 2: not valid YAML: "], id="broken"),
        pytest.param("a: !!python/object/apply:os.system [id]\n", ["line 1: not valid YAML: could not"], id="a tag"),
        pytest.param("a: &x {}\nb: *x\n", ["line 2: not valid YAML: aliases are not read here"], id="an alias"),
        pytest.param("a: 1\n---\nb: 1\n", ["line 2: not valid YAML: but found another document"], id="two documents"),
        pytest.param("a: \x07\n", ["not valid YAML: a character"], id="a control character"),
        pytest.param("[" * 5_000, ["not plain data: RecursionError"], id="endless depth"),
        pytest.param("d: 2026-99-99\n", ["not plain data: ValueError"], id="no date"),
        pytest.param(GOOD + GOOD, ['line 2: the key "basic_auth_users" stands twice'], id="a section twice"),
        pytest.param(
            "tls_server_config:\n  cert_file: a\n  key_file: b\n  cert_file: c\n",
            ['line 4: the key "cert_file" stands twice'],
            id="a key twice",
        ),
        pytest.param("basic_auth_users:\n", ["basic_auth_users: empty; give it a value"], id="nothing told"),
        pytest.param("basic_auth_users: {}\n", ["basic_auth_users: expected names and bcrypt hashes"], id="nobody"),
        pytest.param("basic_auth_users: {1: x}\n", ["basic_auth_users: a key is no text"], id="a number as a name"),
        pytest.param("basic_auth_users: {yes: x}\n", ["basic_auth_users: a key is no text"], id="a yes as a name"),
        pytest.param("basic_auth_users: {a: geheim}\n", ["basic_auth_users: user 1 of 1: not a bcrypt"], id="password"),
        pytest.param(
            f"basic_auth_users: {{'a:b': {hashed()}}}\n",
            ["basic_auth_users: user 1 of 1: a name must not be empty or hold a colon"],
            id="a colon",
        ),
        pytest.param(
            GOOD + "basic_auth_user: {}\n", ['basic_auth_user: unknown key, did you mean "basic_auth_users"?'], id="key"
        ),
        pytest.param(GOOD + "rate_limit: {burst: 1}\n", ["rate_limit: requests are not limited by rate"], id="rate"),
        pytest.param(
            GOOD + "http_server_config: {http2: true}\n",
            ["http_server_config.http2: HTTP/2 is not served; write http2: false"],
            id="http2",
        ),
        pytest.param(
            GOOD + "http_server_config: {headers: {X-Frame-Option: deny, X-Content-Type-Options: sniff, Server: x}}\n",
            [
                'http_server_config.headers.X-Frame-Option: this header cannot be set, did you mean "X-Frame-Options"?',
                'http_server_config.headers.X-Content-Type-Options: expected nosniff, found "sniff"',
                "http_server_config.headers.Server: this header cannot be set; one of",
            ],
            id="headers",
        ),
        pytest.param(
            GOOD + 'http_server_config: {headers: {X-XSS-Protection: "1\\r\\nSet-Cookie: x"}}\n',
            ["http_server_config.headers.X-XSS-Protection: expected printable ASCII"],
            id="a header within a header",
        ),
    ],
)
def test_a_file_with_faults_is_refused(tmp_path: Path, content: str, expected: list[str]) -> None:
    """Each fault says where and what, and none repeats a password."""
    found = faults(text(tmp_path, content))
    assert len(found) == len(expected), found
    assert all(fault.startswith(start) for fault, start in zip(found, expected, strict=True)), found
    assert not any("geheim" in fault for fault in found)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        pytest.param({"cert_fil": "x"}, ['cert_fil: unknown key, did you mean "cert_file"?'], id="unknown"),
        pytest.param({"cert_file": ""}, ["cert_file: missing"], id="no certificate"),
        pytest.param({"key_file": ""}, ["key_file: missing"], id="no key"),
        pytest.param({"cert_file": "none.pem"}, ["cert_file: "], id="a file that is not there"),
        pytest.param({"cert_file": "."}, ["cert_file: "], id="a folder"),
        pytest.param({"cert": "x"}, ["cert: write one of cert and cert_file, not both"], id="both"),
        pytest.param({"key_file": "", "key": 7}, ["key: expected a text, in PEM"], id="a number as a key"),
        pytest.param({"key_file": "", "key": "x"}, ["key: holds no PEM private key"], id="no key at all"),
        pytest.param({"client_auth_type": "RequireAnyClientCert"}, ["client_auth_type: RequireAnyClientCert verifies"]),
        pytest.param({"client_auth_type": "RequestClientCert"}, ["client_auth_type: RequestClientCert verifies"]),
        pytest.param({"client_auth_type": "Always"}, ["client_auth_type: expected one of "], id="no policy"),
        pytest.param(
            {"client_auth_type": "RequireAndVerifyClientCert"}, ["client_ca_file: missing; "], id="no authority"
        ),
        pytest.param({"client_ca_file": "CA"}, ["client_auth_type: client authorities"], id="authority unused"),
        pytest.param({"client_allowed_sans": ["a"]}, ["client_allowed_sans: needs client_auth_type"], id="names alone"),
        pytest.param(
            {
                "client_allowed_sans": [],
                "client_auth_type": "RequireAndVerifyClientCert",
                "client_ca_file": "CA",
            },
            ["client_allowed_sans: name at least one"],
            id="no name",
        ),
        pytest.param({"min_version": "TLS10"}, ["min_version: TLS10 is not safe"], id="TLS 1.0"),
        pytest.param({"max_version": "TLS11", "min_version": "TLS11"}, ["max_version: ", "min_version: "], id="1.1"),
        pytest.param({"min_version": "TLS13", "max_version": "TLS12"}, ["min_version: TLS13 is above"], id="crossed"),
        pytest.param({"min_version": "1.2"}, ['min_version: expected one of "TLS10"'], id="another word"),
        pytest.param({"curve_preferences": ["X25519"]}, ["curve_preferences: curves cannot be chosen here"]),
        pytest.param({"cipher_suites": ["RC4"]}, ["cipher_suites: ", "cipher_suites[0]: unknown suite"], id="no suite"),
        pytest.param({"cipher_suites": ["TLS_AES_128_GCM_SHA256"]}, ["cipher_suites: names no suite of TLS 1.2"]),
        pytest.param(
            {"cert_file": "none.pem", "min_version": "TLS10", "whatever": 1, "client_ca_file": "none.pem"},
            ["cert_file: ", "client_auth_type: ", "client_ca_file: ", "min_version: ", "whatever: "],
            id="all at once",
        ),
    ],
)
def test_tls_with_faults_is_refused(
    tmp_path: Path, pki: Pki, server: Issued, more: dict[str, Any], expected: list[str]
) -> None:
    """Every fault of the section, each at its key."""
    told = {key: str(pki.ca_file) if value == "CA" else value for key, value in more.items()}
    found = sorted(faults(write(tmp_path / "web.yml", tls_server_config=tls(server, **told))))
    assert len(found) == len(expected), found
    assert all(f.startswith(f"tls_server_config.{start}") for f, start in zip(found, expected, strict=True)), found


def test_what_the_files_hold_is_looked_at(tmp_path: Path, pki: Pki, server: Issued) -> None:
    """No certificate, another certificate's key, a key under a password, a key that others can read."""
    other = pki.leaf("other")
    locked = tmp_path / "locked.pem"
    command = [str(needs("openssl", package="openssl")), "pkcs8", "-topk8", "-v2", "aes-128-cbc", "-passout", "pass:x"]
    subprocess.run([*command, "-in", str(server.key), "-out", str(locked)], check=True, capture_output=True)
    other.key.chmod(0o600)
    locked.chmod(0o600)
    cases = {
        "cert_file: holds no PEM certificate": {"cert_file": str(server.key)},
        "key_file: holds no PEM private key": {"key_file": str(locked.with_name("empty.pem"))},
        "key_file: is not the key of cert_file": {"key_file": str(other.key)},
        "key_file: is encrypted": {"key_file": str(locked)},
    }
    (tmp_path / "empty.pem").touch(0o600)
    for expected, more in cases.items():
        (found,) = faults(write(tmp_path / "web.yml", tls_server_config=tls(server, **more)))
        assert found.startswith(f"tls_server_config.{expected}")
    for mode, said in ((0o644, "0644"), (0o660, "0660"), (0o604, "0604")):
        server.key.chmod(mode)
        (found,) = faults(write(tmp_path / "web.yml", tls_server_config=tls(server)))
        assert f"has mode {said}; at most 0640" in found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """With its path; one that cannot be a configuration, too."""
    assert faults(tmp_path / "none.yml") == ["cannot be read: No such file or directory"]
    (tmp_path / "bytes.yml").write_bytes(b"\xff\xfe\x00")
    assert faults(tmp_path / "bytes.yml") == ["not UTF-8 text"]
    (tmp_path / "large.yml").write_text("#" * (1 << 20) + "\n")
    assert faults(tmp_path / "large.yml") == ["cannot be read: more than 1048576 bytes"]


def test_a_pipe_is_no_web_configuration(tmp_path: Path) -> None:
    """Nobody may ever write into it, and whoever waits for that neither starts nor watches."""
    os.mkfifo(tmp_path / "web.yml", 0o600)
    assert faults(tmp_path / "web.yml") == ["cannot be read: no regular file"]


@pytest.mark.parametrize("key", ["cert_file", "key_file", "client_ca_file"])
@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("pipe.pem", "no regular file", id="a pipe"),
        pytest.param("/dev/zero", "no regular file", id="a device"),
        pytest.param("a\0b.pem", "embedded null byte", id="no path"),
    ],
)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, server: Issued, key: str, name: str, said: str) -> None:
    """Every file that the web configuration names is opened without waiting, and refused when it is none."""
    os.mkfifo(tmp_path / "pipe.pem", 0o600)
    verified = {"client_auth_type": "RequireAndVerifyClientCert", "client_ca_file": str(server.chain)}
    path = write(tmp_path / "web.yml", tls_server_config=tls(server, **{**verified, key: name}))
    assert faults(path) == [f"tls_server_config.{key}: {tmp_path / name} cannot be read: {said}"]


@pytest.mark.parametrize(
    ("listen", "allow_public", "sections", "refused"),
    [
        pytest.param("0.0.0.0:1", False, {}, True, id="public, and no file"),
        pytest.param("0.0.0.0:1", True, {}, False, id="public by consent"),
        pytest.param("127.0.0.1:1", False, {}, False, id="loopback"),
        pytest.param("0.0.0.0:1", False, {"basic_auth_users": {USER: hashed()}}, False, id="public with users"),
        pytest.param("0.0.0.0:1", False, {"http_server_config": {"http2": False}}, True, id="public, unprotected"),
        pytest.param("", False, {"basic_auth_users": {USER: "x"}}, True, id="off, and a fault in the file"),
    ],
)
def test_address_and_file_are_judged_together(
    tmp_path: Path, listen: str, sections: dict[str, Any], *, allow_public: bool, refused: bool
) -> None:
    """A public address is refused without TLS, users or consent, and a faulty file always."""
    path = write(tmp_path / "web.yml", **sections) if sections else None
    _, found = open_web_config(listen, path, allow_public=allow_public)
    assert bool(found) is refused


def test_every_kind_of_name_of_a_certificate_counts(tmp_path: Path) -> None:
    """DNS names, addresses of the Internet, e-mail addresses and URIs, each as it is written."""
    openssl = needs("openssl", package="openssl")
    names = "DNS:a.example.org,IP:192.0.2.1,IP:2001:db8::1,email:a@example.org,URI:spiffe://example.org/scraper"
    subject = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=a"]
    out = ["-keyout", os.devnull, "-outform", "DER", "-addext", f"subjectAltName={names}"]
    done = subprocess.run([openssl, *subject, *out], check=True, capture_output=True)
    assert set(alternative_names(done.stdout)) == {
        *("a.example.org", "192.0.2.1", "2001:db8::1", "a@example.org", "spiffe://example.org/scraper"),
    }
    assert alternative_names(b"no certificate") == []
