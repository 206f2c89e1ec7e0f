"""Microsoft Graph as it is asked: with an application's token, page by page, and with its own words for a refusal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import msgspec

from checks.model.doubt import Cause
from sources.common import graph_wire as wire
from sources.common.client_credentials import ClientCredentials
from sources.common.errors import Refused, SourceError
from sources.common.http import Answer, Api, Explain, anonymous
from sources.common.limits import Limits, Timing
from sources.common.source import Context
from sources.common.urls import segment

P = TypeVar("P", bound=wire.Page)

_POLITE: Final = {"x-ms-throttle-priority": "Low"}
"""Where the tenant is throttled, interactive traffic goes before ours."""
NOT_PREMIUM: Final = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
NO_PIM: Final = "AadPremiumLicenseRequired"
"""What the eligible roles of a tenant answer that has no licence for them."""


class Tenant(Protocol):
    """Where a tenant is, and who asks."""

    @property
    def tenant_id(self) -> str:
        """Id or domain of the tenant."""
        ...

    @property
    def client_id(self) -> str:
        """Id of the application."""
        ...

    @property
    def client_secret(self) -> str:
        """Reference to its secret."""
        ...

    @property
    def authority(self) -> str:
        """Origin of the token endpoint."""
        ...

    @property
    def graph(self) -> str:
        """Origin of Graph."""
        ...


@dataclass(frozen=True, slots=True)
class Graph:
    """One tenant, asked through Graph v1.0."""

    api: Api
    credentials: ClientCredentials

    async def pages(
        self, path: str, decoder: msgspec.json.Decoder[P], params: Mapping[str, str] | None = None
    ) -> AsyncGenerator[P, None]:
        """Follow a list to its end; next links are used verbatim, and lead nowhere else."""
        listing = self.api.listing(path, decoder, params, next_of=lambda page: page.next, headers=_POLITE)
        async with aclosing(listing) as pages:
            async for page in pages:
                yield page

    async def get(
        self,
        path: str,
        params: Mapping[str, str] | None = None,
        ok: tuple[int, ...] = (200,),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once."""
        return await self.api.get(path, params, headers={**_POLITE, **(headers or {})}, ok=ok)


def open_graph(tenant: Tenant, ctx: Context, limits: Limits, timing: Timing) -> Graph:
    """Open Graph for an application; nothing is asked yet. Raises ``Unconfigured`` when a URL is none."""
    endpoint = Api(ctx, tenant.authority, anonymous, limits, timing=timing)
    credentials = ClientCredentials(
        ctx=ctx,
        endpoint=endpoint,
        path=f"{segment(tenant.tenant_id)}/oauth2/v2.0/token",
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
        scope=f"{tenant.graph.rstrip('/')}/.default",
    )
    base = f"{tenant.graph.rstrip('/')}/v1.0"
    api = Api(ctx, base, credentials.authorize(), limits, explain=explain_for(ctx.name), timing=timing)
    return Graph(api, credentials)


def explain_for(source: str) -> Explain:
    """Read the code of a licence that the tenant does not have; other codes say their status."""

    def explain(answer: Answer) -> SourceError | None:
        if answer.status not in {400, 401, 403} or wire.error_code(answer.body) not in {NOT_PREMIUM, NO_PIM}:
            return None
        said = f"{source}: {answer.asked} answered {answer.status}: the tenant has no Entra ID P1 or P2 licence"
        return Refused(f"{said}, or the application may not read which it has", cause=Cause.UNLICENSED)

    return explain
