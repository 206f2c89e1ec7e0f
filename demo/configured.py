"""The configuration of the demo, as a security engineer would write it: sources, checks, waivers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from demo.estate import Estate
from demo.tenants import Tenants

KINDS: Final = frozenset({"okta", "entra", "github", "roster", "files", "tls", "register"})
"""Source kinds that the demo can furnish."""
KIOSK: Final = "shared screen without a person"
_RATE: Final = 60_000
"""Requests a minute that the sources may take: the replicas are ours alone."""
_KIND_OF: Final = {
    "okta-prod": "okta",
    "entra-corp": "entra",
    "github": "github",
    "people": "roster",
    "dumps": "files",
    "models": "files",
    "wal": "files",
    "edge": "tls",
    "internal": "tls",
    "register": "register",
}
"""Sources and their kinds."""


@dataclass(frozen=True, slots=True)
class _Check:
    """A configured check, as the demo writes it."""

    sources: tuple[str, ...]
    """Sources that it reads, as far as there are any."""
    check: str
    team: str
    runbook: str
    """Last part of the address."""
    policy_ref: str
    keys: str = ""
    """Further lines of TOML."""
    fresh: bool = False
    """Goes blind while its source is down in the story: it asks for the age that `Pace.max_age` gives."""
    kiosk: bool = False
    """Leaves kiosk accounts out, for a reason."""


_CHECKS: Final = {
    "workforce-mfa": _Check(
        ("okta-prod", "entra-corp"),
        "mfa_coverage",
        "identity",
        "mfa",
        "ISP-07 §3.2",
        keys="min_coverage = 0.9\n",
        kiosk=True,
    ),
    "admin-mfa": _Check(("okta-prod",), "admin_mfa", "identity", "admin-mfa", "ISP-07 §3.4", fresh=True),
    "code-mfa": _Check(("github",), "mfa_coverage", "platform", "code-mfa", "ISP-07 §3.2", keys="min_coverage = 0.8\n"),
    "dormant-access": _Check(
        ("okta-prod",),
        "stale_access",
        "identity",
        "dormant",
        "ISP-09 §2.1",
        keys='remediate_within = "72h"\n',
        fresh=True,
        kiosk=True,
    ),
    "office-access": _Check(
        ("entra-corp",),
        "stale_access",
        "it",
        "dormant",
        "ISP-09 §2.1",
        keys='remediate_within = "72h"\n',
        kiosk=True,
    ),
    "leavers": _Check(
        ("okta-prod", "entra-corp", "people"),
        "leaver_access",
        "identity",
        "leavers",
        "ISP-09 §4",
        keys='severity = "critical"\n',
        kiosk=True,
    ),
    "api-keys": _Check(("okta-prod",), "key_age", "platform", "keys", "ISP-11 §5"),
    "app-secrets": _Check(("entra-corp",), "key_age", "platform", "keys", "ISP-11 §5"),
    "code-tokens": _Check(("github",), "key_age", "platform", "keys", "ISP-11 §6"),
    "backups": _Check(
        ("dumps", "models", "wal"),
        "backup_freshness",
        "data",
        "backups",
        "BCP-02 §1",
        keys='max_age = "2m"\nseverity = "critical"\n',
    ),
    "public-tls": _Check(("edge",), "tls_expiry", "edge", "certificates", "ISP-14 §1", keys='max_age = "2m"\n'),
    "internal-tls": _Check(
        ("internal",), "tls_expiry", "it", "certificates", "ISP-14 §2", keys='severity = "medium"\n'
    ),
    "vendors": _Check(
        ("register",),
        "certification_expiry",
        "vendor-risk",
        "vendors",
        "TPRM-01 §3",
        keys='remediate_within = "336h"\n',
    ),
}
"""The configured checks, by name."""


@dataclass(frozen=True)
class Wired:
    """Where everything is, once it listens."""

    okta: str
    """Origin of each replica."""
    graph: str
    github: str
    edge: Sequence[str]
    """Targets of the TLS sources."""
    internal: Sequence[str]
    metrics: str = ""
    """Address of the metrics listener; empty: none."""
    kinds: Collection[str] = KINDS
    """Source kinds that there are."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things are asked, which a large estate takes longer for."""

    accounts: int

    @property
    def every(self) -> timedelta:
        """Interval of a full sweep over the directories."""
        return timedelta(seconds=max(15, self.accounts // 400))

    @property
    def max_age(self) -> timedelta:
        """Time after which a check that must be fresh is stale."""
        return 3 * self.every

    @property
    def outage(self) -> timedelta:
        """How long the directory is down in the story, so that such a check goes blind and comes back."""
        return self.max_age + timedelta(seconds=45)


def write_configuration(folder: Path, estate: Estate, tenants: Tenants, wired: Wired) -> Path:
    """Write the configuration, its waivers and its secrets into ``folder``; returns the configuration's path."""
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    client = next(iter(tenants.graph.clients.values()))
    for name, secret in (
        ("okta", next(iter(tenants.okta.credentials))),
        ("entra", client.key),
        ("github", next(iter(tenants.github.credentials))),
    ):
        path = secrets / name
        path.touch(mode=0o600)
        path.write_text(secret, encoding="utf-8")
    (folder / "waivers.toml").write_text(_waivers(estate, configured(wired)), encoding="utf-8")
    fresh = folder / "controlwatch.toml.new"
    fresh.write_text(_configuration(estate, tenants, wired), encoding="utf-8")
    return fresh.replace(folder / "controlwatch.toml")


def configured(wired: Wired) -> dict[str, tuple[str, ...]]:
    """Name the configured checks, and the sources of each."""
    there = _there(wired)
    found = {name: tuple(source for source in check.sources if source in there) for name, check in _CHECKS.items()}
    return {name: sources for name, sources in found.items() if sources and set(sources) != {"people"}}


def _there(wired: Wired) -> dict[str, str]:
    return {name: kind for name, kind in _KIND_OF.items() if kind in wired.kinds}


def _configuration(estate: Estate, tenants: Tenants, wired: Wired) -> str:
    tables = {**_directories(estate, tenants, wired), **_others(estate, wired)}
    parts = [f'[engine]\nstate_dir = "state"\n\n[metrics]\nlisten = "{wired.metrics}"\n']
    parts += [f'[sources.{name}]\nkind = "{kind}"\n{tables[name].strip()}\n' for name, kind in _there(wired).items()]
    pace = Pace(estate.accounts)
    parts += [_check(name, sources, pace) for name, sources in configured(wired).items()]
    return "\n".join(parts)


def _check(name: str, sources: Collection[str], pace: Pace) -> str:
    check = _CHECKS[name]
    told = ", ".join(f'"{source}"' for source in sources)
    fresh = f'max_age = "{_seconds(pace.max_age)}"\n' if check.fresh else ""
    return f"""[checks.{name}]
check = "{check.check}"
sources = [{told}]
{fresh}{check.keys}team = "{check.team}"
runbook = "https://runbooks.example.org/{check.runbook}"
policy_ref = "{check.policy_ref}"
{_kiosk(name) if check.kiosk else ""}"""


def _kiosk(check: str) -> str:
    return f'[[checks.{check}.exclude]]\nmatch = {{ label = "kiosk-*" }}\nreason = "{KIOSK}"\n'


def _seconds(length: timedelta) -> str:
    return f"{length.total_seconds():.0f}s"


def _classes(source: str) -> str:
    return f"""
[[sources.{source}.classify]]
match = {{ login = "svc-*" }}
class = "service"
reason = "naming standard IT-12"
owner = "it"
review_by = 2031-03-31

[[sources.{source}.classify]]
match = {{ login = "break-glass*" }}
class = "break_glass"
reason = "emergency access, ISP-07 §4"
owner = "security"
review_by = 2031-03-31
"""


def _directories(estate: Estate, tenants: Tenants, wired: Wired) -> dict[str, str]:
    pace = Pace(estate.accounts)
    often = f'every = "{_seconds(pace.every)}"\ntimeout = "{_seconds(4 * pace.every + timedelta(seconds=60))}"'
    client = next(iter(tenants.graph.clients))
    return {
        "okta-prod": f"""
{often}
url = "{wired.okta}"
token = "file:secrets/okta"
requests_per_minute = {_RATE}
{_classes("okta-prod")}""",
        "entra-corp": f"""
{often}
tenant_id = "{tenants.graph.tenant_id}"
client_id = "{client}"
client_secret = "file:secrets/entra"
authority = "{wired.graph}"
graph = "{wired.graph}"
requests_per_minute = {_RATE}
{_classes("entra-corp")}""",
        "github": f"""
{often}
org = "{tenants.github.org}"
token = "file:secrets/github"
url = "{wired.github}"
""",
    }


def _others(estate: Estate, wired: Wired) -> dict[str, str]:
    edge, internal = (", ".join(f'"{target}"' for target in targets) for targets in (wired.edge, wired.internal))
    columns = (
        'columns = { key = "email", aliases = "aliases", name = "name", status = "status", '
        'starts_at = "start_date", terminated_at = "end_date" }'
    )
    tables = {
        "people": f'every = "{_seconds(Pace(estate.accounts).every)}"\npath = "people.csv"\nas_of = "mtime"\n{columns}',
        "edge": f'every = "15s"\ntargets = [{edge}]\nca_file = "ca.pem"\ntarget_timeout = "5s"',
        "internal": f'every = "30s"\ntargets = [{internal}]\nca_file = "ca.pem"\ntarget_timeout = "5s"',
        "register": 'every = "60s"\npath = "attestations.toml"',
    }
    for copy in estate.backups:
        checksum = 'checksum = "sha256"\n' if copy.checksum else ""
        tables[copy.source] = f"""
every = "{"15s" if copy.rpo < timedelta(hours=1) else "30s"}"
set = "{copy.set}"
pattern = "{copy.source}/*"
rpo = "{_seconds(copy.rpo)}"
grace = "{_seconds(copy.grace)}"
settle = "1s"
{checksum}"""
    return tables


def _waivers(estate: Estate, checks: Collection[str]) -> str:
    starts = (estate.now - timedelta(days=10)).date()
    ends = (estate.now + timedelta(days=60)).date()
    told = {
        "api-keys": 'subjects = ["legacy-export"]\nreason = "the vendor moves the export to OAuth next quarter"\n'
        'compensating_control = "the token may read one group and is bound to one address"\nticket = "SEC-412"',
        "app-secrets": 'source = "entra-corp"\ncause = "not_exposed"\n'
        'reason = "Graph v1.0 tells neither the owner nor the last use of a secret"\n'
        'compensating_control = "owners are reviewed by hand each quarter"\nticket = "SEC-377"',
        "internal-tls": 'subjects = ["*@wiki.example.net"]\nreason = "the wiki moves to a managed host this quarter"\n'
        'compensating_control = "reachable from the office network only"\nticket = "IT-901"',
    }
    return "\n".join(
        f'[[waiver]]\nid = "W-{at + 1:02}"\ncheck = "{name}"\n{text}\nrequested_by = "it"\napproved_by = "security"\n'
        f"starts = {starts}\nexpires = {ends}\n"
        for at, (name, text) in enumerate(told.items())
        if name in checks
    )
