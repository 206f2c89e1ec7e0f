"""Drafts are tested as ``source test`` does, and written into a file that loads; nothing is ever overwritten."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from checks.model.doubt import Cause
from cli.finding import Machine
from cli.setup import ASKED, MachineSetup, source_table
from demo.replicas import okta
from engine.config import load, parse
from sources import discover
from sources.common.settings import Secret
from tests.support.pki import Farm, Pki
from tests.support.replicas import replicas
from tui.setup import Draft, Probed, SetupFault, Trial

SECRET = "okta-token"
ROOT = Path(__file__).resolve().parents[2]
TLS = Draft(name="edge", kind="tls", values={"targets": "www.example.org:443, mail.example.org:587/smtp"})
OKTA = Draft(name="okta", kind="okta", values={"url": "https://example.okta.com", "token": "env:OKTA_API_TOKEN"})
ROSTER = Draft(name="people", kind="roster", values={"path": "people.csv", "columns.key": "email"})
RESTIC = Draft(
    name="offsite",
    kind="restic",
    values={"repository": "s3:x/y", "password": "file:/etc/restic", "environment": "AWS_ACCESS_KEY_ID, AWS_REGION"},
)


def a_setup(folder: Path) -> MachineSetup:
    """Set up in a folder, on a machine on which nothing is found."""
    return MachineSetup(folder / "controlwatch.toml", Machine({}, folder, folder / "none"))


def drafts(*given: Draft, tested: Trial | None = None) -> Mapping[str, tuple[Draft, Trial | None]]:
    """Give drafts by name."""
    return {draft.name: (draft, tested) for draft in given}


@pytest.mark.parametrize("kind", sorted(discover()))
def test_every_kind_is_asked_for_its_own_keys(kind: str) -> None:
    """What is asked for exists; what has no default is asked for; references are asked for as such."""
    fields = {field.name: field for field in msgspec.structs.fields(discover()[kind].config)}
    asked = {each.key.partition(".")[0]: each for each in ASKED[kind]}

    assert asked.keys() <= fields.keys()
    needed = {each.key.partition(".")[0] for each in ASKED[kind] if each.needed}
    assert {name for name, field in fields.items() if field.required} <= needed
    for key, each in asked.items():
        kinds = getattr(fields[key].type, "__args__", (fields[key].type,))
        assert each.secret is (Secret in kinds and not each.listed)


def test_secrets_are_asked_for_and_held_as_references() -> None:
    """A draft of restic refers to the variables of its back end too."""
    assert source_table(RESTIC) == (
        '[sources.offsite]\nkind = "restic"\nrepository = "s3:x/y"\npassword = "file:/etc/restic"\n'
        'environment = { "AWS_ACCESS_KEY_ID" = "env:AWS_ACCESS_KEY_ID", "AWS_REGION" = "env:AWS_REGION" }\n'
    )


def test_checks_are_proposed_for_what_the_sources_tell(tmp_path: Path) -> None:
    """A check that joins with a roster needs one."""
    setup = a_setup(tmp_path)

    without = {each.name: list(each.sources) for each in setup.proposed([OKTA, TLS])}
    assert set(without) == {"workforce-mfa", "admin-mfa", "dormant-accounts", "keys", "certificates"}
    assert without["certificates"] == ["edge"]
    assert {each.name: list(each.sources) for each in setup.proposed([OKTA, ROSTER])}["leavers"] == ["okta", "people"]
    assert setup.proposed([ROSTER]) == []


def test_the_file_loads_and_says_what_the_test_said(tmp_path: Path) -> None:
    """Each source carries what it was refused, and what that costs, as comments."""
    setup = a_setup(tmp_path)
    refused = Trial(
        probes=[
            Probed(asked="GET /users", ok=True),
            Probed(asked="okta.roles.read", ok=False, detail="403\nbad = 1", costs=["account.roles"]),
        ]
    )

    commands = asyncio.run(setup.write(drafts(OKTA, TLS, ROSTER, RESTIC, tested=refused)))

    text = (tmp_path / "controlwatch.toml").read_text()
    assert "# refused: okta.roles.read: 403 bad = 1\n#   unknown without it: account.roles\n[sources.okta]" in text
    config = load(tmp_path / "controlwatch.toml")
    assert set(config.sources) == {"okta", "edge", "people", "offsite"}
    assert len(config.checks) == 7
    assert commands == ["controlwatch check", "controlwatch"]


@pytest.mark.parametrize(
    "value",
    ['a"b', "a\\b", "a\nb = 1", "a\x7fb", "ä–漢", "'''", "#"],
    ids=["quote", "backslash", "line", "delete", "not ascii", "quotes", "hash"],
)
def test_any_value_is_written_as_it_is(tmp_path: Path, value: str) -> None:
    """Nothing that was typed becomes another key."""
    draft = Draft(name="dumps", kind="files", values={"set": "db", "pattern": f"/srv/{value}/*"})

    assert parse(source_table(draft), tmp_path / "c.toml").sources["dumps"].own.pattern == f"/srv/{value}/*"


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Not even one that came into being while the screen was open."""
    (tmp_path / "controlwatch.toml").write_text("# mine\n")

    with pytest.raises(SetupFault, match="is there already; nothing was written"):
        asyncio.run(a_setup(tmp_path).write(drafts(TLS)))
    assert (tmp_path / "controlwatch.toml").read_text() == "# mine\n"


