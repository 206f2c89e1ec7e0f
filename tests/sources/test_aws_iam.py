"""An AWS account tells its users by a report that is hours old; what the report does not say is never a no."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import msgspec
import pytest
from moto.server import ThreadedMotoServer

from checks.model.doubt import Cause, Gap
from checks.model.records import Account, Credential, Factor, field_names
from sources.aws_iam import SOURCE, Config, faults, open_iam, read
from sources.common.aws_devices import factor_of
from sources.common.errors import Malformed, Refused, SourceError, Throttled, Truncated, Unreachable
from sources.common.limits import LIMITS, Limits, Timing
from sources.common.settings import from_toml
from tests.sources.contract import breaches, breaches_of_probes
from tests.support import iam as wire
from tests.support.clock import NOW
from tests.support.context import Collected, LentContext, collect, lent_context
from tests.support.iam import Answer, Iam, arn_of, root, row, serving_iam, table

ROOT = f"arn:aws:iam::{wire.ACCOUNT}:root"
VIRTUAL = f"arn:aws:iam::{wire.ACCOUNT}:mfa/phone"
PASSKEY = f"arn:aws:iam::{wire.ACCOUNT}:u2f/user/ana/key-ABC"
STRONG = (Factor(kind="mfa", strength="strong"),)
LAG = timedelta(hours=4, minutes=15)
SECRETS = {"env:KEY": "AKIDEXAMPLE", "env:SECRET": "wJalrXUtnFEMI"}
EVERYTHING = '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'
CREDENTIAL_FIELDS = tuple(sorted(set(field_names(Credential)) - {"credential.expires_at"}))


@dataclass
class Glass:
    """A clock that only sleeping moves."""

    at: float = 0.0
    slept: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.at += seconds

    def timing(self) -> Timing:
        """Give the clock, without chance."""
        return Timing(lambda: self.at, self.sleep, lambda: 0.0)


@dataclass
class Asked:
    """One account that is served, and how it is asked."""

    ctx: LentContext
    iam: Iam
    table: dict[str, Any]
    glass: Glass = field(default_factory=Glass)

    @property
    def config(self) -> Config:
        """Read the configuration as the engine does."""
        return msgspec.convert(self.table, Config, dec_hook=from_toml)

    async def collect(self, limits: Limits = LIMITS) -> Collected:
        """Run the source to its end, and hold what it told to the contract of a source."""
        query = await open_iam(self.config, self.ctx, limits, self.glass.timing())
        found = await collect(read(self.config, self.ctx, query, self.glass.timing()))
        assert broken(found) == set()
        return found

    async def fault(self, limits: Limits = LIMITS) -> SourceError:
        """Run the source, which must fail."""
        with pytest.raises(SourceError) as raised:
            await self.collect(limits)
        return raised.value


def broken(found: Collected) -> set[str]:
    """Name the promises that a run broke; of what was never used there is no last use to tell."""
    unused = {f"account/1 {one.id!r}: last_seen_at" for one in found.of(Account) if getattr(one, "never_seen", None)}
    unused |= {
        f"credential/1 {one.id!r}: last_used_at" for one in found.of(Credential) if getattr(one, "never_used", 0)
    }
    return set(breaches(SOURCE, "aws", found)) - {f"{one} is not told, and no why says so" for one in unused}


def answers(*rows: dict[str, str], made: str = wire.MADE, **told: Any) -> dict[str, Any]:
    """Answer everything for an account of these rows, whose users have no policies and one virtual device each."""
    users = [one["user"] for one in rows if one["user"] != "<root_account>"]
    return {
        "GenerateCredentialReport": wire.result("GenerateCredentialReport", "<State>COMPLETE</State>"),
        "GetCredentialReport": wire.report(table(*rows), made),
        "GetAccountSummary": wire.summary(Users=len(users), AccountMFAEnabled=1, AccountPasswordPresent=1),
        "GetAccountAuthorizationDetails": wire.details(*(wire.detail(user) for user in users)),
        "ListMFADevices": wire.devices(VIRTUAL),
        "ListVirtualMFADevices": wire.virtuals(ROOT),
        **told,
    }


@asynccontextmanager
async def asking(
    folder: Path,
    *rows: dict[str, str],
    keys: dict[str, Any] | None = None,
    deadline: timedelta = timedelta(minutes=5),
    made: str = wire.MADE,
    **told: Any,
) -> AsyncIterator[Asked]:
    """Serve an account, and lend what a run needs."""
    iam = Iam(answers(*rows, made=made, **told))
    async with serving_iam(iam) as url, lent_context(folder, name="aws", secrets=SECRETS, deadline=deadline) as ctx:
        base = {"endpoint_url": url, "access_key_id": "env:KEY", "secret_access_key": "env:SECRET"}
        yield Asked(ctx, iam, base | (keys or {}))


async def collected(folder: Path, *rows: dict[str, str], **told: Any) -> Collected:
    """Serve an account, and run the source over it once."""
    async with asking(folder, *rows, **told) as asked:
        return await asked.collect()


def accounts(found: Collected) -> dict[str, Account]:
    """Index the accounts by label."""
    return {one.label or "": one for one in found.records if isinstance(one, Account)}


def credentials(found: Collected) -> dict[str, Credential]:
    """Index the credentials by the part of their id after the user's ARN."""
    return {one.id.partition("#")[2]: one for one in found.records if isinstance(one, Credential)}


