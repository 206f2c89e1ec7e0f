"""Keys for AWS are found where the tools of AWS look, in the same order, and never in a file that others read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from moto.server import ThreadedMotoServer

from engine import secrets
from sources.common.aws_keys import Given, find_keys
from sources.common.errors import SourceError, Unconfigured
from sources.common.settings import Secret
from sources.common.sigv4 import Keys
from tests.support.context import LentContext, lent_context

OFF = {"env:AWS_EC2_METADATA_DISABLED": "true"}
ENVIRONMENT = {"env:AWS_ACCESS_KEY_ID": "AKIAENV", "env:AWS_SECRET_ACCESS_KEY": "env-secret"}
GIVEN = Given(Secret("env:MINE"), Secret("env:MINE_TOO"))
MINE = {"env:MINE": "AKIAMINE", "env:MINE_TOO": "my-secret"}
FILES = """
[default]
aws_access_key_id = AKIADEFAULT
aws_secret_access_key = default-secret

[audit]
aws_access_key_id = ASIAAUDIT
aws_secret_access_key = audit-secret%20
aws_session_token = audit-token
"""
CONFIG = """
[profile conf]
aws_access_key_id = AKIACONF
aws_secret_access_key = conf-secret

[profile role]
role_arn = arn:aws:iam::1:role/audit
source_profile = default
"""
TEMPORARY = {"AccessKeyId": "ASIATEMP", "SecretAccessKey": "temp-secret", "Token": "temp-token"}


class FileContext(LentContext):
    """A context that reads files as the engine does."""

    async def secret(self, reference: str) -> str:
        """Look up what a test lends; read files for real."""
        if reference.startswith("file:"):
            return await secrets.resolve(reference, self.folder)
        return await super().secret(reference)


@asynccontextmanager
async def context(folder: Path, told: Mapping[str, str]) -> AsyncIterator[LentContext]:
    """Lend a context whose home is ``folder``."""
    async with lent_context(folder, name="aws") as lent:
        yield FileContext(folder, lent.scratch, lent.http, "aws", secrets={"env:HOME": str(folder), **told})


def write(folder: Path, name: str, text: str, mode: int = 0o600) -> None:
    """Write a file of the AWS tools."""
    path = folder / ".aws" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("told", "given", "key"),
    [
        pytest.param(MINE | ENVIRONMENT, GIVEN, "AKIAMINE", id="configuration-first"),
        pytest.param(ENVIRONMENT, Given(), "AKIAENV", id="then-the-environment"),
        pytest.param({}, Given(), "AKIADEFAULT", id="then-the-files"),
        pytest.param({"env:AWS_PROFILE": "audit"}, Given(), "ASIAAUDIT", id="the-environment's-profile"),
        pytest.param(ENVIRONMENT, Given(profile="audit"), "ASIAAUDIT", id="a-configured-profile-wins"),
        pytest.param({}, Given(profile="conf"), "AKIACONF", id="the-other-file"),
    ],
)
async def test_keys_are_looked_for_in_order(told: dict[str, str], given: Given, key: str, tmp_path: Path) -> None:
    """The configuration wins over the environment, and that over the files."""
    write(tmp_path, "credentials", FILES)
    write(tmp_path, "config", CONFIG)
    async with context(tmp_path, OFF | told) as ctx:
        assert (await find_keys(ctx, given, "us-east-1")).access_key_id == key


async def test_a_profile_gives_its_token_verbatim(tmp_path: Path) -> None:
    """A percent sign is no interpolation, and temporary keys come with their token."""
    write(tmp_path, "credentials", FILES)
    async with context(tmp_path, OFF) as ctx:
        keys = await find_keys(ctx, Given(profile="audit"), "us-east-1")
    assert keys == Keys("ASIAAUDIT", "audit-secret%20", "audit-token")


@pytest.mark.parametrize(
    ("profile", "mode", "words"),
    [
        pytest.param("role", 0o600, "needs role_arn, which is not supported", id="a-role"),
        pytest.param("nobody", 0o600, "no keys of profile 'nobody'", id="not-there"),
        pytest.param("audit", 0o644, "can be read or written by others", id="readable-by-others"),
    ],
)
async def test_a_profile_that_cannot_be_used_says_why(profile: str, mode: int, words: str, tmp_path: Path) -> None:
    """A profile of another kind, a missing one, and a file that others can read."""
    write(tmp_path, "credentials", FILES, mode)
    write(tmp_path, "config", CONFIG)
    async with context(tmp_path, OFF) as ctx:
        with pytest.raises(Unconfigured, match=words):
            await find_keys(ctx, Given(profile=profile), "us-east-1")


async def test_without_any_keys_all_places_are_named(tmp_path: Path) -> None:
    """Nothing configured, nothing found, and no metadata."""
    async with context(tmp_path, OFF) as ctx:
        with pytest.raises(Unconfigured, match="the environment, the AWS files or the metadata"):
            await find_keys(ctx, Given(), "us-east-1")


@asynccontextmanager
async def metadata(*, version_two: bool = True) -> AsyncIterator[str]:
    """Serve an instance's metadata, and a container's keys, on loopback."""

    async def token(request: web.Request) -> web.Response:
        return web.Response(text="t0ken") if version_two else web.Response(status=404)

    async def role(request: web.Request) -> web.Response:
        allowed = request.headers.get("X-aws-ec2-metadata-token") == "t0ken"
        return web.Response(text="audit-role\n") if allowed else web.Response(status=401)

    async def keys(request: web.Request) -> web.Response:
        return web.json_response(TEMPORARY | {"Code": "Success"})

    async def container(request: web.Request) -> web.Response:
        allowed = request.headers.get("Authorization") == "pod-token"
        return web.json_response(TEMPORARY) if allowed else web.Response(status=403)

    app = web.Application()
    roles = "/latest/meta-data/iam/security-credentials/"
    app.router.add_put("/latest/api/token", token)
    app.router.add_get(roles, role)
    app.router.add_get(f"{roles}audit-role", keys)
    app.router.add_get("/pod", container)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")


async def test_an_instance_gives_the_keys_of_its_role(tmp_path: Path) -> None:
    """The metadata is asked with a token of version 2."""
    async with metadata() as url, context(tmp_path, {"env:AWS_EC2_METADATA_SERVICE_ENDPOINT": url}) as ctx:
        assert await find_keys(ctx, Given(), "us-east-1") == Keys("ASIATEMP", "temp-secret", "temp-token")


async def test_metadata_without_version_two_is_not_asked_further(tmp_path: Path) -> None:
    """An address that gives no token is not an instance's metadata."""
    async with (
        metadata(version_two=False) as url,
        context(tmp_path, {"env:AWS_EC2_METADATA_SERVICE_ENDPOINT": url}) as ctx,
    ):
        with pytest.raises(Unconfigured, match="the metadata answered 404"):
            await find_keys(ctx, Given(), "us-east-1")


