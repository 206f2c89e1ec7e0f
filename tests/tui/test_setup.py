"""What the guided start shows of what was found, added and tested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from checks.model.doubt import Cause
from tui.lines import plain, size
from tui.setup import (
    Asked,
    Draft,
    Entry,
    Kind,
    Probed,
    Proposed,
    Trial,
    done,
    free_name,
    listed,
    mark,
    name_fault,
    preview,
    reached,
    reference_fault,
    told,
)
from tui.widgets.board import Content

OKTA = Kind(
    kind="okta",
    title="Okta: users, factors",
    asked=(Asked(key="url", label="Address", hint="of the org"), Asked(key="token", label="Token", secret=True)),
)
FOUND = Entry(name="okta", kind="okta", basis="environment: OKTA_ORG_URL", values={"token": "env:OKTA_API_TOKEN"})
ADDED = replace(FOUND, draft=Draft(name="okta", kind="okta", values=FOUND.values))
YES = Probed(asked="GET /users", ok=True)
NO = Probed(asked="okta.roles.read", ok=False, detail="403", costs=("account.roles", "account.privileged"))
UNTRIED = Probed(asked="GET /logs", ok=None, detail="no answer")
SILENT = Probed(asked="GET /logs", ok=None, detail="name not found", cause=Cause.UNREACHABLE)
UNSET = Probed(asked="url and token", ok=False, detail="no OKTA_API_TOKEN", cause=Cause.NOT_CONFIGURED)
CHECK = Proposed(name="workforce-mfa", check="mfa_coverage", title="Every live human account", sources=("okta",))


def text(content: Content) -> str:
    """Give the rows as text."""
    return "\n".join(plain(each) for _, each in content.rows)


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        pytest.param(FOUND, "FOUND", id="found"),
        pytest.param(ADDED, "TESTING", id="not yet tested"),
        pytest.param(replace(ADDED, testing=True, tested=Trial(probes=[YES])), "TESTING", id="tested again"),
        pytest.param(replace(ADDED, tested=Trial(faults=["url: missing"])), "NOT VALID", id="wrong settings"),
        pytest.param(replace(ADDED, tested=Trial(probes=[YES])), "REACHED", id="all granted"),
        pytest.param(replace(ADDED, tested=Trial(probes=[YES, NO])), "PARTLY", id="some granted"),
        pytest.param(replace(ADDED, tested=Trial(probes=[NO, UNTRIED])), "REFUSED", id="none granted"),
        pytest.param(replace(ADDED, tested=Trial(probes=[UNTRIED])), "NOT TRIED", id="not tried"),
        pytest.param(replace(ADDED, tested=Trial(probes=[SILENT])), "UNREACHABLE", id="no answer"),
        pytest.param(replace(ADDED, tested=Trial(probes=[UNSET])), "FAILED", id="not configured"),
        pytest.param(replace(ADDED, tested=Trial()), "NOT TRIED", id="nothing was asked"),
    ],
)
def test_an_entry_has_one_word(entry: Entry, word: str) -> None:
    """Only what told something counts as reached: no probe at all is never green."""
    assert mark(entry)[1] == word
    assert reached(entry) is (word in {"REACHED", "PARTLY"})


@pytest.mark.parametrize("width", [38, 60, 78, 158])
def test_the_list_has_what_was_found_and_the_kinds_to_add(width: int) -> None:
    """Names stand under their heading."""
    content = listed({"okta": FOUND}, [OKTA], width, looking=False)

    assert plain(content.note) == "1 found or added, 0 in the file"
    assert [key for key, _ in content.rows] == ["okta", "kind:okta"]
    assert (" " + plain(content.rows[0][1])).index("okta") == plain(content.head[0]).index("Source")
    assert "looking" in plain(listed({}, [OKTA], width, looking=True).note)


def test_a_test_tells_what_each_missing_permission_costs() -> None:
    """Granted, refused and untried are told apart, with the facts that are then unknown."""
    content = told(replace(ADDED, tested=Trial(probes=[YES, NO, UNTRIED])), OKTA, [CHECK], 78)

    assert "✔  GET /users" in text(content)
    assert "✖  okta.roles.read: 403" in text(content)
    assert "unknown without it: account.roles, account.privileged" in text(content)
    assert "?  GET /logs: no answer" in text(content)
    assert "workforce-mfa: Every live human account" in text(content)


def test_what_is_not_added_proposes_no_check() -> None:
    """It says how to add it, and what is still to be told."""
    content = told(FOUND, OKTA, [CHECK], 78)

    assert "workforce-mfa" not in text(content)
    assert "↵ adds it" in text(content)
    assert "env:OKTA_API_TOKEN" in text(content)
    assert "– of the org" in text(content)


def test_a_kind_says_what_it_asks_for() -> None:
    """Before anything is typed."""
    assert "Address" in text(told(None, OKTA, [], 78))
    assert plain(told(None, None, [], 78).empty[0]).strip() == "nothing was found yet"


def test_answers_of_providers_are_drawn_harmlessly_and_wrapped() -> None:
    """They are untrusted, and may be long."""
    wild = Probed(asked="GET \x1b[31m/", ok=False, detail="word " * 40, costs=("a.b",) * 40)
    content = told(replace(ADDED, tested=Trial(probes=[wild], faults=["[red]x\u202e"])), OKTA, [], 40)

    assert "\x1b" not in text(content)
    assert "[red]x" in text(content)
    assert max(size(each) for _, each in content.rows) <= 40


def test_the_file_and_the_next_commands_are_shown() -> None:
    """Comments are dim, and nothing of the file is interpreted."""
    assert "[sources.okta]" in text(preview("# a\n[sources.okta]\n", "c.toml"))
    assert "controlwatch check" in text(done("c.toml", ["controlwatch check", "controlwatch"], 78))


@pytest.mark.parametrize(
    ("name", "well"),
    [("okta-prod", True), ("Okta", False), ("", False), ("taken", False), ("a" * 64, False)],
    ids=["good", "capital", "empty", "taken", "long"],
)
def test_a_name_is_a_label(name: str, *, well: bool) -> None:
    """As the configuration demands it, and not given twice."""
    assert (not name_fault(name, ["taken"])) is well


@pytest.mark.parametrize(
    ("value", "typed", "needed", "well"),
    [
        pytest.param("env:TOKEN", "", True, True, id="variable"),
        pytest.param("file:/etc/token", "", True, True, id="file"),
        pytest.param("keyring:okta", "", True, True, id="keyring"),
        pytest.param("", "hunter2", True, True, id="typed"),
        pytest.param("", "", False, True, id="not needed"),
        pytest.param("", "", True, False, id="neither"),
        pytest.param("hunter2", "", True, False, id="the secret itself"),
        pytest.param("hunter2", "hunter2", False, False, id="the secret itself, twice"),
        pytest.param("env:", "", True, False, id="no name"),
    ],
)
def test_a_secret_is_a_reference_or_typed(value: str, typed: str, *, needed: bool, well: bool) -> None:
    """The secret itself is refused in the place of a reference, and is not repeated."""
    fault = reference_fault(value, typed, needed=needed)

    assert (not fault) is well
    assert "hunter2" not in fault


def test_a_free_name_is_found() -> None:
    """Two sources of a kind have two names."""
    assert free_name("okta", []) == "okta"
    assert free_name("okta", ["okta", "okta-2"]) == "okta-3"
