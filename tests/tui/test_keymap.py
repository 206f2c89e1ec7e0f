"""Keys as a person maps them; nothing in the file keeps the screen from starting."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.keymap import PLAIN, Keymap, applied, keys_file, load, normal_key, parse, screen_keys, shown
from tui.keys import COPY, EVERYWHERE


def mapped(body: str) -> Keymap:
    """Read entries of the table of keys."""
    return parse(f"[keys]\n{body}\n")


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        pytest.param('"list.filter" = "ctrl+f"', {"list.filter": "ctrl+f"}, id="one"),
        pytest.param('"go.help" = ["?", "f2"]', {"go.help": "question_mark,f2"}, id="several"),
        pytest.param('"do.run" = "y"\n"do.copy" = "r"', {"do.run": "y", "do.copy": "r"}, id="swapped"),
        pytest.param('"go.panel1" = "5"', {"go.panel1": "5"}, id="a digit"),
    ],
)
def test_keys_are_mapped_by_id(body: str, keys: dict[str, str]) -> None:
    """What is valid is taken, without a word."""
    assert mapped(body) == Keymap(keys, [])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(
            '[keys]\n"list.filtr" = "x"', 'list.filtr: no such key, did you mean "list.filter"?', id="unknown id"
        ),
        pytest.param('[keys]\n"do.copy" = "ctlr+f"', '"ctlr+f" is no key', id="unknown key"),
        pytest.param('[keys]\n"do.copy" = 7', "do.copy: a key, or a list of keys", id="not a key"),
        pytest.param('[keys]\n"do.copy" = []', "do.copy: a key, or a list of keys", id="no key"),
        pytest.param('[keys]\n"do.copy" = "S"', '"S" is go.sources on', id="taken on the same screen"),
        pytest.param("[other]\na = 1", "other: unknown, write [keys]", id="unknown table"),
        pytest.param("keys = 3", "keys is a table", id="not a table"),
        pytest.param("[keys", "keys.toml: ", id="not TOML"),
        pytest.param('[keys]\n"\x1b[2J" = "x"', "keys.toml: ", id="control characters"),
    ],
)
def test_what_is_wrong_is_told_and_dropped(text: str, says: str) -> None:
    """Each fault names its place; the key stays as it was."""
    found = parse(text)

    assert found.keys == {}
    assert len(found.faults) == 1
    assert says in found.faults[0]
    assert "\x1b" not in found.faults[0]


def test_one_fault_does_not_spoil_the_rest() -> None:
    """A good entry beside a bad one is taken."""
    found = mapped('"do.copy" = "Y"\n"nope" = "x"')

    assert found.keys == {"do.copy": "Y"}
    assert len(found.faults) == 1


def test_two_ids_on_one_new_key_are_told() -> None:
    """One of them has it; the other stays as it was."""
    found = mapped('"do.run" = "ctrl+r"\n"do.copy" = "ctrl+r"')

    assert len(found.keys) == 1
    assert "it stays as it was" in found.faults[0]


def test_no_screen_has_a_clash_by_itself() -> None:
    """The table of keys as it comes is well: one key, one meaning on each screen, and one id."""
    for name, keys in screen_keys().items():
        pressed = [(each, key.id) for key in keys for each in key.keys.split(",")]
        assert len({each for each, _ in pressed}) == len(pressed), name
        assert len({key.id for key in keys}) == len(keys), name


def test_a_mapped_key_is_shown_as_it_is() -> None:
    """Footer and help never name a key that does nothing."""
    assert applied(COPY, mapped('"do.copy" = ["Y", "ctrl+y"]')).shown == "Y ctrl+y"
    assert applied(COPY, PLAIN) is COPY


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/", "slash"),
        ("ctrl+/", "ctrl+slash"),
        ("+", "plus"),
        ("ctrl++", "ctrl+plus"),
        ("F", "F"),
        ("é", "é"),
        ("", None),
        ("ctrl+", None),
        ("hyper", None),
    ],
)
def test_keys_have_textuals_names(text: str, name: str | None) -> None:
    """As a person writes them, and no other."""
    assert normal_key(text) == name


def test_every_key_as_it_comes_is_one_that_can_be_written() -> None:
    """What the table holds could stand in the file."""
    for key in EVERYWHERE:
        for name in key.keys.split(","):
            assert normal_key(name) == name
            assert shown(name)


def test_the_file_is_beside_the_configuration(tmp_path: Path) -> None:
    """In the XDG config folder; no file is no fault, and one that cannot be read is one."""
    path = keys_file({"XDG_CONFIG_HOME": str(tmp_path)})
    assert path == tmp_path / "controlwatch" / "keys.toml"
    assert load(path) == PLAIN

    path.parent.mkdir()
    path.write_text('[keys]\n"do.copy" = "Y"\n')
    assert load(path).keys == {"do.copy": "Y"}

    path.write_bytes(b"\xff\xfe")
    assert "not read" in load(path).faults[0]
