"""What may be sources on this machine: environment, AWS profiles, kubeconfig, restic's variables, certificates.

Secrets are only named: of a variable that holds one it is seen that it is set; of a file, the lines that are wanted.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tui.setup import Found

LONGEST_FILE = 1 << 20
"""Bytes of a file in which sources are looked for."""
MOST_TARGETS = 40
_SERVER = re.compile(r"""^\s*(?:-\s+)?server:\s*["']?(https://[^\s"'#]+)""", re.MULTILINE)
_PASSWORD = re.compile(r"(://[^/\s:@]*):\S*@")
"""The password in an address, and rather more of it than a part."""
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")
_BACK_ENDS = {
    "s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    "b2": ("B2_ACCOUNT_ID", "B2_ACCOUNT_KEY"),
    "azure": ("AZURE_ACCOUNT_NAME", "AZURE_ACCOUNT_KEY", "AZURE_ACCOUNT_SAS"),
    "rest": ("RESTIC_REST_USERNAME", "RESTIC_REST_PASSWORD"),
    "swift": ("OS_AUTH_URL", "OS_USERNAME", "OS_PASSWORD"),
}
"""Variables of restic's back ends."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where sources are looked for."""

    environment: Mapping[str, str]
    home: Path
    certificates: Path = Path("/etc/letsencrypt/live")
    """Folders of certificates, each named after its host."""


def found_on(machine: Machine, folder: Path) -> Iterator[Found]:
    """Give what may be sources on a machine; ``folder`` is the new configuration's."""
    yield from _okta(machine.environment)
    yield from _entra(machine.environment)
    yield from _github(machine.environment)
    yield from _aws(machine)
    yield from _restic(machine.environment)
    yield from _kubernetes(machine)
    yield from _certificates(machine)
    if (folder / "attestations.toml").is_file():
        yield Found(name="register", kind="register", basis="attestations.toml", values={"path": "attestations.toml"})


def _first(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """Give the first variable that is set, and its value; empty where none is."""
    return next(((name, environment[name]) for name in names if environment.get(name)), ("", ""))


def _reference(environment: Mapping[str, str], *names: str) -> tuple[str, str]:
    """Give the first variable that is set, and a reference to it."""
    name, _ = _first(environment, *names)
    return name, f"env:{name}" if name else ""


def _from_variables(name: str, kind: str, values: Mapping[str, tuple[str, str]]) -> Found:
    """Make a source of variables: key to variable and value."""
    named = ", ".join(variable for variable, _ in values.values() if variable)
    return Found(
        name=name,
        kind=kind,
        basis=f"environment: {named}",
        values={key: _PASSWORD.sub(r"\1@", value) for key, (_, value) in values.items() if value},
    )


def _okta(environment: Mapping[str, str]) -> Iterator[Found]:
    variable, url = _first(
        environment, "OKTA_ORG_URL", "OKTA_CLIENT_ORGURL", "OKTA_URL", "OKTA_DOMAIN", "OKTA_ORG_NAME"
    )
    token = _reference(environment, "OKTA_API_TOKEN", "OKTA_CLIENT_TOKEN", "OKTA_TOKEN")
    if variable == "OKTA_ORG_NAME":
        url = f"{url}.{environment.get('OKTA_BASE_URL') or 'okta.com'}"
    if url and "://" not in url:
        url = f"https://{url}"
    if url or token[0]:
        yield _from_variables("okta", "okta", {"url": (variable, url.rstrip("/")), "token": token})


def _entra(environment: Mapping[str, str]) -> Iterator[Found]:
    secret = _reference(environment, "AZURE_CLIENT_SECRET", "ARM_CLIENT_SECRET")
    tenant = _first(environment, "AZURE_TENANT_ID", "ARM_TENANT_ID")
    client = _first(environment, "AZURE_CLIENT_ID", "ARM_CLIENT_ID")
    if tenant[0] or secret[0]:
        yield _from_variables("entra", "entra", {"tenant_id": tenant, "client_id": client, "client_secret": secret})


def _github(environment: Mapping[str, str]) -> Iterator[Found]:
    token = _reference(environment, "GITHUB_TOKEN", "GH_TOKEN")
    api = _first(environment, "GITHUB_API_URL")
    values = {"org": _first(environment, "GITHUB_ORG", "GITHUB_ORGANIZATION", "GITHUB_OWNER"), "token": token}
    if token[0]:
        yield _from_variables(
            "github", "github", values if api[1] in {"", "https://api.github.com"} else {**values, "url": api}
        )


def _aws(machine: Machine) -> Iterator[Found]:
    environment = machine.environment
    region = _first(environment, "AWS_REGION", "AWS_DEFAULT_REGION")
    key = _reference(environment, "AWS_ACCESS_KEY_ID")
    if key[0]:
        secret = _reference(environment, "AWS_SECRET_ACCESS_KEY")
        values = {"access_key_id": key, "secret_access_key": secret, "region": region}
        yield _from_variables(
            "aws", "aws_iam", {**values, "session_token": _reference(environment, "AWS_SESSION_TOKEN")}
        )
    path = Path(environment.get("AWS_CONFIG_FILE") or machine.home / ".aws" / "config")
    for profile in _profiles(_read(path)):
        name = "aws" if profile == "default" else f"aws-{_name_of(profile)}"
        yield Found(name=name, kind="aws_iam", basis=f"a profile of {path.name}", values={"profile": profile})


def _profiles(text: str) -> list[str]:
    """Name the profiles of a file of the AWS tools; nothing else of it is looked at."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return []
    names = [section.removeprefix("profile").strip() for section in parser.sections()]
    kept = ("default", *(section for section in parser.sections() if section.startswith("profile ")))
    return [name for name, section in zip(names, parser.sections(), strict=True) if section in kept]


def _restic(environment: Mapping[str, str]) -> Iterator[Found]:
    variable, repository = _first(environment, "RESTIC_REPOSITORY")
    if not variable:
        variable, file = _first(environment, "RESTIC_REPOSITORY_FILE")
        repository = _read(Path(file)).strip() if variable else ""
    if not repository:
        return
    password = _reference(environment, "RESTIC_PASSWORD")
    named, file = _first(environment, "RESTIC_PASSWORD_FILE")
    if named:
        password = named, f"file:{Path(file).absolute()}"
    back_end = _BACK_ENDS.get(repository.partition(":")[0], ())
    variables = [name for name in back_end if environment.get(name)]
    values = {"repository": (variable, repository), "password": password}
    yield _from_variables("restic", "restic", {**values, "environment": (", ".join(variables), ", ".join(variables))})


def _kubernetes(machine: Machine) -> Iterator[Found]:
    """Give the API servers of the contexts as targets; credentials in the file are not looked at."""
    named = machine.environment.get("KUBECONFIG", "")
    paths = [Path(each) for each in named.split(os.pathsep) if each] or [machine.home / ".kube" / "config"]
    targets = [target for path in paths for url in _SERVER.findall(_read(path)) for target in _target(url)]
    if targets:
        basis = f"kubeconfig: {', '.join(path.name for path in paths)}"
        yield Found(name="kubernetes", kind="tls", basis=basis, values={"targets": _joined(targets)})


def _target(url: str) -> list[str]:
    """Give an address as a target; none where it is no address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or 443
    except ValueError:
        return []
    if not host:
        return []
    return [f"[{host}]:{port}" if ":" in host else f"{host}:{port}"]


def _certificates(machine: Machine) -> Iterator[Found]:
    """Give the hosts for which this machine keeps certificates."""
    try:
        names = sorted(each.name for each in machine.certificates.iterdir() if each.is_dir())
    except OSError:
        return
    targets = [f"{re.sub(r'-[0-9]{4}$', '', name)}:443" for name in names if _HOST.fullmatch(name) and "." in name]
    if targets:
        basis = f"certificates in {machine.certificates}"
        yield Found(name="edge", kind="tls", basis=basis, values={"targets": _joined(targets)})


def _joined(targets: Sequence[str]) -> str:
    return ", ".join(list(dict.fromkeys(targets))[:MOST_TARGETS])


def _read(path: Path) -> str:
    """Read a small regular file; empty where that cannot be."""
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_FILE:
            return ""
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return ""


def _name_of(text: str) -> str:
    """Make a name of letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:40] or "profile"
