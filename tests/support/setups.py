"""A guided start without a machine: finds, tests and writes in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tui.setup import Asked, Draft, Found, Kind, Probed, Proposed, SetupFault, Trial

Drafts = Mapping[str, tuple[Draft, Trial | None]]


@dataclass
class CannedSetup:
    """Finds an Okta org and two TLS targets; tests and writes in memory."""

    refuses: bool = False
    broken: str = ""
    kept: list[tuple[str, str]] = field(default_factory=list)
    tested: list[Draft] = field(default_factory=list)
    written: list[Drafts] = field(default_factory=list)
    may_find: asyncio.Event | None = None
    """Until then nothing is found."""

    path = "controlwatch.toml"

    def kinds(self) -> Sequence[Kind]:
        """Give two kinds."""
        token = Asked(key="token", label="Token", hint="an API token", secret=True)
        targets = Asked(key="targets", label="Targets", hint="host:port", listed=True)
        return [
            Kind(kind="okta", title="Okta", asked=(Asked(key="url", label="Address", hint="of the org"), token)),
            Kind(kind="tls", title="TLS certificates", asked=(targets,)),
        ]

    async def find(self) -> Sequence[Found]:
        """Find two sources."""
        if self.may_find is not None:
            await self.may_find.wait()
        return [
            Found(
                name="okta", kind="okta", basis="environment: OKTA_ORG_URL", values={"url": "https://example.okta.com"}
            ),
            Found(name="edge", kind="tls", basis="kubeconfig", values={"targets": "www.example.org:443"}),
        ]

    async def keep(self, name: str, secret: str) -> str:
        """Keep a secret, unless the keyring is broken."""
        if self.broken:
            raise SetupFault(self.broken)
        self.kept.append((name, secret))
        return f"keyring:{name}"

    async def test(self, draft: Draft) -> Trial:
        """Reach everything, or nothing."""
        asked = "GET /users again" if draft in self.tested else "GET /users"
        self.tested.append(draft)
        probe = Probed(asked=asked, ok=not self.refuses, costs=("account.mfa",))
        return Trial(probes=[probe])

    def proposed(self, drafts: Sequence[Draft]) -> Sequence[Proposed]:
        """Propose a check a source."""
        return [
            Proposed(name=f"c-{each.name}", check="x", title="Everything holds", sources=[each.name]) for each in drafts
        ]

    def text(self, drafts: Drafts) -> str:
        """Write the names."""
        return "# file\n" + "".join(f"[sources.{name}]\n" for name in drafts)

    async def write(self, drafts: Drafts) -> Sequence[str]:
        """Remember what was written."""
        if self.broken:
            raise SetupFault(self.broken)
        self.written.append(drafts)
        return ["controlwatch check", "controlwatch"]