def gap(found: Collected) -> Gap:
    """Give the only gap."""
    (only,) = found.gaps
    return only


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


# Credentials.


async def test_keys_and_certificates_are_told_by_their_columns(tmp_path: Path) -> None:
    """A used key, an inactive one and a certificate; of certificates no use is told."""
    cells = {
        "access_key_2_active": "false",
        "access_key_2_last_rotated": "2026-01-01T00:00:00+00:00",
        "cert_1_active": "true",
        "cert_1_last_rotated": "2025-01-01T00:00:00+00:00",
    }
    found = credentials(await collected(tmp_path, row("ci", wire.KEY, cells)))
    first = found["access_key_1"]
    assert first == Credential(
        id=f"{arn_of('ci')}#access_key_1",
        source="aws",
        label="ci access_key_1",
        kind="access_key",
        status="active",
        owner=arn_of("ci"),
        privileged=False,
        created_at=datetime(2026, 10, 1, tzinfo=UTC),
        last_used_at=datetime(2026, 11, 19, tzinfo=UTC),
        never_used=False,
        use_lag=LAG,
    )
    assert (found["access_key_2"].status, found["access_key_2"].never_used) == ("inactive", True)
    assert found["cert_1"].kind == "signing_certificate"
    assert found["cert_1"].why == dict.fromkeys(("last_used_at", "never_used", "use_lag"), "not_exposed")


@pytest.mark.parametrize(
    ("cells", "never", "why"),
    [
        pytest.param({"access_key_1_last_used_date": "N/A"}, True, {}, id="never"),
        pytest.param(
            {"access_key_1_last_used_date": "N/A", "access_key_1_last_rotated": "2015-01-01T00:00:00Z"},
            None,
            {"last_used_at": "not_exposed", "never_used": "not_exposed"},
            id="older-than-the-tracking",
        ),
        pytest.param(
            {"access_key_1_last_used_date": "yesterday"},
            None,
            {"last_used_at": "unsupported", "never_used": "unsupported"},
            id="a-word-that-is-new",
        ),
        pytest.param(
            {"access_key_1_last_used_date": "N/A", "access_key_1_last_rotated": "N/A"},
            None,
            {"created_at": "unsupported", "last_used_at": "not_exposed", "never_used": "not_exposed"},
            id="no-creation",
        ),
    ],
)
async def test_a_key_without_a_use_is_unused_only_where_that_is_told(
    cells: dict[str, str], *, never: bool | None, why: dict[str, str], tmp_path: Path
) -> None:
    """Never used is told of a key that AWS has tracked since it was made, and of no other."""
    one = credentials(await collected(tmp_path, row("ci", wire.KEY, cells)))["access_key_1"]
    assert (one.last_used_at, one.never_used, one.why) == (None, never, why)


