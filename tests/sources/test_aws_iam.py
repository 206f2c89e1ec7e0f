"""An AWS account tells its users by a report that is hours old; what the report does not say is never a no."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
import pytest
from moto.server import ThreadedMotoServer

from checks.model.records import Account, Credential, Factor
from sources.aws_iam import SOURCE, Config, faults
from sources.common.aws_devices import factor_of
from sources.common.settings import from_toml
from tests.sources.contract import breaches_of_probes
from tests.support import iam as wire
from tests.support.aws import (
    EVERYTHING,
    LAG,
    PASSKEY,
    ROOT,
    SECRETS,
    STRONG,
    VIRTUAL,
    accounts,
    broken,
    collected,
    credentials,
)
from tests.support.clock import NOW
from tests.support.context import collect, lent_context
from tests.support.iam import arn_of, root, row

# A real emulator: moto over HTTP.


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto on an ephemeral port, and give its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def company(moto: str) -> str:
    """Create Ana (administrator through a group, device), Ben (password alone) and ci (key alone)."""
    session = botocore.session.get_session()
    iam = session.create_client(
        "iam", "us-east-1", endpoint_url=moto, aws_access_key_id="any", aws_secret_access_key="any"
    )
    for name in ("ana", "ben", "ci"):
        iam.create_user(UserName=name)
    for name in ("ana", "ben"):
        iam.create_login_profile(UserName=name, Password="not-a-secret-1A!")
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="ana")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="ana", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    iam.create_group(GroupName="admins")
    everything = iam.create_policy(PolicyName="Everything", PolicyDocument=EVERYTHING)["Policy"]["Arn"]
    iam.attach_group_policy(GroupName="admins", PolicyArn=everything)
    iam.add_user_to_group(GroupName="admins", UserName="ana")
    iam.create_access_key(UserName="ci")
    return moto


def over(url: str) -> Config:
    """Configure a source over an address."""
    told = {"endpoint_url": url, "access_key_id": "env:KEY", "secret_access_key": "env:SECRET"}
    return msgspec.convert(told, Config, dec_hook=from_toml)


async def test_a_real_server_tells_its_users(company: str, tmp_path: Path) -> None:
    """Against an emulator over HTTP: passwords, devices, administrators through groups, keys, and nothing else."""
    async with lent_context(tmp_path, name="aws", secrets=SECRETS) as ctx:
        found = await collect(SOURCE.fetch(over(company), ctx))

    told = accounts(found)
    assert broken(found) == set()
    assert found.gaps == ()
    assert set(told) == {"ana", "ben", "ci", "<root_account>"}
    assert {name: (one.interactive, one.mfa, one.factors, one.privileged) for name, one in told.items()} == {
        "ana": (True, True, STRONG, True),
        "ben": (True, False, (), False),
        "ci": (False, False, (), False),
        "<root_account>": (True, False, (), True),
    }
    assert told["ana"].roles == ("Everything",)
    (key,) = found.of(Credential)
    assert isinstance(key, Credential)
    assert (key.kind, key.status, key.owner, key.never_used) == ("access_key", "active", told["ci"].id, True)


async def test_the_stamp_of_an_emulator_is_not_believed(company: str, tmp_path: Path) -> None:
    """A report of 2015 with users of this year is as of four hours ago, the longest that AWS keeps one."""
    async with lent_context(tmp_path, name="aws", secrets=SECRETS) as ctx:
        found = await collect(SOURCE.fetch(over(company), ctx))
        probes = await SOURCE.test(over(company), ctx)

    assert {page.as_of for page in found.pages} == {NOW - timedelta(hours=4)}
    assert [probe.ok for probe in probes] == [True] * 6
    assert breaches_of_probes(SOURCE, probes) == []
    assert "its rows tell of later" in probes[1].detail


# Accounts.


async def test_a_user_is_told_by_its_row(tmp_path: Path) -> None:
    """Each fact of a person with a password, a device and a key comes from its column."""
    found = await collected(tmp_path, root(), row("Ana", wire.PERSON, wire.KEY, mfa_active="TRUE"))

    assert accounts(found)["Ana"] == Account(
        id=arn_of("Ana"),
        source="aws",
        label="Ana",
        keys=("ana",),
        status="active",
        klass="human",
        klass_basis="presumed",
        interactive=True,
        privileged=False,
        roles=(),
        created_at=datetime(2024, 5, 2, 10, tzinfo=UTC),
        mfa=True,
        factors=STRONG,
        last_seen_at=datetime(2026, 11, 20, 8, tzinfo=UTC),
        never_seen=False,
        activity_lag=LAG,
        activity_basis="any",
    )
    assert found.gaps == ()


USE = "last_seen_at", "never_seen", "activity_lag"


@pytest.mark.parametrize(
    ("cells", "last", "never", "lag", "why"),
    [
        pytest.param({**wire.PERSON}, "2026-11-20T08:00:00Z", False, LAG, {}, id="password"),
        pytest.param(
            {**wire.PERSON, **wire.KEY, "access_key_1_last_used_date": "2026-11-21T01:00:00Z"},
            "2026-11-21T01:00:00Z",
            False,
            LAG,
            {},
            id="key-later",
        ),
        pytest.param({**wire.PERSON, "password_last_used": "no_information"}, None, True, LAG, {}, id="never"),
        pytest.param(
            {
                **wire.PERSON,
                "password_last_used": "no_information",
                "user_creation_time": "2013-01-01T00:00:00+00:00",
            },
            None,
            None,
            LAG,
            {"last_seen_at": "not_exposed", "never_seen": "not_exposed"},
            id="older-than-the-tracking",
        ),
        pytest.param({**wire.KEY, "access_key_1_last_used_date": "N/A"}, None, True, LAG, {}, id="key-never-used"),
        pytest.param(
            {}, None, None, LAG, {"last_seen_at": "not_exposed", "never_seen": "not_exposed"}, id="nothing-to-use"
        ),
        pytest.param(
            {**wire.PERSON, "access_key_2_last_used_date": "lately"},
            "2026-11-20T08:00:00Z",
            False,
            None,
            {"activity_lag": "unsupported"},
            id="a-word-that-is-new",
        ),
        pytest.param(
            {**wire.PERSON, "password_last_used": ""},
            None,
            None,
            None,
            dict.fromkeys(USE, "unsupported"),
            id="an-empty-cell",
        ),
    ],
)
async def test_the_last_use_is_the_latest_of_password_and_keys(
    cells: dict[str, str],
    last: str | None,
    *,
    never: bool | None,
    lag: timedelta | None,
    why: dict[str, str],
    tmp_path: Path,
) -> None:
    """Never is told only where AWS has tracked since the creation; a word that is new leaves the last use open."""
    one = accounts(await collected(tmp_path, root(), row("ana", cells)))["ana"]
    assert one.last_seen_at == (None if last is None else datetime.fromisoformat(last))
    assert (one.never_seen, one.activity_lag, one.why) == (never, lag, why)


@pytest.mark.parametrize("column", ["mfa_active", "password_enabled"])
async def test_a_truth_that_is_new_is_not_told(column: str, tmp_path: Path) -> None:
    """A word besides true and false is neither."""
    one = accounts(await collected(tmp_path, root(), row("ana", wire.PERSON, {column: "perhaps"})))["ana"]
    told = {"mfa_active": one.mfa, "password_enabled": one.interactive}
    assert told[column] is None
    assert one.why["mfa" if column == "mfa_active" else "interactive"] == "unsupported"
    assert one.klass == "human"


@pytest.mark.parametrize(
    ("keys", "klass", "basis"),
    [
        pytest.param({}, "human", "presumed", id="presumed"),
        pytest.param({"keys_only": "service"}, "service", "rule:keys_only", id="configured"),
    ],
)
async def test_a_user_without_a_password_is_human_unless_configured(
    keys: dict[str, str], klass: str, basis: str, tmp_path: Path
) -> None:
    """Nobody leaves the checks on people by a presumption; with a password a user is human in any case."""
    found = accounts(await collected(tmp_path, row("ci", wire.KEY), row("ana", wire.PERSON), keys=keys))
    assert (found["ci"].klass, found["ci"].klass_basis, found["ci"].interactive) == (klass, basis, False)
    assert (found["ana"].klass, found["ana"].klass_basis) == ("human", "presumed")


@pytest.mark.parametrize(
    ("serial", "kind", "strength"),
    [
        pytest.param(VIRTUAL, "mfa", "strong", id="virtual"),
        pytest.param(PASSKEY, "u2f", "phishing_resistant", id="passkey"),
        pytest.param("GAKT12345678", "hardware", "strong", id="token"),
        pytest.param("arn:aws:iam::1:sms-mfa/ana", "sms-mfa", "weak", id="text-message"),
        pytest.param("arn:aws-cn:iam::1:iris/ana", "iris", None, id="new-to-us"),
    ],
)
def test_a_serial_number_tells_the_kind(serial: str, kind: str, strength: str | None) -> None:
    """What a device is follows from its serial number, and a kind that is new has no strength."""
    assert factor_of(serial) == Factor(kind=kind, strength=strength)


async def test_a_device_that_was_taken_away_since_is_not_counted(tmp_path: Path) -> None:
    """The list of devices is newer than the report: an empty one says that there is none."""
    one = accounts(
        await collected(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=wire.devices())
    )["ana"]
    assert (one.mfa, one.factors) == (False, ())


async def test_a_user_who_is_gone_since_tells_no_devices(tmp_path: Path) -> None:
    """A user deleted after the report keeps what the report says, and its factors are not told."""
    gone = wire.error("NoSuchEntity", 404)
    found = await collected(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=gone)
    one = accounts(found)["ana"]
    assert (one.mfa, one.factors, one.why) == (True, None, {"factors": "not_exposed"})
    assert found.gaps == ()


# The root user.


@pytest.mark.parametrize(
    ("summary", "owners", "interactive", "mfa", "factors"),
    [
        pytest.param({"AccountMFAEnabled": 1, "AccountPasswordPresent": 1}, [ROOT], True, True, STRONG, id="virtual"),
        pytest.param(
            {"AccountMFAEnabled": 1, "AccountPasswordPresent": 1},
            [arn_of("ana")],
            True,
            True,
            (Factor(kind="hardware_or_passkey", strength="strong"),),
            id="not-virtual",
        ),
        pytest.param({"AccountMFAEnabled": 0, "AccountPasswordPresent": 1}, [ROOT], True, False, (), id="none-now"),
        pytest.param({"AccountMFAEnabled": 0, "AccountPasswordPresent": 0}, [], False, False, (), id="no-password"),
        pytest.param({"AccountMFAEnabled": 0}, [], True, False, (), id="password-not-counted"),
    ],
)
async def test_the_root_user_is_told_by_row_and_summary(
    summary: dict[str, int],
    owners: list[str],
    *,
    interactive: bool,
    mfa: bool,
    factors: tuple[Factor, ...],
    tmp_path: Path,
) -> None:
    """The summary is newer than the report; a root user signs in unless its password is told to be gone."""
    told = {"GetAccountSummary": wire.summary(**summary), "ListVirtualMFADevices": wire.virtuals(*owners)}
    one = accounts(await collected(tmp_path, root(), **told))["<root_account>"]
    assert (one.id, one.klass, one.privileged, one.roles) == (ROOT, "break_glass", True, ("root",))
    assert (one.interactive, one.mfa, one.factors) == (interactive, mfa, factors)
    assert (one.last_seen_at, one.never_seen, one.why) == (None, True, {"keys": "not_exposed"})


async def test_an_account_without_a_root_row_still_has_a_root_user(tmp_path: Path) -> None:
    """What no row tells of the root user is not told; it does not leave the count."""
    one = accounts(await collected(tmp_path, row("ana", wire.PERSON)))["<root_account>"]
    assert (one.id, one.mfa, one.never_seen, one.last_seen_at) == (ROOT, True, None, None)
    assert one.why["never_seen"] == "not_exposed"


async def test_keys_of_the_root_user_are_privileged(tmp_path: Path) -> None:
    """A key of the root user acts for an administrator, whatever the policies say."""
    found = credentials(await collected(tmp_path, root(**wire.KEY)))
    assert (found["access_key_1"].owner, found["access_key_1"].privileged) == (ROOT, True)


# What is claimed.


@pytest.mark.parametrize(
    ("counted", "newer", "claimed"),
    [
        pytest.param(2, (), 4, id="all-shown"),
        pytest.param(5, (), 7, id="three-not-shown"),
        pytest.param(3, ("new",), 4, id="one-newer-than-the-report"),
    ],
)
async def test_the_users_that_aws_counts_are_claimed(
    counted: int, newer: tuple[str, ...], claimed: int, tmp_path: Path
) -> None:
    """Two users, the root user and a key are four records; a user created since the report is not missing from it."""
    users = [
        wire.detail("ana"),
        wire.detail("ci"),
        *(wire.detail(one, created="2026-11-21T04:00:00Z") for one in newer),
    ]
    found = await collected(
        tmp_path,
        root(),
        row("ana"),
        row("ci", wire.KEY),
        GetAccountSummary=wire.summary(Users=counted, AccountMFAEnabled=1),
        GetAccountAuthorizationDetails=wire.details(*users),
    )
    assert found.pages[0].claimed == claimed
    assert len(found.records) == 4


# The configuration.


@pytest.mark.parametrize(
    ("told", "fault"),
    [
        pytest.param({}, None, id="the-usual-chain"),
        pytest.param({"access_key_id": "env:A"}, "access_key_id: needs secret_access_key", id="half-a-key"),
        pytest.param({"session_token": "env:T"}, "session_token: needs", id="token-alone"),
        pytest.param(
            {"access_key_id": "env:A", "secret_access_key": "env:B", "profile": "p"}, "profile: is not", id="two-ways"
        ),
        pytest.param({"endpoint_url": "http://iam.example.org"}, "endpoint_url: must be https", id="plain-http"),
        pytest.param({"endpoint_url": "http://127.0.0.1:5000"}, None, id="loopback"),
        pytest.param({"requests_per_second": 0.0}, "requests_per_second: must be", id="no-rate"),
    ],
)
def test_a_configuration_is_judged_whole(told: dict[str, Any], fault: str | None, tmp_path: Path) -> None:
    """What the types cannot say is named with its key."""
    found = faults(msgspec.convert(told, Config, dec_hook=from_toml), tmp_path)
    assert (found == []) if fault is None else (len(found) == 1 and found[0].startswith(fault))


@pytest.mark.parametrize("told", [{"access_key_id": "AKIDEXAMPLE"}, {"tokn": "x"}, {"keys_only": "pet"}])
def test_a_wrong_key_or_a_bare_secret_is_refused(told: dict[str, Any]) -> None:
    """A secret is a reference, and a misspelt key is a fault."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, Config, dec_hook=from_toml)


async def test_without_keys_a_probe_says_so(tmp_path: Path) -> None:
    """``source test`` never raises: keys that are not there are its only line."""
    async with lent_context(tmp_path, name="aws", secrets={"env:AWS_EC2_METADATA_DISABLED": "true"}) as ctx:
        (only,) = await SOURCE.test(Config(), ctx)
    assert only.ok is False
    assert "no keys for AWS" in only.detail
    assert breaches_of_probes(SOURCE, [only]) == []
