"""What is shipped, and what it stands on."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path, PurePosixPath
from typing import Final

import pytest
import tomli
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = frozenset({"checks", "sources", "engine", "tui", "cli", "demo"})
SHIPPED: Final = frozenset({".json", ".py", ".sql", ".tcss"})
"""Suffixes of the files in a package that the program needs at run time."""
LOCKS: Final = ("requirements.txt", "requirements-dev.txt")
PYPROJECT: Final = tomli.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel offline, from a copy of the tree, with the locked build backend."""
    folder = tmp_path_factory.mktemp("wheel")
    unwanted = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "state")
    shutil.copytree(ROOT, folder / "tree", ignore=unwanted)
    build = [sys.executable, "-m", "pip", "--isolated", "wheel", "--quiet", "--no-index", "--no-deps"]
    done = subprocess.run(
        [*build, "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "tree")],
        check=False,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def contents(wheel: Path) -> frozenset[PurePosixPath]:
    """List the files in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return frozenset(PurePosixPath(name) for name in archive.namelist())


@pytest.fixture(scope="module")
def dist_info() -> str:
    """Name the wheel's folder of metadata."""
    return f"{PYPROJECT['name']}-{PYPROJECT['version']}.dist-info"


def test_the_wheel_holds_exactly_the_six_packages(contents: frozenset[PurePosixPath], dist_info: str) -> None:
    """Tests, benches, docs and scripts stay at home: a generic name in site-packages must be one that we mean."""
    assert {path.parts[0] for path in contents} == PACKAGES | {dist_info}


def test_every_file_that_runs_is_in_the_wheel(contents: frozenset[PurePosixPath]) -> None:
    """No module, query or style sheet is lost for want of an __init__.py or a pattern."""
    tree = {
        PurePosixPath(path.relative_to(ROOT).as_posix())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.suffix in SHIPPED
    }

    assert tree - contents == set()


def test_the_licence_is_in_the_wheel(wheel: Path, dist_info: str) -> None:
    """Whoever receives the wheel receives the licence, word for word."""
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{dist_info}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()


def test_the_only_command_is_controlwatch(wheel: Path, dist_info: str) -> None:
    """One console script is installed, and python -m is not offered."""
    with zipfile.ZipFile(wheel) as archive:
        entry_points = archive.read(f"{dist_info}/entry_points.txt").decode().split("\n")
        assert [name for name in archive.namelist() if name.endswith("__main__.py")] == []

    assert [line for line in entry_points if line] == ["[console_scripts]", "controlwatch = cli.main:main"]


def pins(lock: str) -> dict[str, str]:
    """Read a requirements file as {canonical name: version}."""
    text = (ROOT / lock).read_text()
    found = re.findall(r"^([^\s\[=]+)(?:\[\S*\])?==(\S+) \\$", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_address_and_no_local_path(lock: str) -> None:
    """The same file installs from any index, mirror or folder that a user has."""
    text = (ROOT / lock).read_text()

    assert re.findall(r".*://.*|^-.*|.*file:/.*|^[^#\n]* @ .*", text, re.MULTILINE) == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    """Nothing is installed that differs from what was reviewed."""
    blocks = re.split(r"^(?=\S+==)", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]

    assert len(blocks) == len(pins(lock)) > 0
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize(
    ("lock", "asked"),
    [
        pytest.param("requirements.txt", PYPROJECT["dependencies"], id="run-time"),
        pytest.param("requirements-dev.txt", PYPROJECT["optional-dependencies"]["dev"], id="development"),
    ],
)
def test_the_lock_satisfies_what_pyproject_asks_for(lock: str, asked: list[str]) -> None:
    """A dependency that was added or moved without make lock is noticed."""
    locked = pins(lock)
    wanted = {canonicalize_name(want.name): want for want in map(Requirement, asked)}

    unmet = [
        str(want) for name, want in wanted.items() if name not in locked or not want.specifier.contains(locked[name])
    ]

    assert unmet == []


def test_development_stands_on_the_versions_that_users_run() -> None:
    """What is tested is what is installed: both locks pin the same version of every run-time package."""
    development = pins("requirements-dev.txt")

    differing = {name: version for name, version in pins("requirements.txt").items() if development[name] != version}

    assert differing == {}


@pytest.mark.parametrize("name", sorted(pins("requirements.txt")))
def test_no_dependency_is_under_the_gpl_or_agpl(name: str) -> None:
    """An Apache-2.0 program stands on permissive licences; each run-time package says that it has one."""
    said = metadata.metadata(name)
    classifiers = [text for text in said.get_all("Classifier", []) if text.startswith("License ::")]
    stated = [*said.get_all("License-Expression", []), *said.get_all("License", []), *classifiers]

    assert stated
    assert [text for text in stated if re.search(r"\bA?GPL|Affero|GNU General Public", text)] == []
