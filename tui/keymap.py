"""Keys as a person maps them: ``keys.toml`` beside the configuration in the XDG config folder.

```toml
[keys]
"list.filter" = "ctrl+f"
"go.help" = ["?", "f1"]
```

Nothing in that file keeps the screen from starting: what it says wrong is told, and the key stays as it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import tomli
from textual.keys import Keys, _character_to_key, key_to_character

from tui import keys as table
from tui.format import clean
from tui.keys import EVERYWHERE, MOVE, Key

FILE = "keys.toml"
SIZE_MAX = 65_536
"""Bytes of the file that are read."""
MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
_SHOWN = {
    "enter": "↵",
    "escape": "esc",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pagedown": "pgdn",
    "pageup": "pgup",
}
_PRINTED = {_character_to_key(each): each for each in map(chr, range(33, 127))}
"""What is printed on a key; Textual's own way back knows neither slash nor underscore."""
_BY_ID: Mapping[str, Key] = {
    key.id: key for group in vars(table).values() if isinstance(group, tuple) for key in group if isinstance(key, Key)
}


@dataclass(frozen=True, slots=True)
class Keymap:
    """Which keys are other ones, and what in the file was wrong."""

    keys: Mapping[str, str]
    """Textual's names by comma, by the key's id."""
    faults: Sequence[str] = ()

    def named(self, action: str) -> str:
        """Write the first key of an action, by its id, as a person does."""
        return applied(_BY_ID[action], self).shown.partition(" ")[0]


PLAIN = Keymap({})
"""Every key as it comes."""


def keys_file(environ: Mapping[str, str]) -> Path:
    """Say where the file is, also when there is none."""
    home = environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - Path.expanduser raises without a home
    return Path(home) / "controlwatch" / FILE


def load(path: Path) -> Keymap:
    """Read the file; no file is every key as it comes, and one that cannot be read is told."""
    try:
        with path.open("rb") as file:
            text = file.read(SIZE_MAX).decode()
    except FileNotFoundError:
        return PLAIN
    except (OSError, ValueError) as error:
        return Keymap({}, [f"{FILE}: not read: {clean(str(error), 120)}"])
    return parse(text)


def parse(text: str, groups: Mapping[str, Sequence[Key]] | None = None) -> Keymap:
    """Read the text of the file, and drop what is wrong in it."""
    screens = groups or screen_keys()
    try:
        told = tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        return Keymap({}, [f"{FILE}: {clean(str(error), 120)}"])
    faults = [
        f'{FILE}: {clean(name, 40)}: unknown, write [keys] and "list.filter" = "ctrl+f"'
        for name in told
        if name != "keys"
    ]
    asked = told.get("keys", {})
    if not isinstance(asked, dict):
        return Keymap({}, [*faults, f"{FILE}: keys is a table: [keys]"])
    known = {key.id for keys in screens.values() for key in keys}
    found: dict[str, str] = {}
    for name, value in asked.items():
        fault, names = _read(name, value, known)
        if fault:
            faults.append(f"{FILE}: {fault}")
        else:
            found[name] = names
    clashes = _clashes(found, screens)
    while clashes:
        latest = [name for name in found if name in clashes][-1]
        faults.append(f"{FILE}: {clashes[latest]}")
        del found[latest]
        clashes = _clashes(found, screens)
    return Keymap(found, faults)


def applied(key: Key, keymap: Keymap) -> Key:
    """Give the key as it is mapped; of one that takes several digits, each is mapped by itself."""
    if key.action == "panel":
        digits = [keymap.keys.get(f"{key.id}{digit}", digit) for digit in key.keys.split(",")]
        return key if digits == key.keys.split(",") else replace(key, shown="".join(map(_first_shown, digits)))
    names = keymap.keys.get(key.id)
    return key if names is None else replace(key, keys=names, shown=shown(names))


