"""A configuration is read whole: a sound one means what it says, a bad one names every fault and starts nothing."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest

import sources
from checks.model.check import Severity
from engine import rules, selftest
from engine.config import Config, ConfigError, load, parse
from tests.support.denied import denied

BAD: Final = Path(__file__).parent / "configs" / "bad"
MARK: Final = "#: "
"""Begins a line of a bad configuration that tells one expected message; ``{kinds}`` stands for all kinds of source."""
HERE: Final = Path("/somewhere/controlwatch.toml")
SOUND: Final = """\
[sources.okta-prod]
kind = "okta"
url = "https://example.okta.com"
token = "env:OKTA"

[sources.people]
kind = "roster"
path = "people.csv"
columns = { key = "email" }

[checks.leavers]
check = "leaver_access"
sources = ["people", "okta-prod"]
privileged_grace = "1h30m"
"""


def faults_of(text: str) -> tuple[str, ...]:
    """Parse a configuration that must have faults."""
    with pytest.raises(ConfigError) as caught:
        parse(text, HERE)
    return caught.value.faults


def sound(text: str) -> Config:
    """Parse a configuration that must have none."""
    return parse(text, HERE)


# ---------------------------------------------------------------------------------------------------------- what is bad


@pytest.mark.parametrize("path", sorted(BAD.glob("*.toml")), ids=lambda path: path.stem)
def test_a_bad_configuration_names_every_fault_in_the_order_of_the_file(path: Path) -> None:
    """Each file in configs/bad begins with the messages that it must bring, no more and no fewer."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    expected = [line.removeprefix(MARK).strip() for line in lines if line.startswith(MARK)]
    text = "".join(line for line in lines if not line.startswith(MARK))

    assert expected
    assert list(faults_of(text)) == [line.replace("{kinds}", ", ".join(sources.kinds())) for line in expected]


def test_there_are_bad_configurations_to_read() -> None:
    """The table above cannot pass by being empty."""
    assert len(list(BAD.glob("*.toml"))) >= 40


@pytest.mark.parametrize("path", sorted(BAD.glob("secret*.toml")), ids=lambda path: path.stem)
def test_a_secret_in_the_wrong_place_is_not_repeated(path: Path) -> None:
    """A message ends in logs and tickets, so it shows where the secret stands, and not the secret."""
    told = "\n".join(faults_of(path.read_text(encoding="utf-8")))

    assert "hunter2" not in told
    assert "1234567" not in told


def test_a_long_text_of_a_wrong_type_is_cut_short() -> None:
    """What stands where a number belongs may be a pasted key."""
    (told,) = faults_of(f'[engine]\nconcurrency = "{"k" * 200}"\n')

    assert len(told) < 120


def test_a_store_with_a_password_is_not_repeated() -> None:
    """The address of a database may hold a password."""
    assert "hunter2" not in "".join(faults_of('[engine]\nstore = "postgresql://a:hunter2@db/x"\n'))


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        pytest.param(b'[engine]\nstate_dir = "\xff"\n', "line 2: not UTF-8 text, as TOML must be", id="latin-1"),
        pytest.param('[engine]\nstate_dir = "a"\n'.encode("utf-16"), "line 1: not UTF-8 text", id="utf-16"),
        pytest.param(b"\x00\x00", "not valid TOML: ", id="binary"),
        pytest.param(b"a = " + b"[" * 5_000, "not valid TOML: ", id="deeply-nested"),
        pytest.param(b"a = " + b"9" * 5_000, "not valid TOML: ", id="endless-number"),
    ],
)
def test_a_file_that_is_no_toml_says_so(tmp_path: Path, octets: bytes, message: str) -> None:
    """Whatever the bytes are, the answer is one line with the file's name."""
    path = tmp_path / "controlwatch.toml"
    path.write_bytes(octets)

    with pytest.raises(ConfigError) as caught:
        load(path)

    assert len(caught.value.faults) == 1
    assert caught.value.faults[0].startswith(f"controlwatch.toml: {message}")


