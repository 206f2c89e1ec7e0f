"""What loads what at run time: the import contracts read the source, these ask the interpreter."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent

IMPORT_ALL: Final = """
import importlib, json, pkgutil, sys
for root in sys.argv[1:]:
    package = importlib.import_module(root)
    for module in pkgutil.walk_packages(package.__path__, root + "."):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""
"""Imports every module of the packages named, then prints what is loaded."""

VERSION: Final = """
import json, sys
sys.argv = ["controlwatch", "--version"]
from cli.main import main
try:
    main()
except SystemExit as stop:
    assert not stop.code, stop.code
print()
print(json.dumps(sorted(sys.modules)))
"""
"""Does what the console script does for --version, then prints what is loaded."""

READS_THE_WORLD: Final = frozenset({"now", "utcnow", "today"})
"""Attributes of datetime and date that read the clock; no import gives them away."""

REACHES_OUT: Final = frozenset({"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint"})
"""Built-in functions that do input or output, or run what nobody reviewed."""


def loaded(program: str, *arguments: str, home: Path) -> set[str]:
    """Run a program in a fresh interpreter with an empty home and return the names of the modules that it loaded."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"], "XDG_CONFIG_HOME": str(home)},
    )
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_version_loads_none_of_the_heavy_libraries(tmp_path: Path) -> None:
    """Asking for the version costs an interpreter and little more."""
    heavy = {"asyncio", "aiohttp", "textual", "msgspec", "sqlite3", "cryptography", "keyring", "prometheus_client"}

    assert loaded(VERSION, home=tmp_path) & heavy == set()


def test_the_daemon_never_loads_the_screen(tmp_path: Path) -> None:
    """Every module below the TUI can be loaded on a host that has no use for a screen."""
    modules = loaded(IMPORT_ALL, "checks", "sources", "engine", home=tmp_path)

    assert "engine" in modules
    assert modules & {"textual", "rich", "tui", "cli", "demo"} == set()


def test_checks_load_nothing_that_reaches_the_world(tmp_path: Path) -> None:
    """Neither a check nor a library that it uses brings a network, a database or an event loop along."""
    modules = loaded(IMPORT_ALL, "checks", home=tmp_path)

    assert "checks.model" in modules
    assert modules & {"asyncio", "socket", "ssl", "sqlite3", "subprocess", "aiohttp", "sources", "engine"} == set()


def calls(path: Path) -> list[tuple[int, str]]:
    """List the calls in a file as (line, name of the function or method)."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found.append((node.lineno, f".{node.func.attr}"))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.append((node.lineno, node.func.id))
    return found


@pytest.mark.parametrize("path", sorted((ROOT / "checks").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_check_reads_the_clock_or_does_input_or_output(path: Path) -> None:
    """Same bytes, policy and instant give the same result, because nothing else is within a check's reach."""
    forbidden = {f".{name}" for name in READS_THE_WORLD} | REACHES_OUT

    assert [(line, name) for line, name in calls(path) if name in forbidden] == []
