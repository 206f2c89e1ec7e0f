"""A reference is resolved, or refused with the next step; a keyring that hangs, is locked or missing never hangs us."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from engine.secrets import resolve
from sources.common.errors import Unconfigured
from tests.support.denied import denied

ROOT: Final = Path(__file__).resolve().parent.parent.parent
SECRET: Final = "hunter2-hunter2"
NOBODY: Final = 65_534
BACKENDS: Final = """
import threading
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

class Base(KeyringBackend):
    priority = 1
    def get_password(self, service, username):
        return None
    def set_password(self, service, username, password):
        pass
    def delete_password(self, service, username):
        raise PasswordDeleteError("not there")

class Holding(Base):
    def get_password(self, service, username):
        return "hunter2-hunter2" if (service, username) == ("controlwatch", "okta") else None

class Hanging(Base):
    def get_password(self, service, username):
        threading.Event().wait()
    set_password = delete_password = lambda self, *arguments: threading.Event().wait()

class Locked(Base):
    def get_password(self, service, username):
        raise KeyringLocked("hunter2-hunter2 is locked")
    set_password = delete_password = lambda self, *arguments: self.get_password("", "")

class Broken(Base):
    def get_password(self, service, username):
        raise ZeroDivisionError("hunter2-hunter2")
    set_password = delete_password = lambda self, *arguments: self.get_password("", "")
"""
"""Back ends as desktops have them: one answers, one waits for a person, one is locked, one has a bug."""
ASKING: Final = """
import asyncio, json, sys
from pathlib import Path
from engine import secrets
from sources.common.errors import Unconfigured
action, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
try:
    if action == "resolve":
        told = asyncio.run(secrets.resolve(f"keyring:{name}", Path("."), seconds=seconds))
    elif action == "store":
        told = secrets.store(name, "hunter2-hunter2", seconds=seconds)
    else:
        told = secrets.delete(name, seconds=seconds)
except Unconfigured as error:
    told = {"refused": str(error)}
