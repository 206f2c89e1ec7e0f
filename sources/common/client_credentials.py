"""OAuth 2.0 client credentials (RFC 6749 §4.4): a token is fetched when it is needed, and again before it expires."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

import msgspec

from sources.common.errors import Refused
from sources.common.http import Answer, Api, Ask, Authorize
from sources.common.source import Context

_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded"}
_WORD: Final = re.compile(r"[a-z_]{1,40}")
_EARLY: Final = timedelta(minutes=5)


class _Issued(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int


class _NotIssued(msgspec.Struct, frozen=True):
    error: str = ""
    error_codes: list[int] = []


class _Claims(msgspec.Struct, frozen=True):
    roles: list[str] = []


_ISSUED: Final = msgspec.json.Decoder(_Issued)
_NOT_ISSUED: Final = msgspec.json.Decoder(_NotIssued)
_CLAIMS: Final = msgspec.json.Decoder(_Claims)


@dataclass(slots=True)
class ClientCredentials:
    """Authorizes requests with a token of the client's own; the secret is resolved each time it is sent."""

    ctx: Context
    endpoint: Api
    """The token server; it is asked without a credential header."""
    path: str
    """Path of the token endpoint."""
    client_id: str
    client_secret: str
    """Reference to the secret."""
    scope: str
    _token: str = ""
    _until: datetime | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def authorize(self) -> Authorize:
        """Authorize requests with the header that carries the token; it raises ``Refused`` when none is issued."""

        async def authorize(ask: Ask) -> Mapping[str, str]:
            return {"Authorization": f"Bearer {await self.token()}"}

        return authorize

    async def token(self) -> str:
        """Give a token that is good for a while; one request at a time fetches it."""
        async with self._turn:
            if self._until is None or self.ctx.now() >= self._until:
                issued = await self._issue()
                lifetime = timedelta(seconds=max(0, issued.expires_in))
                self._token, self._until = issued.access_token, self.ctx.now() + max(lifetime - _EARLY, lifetime / 2)
            return self._token

    def permissions(self) -> Sequence[str]:
        """Name the permissions that the token says it carries; none when it is no token that we can read."""
        try:
            body = self._token.split(".")[1]
            return _CLAIMS.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))).roles
        except (IndexError, binascii.Error, msgspec.DecodeError, UnicodeDecodeError):
            return ()

    async def _issue(self) -> _Issued:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": await self.ctx.secret(self.client_secret),
            "scope": self.scope,
        }
        answer = await self.endpoint.post(self.path, urlencode(form).encode(), headers=_FORM, ok=(200, 400, 401, 403))
        if answer.status != 200:
            raise self._refusal(answer)
        return self.endpoint.decode(answer, _ISSUED)

    def _refusal(self, answer: Answer) -> Refused:
        told = self.endpoint.decode(answer, _NOT_ISSUED)
        word = told.error if _WORD.fullmatch(told.error) else "an error"
        codes = "".join(f" {code}" for code in told.error_codes[:3])
        asked = f"{self.ctx.name}: {answer.asked} issues no token and says {word}{codes}"
        return Refused(f"{asked}; check the tenant, the client id and the secret of sources.{self.ctx.name}")
