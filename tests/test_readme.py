"""The README's two commands are there, and so is what it shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
import tomli

from cli.commands import COMMANDS
from engine.config import parse

ROOT: Final = Path(__file__).resolve().parent.parent
README: Final = ROOT / "README.md"


@pytest.fixture(name="text")
def readme() -> str:
    """Read the README."""
    return README.read_text(encoding="utf-8")


def test_it_opens_with_the_two_commands_and_a_picture(text: str) -> None:
    """A newcomer sees what to type and what they will see, before anything else."""
    head = text[: text.index("\n## ")]

    assert re.search(r"^\$ make run\b", head, re.MULTILINE)
    assert re.search(r"^\$ make test\b", head, re.MULTILINE)
    assert re.search(r"!\[[^\]]+\]\(([^)]+)\)", head)


def test_every_make_target_that_it_names_exists(text: str) -> None:
    """A command in the README can be typed."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"^\$ make ([a-z-]+)", text, re.MULTILINE)) <= targets


def test_every_command_that_it_names_exists(text: str) -> None:
    """A sub-command in the README can be typed."""
    named = re.findall(r"^\$ controlwatch (?:--config \S+ )?([a-z]+)", text, re.MULTILINE)

    assert named
    assert set(named) <= set(COMMANDS)


def test_the_configuration_that_it_shows_has_no_fault(text: str) -> None:
    """What is copied from the README loads."""
    blocks = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)

    assert blocks
    for block in blocks:
        assert tomli.loads(block)
        parse(block, Path("controlwatch.toml"))
