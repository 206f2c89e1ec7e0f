"""What the guided ``init`` asks for, tests and writes; the file refers to secrets and never holds one."""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.finding import Machine, found_on
from tui.setup import SILENT, Asked, Draft, Found, Kind, Probed, Proposed, Setup, SetupFault, Trial

if TYPE_CHECKING:
    from checks.model.check import Check
    from sources.common.source import Source

LONGEST_COMMENT = 1_000
_CHECKS = {
    "mfa_coverage": "workforce-mfa",
    "admin_mfa": "admin-mfa",
    "stale_access": "dormant-accounts",
    "leaver_access": "leavers",
    "key_age": "keys",
    "backup_freshness": "backups",
    "tls_expiry": "certificates",
    "certification_expiry": "attestations",
}
"""What a check is called in a new configuration."""
_SECRET = "of a read-only identity"  # noqa: S105 - a hint, not a secret
ASKED: Mapping[str, Sequence[Asked]] = {
    "okta": (
        Asked(key="url", label="Address", hint="of the org, as https://example.okta.com"),
        Asked(key="token", label="Token", hint=f"an API token {_SECRET}", secret=True),
    ),
    "entra": (
        Asked(key="tenant_id", label="Tenant", hint="its id or domain"),
        Asked(key="client_id", label="Client", hint="id of the application that asks"),
        Asked(key="client_secret", label="Client secret", hint="of that application", secret=True),
    ),
    "github": (
        Asked(key="org", label="Organisation", hint="its login"),
        Asked(key="token", label="Token", hint="of an owner, or of an App", secret=True),
        Asked(key="url", label="API", hint="of an Enterprise Server: https://HOST/api/v3", needed=False),
    ),
    "aws_iam": (
        Asked(key="profile", label="Profile", hint="in the files of the AWS tools; or keys below", needed=False),
        Asked(key="region", label="Region", hint="of the account's partition", needed=False),
        Asked(key="access_key_id", label="Key id", hint=_SECRET, secret=True, needed=False),
        Asked(key="secret_access_key", label="Secret key", hint="its secret", secret=True, needed=False),
        Asked(key="session_token", label="Session token", hint="of temporary keys", secret=True, needed=False),
        Asked(key="endpoint_url", label="Endpoint", hint="where IAM is not the partition's own", needed=False),
    ),
    "restic": (
        Asked(key="repository", label="Repository", hint="a folder, s3:…, rest:…"),
        Asked(key="password", label="Password", hint="of the repository", secret=True),
        Asked(key="environment", label="Variables", hint="of the back end, by comma", needed=False, listed=True),
    ),
    "files": (
        Asked(key="set", label="Backup set", hint="the name of what is backed up"),
        Asked(key="pattern", label="Files", hint="a glob, as /srv/dumps/**/*.sql.zst"),
    ),
    "tls": (
        Asked(key="targets", label="Targets", hint="host:port, by comma", listed=True),
        Asked(key="ca_file", label="Roots", hint="PEM file of roots to trust; else the system's", needed=False),
    ),
    "roster": (
        Asked(key="path", label="CSV file", hint="of the people whom HR knows"),
        Asked(key="columns.key", label="Key column", hint="what accounts are matched by, as email"),
        Asked(key="columns.status", label="Status column", hint="active, on leave, left", needed=False),
        Asked(key="columns.terminated_at", label="End column", hint="when somebody leaves", needed=False),
    ),
    "register": (Asked(key="path", label="Register", hint="attestations.example.toml shows what it holds"),),
}
"""What is asked for, by kind; everything else has a default."""


