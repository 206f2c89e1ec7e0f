"""The command line as a person types it: help, versions, faults and exit codes, by the real console script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
import tomli

from cli.commands import COMMANDS
from tests.cli.contract import estate
from tests.support.console import COMMAND, command, environment

ROOT: Final = Path(__file__).resolve().parent.parent.parent
PYPROJECT: Final = tomli.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
BAD: Final = '[sources.okta-prod]\nkind = "okta"\nurl = "https://example.okta.com"\ntokn = "env:A"\n[metric]\n'


@pytest.mark.parametrize("flag", ["--version", "-V"])
def test_the_version_is_that_of_the_project(tmp_path: Path, flag: str) -> None:
    """One number, in one place for users and one for the build."""
    done = command(flag, folder=tmp_path)

    assert (done.returncode, done.stdout, done.stderr) == (0, f"controlwatch {PYPROJECT['project']['version']}\n", "")


def test_asking_for_the_version_loads_nothing(tmp_path: Path) -> None:
    """It answers at the speed of a bare interpreter."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(COMMAND), "--version"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    named = {re.split(r"[<>=\[]", item)[0].replace("-", "_") for item in PYPROJECT["project"]["dependencies"]}

    assert "cli" in loaded
    assert loaded & (named | {"asyncio", "sqlite3", "ssl", "checks", "sources", "engine", "tui", "demo"}) == set()


def test_help_names_every_command(tmp_path: Path) -> None:
    """In the order of the design, each with a line."""
    done = command("--help", folder=tmp_path)
    listed = re.findall(r"^  ([a-z]+)  +\S", done.stdout.partition("Commands:")[2], re.MULTILINE)

    assert (done.returncode, done.stderr) == (0, "")
    assert listed == list(COMMANDS)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(tmp_path: Path, name: str) -> None:
    """Also without a configuration."""
    done = command(name, "--help", folder=tmp_path)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: controlwatch {name} ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["chek"], "no command 'chek', did you mean \"check\"?", id="near"),
        pytest.param(["xyzzy"], "no command 'xyzzy'", id="nothing-near"),
        pytest.param(["check", "--frmat"], "No such option", id="option"),
        pytest.param(["check", "--format", "yaml"], "'yaml' is not one of", id="choice"),
        pytest.param(["check", "bakups"], "no configured check 'bakups', did you mean \"backups\"?", id="check"),
        pytest.param(["source", "test", "dmps"], "no configured source 'dmps', did you mean \"dumps\"?", id="source"),
        pytest.param(["source", "accept", "dumps"], "Missing option '--reason'", id="no-reason"),
        pytest.param(["evidence", "list", "--limit", "x"], "is not a valid integer", id="number"),
        pytest.param(
            ["evidence", "list", "--source", "dmps"], "no source 'dmps', did you mean \"dumps\"?", id="evidence-source"
        ),
        pytest.param(["evidence", "accept-break"], "Missing option '--reason'", id="break-no-reason"),
        pytest.param(["evidence", "accept-break", "--reason", " "], "say what explains", id="break-empty-reason"),
        pytest.param(["--log-format", "xml", "check"], "'xml' is not one of", id="log-format"),
        pytest.param(["attach", "/nowhere"], "no terminal to draw on", id="attach-without-a-terminal"),
        pytest.param(["--config", "nowhere.toml", "check"], "nowhere.toml: there is no such file", id="config-nowhere"),
        pytest.param(["--config", ".", "check"], "there is no such file", id="config-folder"),
        pytest.param(["--config", "bad.toml", "check"], "bad.toml: metric: unknown section", id="bad-config"),
        pytest.param(["--config", "bad.toml", "serve"], "bad.toml: metric: unknown section", id="bad-config-serve"),
        pytest.param(["--config", "empty.toml", "check"], "no checks are configured", id="nothing-configured"),
        pytest.param(["secret", "set", "a"], "the secret is empty", id="empty-secret"),
    ],
)
def test_a_fault_of_use_is_told_in_a_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """Exit 2, nothing on standard output, and never a traceback."""
    estate(tmp_path)
    (tmp_path / "bad.toml").write_text(BAD)
    (tmp_path / "empty.toml").write_text("")

    done = command(*arguments, folder=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name", ["check", "serve", "run", "config check", "source test", "evidence list", "waiver list"]
)
def test_without_a_configuration_every_command_says_where_it_looked(tmp_path: Path, name: str) -> None:
    """A pipeline that lost its file never shows a demo instead."""
    done = command(*name.split(), folder=tmp_path, XDG_CONFIG_HOME=str(tmp_path / "none"))

    assert (done.returncode, done.stdout) == (2, "")
    assert "no configuration: looked for ./controlwatch.toml and in the XDG config folder" in done.stderr


@pytest.mark.parametrize("way", ["option", "variable", "working-folder", "xdg"])
def test_the_configuration_is_found_where_it_is_looked_for(tmp_path: Path, way: str) -> None:
    """By option, variable, working folder or the XDG config folder."""
    folder = tmp_path / "xdg" / "controlwatch"
    path = estate(folder)
    work = folder if way == "working-folder" else tmp_path
    option = ["--config", str(path)] if way == "option" else []

    done = command(
        *option,
        "config",
        "check",
        folder=work,
        CONTROLWATCH_CONFIG=str(path) if way == "variable" else "",
        XDG_CONFIG_HOME=str(tmp_path / ("xdg" if way == "xdg" else "none")),
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("1 sources, 1 checks, 0 waivers; no fault\n")


def test_an_option_wins_over_the_variable(tmp_path: Path) -> None:
    """What was typed now counts."""
    path = estate(tmp_path)

    done = command("--config", str(path), "config", "check", folder=tmp_path, CONTROLWATCH_CONFIG="nowhere.toml")

    assert done.returncode == 0


@pytest.mark.parametrize("arguments", [[], ["run"]], ids=["bare", "run"])
def test_without_a_terminal_the_state_is_printed_as_text(tmp_path: Path, arguments: list[str]) -> None:
    """Nothing is drawn into a pipe."""
    estate(tmp_path, 40)

    done = command(*arguments, folder=tmp_path)

    assert done.returncode == 1
    assert done.stdout.startswith("✖ FAIL")
    assert done.stderr == "controlwatch: no terminal to draw on; this is `controlwatch check`\n"


def test_the_source_kinds_are_listed_with_what_each_fact_needs(tmp_path: Path) -> None:
    """Without a configuration and without a credential."""
    kinds = command("source", "kinds", folder=tmp_path)
    facts = command("source", "kinds", "--facts", folder=tmp_path)

    assert (kinds.returncode, facts.returncode) == (0, 0)
    assert "\ntls " in kinds.stdout
    assert "    account.mfa  " in facts.stdout
    assert "; without it denied" in facts.stdout