async def test_a_container_gives_its_keys_for_its_token(tmp_path: Path) -> None:
    """A pod's token is read from its file at the moment of use."""
    (tmp_path / "token").write_text("pod-token\n")
    async with metadata() as url:
        told = {
            "env:AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/pod",
            "env:AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "token"),
        }
        async with context(tmp_path, told) as ctx:
            assert await find_keys(ctx, Given(), "us-east-1") == Keys("ASIATEMP", "temp-secret", "temp-token")


async def test_a_container_far_away_is_not_asked_in_clear(tmp_path: Path) -> None:
    """Keys are not taken from another machine over plain HTTP, and the pod's token is not sent there."""
    told = {"env:AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://keys.example.org/pod"}
    async with context(tmp_path, told) as ctx:
        with pytest.raises(Unconfigured, match="over plain HTTP"):
            await find_keys(ctx, Given(), "us-east-1")


@pytest.fixture
def sts() -> Iterator[str]:
    """Serve the token service of an emulator."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_workload_trades_its_token_for_keys(sts: str, tmp_path: Path) -> None:
    """A pod's web identity becomes temporary keys of its role, over HTTP."""
    (tmp_path / "identity").write_text("a.web.token")
    told = {
        "env:AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "identity"),
        "env:AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/audit",
        "env:AWS_ENDPOINT_URL_STS": sts,
    }
    async with context(tmp_path, told) as ctx:
        keys = await find_keys(ctx, Given(), "us-east-1")
    assert keys.access_key_id.startswith("ASIA")
    assert keys.session_token


async def test_a_workload_without_its_token_says_so(tmp_path: Path) -> None:
    """A token file that cannot be read is not passed over for another place."""
    told = {"env:AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "gone"), "env:AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    async with context(tmp_path, told) as ctx:
        with pytest.raises(SourceError, match="token file"):
            await find_keys(ctx, Given(), "us-east-1")
