"""Text of a waiver file is changed by lines, each change proven by reading the result.

A library that writes TOML anew changes more than it was asked to: the best of them gives ``[[ waiver ]]`` other spaces
and brings tables together that stood apart. So places for a line are looked for in the text, and one is taken when
reading the whole then shows what it showed before and the one change; what only looks like a place, inside a text of
several lines, is found out by that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import tomli

Value = str | bool | date | datetime | Sequence[str]

FIRST: Final = "# Accepted deviations, reviewed like code. Ask for one with: controlwatch waiver request"
LONGEST_LINE: Final = 120
_HEADER: Final = re.compile(r"""[ \t]*\[\[[ \t]*(?:waiver|"waiver"|'waiver')[ \t]*\]\]""")
_VALUE: Final = r"""(?P<value>"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^"'#\s\[{](?:[^#\r\n]*[^#\s])?)"""


def next_id(taken: Collection[str], year: int) -> str:
    """Name the next waiver of a year, ``W-2026-0007``: past the highest number that was taken."""
    head = f"W-{year}-"
    numbers = [int(name[len(head) :]) for name in taken if name.startswith(head) and _counts(name[len(head) :])]
    return f"{head}{max(numbers, default=0) + 1:04}"


def _counts(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


def appended(text: str, entry: Mapping[str, Value]) -> str | None:
    """Add an entry at the end of the text; None where it would not be an entry there."""
    end = _line_end(text)
    lines = ["[[waiver]]", *(f"{key} = {_written(key, value)}" for key, value in entry.items())]
    block = end.join(line.replace("\n", end) for line in lines)
    if not text:
        changed = f"{FIRST}{end}{end}{block}{end}"
    elif text.endswith("\n"):
        changed = f"{text}{end}{block}{end}"
    else:
        changed = f"{text}{end}{end}{block}"
    tree = tomli.loads(text)
    if not isinstance(tree.setdefault("waiver", []), list):
        return None
    tree["waiver"].append({key: _told(value) for key, value in entry.items()})
    return changed if _says(changed, tree) else None


def with_key(text: str, index: int, key: str, value: Value, below: Sequence[str]) -> str | None:
    """Set a key of the entry at ``index``: its value is replaced if it has one, else a line is added.

    The line goes below the first of the keys ``below`` that is there, else below the head of the entry. None where no
    change of lines makes that change and no other.
    """
    wanted = tomli.loads(text)
    entry = wanted["waiver"][index]
    had = key in entry
    above = [name for name in below if name in entry]
    entry[key] = _told(value)
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    near = _near(lines, index)
    line = f"{key} = {_written(key, value)}"
    changes = _replaced(lines, near, key, value) if had else _inserted(lines, near, above, line)
    return next((changed for changed in changes if _says(changed, wanted)), None)


def _near(lines: Sequence[str], index: int) -> list[int]:
    """Number the lines, those first where the entry seems to be: a head inside a text moves the count."""
    heads = [number for number, line in enumerate(lines) if _HEADER.match(line)]
    begin = heads[index] if index < len(heads) else 0
    end = heads[index + 1] if index + 1 < len(heads) else len(lines)
    return [*range(begin, end), *range(end, len(lines)), *range(begin)]


def _replaced(lines: Sequence[str], near: Sequence[int], key: str, value: Value) -> Iterator[str]:
    pattern = re.compile(rf"[ \t]*{_key(key)}[ \t]*=[ \t]*{_VALUE}")
    for number in near:
        found = pattern.match(lines[number])
        if found is not None:
            start, stop = found.span("value")
            line = f"{lines[number][:start]}{_written(key, value)}{lines[number][stop:]}"
            yield "".join([*lines[:number], line, *lines[number + 1 :]])


def _inserted(lines: Sequence[str], near: Sequence[int], above: Sequence[str], line: str) -> Iterator[str]:
    patterns = [re.compile(rf"[ \t]*{_key(name)}[ \t]*=") for name in above]
    for pattern in (*patterns, _HEADER):
        for number in near:
            if pattern.match(lines[number]):
                yield "".join([*lines[:number], *_below(lines[number], line, lines), *lines[number + 1 :]])


def _below(upper: str, line: str, lines: Sequence[str]) -> tuple[str, str]:
    """Put a line below another, with its indentation and its line end; the last one stays without."""
    indent = upper[: len(upper) - len(upper.lstrip(" \t"))]
    if upper.endswith("\n"):
        return upper, f"{indent}{line}{_line_end(upper)}"
    return f"{upper}{_line_end(lines[0])}", f"{indent}{line}"


def _key(name: str) -> str:
    return f"""(?:{name}|"{name}"|'{name}')"""


def _says(text: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a text says exactly that."""
    try:
        return tomli.loads(text) == wanted
    except (ValueError, RecursionError):
        return False


def _line_end(text: str) -> str:
    first = text.partition("\n")[0]
    return "\r\n" if first.endswith("\r") and len(first) < len(text) else "\n"


def _told(value: Value) -> object:
    """Give a value as reading tells it."""
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _written(key: str, value: Value) -> str:
    """Write a value in TOML."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    items = [_written(key, item) for item in value]
    line = f"[{', '.join(items)}]"
    return line if len(f"{key} = {line}") <= LONGEST_LINE else "[\n" + "".join(f"  {item},\n" for item in items) + "]"