async def test_a_key_of_a_status_that_is_new_is_still_told(tmp_path: Path) -> None:
    """A word besides true and false does not hide a key."""
    one = credentials(await collected(tmp_path, row("ci", wire.KEY, access_key_1_active="paused")))["access_key_1"]
    assert (one.status, one.why) == (None, {"status": "unsupported"})


async def test_credentials_without_a_column_are_a_gap(tmp_path: Path) -> None:
    """Users with more credentials than the report shows make every fact of credentials doubtful."""
    found = await collected(tmp_path, row("ana", additional_credentials_info="3 access keys"))
    assert (gap(found).cause, gap(found).kind) == (Cause.UNSUPPORTED, "facts")
    assert set(gap(found).fields) == {*CREDENTIAL_FIELDS, "account.last_seen_at"}
    none = await collected(tmp_path, row("ana", additional_credentials_info="N/A"))
    assert none.gaps == ()


# The report.


@pytest.mark.parametrize(
    ("made", "cells", "as_of"),
    [
        pytest.param(wire.MADE, {}, datetime(2026, 11, 21, 3, 30, tzinfo=UTC), id="as-told"),
        pytest.param("2026-11-18T00:00:00Z", {}, datetime(2026, 11, 18, tzinfo=UTC), id="old-and-consistent"),
        pytest.param(
            "2015-02-02T20:02:02Z",
            {"password_last_used": "2026-11-20T08:00:00+00:00"},
            NOW - timedelta(hours=4),
            id="contradicted",
        ),
        pytest.param(
            wire.MADE,
            {"password_last_used": "2026-11-21T03:31:00+00:00"},
            datetime(2026, 11, 21, 3, 30, tzinfo=UTC),
            id="contradicted-by-a-minute",
        ),
        pytest.param("2026-11-22T00:00:00Z", {}, NOW - timedelta(hours=4), id="in-the-future"),
    ],
)
async def test_data_are_as_old_as_the_report_says_unless_it_contradicts_itself(
    made: str, cells: dict[str, str], as_of: datetime, tmp_path: Path
) -> None:
    """The age of what is told is never younger than what is proven."""
    found = await collected(tmp_path, row("ana", cells), made=made)
    assert {page.as_of for page in found.pages} == {as_of}


async def test_a_report_is_waited_for(tmp_path: Path) -> None:
    """Started, in progress, then complete: the source polls with growing waits."""
    states = ["STARTED", "INPROGRESS", "SOMETHING_NEW", "COMPLETE"]
    told = [wire.result("GenerateCredentialReport", f"<State>{state}</State>") for state in states]
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=told) as asked:
        found = await asked.collect()
    assert set(accounts(found)) == {"ana", "<root_account>"}
    assert asked.iam.times("GenerateCredentialReport") == 4
    assert asked.iam.times("GetCredentialReport") == 1
    assert asked.glass.slept == sorted(asked.glass.slept)


@pytest.mark.parametrize(
    ("code", "status"), [("ReportExpired", 410), ("ReportNotPresent", 410), ("ReportInProgress", 404)]
)
async def test_a_report_that_is_not_there_is_asked_for_again(code: str, status: int, tmp_path: Path) -> None:
    """A report may expire between the two questions."""
    told = [wire.error(code, status), wire.report(table(row("ana")))]
    found = await collected(tmp_path, row("ana"), GetCredentialReport=told)
    assert "ana" in accounts(found)


async def test_a_report_that_never_comes_ends_the_run(tmp_path: Path) -> None:
    """The time of the run bounds the wait."""
    never = wire.result("GenerateCredentialReport", "<State>INPROGRESS</State>")
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=never) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Unreachable)
    assert "not ready" in str(fault)
    assert asked.glass.at <= 300