class MachineSetup(Setup):
    """Finds, tests and writes on this machine."""

    def __init__(self, path: Path, machine: Machine | None = None) -> None:
        """Write to ``path``; the machine is this one unless another is given."""
        self._path = path
        self._machine = machine or Machine(os.environ, Path.home())

    @property
    def path(self) -> str:
        """The file that is written."""
        return str(self._path)

    def kinds(self) -> Sequence[Kind]:
        """Give the kinds of sources that can be added."""
        return [Kind(kind=kind, title=source.title, asked=ASKED[kind]) for kind, source in _sources().items()]

    async def find(self) -> Sequence[Found]:
        """Look in environment, AWS profiles, kubeconfig, restic's variables and certificates; reads no secret."""
        return await asyncio.to_thread(lambda: list(found_on(self._machine, self._path.parent)))

    async def keep(self, name: str, secret: str) -> str:
        """Keep a secret in the system's keyring, and give its reference."""
        from engine import secrets
        from sources.common.errors import Unconfigured

        try:
            await asyncio.to_thread(secrets.store, name, secret)
        except Unconfigured as error:
            raise SetupFault(str(error)) from None
        return f"keyring:{name}"

    async def test(self, draft: Draft) -> Trial:
        """Try a draft as ``controlwatch source test`` would."""
        from cli.source import probes_of
        from engine.config import ConfigError, parse

        try:
            config = parse(source_table(draft), self._path)
        except ConfigError as error:
            return Trial(faults=error.faults)
        (probes,) = await probes_of(config, list(config.sources.values()))
        told = [
            Probed(asked=each.asked, ok=each.ok, detail=each.detail, costs=each.costs, cause=each.cause)
            for each in probes
        ]
        return Trial(probes=told)

    def proposed(self, drafts: Sequence[Draft]) -> Sequence[Proposed]:
        """Propose every check that has a source to judge, and one to join with where it needs that."""
        import checks

        found: list[Proposed] = []
        for name, check in checks.discover().items():
            judged = [draft.name for draft in drafts if set(check.over) & set(_yields(draft))]
            joined = [draft.name for draft in drafts if _joins(check) in _yields(draft)]
            if judged and (joined or _joins(check) is None):
                named = _CHECKS.get(name, name.replace("_", "-"))
                found.append(Proposed(name=named, check=name, title=check.title, sources=[*judged, *joined]))
        return found

    def text(self, drafts: Mapping[str, tuple[Draft, Trial | None]]) -> str:
        """Write the file's text, commented with what each test said."""
        parts = [HEAD]
        parts += [source_table(draft, _comments(tested)) for draft, tested in drafts.values()]
        for check in self.proposed([draft for draft, _ in drafts.values()]):
            named = ", ".join(_quoted(name) for name in check.sources)
            parts.append(
                f"# {check.title}\n[checks.{check.name}]\ncheck = {_quoted(check.check)}\nsources = [{named}]\n"
                '# team = "…"                        # who mends it\n'
            )
        return "\n".join(parts)

    async def write(self, drafts: Mapping[str, tuple[Draft, Trial | None]]) -> Sequence[str]:
        """Write the file where there is none."""
        from engine.config import ConfigError, parse

        text = self.text(drafts)
        try:
            parse(text, self._path)
            with self._path.open("x", encoding="utf-8") as file:
                file.write(text)
        except ConfigError as error:
            raise SetupFault(f"not written: {error.faults[0]}") from None
        except FileExistsError:
            raise SetupFault(f"{self._path} is there already; nothing was written") from None
        except OSError as error:
            raise SetupFault(f"{self._path} cannot be written: {error.strerror}") from None
        where = "" if self._path.name == "controlwatch.toml" else f" --config {self._path}"
        return [f"controlwatch{where} check", f"controlwatch{where}"]


HEAD = """\
# Controlwatch. `config.example.toml` shows every key; `controlwatch config check` reads this file and tells all faults.
# Secrets are references: env:NAME, file:PATH (mode 0600), keyring:NAME (controlwatch secret set NAME). What is named by
# env: must be in the environment of the service too.

[engine]
state_dir = "state"                  # evidence and history

# [metrics]
# listen = "127.0.0.1:10965"         # the default; "" turns it off
"""


def source_table(draft: Draft, comments: Sequence[str] = ()) -> str:
    """Write a draft as a table of TOML."""
    lines = [*(f"# {comment}" for comment in comments), f"[sources.{draft.name}]", f"kind = {_quoted(draft.kind)}"]
    for asked in ASKED[draft.kind]:
        value = draft.values.get(asked.key, "")
        if value:
            lines.append(f"{asked.key} = {_written(asked, value)}")
    return "\n".join(lines) + "\n"


def _written(asked: Asked, value: str) -> str:
    if not asked.listed:
        return _quoted(value)
    items = list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    if asked.key == "environment":
        return "{ " + ", ".join(f"{_quoted(item)} = {_quoted(f'env:{item}')}" for item in items) + " }"
    return "[" + ", ".join(_quoted(item) for item in items) + "]"


def _quoted(text: str) -> str:
    """Write a basic string of TOML, which JSON's escapes are a subset of."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comments(tested: Trial | None) -> list[str]:
    """Say what the test said: what a missing permission costs is worth reading later."""
    if tested is None:
        return ["Not tested yet: controlwatch source test"]
    told: list[str] = []
    for probe in tested.probes:
        if probe.ok is not True:
            word = "no answer" if probe.cause in SILENT else "refused" if probe.ok is False else "not tried"
            told += _wrapped(f"{word}: {probe.asked}: {probe.detail}")
            told += _wrapped(f"unknown without it: {', '.join(probe.costs)}", "  ") if probe.costs else []
    return told or ["Tested: everything that it asks for is granted."]


def _wrapped(text: str, margin: str = "") -> list[str]:
    """Put text of a provider on lines of a comment."""
    plain = "".join(char if char.isprintable() else " " for char in text)[:LONGEST_COMMENT]
    return textwrap.wrap(plain, 116, initial_indent=margin, subsequent_indent=margin + "  ")


def _sources() -> Mapping[str, Source]:
    import sources

    return {kind: source for kind, source in sources.discover().items() if kind in ASKED}


def _yields(draft: Draft) -> tuple[type[object], ...]:
    return _sources()[draft.kind].yields


def _joins(check: Check) -> type[object] | None:
    return None if check.knows_own else check.knows