def test_what_would_not_load_is_not_written(tmp_path: Path) -> None:
    """The first fault is told."""
    wrong = Draft(name="edge", kind="tls", values={"targets": "example.org:99999"})

    with pytest.raises(SetupFault, match=r"not written: .*99999"):
        asyncio.run(a_setup(tmp_path).write(drafts(wrong)))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    """It is the operator's to mend."""
    with pytest.raises(SetupFault, match=r"nowhere/controlwatch\.toml cannot be written"):
        asyncio.run(a_setup(tmp_path / "nowhere").write(drafts(TLS)))


def test_settings_that_are_wrong_are_told_before_anything_is_asked(tmp_path: Path) -> None:
    """The faults are those of ``config check``."""
    tested = asyncio.run(
        a_setup(tmp_path).test(Draft(name="edge", kind="tls", values={"targets": "example.org:99999"}))
    )

    assert tested.probes == ()
    assert "port 99999 is not in 1 to 65535" in tested.faults[0]


def test_a_tls_target_is_tested_against_a_real_listener(tmp_path: Path) -> None:
    """The probe tells what the certificate says; a closed port tells that nothing answered."""
    pki = Pki(tmp_path)
    with Farm() as farm:
        good, closed = farm.tls(pki.leaf("good", days=90)), farm.closed()
        targets = f"127.0.0.1:{good}@good.example.org, 127.0.0.1:{closed}"
        tested = asyncio.run(a_setup(tmp_path).test(Draft(name="edge", kind="tls", values={"targets": targets})))

    first, second = tested.probes
    assert (first.ok, second.ok, second.cause) == (True, None, Cause.UNREACHABLE)
    assert "tls_endpoint.not_after" in second.costs


@pytest.mark.parametrize(
    ("scopes", "refused"),
    [
        pytest.param(okta.ALL_SCOPES, False, id="everything is granted"),
        pytest.param(frozenset({"okta.users.read"}), True, id="roles are not granted"),
    ],
)
def test_okta_says_what_each_missing_permission_costs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scopes: frozenset[str], *, refused: bool
) -> None:
    """The test is that of ``controlwatch source test``, over a replica; the token is nowhere in what it says."""
    monkeypatch.setenv("OKTA_API_TOKEN", SECRET)
    tenant = okta.OktaTenant([okta.OktaUser("00u1", "ana@example.org")], credentials={SECRET: scopes})
    with replicas() as served:
        replica = served.serve(lambda: okta.app(tenant))
        draft = Draft(name="okta", kind="okta", values={"url": replica.origin, "token": "env:OKTA_API_TOKEN"})
        tested = asyncio.run(a_setup(tmp_path).test(draft))

    assert tested.faults == ()
    assert any(probe.ok for probe in tested.probes)
    assert any(probe.ok is False and probe.costs for probe in tested.probes) is refused
    assert SECRET not in repr(tested)


KEEPING = """\
import asyncio, sys
from pathlib import Path
from cli.setup import MachineSetup
from tui.setup import SetupFault
try:
    print(asyncio.run(MachineSetup(Path("c.toml")).keep("okta", sys.stdin.read())))
except SetupFault as fault:
    print(fault)
"""
BACKEND = """\
from pathlib import Path
from keyring.backend import KeyringBackend
class Kept(KeyringBackend):
    priority = 1
    def set_password(self, service, name, password):
        Path("kept").write_text(f"{service} {name} {password}")
    def get_password(self, service, name):
        return None
"""


@pytest.mark.parametrize(
    ("backend", "said", "kept"),
    [
        pytest.param("backends.Kept", "keyring:okta", "controlwatch okta hunter2", id="kept"),
        pytest.param("keyring.backends.fail.Keyring", "no usable keyring for 'okta'", "", id="no keyring"),
    ],
)
def test_a_typed_secret_goes_to_the_keyring_and_nowhere_else(
    tmp_path: Path, backend: str, said: str, kept: str
) -> None:
    """A real keyring in a process of its own; without one, the next step is told."""
    (tmp_path / "backends.py").write_text(BACKEND)
    chosen = {"PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": os.pathsep.join([str(ROOT), str(tmp_path)])}

    done = subprocess.run(
        [sys.executable, "-c", KEEPING],
        cwd=tmp_path,
        env={**os.environ, **chosen},
        input="hunter2",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert said in done.stdout
    assert "hunter2" not in done.stdout + done.stderr
    assert (tmp_path / "kept").exists() is bool(kept)
    assert not kept or (tmp_path / "kept").read_text() == kept
