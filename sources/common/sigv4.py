"""AWS Signature Version 4, over the standard library: a request is signed with what its headers, path and body are.

Follows docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read on 2026-11-21; the
tests hold it to the signer of botocore.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import quote

from yarl import URL

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_END: Final = "aws4_request"
_UNESCAPED: Final = "/~"


@dataclass(frozen=True, slots=True)
class Keys:
    """An access key of AWS; none of its secrets is in its text."""

    access_key_id: str
    """The key's public name."""
    secret_access_key: str = field(repr=False)
    """What is signed with; it is never sent."""
    session_token: str | None = field(default=None, repr=False)
    """Sent with temporary keys; None for those of a user."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for, besides its day."""

    region: str
    """The region, as ``us-east-1``."""
    service: str
    """The service, as ``iam``."""


def signed_headers(
    keys: Keys, scope: Scope, method: str, url: URL, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Give the headers that sign a request at an instant: ``Authorization``, ``X-Amz-Date`` and the session token.

    Args:
        keys: whose signature it is.
        scope: region and service.
        method: ``GET`` or ``POST``.
        url: absolute, its path and query encoded as they are sent.
        headers: the request's own headers that are to be signed.
        body: what is sent; empty for ``GET``.
        now: UTC; AWS accepts a difference of five minutes to its own clock.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    added = {"X-Amz-Date": stamp}
    if keys.session_token:
        added["X-Amz-Security-Token"] = keys.session_token
    signed = {name.lower(): " ".join(value.split()) for name, value in {**headers, **added}.items()}
    signed["host"] = url.host_port_subcomponent or ""
    names = ";".join(sorted(signed))
    credential = f"{stamp[:8]}/{scope.region}/{scope.service}/{_END}"
    text = "\n".join((_ALGORITHM, stamp, credential, _digest(_canonical(method, url, signed, names, body))))
    signature = hmac.new(_key(keys, scope, stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
    claim = f"Credential={keys.access_key_id}/{credential}, SignedHeaders={names}, Signature={signature}"
    return {**added, "Authorization": f"{_ALGORITHM} {claim}"}


def _canonical(method: str, url: URL, signed: Mapping[str, str], names: str, body: bytes) -> bytes:
    query = "&".join(f"{name}={value}" for name, _, value in sorted(_pairs(url)))
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    path = quote(url.raw_path, safe=_UNESCAPED)
    return "\n".join((method, path, query, *lines, "", names, _digest(body))).encode()


def _pairs(url: URL) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in url.raw_query_string.split("&") if pair]


def _key(keys: Keys, scope: Scope, day: str) -> bytes:
    key = f"AWS4{keys.secret_access_key}".encode()
    for part in (day, scope.region, scope.service, _END):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _digest(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()
