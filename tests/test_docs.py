"""What the docs say of keys, sources, commands and links is what the code says."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

import checks
import sources
from cli.commands import COMMANDS
from engine import reference

ROOT: Final = Path(__file__).resolve().parent.parent
DOCS: Final = ROOT / "docs"
WRITE: Final = "CONTROLWATCH_WRITE_DOCS"
AGAIN: Final = f"write it again: {WRITE}=1 .venv/bin/python -m pytest tests/test_docs.py"
_LINK: Final = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


@pytest.mark.parametrize(
    ("page", "written"),
    [
        pytest.param("configuration.md", reference.configuration, id="configuration"),
        pytest.param("sources.md", reference.kinds, id="sources"),
    ],
)
def test_a_generated_page_is_what_the_code_says(page: str, written: Callable[[], str]) -> None:
    """A key, a default or a permission that changed changes the page, in the same commit."""
    path = DOCS / page
    if os.environ.get(WRITE) == "1":
        path.write_text(written(), encoding="utf-8")

    assert path.is_file(), f"docs/{page} is missing; {AGAIN}"
    assert path.read_text(encoding="utf-8") == written(), f"docs/{page} is not what the code says; {AGAIN}"


@pytest.mark.parametrize("kind", sources.kinds())
def test_every_source_kind_has_a_page_and_says_what_its_facts_need(kind: str) -> None:
    """A source without its page and its rows is not finished."""
    assert (DOCS / "sources" / f"{kind}.md").is_file(), f"docs/sources/{kind}.md is missing"
    assert sources.load(kind).facts, f"{kind} declares no facts, so docs/sources.md has no row of it"


@pytest.mark.parametrize("unit", list(checks.discover()))
def test_every_check_has_a_page(unit: str) -> None:
    """A reader can look up what it claims, and what fails."""
    assert (DOCS / "checks" / f"{unit}.md").is_file(), f"docs/checks/{unit}.md is missing"


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_command_is_in_the_docs(command: str) -> None:
    """docs/cli.md names each command of the tree."""
    assert re.search(rf"`controlwatch {command}\b", (DOCS / "cli.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "page",
    sorted(path for path in (*DOCS.rglob("*.md"), *ROOT.glob("*.md"))),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """A page that moved takes its links with it; addresses of other sites are not asked."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = [link for link in _LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]

    assert [target for target in targets if not (page.parent / target).exists()] == []
