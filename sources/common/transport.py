"""A credential is sent over TLS, or to this machine itself."""

from __future__ import annotations

from typing import Final

from yarl import URL

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def may_carry_secrets(text: str) -> bool:
    """Tell whether a URL is https, or http to a loopback address."""
    try:
        url = URL(text)
    except ValueError:
        return False
    return bool(url.host) and (url.scheme == "https" or (url.scheme == "http" and url.host in _LOOPBACK))
