"""The listener's web configuration: the exporter toolkit's ``--web.config.file``, validated whole.

Every fault is found at once, each with its place and the nearest valid key. A key that is known and cannot be honoured
is refused with what to do: what is written here holds, or nothing starts. Shape:
https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md (read 2026-11-21).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.convert import Faults, choice, convert_table, nearest, shown
from engine.web_tls import Seen, TlsServerConfig, TlsTerms, mode_fault, read_file, tls_terms
from engine.web_users import password_hash_fault
from engine.yaml_text import NotYaml, parse_yaml

SECTIONS: Final = ("tls_server_config", "http_server_config", "basic_auth_users")
HEADERS: Final[Mapping[str, Sequence[str]]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
"""The headers that may be set, and the values of those that have few."""


class WebConfigRefused(Exception):
    """A web configuration cannot be used; ``faults`` says why, one line each."""

    def __init__(self, faults: Sequence[str], seen: Seen) -> None:
        """Keep the faults, and the files that were read."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)
        self.seen = seen


class HttpServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """``http_server_config``."""

    http2: bool = False
    headers: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class WebConfig:
    """What the listener goes by."""

    path: Path
    seen: Seen = field(default_factory=dict, repr=False)
    """The file itself and all that it names, as they were when they were read."""
    tls: TlsTerms | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    """Added to every answer."""
    users: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """User names, and bcrypt hashes of their passwords; empty: nobody is asked."""

    @property
    def protections(self) -> frozenset[str]:
        """Name what stands between a stranger and the metrics."""
        certified = self.tls is not None and self.tls.client_required
        named = self.tls is not None and self.tls.allowed_sans is not None
        held = {
            "TLS": self.tls is not None,
            "client certificates": certified,
            "client_allowed_sans": named,
            "users": bool(self.users),
        }
        return frozenset(name for name, there in held.items() if there)


def load_web_config(path: Path) -> WebConfig:
    """Read a web configuration and all that it names; raises ``WebConfigRefused`` with every fault.

    Reads files and parses keys: not for an event loop.
    """
    faults, seen = Faults(str(path)), Seen()
    try:
        octets, mode = read_file(path, seen)
        tree = parse_yaml(octets.decode("utf-8-sig"))
    except OSError as error:
        raise WebConfigRefused([f"{path}: cannot be read: {error.strerror}"], seen) from None
    except UnicodeDecodeError:
        raise WebConfigRefused([f"{path}: not UTF-8 text"], seen) from None
    except NotYaml as error:
        raise WebConfigRefused([f"{path}: {fault}" for fault in error.faults], seen) from None
    if not isinstance(tree, Mapping) or not tree:
        told = f"{path}: expected sections and found none; one of {', '.join(SECTIONS)}"
        raise WebConfigRefused([told], seen)
    return _config(path, tree, mode, faults, seen)


def _config(path: Path, tree: Mapping[str, Any], mode: int, faults: Faults, seen: Seen) -> WebConfig:
    for key in tree:
        if key == "rate_limit":
            faults.add(key, "requests are not limited by rate here, but to 64 connections; leave it out")
        elif key not in SECTIONS:
            faults.add(key, f"unknown key{choice(key, SECTIONS)}")
    tls = None
    if "tls_server_config" in tree:
        settings = convert_table(tree["tls_server_config"], (TlsServerConfig,), "tls_server_config", faults)[0]
        if settings is not None:
            tls = tls_terms(settings, path.parent, faults, seen)
            fault = mode_fault(mode) if settings.key else None
            if fault is not None:
                faults.add("tls_server_config.key", f"{path} {fault}")
    headers = _headers(tree.get("http_server_config", {}), faults)
    users = _users(tree["basic_auth_users"], faults) if "basic_auth_users" in tree else {}
    if faults.found:
        faults.sort(tree)
        raise WebConfigRefused(faults.lines, seen)
    return WebConfig(path, seen, tls, headers, users)


def _headers(table: object, faults: Faults) -> Mapping[str, str]:
    settings = convert_table(table, (HttpServerConfig,), "http_server_config", faults)[0] or HttpServerConfig()
    if settings.http2:
        faults.add("http_server_config.http2", "HTTP/2 is not served; write http2: false, or leave it out")
    for name, value in settings.headers.items():
        for message in _header_faults(name, value):
            faults.add(f"http_server_config.headers.{name}", message)
    return {name: value for name, value in settings.headers.items() if value}


def _header_faults(name: str, value: object) -> Iterator[str]:
    if name not in HEADERS:
        yield f"this header cannot be set{choice(name, HEADERS)}"
    elif isinstance(value, str) and value and not (value.isascii() and value.isprintable()):
        yield "expected printable ASCII in one line"
    elif isinstance(value, str) and HEADERS[name] and value not in HEADERS[name]:
        yield f"expected {' or '.join(HEADERS[name])}, found {shown(value)}{nearest(value, HEADERS[name])}"


def _users(table: object, faults: Faults) -> Mapping[str, bytes]:
    """Read the users; a message tells which by number, for a name or a hash does not belong in a log."""
    path = "basic_auth_users"
    if not isinstance(table, Mapping) or not table:
        faults.add(path, "expected names and bcrypt hashes, and found none; name a user, or leave it out")
        return {}
    for number, (name, told) in enumerate(table.items(), 1):
        fault = password_hash_fault(told)
        if not name or ":" in name:
            fault = "a name must not be empty or hold a colon"
        if fault is not None:
            faults.add(path, f"user {number} of {len(table)}: {fault}")
    return {name: told.encode() for name, told in table.items() if isinstance(told, str)}
