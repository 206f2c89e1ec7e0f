"""What the operating system says of a path becomes the error of who must act."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from checks.model.doubt import Cause
from sources.common.errors import Unconfigured
from sources.common.local import file_error, open_at_once, open_regular

SAID = [
    pytest.param(errno.ENOENT, Cause.NOT_CONFIGURED, id="not there"),
    pytest.param(errno.EISDIR, Cause.NOT_CONFIGURED, id="a folder"),
    pytest.param(errno.ENOTDIR, Cause.NOT_CONFIGURED, id="through a file"),
    pytest.param(errno.EACCES, Cause.DENIED, id="no access"),
    pytest.param(errno.EPERM, Cause.DENIED, id="not permitted"),
    pytest.param(errno.ESTALE, Cause.UNREACHABLE, id="a stale NFS handle"),
    pytest.param(errno.EIO, Cause.UNREACHABLE, id="a broken disk"),
    pytest.param(errno.ELOOP, Cause.UNREACHABLE, id="links in a ring"),
]


@pytest.mark.parametrize(("code", "cause"), SAID)
def test_a_fault_of_a_file_names_who_must_act(code: int, cause: Cause) -> None:
    """The message names the source and the path."""
    error = file_error(OSError(code, os.strerror(code)), Path("/srv/x"), "dumps", "pattern")
    assert error.cause is cause
    assert str(error).startswith("dumps: /srv/x ")


def test_a_path_with_a_nul_is_an_error_of_ours(tmp_path: Path) -> None:
    """Python refuses such a path by a ValueError, which is told like any other fault."""
    with pytest.raises(Exception, match="cannot be read"):
        open_regular(tmp_path / "a\0b", "dumps", "path")


@pytest.mark.parametrize("name", ["folder", "pipe", "none", "a\0b"])
def test_what_cannot_be_opened_leaves_nothing_open(tmp_path: Path, name: str) -> None:
    """A source asks again for years, and a process has a thousand descriptors."""
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(Path("/dev/fd").iterdir())
    for _ in range(3):
        with pytest.raises(OSError, match=r".") as caught:
            open_at_once(tmp_path / name)
        assert caught.value.strerror
    assert sorted(Path("/dev/fd").iterdir()) == before


def test_a_device_is_no_file() -> None:
    """An endless device would never end."""
    with pytest.raises(Unconfigured, match="is no regular file"):
        open_regular(Path("/dev/zero"), "dumps", "path")