def test_a_file_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    """A missing permission is named as such."""
    (tmp_path / "controlwatch.toml").write_text("", encoding="utf-8")

    with denied(tmp_path, "controlwatch.toml") as path, pytest.raises(ConfigError) as caught:
        load(path)

    assert caught.value.faults == ("controlwatch.toml: cannot be read: Permission denied",)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("absent.toml", "absent.toml: cannot be read: No such file or directory", id="absent"),
        pytest.param("folder", "folder: cannot be read: Is a directory", id="folder"),
        pytest.param("pipe", "pipe: cannot be read: no regular file", id="pipe"),
    ],
)
def test_a_path_that_is_no_file_says_so(tmp_path: Path, name: str, message: str) -> None:
    """Nothing is read from what is not a file."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(ConfigError) as caught:
        load(tmp_path / name)

    assert caught.value.faults == (message,)


def test_the_self_tests_own_sources_cannot_be_configured() -> None:
    """A source of such a name would count among what proves the engine, and in no total."""
    assert {selftest.RESERVED, selftest.JOINED} == rules.RESERVED


# -------------------------------------------------------------------------------------------------------- what is sound


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(SOUND.encode(), id="plain"),
        pytest.param(b"\xef\xbb\xbf" + SOUND.encode(), id="byte-order-mark"),
        pytest.param(SOUND.replace("\n", "\r\n").encode(), id="crlf"),
    ],
)
def test_an_editor_of_another_system_changes_nothing(tmp_path: Path, octets: bytes) -> None:
    """A byte order mark and CRLF line ends are accepted."""
    path = tmp_path / "controlwatch.toml"
    path.write_bytes(octets)

    assert list(load(path).checks) == ["leavers"]


def test_an_empty_file_has_all_defaults_and_nothing_to_watch() -> None:
    """No section has to be there."""
    config = sound("")

    assert (dict(config.sources), dict(config.checks)) == ({}, {})
    assert config.metrics.listen == "127.0.0.1:10965"
    assert config.state_dir == Path("/somewhere/state")


def test_a_check_sorts_its_sources_by_what_they_tell() -> None:
    """Accounts are judged and a roster is joined, whatever their order in the list."""
    leavers = sound(SOUND).checks["leavers"]

    assert leavers.judged == ("okta-prod",)
    assert leavers.joined == ("people",)
    assert leavers.policy.privileged_grace == timedelta(hours=1, minutes=30)


def test_what_is_not_configured_has_the_units_own_default() -> None:
    """Intervals, ages and severities come from the kind and the check."""
    config = sound(SOUND)

    assert config.sources["okta-prod"].every == sources.load("okta").every
    assert config.sources["people"].max_age == sources.load("roster").max_age
    assert config.checks["leavers"].severity is Severity.HIGH
    assert config.checks["leavers"].max_age == timedelta(hours=24)


def test_what_is_configured_wins_over_the_units_default() -> None:
    """Common keys stand beside a unit's own."""
    text = SOUND.replace('kind = "okta"', 'kind = "okta"\nevery = "5m"\nmax_age = "2h"')
    config = sound(f'{text}severity = "low"\nmax_age = "1h"\n')

    assert config.sources["okta-prod"].every == timedelta(minutes=5)
    assert config.sources["okta-prod"].max_age == timedelta(hours=2)
    assert config.checks["leavers"].severity is Severity.LOW
    assert config.checks["leavers"].max_age == timedelta(hours=1)


def test_a_roster_that_is_only_joined_may_be_older_than_the_check_allows_accounts_to_be() -> None:
    """A joined source goes stale by its own age."""
    text = SOUND.replace('kind = "roster"', 'kind = "roster"\nevery = "2d"\nmax_age = "3d"')

    assert sound(text).checks["leavers"].joined == ("people",)


def test_an_address_with_a_user_alone_is_no_secret() -> None:
    """Only a password is refused."""
    repository = "rest:https://backup@backup.example.org:8000/"
    text = f'[sources.a]\nkind = "restic"\nrepository = "{repository}"\npassword = "env:A"\n'

    assert list(sound(text).sources) == ["a"]


def test_metrics_can_be_turned_off() -> None:
    """An empty address is no address, and no fault."""
    assert sound('[metrics]\nlisten = ""\n').metrics.listen == ""


def test_metrics_for_everybody_must_be_asked_for() -> None:
    """A public address needs a second, explicit key."""
    assert sound('[metrics]\nlisten = "0.0.0.0:1"\nallow_public = true\n').metrics.allow_public


def test_a_relative_state_folder_lies_beside_the_file(tmp_path: Path) -> None:
    """The working directory does not matter."""
    (tmp_path / "controlwatch.toml").write_text('[engine]\nstate_dir = "data/state"\n', encoding="utf-8")

    assert load(Path(os.path.relpath(tmp_path / "controlwatch.toml"))).state_dir == tmp_path / "data" / "state"


def test_the_digest_of_a_source_changes_with_its_meaning_alone() -> None:
    """A changed order of keys keeps the baseline; a changed value restarts it."""
    first = sound('[sources.a]\nkind = "register"\npath = "a.toml"\n').sources["a"].digest
    second = sound('# moved\n[sources.a]\npath = "a.toml"\nkind = "register"\n').sources["a"].digest
    third = sound('[sources.a]\nkind = "register"\npath = "b.toml"\n').sources["a"].digest

    assert first == second != third


def test_ten_thousand_lines_are_read_in_seconds() -> None:
    """Time grows with the size, not with its square: a file of this size is read well inside an operator's patience."""
    block = '[sources.s{0}]\nkind = "register"\n[checks.c{0}]\ncheck = "certification_expiry"\nsources = ["s{0}"]\n'
    text = "".join(block.format(number) for number in range(2_000))
    began = time.process_time()

    config = sound(text)

    assert len(config.checks) == text.count("\n") // 5 == 2_000
    assert time.process_time() - began < 30


def test_ten_thousand_faulty_lines_are_all_named() -> None:
    """Even then every fault is told, in order, and no more."""
    text = "".join(f'[sources.s{number}]\nkind = "register"\npth = 1\n' for number in range(2_000))

    told = faults_of(text)

    assert list(told) == [
        f'controlwatch.toml: sources.s{number}.pth: unknown key, did you mean "path"?' for number in range(2_000)
    ]
