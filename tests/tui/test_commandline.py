"""The command line's grammar, from text to what is meant."""

from __future__ import annotations

import pytest

from tui.commandline import ALIASES, VERBS, parse, suggestions, verbs
from tui.keymap import screen_keys
from tui.keys import EVERYWHERE, SOURCES
from tui.meaning import Act, Ask, Fault, Go, Meaning, Take, Vocabulary
from tui.place import Place

WORDS = Vocabulary(
    checks={"workforce-mfa": "mfa", "admin-mfa": "mfa", "backups": "backup"},
    families={"mfa": "MFA coverage", "backup": "Backup freshness"},
    sources={"okta-prod": ("workforce-mfa", "admin-mfa"), "aws": ("admin-mfa",), "dumps": ("backups",)},
    keys=(*SOURCES, *EVERYWHERE),
    waivers={"approve": ("WV-33",), "revoke": ("WV-22", "WV-28", "WV-31")},
    narrowings=lambda typed: [f"status:{each}" for each in ("fail", "warn") if typed.endswith("status:")],
)
READING = Vocabulary(checks=WORDS.checks, families=WORDS.families, sources=WORDS.sources, read_only=True)


@pytest.mark.parametrize(
    ("typed", "meaning"),
    [
        (":family mfa /status:fail", Go((Place("family", "mfa"),), "status:fail")),
        ("family backup freshness", Go((Place("family", "backup"),))),
        ("controlwatch check admin-mfa", Go((), "", "admin-mfa")),
        ("check wfm /~^a", Go((), "~^a", "workforce-mfa")),
        ("source aws", Go((Place("sources", "aws"),))),
        ("source list", Go((Place("sources"),))),
        ("src", Go((Place("sources"),))),
        ("source test aws", Ask("run", ["aws"])),
        ("source accept aws --reason merged", Ask("accept", ["aws"], "merged")),
        ("run", Act("do.run_all")),
        ("run dumps", Ask("run", ["dumps"])),
        ("run admin-mfa", Ask("run", ["okta-prod", "aws"])),
        ("run back", Ask("run", ["dumps"])),
        ("history", Go((Place("history"),))),
        ("hist back", Go((Place("history", "backups"),))),
        ("events aws /503", Go((Place("events", "aws"),), "503")),
        ("events /kind:state", Go((Place("events"),), "kind:state")),
        ("waiver list", Go((Place("waivers"),))),
        ("waiver request", Act("waiver.request")),
        ("waiver approve WV-3", Ask("waiver approve", ["WV-3"])),
        ("waiver extend WV-3", Ask("waiver extend", ["WV-3"])),
        ("pause backups 2h the repository is moved", Ask("pause", ["backups"], "the repository is moved", "2h")),
        ("pause backups", Ask("pause", ["backups"])),
        ("resume backups", Ask("resume", ["backups"])),
        ("ack seen, SEC-1", Ask("ack", (), "seen, SEC-1")),
        ("accept aws", Ask("accept", ["aws"])),
        ("theme light", Take("theme", "light")),
        ("theme", Act("do.theme")),
        ("utc", Take("zone", "utc")),
        ("/status:fail", Go((), "status:fail")),
        ("filter !kiosk", Go((), "!kiosk")),
        ("export", Act("list.export")),
        ("q", Act("app.quit")),
        ("go.sources", Act("go.sources")),
        ("do.run", Act("do.run")),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_a_line_has_a_meaning(typed: str, meaning: Meaning) -> None:
    """The grammar of the program where there is one."""
    assert parse(typed, WORDS) == meaning


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("", "type a command: overview, family"),
        ("chekc", "no command 'chekc', did you mean \"check\"?"),
        ("r", "r: which of run, resume, runbook?"),
        ("xyzzy", "one of overview"),
        ("check", "which check? workforce-mfa, admin-mfa, backups"),
        ("check mfa", "which check? workforce-mfa, admin-mfa"),
        ("check zz", "no check 'zz': workforce-mfa"),
        ("family x", "no family 'x': mfa, backup"),
        ("pause ckups 2h x", "no check 'ckups', did you mean \"backups\"?"),
        ("pause backups 9d x", "from 1h to 7d, not 9d"),
        ("pause backups soon x", "for how long? from 1h to 7d"),
        ("theme pink", "no theme 'pink': dark, light, ansi"),
        ("waiver burn", "one of list, request, approve ID, reject ID, revoke ID"),
        ("waiver reject", "waiver reject: which? waiver list"),
        ("secret list", "has no screen: run controlwatch secret in a shell"),
        ("quit now", "nothing may follow this command"),
        ("\x1b[2J", "no command"),
    ],
)
def test_a_fault_says_what_is_allowed(typed: str, says: str) -> None:
    """Nobody has to guess, and nothing that was typed reaches the terminal raw."""
    meaning = parse(typed, WORDS)

    assert isinstance(meaning, Fault)
    assert says in meaning.text
    assert "\x1b" not in meaning.text


@pytest.mark.parametrize(
    "typed",
    [
        "run",
        "run aws",
        "pause backups",
        "resume backups",
        "ack x",
        "accept aws x",
        "source test aws",
        "source accept aws x",
        "waiver request",
        "waiver approve WV-3",
    ],
)
def test_read_only_writes_nothing(typed: str) -> None:
    """Neither the CLI's words nor ours."""
    meaning = parse(typed, READING)

    assert isinstance(meaning, Fault)
    assert "read-only" in meaning.text
    assert not any(verb.writes for verb in verbs(READING))


def test_every_command_is_a_key_somewhere() -> None:
    """Nothing in the command line that keys cannot do: what it acts on is an id of the table."""
    ids = {key.id for keys in screen_keys().values() for key in keys} | {"list.export"}
    for verb in VERBS:
        meaning = verb.read("", "", WORDS)
        assert not isinstance(meaning, Act) or meaning.key in ids, verb.name
    assert set(ALIASES.values()) <= {verb.name for verb in VERBS}


def test_every_key_is_a_command() -> None:
    """And vice versa, by its id."""
    for keys in screen_keys().values():
        assert all(parse(key.id, Vocabulary(keys=keys)) == Act(key.id) for key in keys)


@pytest.mark.parametrize(
    ("typed", "lines"),
    [
        ("fam", ["family"]),
        ("family ", ["family mfa", "family backup"]),
        ("check a", ["check admin-mfa", "check workforce-mfa", "check backups"]),
        ("theme l", ["theme light"]),
        ("run okt", ["run okta-prod"]),
        ("family mfa /x status:", ["family mfa /x status:fail", "family mfa /x status:warn"]),
        ("go.sou", ["go.sources"]),
        ("waiver a", ["waiver approve"]),
        ("waiver approve ", ["waiver approve WV-33"]),
        ("waiver revoke 2", ["waiver revoke WV-22", "waiver revoke WV-28"]),
        ("waiver revoke wv-31", ["waiver revoke WV-31"]),
        ("waiver revoke WV-31 x", []),
        ("waiver extend ", ["waiver extend"]),
        ("zzz ", []),
        ("pause backups 2h", []),
    ],
)
def test_a_line_is_completed(typed: str, lines: list[str]) -> None:
    """Commands, names, and the words of a filter."""
    assert [each.line for each in suggestions(typed, WORDS)] == lines