async def test_a_report_that_others_had_made_may_be_read(tmp_path: Path) -> None:
    """Without the right to have one made, its own stamp is its age, whatever its rows say."""
    denied = wire.error("AccessDenied", 403)
    found = await collected(
        tmp_path,
        row("ana", password_last_used="2026-11-21T00:00:00Z"),
        made="2026-11-20T00:00:00Z",
        GenerateCredentialReport=denied,
    )
    assert found.pages[0].as_of == datetime(2026, 11, 20, tzinfo=UTC)


async def test_without_a_report_the_missing_right_is_named(tmp_path: Path) -> None:
    """Nobody had a report made, and we may not."""
    told: dict[str, Any] = {
        "GenerateCredentialReport": wire.error("AccessDenied", 403),
        "GetCredentialReport": wire.error("ReportNotPresent", 410),
    }
    async with asking(tmp_path, row("ana"), **told) as asked:
        fault = await asked.fault()
    assert isinstance(fault, Refused)
    assert "grant iam:GenerateCredentialReport" in str(fault)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        pytest.param("user,arn\nana,x\n", Malformed, "access_key_1_active", id="columns-missing"),
        pytest.param("\n", Malformed, "lacks", id="empty"),
        pytest.param(table(row("ana"))[:-30], Truncated, "cut off", id="row-cut-off"),
        pytest.param(table(row("ana")).replace("cert_2_active", "cert_1_active"), Malformed, "lacks", id="twice"),
    ],
)
async def test_a_report_of_another_form_is_not_believed(
    text: str, kind: type[SourceError], words: str, tmp_path: Path
) -> None:
    """Columns are found by name, so another order is fine, and a missing or a cut one is not."""
    async with asking(tmp_path, row("ana"), GetCredentialReport=wire.report(text)) as asked:
        fault = await asked.fault()
    assert isinstance(fault, kind)
    assert words in str(fault)


async def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """Another order and columns that are new to us change nothing."""
    told = row("ana", wire.PERSON, {"shoe_size": "44"})
    shuffled = dict(sorted(told.items(), reverse=True))
    plain, mixed = [accounts(await collected(tmp_path, one))["ana"] for one in (told, shuffled)]
    assert plain == mixed


async def test_a_report_that_is_not_base64_is_malformed(tmp_path: Path) -> None:
    """What cannot be decoded is not an empty table."""
    told = wire.result("GetCredentialReport", f"<Content>%%%</Content><GeneratedTime>{wire.MADE}</GeneratedTime>")
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        assert isinstance(await asked.fault(), Malformed)


async def test_an_empty_account_tells_nothing(tmp_path: Path) -> None:
    """Zero rows are zero records, which the engine does not take for a pass."""
    found = await collected(tmp_path, GetCredentialReport=wire.report(table()))
    assert found.records == ()


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


# Administrators.


def statement(**told: object) -> str:
    """Write a policy of one statement that allows, unless it says otherwise."""
    return msgspec.json.encode({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **told}]}).decode()


