"""Where the keys for AWS are: in the configuration, or where the tools of AWS look for them, in their order.

Environment (``AWS_ACCESS_KEY_ID``), web identity (``AWS_WEB_IDENTITY_TOKEN_FILE``), the files of the AWS tools, the
container's address (``AWS_CONTAINER_CREDENTIALS_*``), the instance's metadata (version 2). A profile that signs in,
that runs a process or that takes on a role is not supported, and said so. Files with keys must be private.
Read: docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html, 2026-11-21.
"""

from __future__ import annotations

import asyncio
import configparser
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
from yarl import URL

from sources.common.aws_query import Query, explaining
from sources.common.errors import Malformed, SourceError, Unconfigured
from sources.common.http import Api, anonymous, static_header
from sources.common.limits import Limits
from sources.common.settings import Secret
from sources.common.sigv4 import Keys
from sources.common.source import Context

_NEEDS_MORE: Final = ("role_arn", "sso_session", "sso_start_url", "credential_process", "login_session")
_NEAR: Final = frozenset({"localhost", "127.0.0.1", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"})
"""Addresses that the container's keys may come from over plain HTTP."""
_CONTAINER: Final = "http://169.254.170.2"
_INSTANCE: Final = "http://169.254.169.254"
_ROLES: Final = "latest/meta-data/iam/security-credentials/"
_SOON: Final = aiohttp.ClientTimeout(total=2)
_ONCE: Final = Limits(attempts=2)


@dataclass(frozen=True, slots=True)
class Given:
    """What the configuration says of keys."""

    access_key_id: Secret | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None


class _Temporary(msgspec.Struct, frozen=True, rename="pascal"):
    """Keys as a container or an instance gives them."""

    access_key_id: str
    secret_access_key: str
    token: str


class _Assumed(msgspec.Struct, frozen=True, rename="pascal"):
    """Keys as the token service gives them."""

    access_key_id: str
    secret_access_key: str
    session_token: str


class _WebIdentity(msgspec.Struct, frozen=True, rename="pascal"):
    credentials: _Assumed


_KEYS: Final = msgspec.json.Decoder(_Temporary)


async def find_keys(ctx: Context, given: Given, region: str) -> Keys:
    """Find the keys to sign with; raises ``Unconfigured`` that says where it looked, or what it cannot use."""
    if given.access_key_id is not None and given.secret_access_key is not None:
        token = await ctx.secret(given.session_token) if given.session_token is not None else None
        return Keys(await ctx.secret(given.access_key_id), await ctx.secret(given.secret_access_key), token)
    if given.profile is not None:
        found = await _from_files(ctx, given.profile)
        if found is None:
            raise Unconfigured(f"{ctx.name}: the files of the AWS tools have no keys of profile {given.profile!r}")
        return found
    profile = await _env(ctx, "AWS_PROFILE") or "default"
    return (
        await _from_environment(ctx)
        or await _from_web_identity(ctx, region)
        or await _from_files(ctx, profile)
        or await _from_container(ctx)
        or await _from_instance(ctx)
    )


async def _env(ctx: Context, name: str) -> str | None:
    try:
        return await ctx.secret(f"env:{name}")
    except Unconfigured:
        return None


async def _from_environment(ctx: Context) -> Keys | None:
    key, secret = await _env(ctx, "AWS_ACCESS_KEY_ID"), await _env(ctx, "AWS_SECRET_ACCESS_KEY")
    return Keys(key, secret, await _env(ctx, "AWS_SESSION_TOKEN")) if key and secret else None


async def _from_web_identity(ctx: Context, region: str) -> Keys | None:
    """Trade the token of a workload (a pod's service account) for keys of its role."""
    path, role = await _env(ctx, "AWS_WEB_IDENTITY_TOKEN_FILE"), await _env(ctx, "AWS_ROLE_ARN")
    if path is None or role is None:
        return None
    url = await _env(ctx, "AWS_ENDPOINT_URL_STS") or f"https://sts.{region}.amazonaws.com"
    api = Api(ctx, url, anonymous, _ONCE, explain=explaining(ctx.name, ctx.now))
    token = await _read(ctx, Path(path))
    asked = {"RoleArn": role, "RoleSessionName": "controlwatch", "WebIdentityToken": token}
    sts = Query(ctx.name, api, "sts", "2011-06-15")
    told = (await sts.call("AssumeRoleWithWebIdentity", _WebIdentity, asked)).credentials
    return Keys(told.access_key_id, told.secret_access_key, told.session_token)


async def _from_files(ctx: Context, profile: str) -> Keys | None:
    home = await _env(ctx, "HOME") or "/nonexistent"
    credentials = await _env(ctx, "AWS_SHARED_CREDENTIALS_FILE") or f"{home}/.aws/credentials"
    config = await _env(ctx, "AWS_CONFIG_FILE") or f"{home}/.aws/config"
    section = profile if profile == "default" else f"profile {profile}"
    for path, name in ((credentials, profile), (config, section)):
        entries = await _section(ctx, Path(path), name)
        key, secret = entries.get("aws_access_key_id"), entries.get("aws_secret_access_key")
        if key and secret:
            return Keys(key, secret, entries.get("aws_session_token"))
        needs = next((word for word in _NEEDS_MORE if word in entries), None)
        if needs is not None:
            message = f"{ctx.name}: the AWS profile {profile!r} needs {needs}, which is not supported"
            raise Unconfigured(f"{message}; export keys of its own to the environment, or configure access_key_id")
    return None


async def _section(ctx: Context, path: Path, name: str) -> Mapping[str, str]:
    if not await asyncio.to_thread(path.is_file):
        return {}
    parser = configparser.RawConfigParser(default_section="\n")
    try:
        parser.read_string(await ctx.secret(f"file:{path}"))
    except configparser.Error:
        raise Unconfigured(f"{ctx.name}: {path} is not in the form of the AWS tools") from None
    return dict(parser[name]) if name in parser else {}


async def _from_container(ctx: Context) -> Keys | None:
    relative = await _env(ctx, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    full = await _env(ctx, "AWS_CONTAINER_CREDENTIALS_FULL_URI")
    if relative is None and full is None:
        return None
    url = URL(f"{_CONTAINER}{relative}" if relative else full or "")
    if url.scheme != "https" and url.host not in _NEAR:
        raise Unconfigured(f"{ctx.name}: the container's keys are offered by {url.host!r} over plain HTTP")
    token = await _env(ctx, "AWS_CONTAINER_AUTHORIZATION_TOKEN")
    path = await _env(ctx, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
    if path is not None:
        token = await _read(ctx, Path(path))
    api = Api(ctx, str(url.origin()), static_header("Authorization", token) if token else anonymous, _ONCE)
    told = api.decode(await api.get(str(url), words="the container's keys"), _KEYS)
    return Keys(told.access_key_id, told.secret_access_key, told.token)


async def _from_instance(ctx: Context) -> Keys:
    """Ask the instance's metadata, version 2; raises ``Unconfigured`` when nobody answers there."""
    nowhere = f"{ctx.name}: no keys for AWS in the configuration, the environment, the AWS files or the metadata"
    advice = "set access_key_id and secret_access_key, or profile"
    if (await _env(ctx, "AWS_EC2_METADATA_DISABLED") or "").lower() == "true":
        raise Unconfigured(f"{nowhere} (which is disabled); {advice}")
    base = (await _env(ctx, "AWS_EC2_METADATA_SERVICE_ENDPOINT") or _INSTANCE).rstrip("/")
    try:
        token = await _instance_token(ctx, base)
        api = Api(ctx, base, static_header("X-aws-ec2-metadata-token", token), _ONCE)
        names = (await api.get(_ROLES, words="the instance's role")).body.decode().split()
        told = api.decode(await api.get(f"{_ROLES}{names[0]}", words="the instance's keys"), _KEYS)
    except (aiohttp.ClientError, TimeoutError, OSError, IndexError, UnicodeDecodeError):
        raise Unconfigured(f"{nowhere}; {advice}") from None
    except SourceError as fault:
        raise Unconfigured(f"{nowhere} ({fault}); {advice}") from None
    return Keys(told.access_key_id, told.secret_access_key, told.token)


async def _instance_token(ctx: Context, base: str) -> str:
    lifetime = {"X-aws-ec2-metadata-token-ttl-seconds": "300"}
    async with ctx.session().put(
        f"{base}/latest/api/token", headers=lifetime, timeout=_SOON, allow_redirects=False
    ) as answer:
        if answer.status != 200:
            raise Malformed(f"the metadata answered {answer.status}")
        return (await answer.content.read(4096)).decode()


async def _read(ctx: Context, path: Path) -> str:
    try:
        return (await asyncio.to_thread(path.read_text, "utf-8")).strip()
    except (OSError, UnicodeDecodeError):
        raise Unconfigured(f"{ctx.name}: the token file {path} of this workload cannot be read") from None
