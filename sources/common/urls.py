"""A credential goes to one scheme, host and port: the configured ones."""

from __future__ import annotations

import re
from urllib.parse import quote

from yarl import URL

from sources.common.errors import Malformed, Unconfigured

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def base_url(name: str, text: str) -> URL:
    """Parse the configured URL of a provider; raises ``Unconfigured``."""
    try:
        url = URL(text.rstrip("/"))
        _origin(url)
    except ValueError:
        raise Unconfigured(f"{name}: the URL of the provider is not an http or https URL") from None
    if url.user is not None or url.password is not None or url.query_string or url.fragment:
        raise Unconfigured(f"{name}: the URL of the provider holds more than scheme, host, port and path")
    return url


def target_url(name: str, base: URL, target: str) -> URL:
    """Resolve what is to be asked: a path below the base, or an absolute URL that is kept verbatim.

    Raises:
        Malformed: an absolute URL leaves the scheme, host and port of the base, or is not a plain URL.
    """
    if _SCHEME.match(target) or target.startswith("//"):
        return _pinned(name, base, target)
    verbatim = target.isascii() and _UNSAFE.search(target) is None
    return URL(f"{base}/{target.lstrip('/')}", encoded=verbatim)


def segment(text: str) -> str:
    """Quote one path segment, such as an id or a login."""
    return quote(text, safe="")


def _pinned(name: str, base: URL, link: str) -> URL:
    host: str | None = None
    try:
        url = URL(link, encoded=True)
        host = url.host
        plain = url.user is None and url.password is None and _UNSAFE.search(link) is None
        same = _origin(url) == _origin(base)
    except ValueError:
        url, plain, same = base, False, False
    if plain and same:
        return url
    message = f"{name}: a link in an answer leads to {(host or 'nowhere')[:100]!r}, not to {base.host!r} as asked"
    if same:
        message = f"{name}: a link in an answer is not a plain URL"
    raise Malformed(f"{message}; the credential was not sent there")


def _origin(url: URL) -> tuple[str, str, int]:
    """Return scheme, host and port; raises ``ValueError`` for anything but http and https."""
    if url.scheme not in ("http", "https") or not url.raw_host or url.port is None:
        raise ValueError("not an http or https URL")
    return url.scheme, url.raw_host.lower(), url.port