def screen_keys() -> dict[str, list[Key]]:
    """Give what can be mapped on each screen: its own keys, those of a list, and those that work everywhere."""
    groups = {
        name.lower(): value
        for name, value in vars(table).items()
        if isinstance(value, tuple) and value and all(isinstance(each, Key) for each in value)
    }
    own = {name: keys for name, keys in groups.items() if keys is not MOVE and keys is not EVERYWHERE}
    shared = (*MOVE, *EVERYWHERE)
    return {name: [*_digits(keys), *(() if _is_sheet(keys) else shared)] for name, keys in own.items()}


def shown(names: str) -> str:
    """Write keys as a person does: ``/ ctrl+f``."""
    return " ".join(_one_shown(name) for name in names.split(","))


def _first_shown(names: str) -> str:
    return shown(names).partition(" ")[0]


def _is_sheet(keys: Sequence[Key]) -> bool:
    """Tell whether these are the keys of a sheet over a screen, which takes enter or esc for itself."""
    return any(each in {"enter", "escape"} for key in keys for each in key.keys.split(","))


def _one_shown(name: str) -> str:
    *held, last = name.split("+") if name != "+" else ["plus"]
    return "+".join([*held, _SHOWN.get(last) or _PRINTED.get(last) or key_to_character(last) or last])


def _digits(keys: Iterable[Key]) -> list[Key]:
    """Give a key that takes several digits as one for each."""
    found: list[Key] = []
    for key in keys:
        if key.action != "panel":
            found.append(key)
            continue
        found += [replace(key, id=f"{key.id}{digit}", keys=digit, shown=digit) for digit in key.keys.split(",")]
    return found


def _read(name: str, value: object, known: set[str]) -> tuple[str, str]:
    """Give what is wrong with one entry, else its keys under Textual's names."""
    if name not in known:
        near = get_close_matches(name, sorted(known), n=1, cutoff=0.5)
        return f"{clean(name, 40)}: no such key" + (f', did you mean "{near[0]}"?' if near else ""), ""
    wanted = [value] if isinstance(value, str) else value
    if not isinstance(wanted, list) or not wanted or not all(isinstance(each, str) for each in wanted):
        return f'{name}: a key, or a list of keys: "ctrl+f" or ["?", "f1"]', ""
    names: list[str] = []
    for each in wanted:
        normal = normal_key(each)
        if normal is None:
            return f'{name}: "{clean(each, 40)}" is no key; write "f", "F", "?", "f5", "space" or "ctrl+f"', ""
        names.append(normal)
    return "", ",".join(names)


def normal_key(text: str) -> str | None:
    """Give Textual's name of a key; None of what is none."""
    *held, last = text.strip().split("+") if not text.strip().endswith("+") else [*text.strip()[:-1].split("+"), "+"]
    held = [each for each in held if each]
    if not set(held) <= MODIFIERS or not last or text.strip() in {f"{each}+" for each in MODIFIERS}:
        return None
    if len(last) == 1:
        return "+".join([*held, _character_to_key(last)]) if last.isprintable() else None
    named = {each.value for each in Keys} | {"comma", "colon", "slash", "minus", "plus", "question_mark"}
    character = key_to_character(last)
    return "+".join([*held, last]) if last in named or (character is not None and len(character) == 1) else None


def _clashes(found: Mapping[str, str], screens: Mapping[str, Sequence[Key]]) -> dict[str, str]:
    """Say of each mapped id which other key of a screen it would take."""
    clashes: dict[str, str] = {}
    for screen, keys in screens.items():
        taken: dict[str, str] = {}
        for key in sorted(keys, key=lambda each: each.id in found):
            for name in found.get(key.id, key.keys).split(","):
                other = taken.setdefault(name, key.id)
                if other != key.id and key.id in found:
                    clashes.setdefault(key.id, f'{key.id}: "{shown(name)}" is {other} on {screen}; it stays as it was')
    return clashes
