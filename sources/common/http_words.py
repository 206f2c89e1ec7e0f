"""How messages of an answer or a failure are worded: no token, no query, no body, nothing that a server may repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping

import aiohttp

_SHAPE = re.compile(r"Expected `[\w |,.]{1,60}`(, got `[\w |,.]{1,60}`)?|Object missing required field `[^`]{1,60}`")
_WHERE = re.compile(r"at `([^`]{1,120})`$")
_TYPES = frozenset(
    {
        "application/json",
        "application/octet-stream",
        "application/problem+json",
        "application/xml",
        "text/html",
        "text/plain",
        "text/xml",
    }
)
"""Content types that a message may name; any other word is the server's, and may be a secret that it repeats."""


def type_of(headers: Mapping[str, str]) -> str:
    """Name the content type of an answer, if it is a usual one."""
    told = headers.get("content-type", "").partition(";")[0].strip().lower()
    return repr(told) if told in _TYPES else "another type" if told else "no type"


def unreached(error: Exception, host: str | None, limit: float) -> str:
    """Say what kept a host from answering, and what to check."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"{host} did not answer (the name is not found); check the URL, the proxy and DNS"
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = isinstance(error.os_error, ConnectionRefusedError)
        reason = "connection refused" if refused else "no connection"
        return f"{host} did not answer ({reason}); check the URL, the proxy and the firewall"
    reason = f"{type(error).__name__} after at most {limit:.0f} s"
    return f"{host} did not answer ({reason}); check the proxy, and the provider's status page"


def fault_of(message: str) -> str:
    """Keep of a decoder's message what names types, fields and the JSON path; its other words may quote a value."""
    shape, where = _SHAPE.search(message), _WHERE.search(message)
    return f"{shape.group() if shape else 'a value is not allowed'} at {where.group(1) if where else '$'}"
