"""A credential goes to one scheme, host and port: the configured ones; a host of an answer is shown if it is plain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote

from yarl import URL

from sources.common.errors import Malformed, Unconfigured

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?")
_WORDY = re.compile(r"[^a-z0-9]")
_ALIKE = 8
"""Letters and digits in a row that a host may not have in common with a credential."""


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


def target_url(name: str, base: URL, target: str, hidden: Iterable[str] = ()) -> URL:
    """Resolve what is to be asked: a path below the base, or an absolute URL that is kept verbatim.

    ``hidden`` are the values that no message may show.

    Raises:
        Malformed: an absolute URL leaves the scheme, host and port of the base, or is not a plain URL.
    """
    if _SCHEME.match(target) or target.startswith("//"):
        return _pinned(name, base, target, hidden)
    verbatim = target.isascii() and _UNSAFE.search(target) is None
    return URL(f"{base}/{target.lstrip('/')}", encoded=verbatim)


def segment(text: str) -> str:
    """Quote one path segment, such as an id or a login."""
    return quote(text, safe="")


def shown_host(host: str, hidden: Iterable[str]) -> str:
    """Quote a host that an answer named, when it is plain and no part of a hidden value is in it."""
    plain = host.lower()
    bare = _WORDY.sub("", plain)
    secret = any(_alike(bare, _WORDY.sub("", value.lower())) for value in hidden)
    return repr(plain) if _HOST.fullmatch(plain) and not secret else "another host"


def _alike(host: str, value: str) -> bool:
    size = min(_ALIKE, len(value))
    return size > 0 and any(value[at : at + size] in host for at in range(len(value) - size + 1))


def _pinned(name: str, base: URL, link: str, hidden: Iterable[str]) -> URL:
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
    to = shown_host(host or "nowhere", hidden)
    message = f"{name}: a link in an answer leads to {to}, not to {base.host!r} as asked"
    if same:
        message = f"{name}: a link in an answer is not a plain URL"
    raise Malformed(f"{message}; the credential was not sent there")


def _origin(url: URL) -> tuple[str, str, int]:
    """Return scheme, host and port; raises ``ValueError`` for anything but http and https."""
    if url.scheme not in ("http", "https") or not url.raw_host or url.port is None:
        raise ValueError("not an http or https URL")
    return url.scheme, url.raw_host.lower(), url.port