@pytest.mark.parametrize(
    ("document", "privileged"),
    [
        pytest.param(EVERYTHING, True, id="everything"),
        pytest.param(statement(Action=["s3:Get*", "IAM:*"], Resource=["arn:aws:s3:::a", "*"]), True, id="all-of-iam"),
        pytest.param(statement(Action="sts:AssumeRole", Resource="*"), True, id="every-role"),
        pytest.param(statement(NotAction="aws-portal:*", Resource="*"), True, id="all-but"),
        pytest.param(statement(NotAction=["iam:*", "organizations:*"], Resource="*"), False, id="power-user"),
        pytest.param(statement(Action="*", NotResource="arn:aws:s3:::a"), True, id="all-but-one-resource"),
        pytest.param(statement(Action="*", Resource="arn:aws:s3:::a"), False, id="one-resource"),
        pytest.param(statement(Action="s3:*", Resource="*"), False, id="one-service"),
        pytest.param(statement(Action="*", Resource="*", Effect="Deny"), False, id="denied"),
        pytest.param("{}", None, id="new-to-us"),
        pytest.param("not json", None, id="not-json"),
    ],
)
@pytest.mark.parametrize("through", ["inline", "managed", "group", "group-managed"])
async def test_policies_tell_administrators(
    document: str, *, privileged: bool | None, through: str, tmp_path: Path
) -> None:
    """A policy counts the same, a user's or a group's, inline or managed; one that cannot be read is no no."""
    arn = f"arn:aws:iam::{wire.ACCOUNT}:policy/p"
    inlines, managed = (wire.inline(document, "p"),), (wire.attached("p", arn),)
    of_user: dict[str, Any] = {
        "inline": {"inlines": inlines},
        "managed": {"managed": managed},
        "group": {"groups": ("g",)},
        "group-managed": {"groups": ("g",)},
    }[through]
    of_group = {"group": {"inlines": inlines}, "group-managed": {"managed": managed}}.get(through, {})
    pages = [
        wire.details(wire.detail("ana", **of_user), groups=(wire.group("g", **of_group),), marker="m1"),
        wire.details(policies=(wire.policy(arn, EVERYTHING, document),)),
    ]
    found = await collected(tmp_path, row("ana", wire.KEY), GetAccountAuthorizationDetails=pages)
    ana, key = accounts(found)["ana"], credentials(found)["access_key_1"]
    assert ana.privileged is privileged
    assert ana.roles == {True: ("p",), False: (), None: None}[privileged]
    assert key.privileged is privileged


async def test_administrator_access_is_known_by_its_name(tmp_path: Path) -> None:
    """The policy of AWS itself needs no text, in any partition; a policy that is not shown is not told."""
    known = wire.detail(
        "ana", managed=(wire.attached("AdministratorAccess", "arn:aws-cn:iam::aws:policy/AdministratorAccess"),)
    )
    other = wire.detail("ben", managed=(wire.attached("Other", "arn:aws:iam::aws:policy/Other"),))
    ghost = wire.detail("eve", groups=("not-shown",))
    told = wire.details(known, other, ghost)
    found = accounts(await collected(tmp_path, row("ana"), row("ben"), row("eve"), GetAccountAuthorizationDetails=told))
    assert {name: found[name].privileged for name in ("ana", "ben", "eve")} == {"ana": True, "ben": None, "eve": None}
    assert found["ben"].why["privileged"] == "not_exposed"


# What is denied.


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        pytest.param(
            "GetAccountAuthorizationDetails",
            ("account.privileged", "account.roles", "credential.privileged"),
            id="policies",
        ),
        pytest.param("GetAccountSummary", ("account.interactive",), id="summary"),
        pytest.param("ListMFADevices", ("account.factors",), id="devices"),
        pytest.param("ListVirtualMFADevices", ("account.factors",), id="root-device"),
    ],
)
async def test_a_refusal_costs_its_facts_and_names_the_permission(
    action: str, fields: tuple[str, ...], tmp_path: Path
) -> None:
    """Everybody is still told, the facts are not, and the gap says what to grant."""
    rows = (root(), row("ana", wire.PERSON, mfa_active="true"), row("ci", wire.KEY))
    found = await collected(tmp_path, *rows, **{action: wire.error("AccessDenied", 403)})
    assert (gap(found).cause, gap(found).kind, gap(found).fields) == (Cause.DENIED, "facts", fields)
    assert f"grant iam:{action}" in gap(found).detail
    assert len(found.records) == 4


@pytest.mark.parametrize("action", ["GetAccountAuthorizationDetails", "GetAccountSummary", "ListMFADevices"])
async def test_keys_that_end_in_mid_run_end_the_run(action: str, tmp_path: Path) -> None:
    """Only a missing permission is a gap of some facts; whatever else AWS refuses leaves the run incomplete."""
    told: dict[str, Any] = {action: wire.error("ExpiredToken", 403)}
    async with asking(tmp_path, row("ana", wire.PERSON, mfa_active="true"), **told) as asked:
        fault = await asked.fault()
    assert "temporary keys are over" in str(fault)