print(json.dumps(told))
"""


def ask(folder: Path, backend: str, action: str, name: str = "okta") -> tuple[object, str]:
    """Ask a real keyring in a process of its own, as keyring chooses its back end once; give the answer and stderr."""
    (folder / "backends.py").write_text(BACKENDS, encoding="utf-8")
    chosen = {"PYTHON_KEYRING_BACKEND": backend, "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder)])}
    seconds = "0.5" if backend.endswith("Hanging") else "50"
    done = subprocess.run(
        [sys.executable, "-c", ASKING, action, name, seconds],
        cwd=folder,
        env={**os.environ, **chosen},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return json.loads(done.stdout), done.stderr


def test_a_variable_of_the_environment_is_read_when_it_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """env:NAME is its value now, not at the start."""
    monkeypatch.setenv("OKTA_TOKEN", SECRET)

    assert _resolved("env:OKTA_TOKEN", tmp_path) == SECRET


@pytest.mark.parametrize("value", [None, ""], ids=["unset", "empty"])
def test_a_variable_that_is_not_set_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str | None
) -> None:
    """An empty variable is no secret."""
    monkeypatch.delenv("OKTA_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("OKTA_TOKEN", value)

    assert _refused("env:OKTA_TOKEN", tmp_path) == (
        "the environment variable OKTA_TOKEN is not set; export it, or refer to keyring:NAME or file:PATH"
    )


@pytest.mark.parametrize(
    "reference",
    ["hunter2-hunter2", "env:", "file:", "keyring:", "vault:hunter2-hunter2", ""],
    ids=["bare", "env", "file", "keyring", "unknown", "empty"],
)
def test_what_is_no_reference_is_refused_and_not_repeated(reference: str, tmp_path: Path) -> None:
    """It may be the secret itself."""
    assert _refused(reference, tmp_path) == "a secret is written as keyring:NAME, env:NAME or file:PATH"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=["bare", "newline", "crlf"])
def test_a_file_of_its_owner_alone_is_read_without_its_line_end(tmp_path: Path, end: str) -> None:
    """Editors and ``echo`` end a line; a token does not."""
    _write(tmp_path / "token", SECRET + end)

    assert _resolved("file:token", tmp_path) == SECRET


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    """A path need not lie beside the configuration."""
    _write(tmp_path / "token", SECRET)

    assert _resolved(f"file:{tmp_path / 'token'}", Path("/nowhere")) == SECRET


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o666], ids=oct)
def test_a_file_that_others_can_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    """A secret that others can read is none, and one that they can write is theirs."""
    _write(tmp_path / "token", SECRET, mode)
    path = tmp_path / "token"

    assert _refused("file:token", tmp_path) == (
        f"the secret file {path} can be read or written by others; run: chmod 600 {path}"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lend a file of its own to another user")
@pytest.mark.parametrize(
    ("owner", "mode", "accepted"),
    [
        pytest.param(0, 0o440, True, id="root lends it to our group, as Kubernetes does"),
        pytest.param(0, 0o640, True, id="root may write its own"),
        pytest.param(0, 0o444, False, id="all can read it"),
        pytest.param(0, 0o460, False, id="the group can write it"),
        pytest.param(NOBODY, 0o440, False, id="ours, and our group can read it"),
    ],
)
def test_root_may_lend_a_secret_to_our_group_alone(tmp_path: Path, owner: int, mode: int, *, accepted: bool) -> None:
    """A service that is not root reads what root gives it, and cannot change it."""
    lent, gate = tmp_path / "lent", tmp_path / "gate"
    lent.mkdir(mode=0o755)
    gate.mkdir()
    (gate / "closed").touch()
    _write(lent / "token", SECRET, mode)
    os.chown(lent / "token", owner, NOBODY)
    os.setegid(NOBODY)
    try:
        with denied(gate, "closed"):  # acts as nobody meanwhile
            told = _resolved("file:token", lent) if accepted else _refused("file:token", lent)
    finally:
        os.setegid(0)

    assert (told == SECRET) is accepted
    assert accepted or "can be read or written by others" in told


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    """Nothing waits for a pipe that nobody writes into."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "folder").mkdir(mode=0o700)
    _write(tmp_path / "empty", "\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "binary").chmod(0o600)

    told = {name: _refused(f"file:{name}", tmp_path) for name in ("pipe", "folder", "empty", "binary", "absent", "a\0")}

    assert {name: text.removeprefix(f"the secret file {tmp_path / name} ") for name, text in told.items()} == {
        "pipe": "is no regular file",
        "folder": "cannot be read: Is a directory",
        "empty": "is empty",
        "binary": "cannot be read: it is not UTF-8 text",
        "absent": "cannot be read: No such file or directory",
        "a\0": "cannot be read: no such path",
    }


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """A missing permission is named as such."""
    _write(tmp_path / "token", SECRET)

    with denied(tmp_path, "token") as path:
        assert _refused("file:token", tmp_path) == f"the secret file {path} cannot be read: Permission denied"


def test_a_keyring_that_holds_the_secret_gives_it(tmp_path: Path) -> None:
    """The service is controlwatch, the user name is the reference's."""
    assert ask(tmp_path, "backends.Holding", "resolve") == (SECRET, "")


def test_a_keyring_without_the_secret_says_how_to_set_it(tmp_path: Path) -> None:
    """The next step is a command of ours."""
    refused, stderr = ask(tmp_path, "backends.Holding", "resolve", "entra")

    assert refused == {"refused": "the keyring holds no secret 'entra'; run: controlwatch secret set entra"}
    assert stderr == ""


@pytest.mark.parametrize("action", ["resolve", "store", "delete"])
@pytest.mark.parametrize(
    ("backend", "said"),
    [
        pytest.param("backends.Hanging", "the keyring did not answer for 'okta' in 0.5 s; unlock it", id="hangs"),
        pytest.param("backends.Locked", "no usable keyring for 'okta' (KeyringLocked); unlock", id="locked"),
        pytest.param("backends.Broken", "no usable keyring for 'okta' (ZeroDivisionError); unlock", id="broken"),
        pytest.param("keyring.backends.fail.Keyring", "no usable keyring for 'okta' (NoKeyringError)", id="none"),
        pytest.param("no.such.Backend", "no usable keyring for 'okta' (ModuleNotFoundError); unlock", id="misnamed"),
    ],
)
def test_a_keyring_that_cannot_be_used_is_refused_with_the_next_step(
    tmp_path: Path, backend: str, said: str, action: str
) -> None:
    """Nothing hangs, nothing is printed beside the answer, and no message holds what the back end said."""
    began = time.monotonic()

    refused, stderr = ask(tmp_path, backend, action)

    assert isinstance(refused, dict)
    assert refused["refused"].startswith(said)
    assert refused["refused"].endswith("or refer to env:NAME or file:PATH")
    assert SECRET not in str(refused) + stderr
    assert stderr == ""
    assert time.monotonic() - began < 50


def test_a_keyring_that_keeps_nothing_says_that_the_secret_is_not_there(tmp_path: Path) -> None:
    """The null back end answers every question with nothing."""
    refused, _ = ask(tmp_path, "keyring.backends.null.Keyring", "resolve")

    assert refused == {"refused": "the keyring holds no secret 'okta'; run: controlwatch secret set okta"}


def test_deleting_what_is_not_there_is_told(tmp_path: Path) -> None:
    """It is no fault, and no success."""
    assert ask(tmp_path, "backends.Holding", "delete")[0] is False


def _resolved(reference: str, folder: Path) -> str:
    import asyncio

    return asyncio.run(resolve(reference, folder, seconds=50))


def _refused(reference: str, folder: Path) -> str:
    with pytest.raises(Unconfigured) as caught:
        _resolved(reference, folder)
    assert SECRET not in str(caught.value)
    return str(caught.value)


def _write(path: Path, text: str, mode: int = 0o600) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