async def test_without_devices_one_user_is_asked_for_few(tmp_path: Path) -> None:
    """A refusal is not asked for once per user."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(30)]
    async with asking(tmp_path, *rows, ListMFADevices=wire.error("AccessDenied", 403)) as asked:
        found = await asked.collect()
    assert asked.iam.times("ListMFADevices") <= 4
    told = accounts(found)
    assert {told[f"u{at}"].why["factors"] for at in range(30)} == {"denied"}
    assert {told[f"u{at}"].mfa for at in range(30)} == {True}


async def test_probes_say_what_each_refusal_costs(tmp_path: Path) -> None:
    """Every permission is a probe; a refused one names itself and the facts that it costs."""
    refused: dict[str, Any] = dict.fromkeys(answers(), wire.error("AccessDenied", 403))
    refused["GenerateCredentialReport"] = wire.result("GenerateCredentialReport", "<State>COMPLETE</State>")
    async with asking(tmp_path, row("ana"), **refused) as asked:
        probes = await SOURCE.test(asked.config, asked.ctx)
    assert breaches_of_probes(SOURCE, probes) == []
    assert [probe.ok for probe in probes] == [True, False, False, False, False, None]
    assert probes[3].costs == ("account.privileged", "account.roles", "credential.privileged")
    assert "grant iam:GetAccountAuthorizationDetails" in probes[3].detail


# Errors.


@pytest.mark.parametrize(
    ("told", "kind", "words"),
    [
        pytest.param(wire.error("AccessDenied", 403), Refused, "grant iam:GetCredentialReport", id="denied"),
        pytest.param(
            wire.error("InvalidClientTokenId", 403), Refused, "does not know the access key", id="unknown-key"
        ),
        pytest.param(wire.error("SignatureDoesNotMatch", 403), Refused, "store both again", id="signature"),
        pytest.param(wire.error("ExpiredToken", 403), Refused, "temporary keys are over", id="expired"),
        pytest.param(wire.error("SomethingNew", 400), Refused, "does not expect", id="new-to-us"),
        pytest.param(wire.error("Throttling", 400), Throttled, "ask less often", id="throttled"),
        pytest.param(wire.error("ServiceFailure", 500), Unreachable, "AWS has a fault", id="their-fault"),
        pytest.param((503, "<html>"), Unreachable, "503", id="gateway"),
        pytest.param((200, "<html><body>sign in</body></html>"), Malformed, "GetCredentialReportResult", id="proxy"),
        pytest.param((200, "{}"), Malformed, "not XML", id="json"),
        pytest.param((200, '<!DOCTYPE a [<!ENTITY b "boom">]><a>&b;</a>'), Malformed, "not XML", id="document-type"),
        pytest.param((200, "<a>" * 5000 + "</a>" * 5000), Malformed, "not XML", id="too-deep"),
        pytest.param(wire.result("GetCredentialReport", "<Content>eA==</Content>"), Malformed, "new to us", id="shape"),
    ],
)
async def test_errors_say_who_must_act(told: Answer, kind: type[SourceError], words: str, tmp_path: Path) -> None:
    """Each answer has its kind and its next step, and no message repeats what the server said."""
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        fault = await asked.fault(Limits(attempts=2))
    assert isinstance(fault, kind)
    assert words in str(fault)
    assert "a-token-that-nobody-may-see" not in str(fault)
    assert "wJalrXUtnFEMI" not in str(fault)


async def test_a_wrong_clock_is_told_from_a_wrong_secret(tmp_path: Path) -> None:
    """The server's own date says whose fault a signature is."""
    async with asking(tmp_path, row("ana"), GenerateCredentialReport=wire.error("SignatureDoesNotMatch", 403)) as asked:
        asked.iam.date = "Sat, 21 Nov 2026 06:30:00 GMT"
        fault = await asked.fault()
    assert "3600 s apart; set the clock" in str(fault)


async def test_throttling_is_waited_out(tmp_path: Path) -> None:
    """A throttled request is asked again, and tells in the end."""
    told = [wire.error("Throttling"), wire.report(table(row("ana")))]
    async with asking(tmp_path, row("ana"), GetCredentialReport=told) as asked:
        found = await asked.collect()
    assert "ana" in accounts(found)
    assert asked.glass.slept


async def test_every_request_is_signed_and_shows_no_secret(tmp_path: Path) -> None:
    """The signature covers the body; the secret itself is in no header and no form."""
    async with asking(tmp_path, root(), row("ana", wire.PERSON, mfa_active="true")) as asked:
        await asked.collect()
    assert all("SignedHeaders=accept;content-type;host;x-amz-date" in one["Authorization"] for one in asked.iam.headers)
    assert "wJalrXUtnFEMI" not in f"{asked.iam.headers}{asked.iam.asked}"


# Pages.


async def test_pages_are_followed_by_their_markers(tmp_path: Path) -> None:
    """Policies and devices come in pages, and all of them count."""

    def paged(form: Any) -> Answer:
        return wire.devices(PASSKEY) if form.get("Marker") == "m1" else wire.devices(VIRTUAL, marker="m1")

    found = await collected(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=paged)
    assert accounts(found)["ana"].factors == (*STRONG, Factor(kind="u2f", strength="phishing_resistant"))


@pytest.mark.parametrize(
    ("told", "asked_times"),
    [
        pytest.param(wire.details(marker="again"), 2, id="the-same-marker-again"),
        pytest.param(
            wire.result("GetAccountAuthorizationDetails", "<IsTruncated>true</IsTruncated>"), 1, id="no-marker"
        ),
        pytest.param(lambda form: wire.details(marker=f"{form.get('Marker', '')}m"), 10, id="no-end"),
    ],
)
async def test_a_list_that_never_ends_is_cut_off_aloud(told: Any, asked_times: int, tmp_path: Path) -> None:
    """What says that there is more and cannot be followed ends the run, as truncated, and as soon as it shows."""
    async with asking(tmp_path, row("ana"), GetAccountAuthorizationDetails=told) as asked:
        assert isinstance(await asked.fault(Limits(pages=10)), Truncated)
    assert asked.iam.times("GetAccountAuthorizationDetails") == asked_times


async def test_an_answer_that_does_not_say_whether_there_is_more_is_malformed(tmp_path: Path) -> None:
    """A lost ``IsTruncated`` is not a no."""
    told = wire.result("ListMFADevices", wire.members("MFADevices"))
    async with asking(tmp_path, row("ana", wire.PERSON, mfa_active="true"), ListMFADevices=told) as asked:
        assert isinstance(await asked.fault(), Malformed)


# The sweep.


async def test_administrators_come_first_and_the_plan_is_told(tmp_path: Path) -> None:
    """The devices of administrators are asked for before all others, and the cost of it all is known before."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(6)]
    users = [wire.detail(f"u{at}", inlines=(wire.inline(EVERYTHING),) if at == 5 else ()) for at in range(6)]
    async with asking(tmp_path, *rows, GetAccountAuthorizationDetails=wire.details(*users)) as asked:
        await asked.collect()
    first = next(form for form in asked.iam.asked if form["Action"] == "ListMFADevices")
    assert first["UserName"] == "u5"
    plans = [one.plan for one in asked.ctx.told if one.plan is not None]
    assert plans[0].requests == 6
    assert plans[0].seconds == pytest.approx(1.2)


async def test_what_a_run_has_no_time_for_is_a_gap(tmp_path: Path) -> None:
    """With time for half of the users, the others keep their yes and their factors are not told."""
    rows = [row(f"u{at}", wire.PERSON, mfa_active="true") for at in range(6)]
    keys = {"requests_per_second": 0.05}
    async with asking(tmp_path, *rows, keys=keys, deadline=timedelta(seconds=70)) as asked:
        found = await asked.collect()
    late = [one for one in accounts(found).values() if one.why.get("factors") == "truncated"]
    assert len(late) == 3
    assert (gap(found).cause, gap(found).fields) == (Cause.TRUNCATED, ("account.factors",))
    assert len(accounts(found)) == 7


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
