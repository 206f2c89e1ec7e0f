"""YAML is read strictly: plain data alone, no key twice, no alias, every key a text, every value told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from engine.convert import shown

if TYPE_CHECKING:
    from yaml import Node


class NotYaml(Exception):
    """The text cannot be read as one strict YAML document; ``faults`` says why, one line each, with no value in it."""

    def __init__(self, faults: list[str]) -> None:
        """Keep the faults in the order of the text."""
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def parse_yaml(text: str) -> Any:
    """Read one document of tables, lists, texts, numbers and booleans; None when it is empty. Raises ``NotYaml``."""
    from yaml import YAMLError

    repeated: list[str] = []
    try:
        tree = _loaded(text, repeated)
    except YAMLError as error:
        raise NotYaml([_told(error)]) from None
    except (ValueError, RecursionError) as error:  # a date that is none, a number without end, lists without end
        raise NotYaml([f"not plain data: {type(error).__name__}"]) from None
    if repeated:
        raise NotYaml(repeated)
    odd = [] if tree is None else list(_odd(tree, ""))
    if odd:
        raise NotYaml(odd)
    return tree


def _loaded(text: str, repeated: list[str]) -> Any:
    from yaml import SafeLoader
    from yaml.composer import ComposerError
    from yaml.events import AliasEvent

    class Strict(SafeLoader):
        def compose_node(self, parent: Node | None, index: int) -> Node | None:
            if self.check_event(AliasEvent):
                raise ComposerError(None, None, "aliases are not read here; write the value out", self.get_mark())
            return super().compose_node(parent, index)

        def flatten_mapping(self, node: Any) -> None:
            """Leave ``<<`` as it is, which is then no plain key."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key.value, str) and key.value in seen:
                    repeated.append(f"line {key.start_mark.line + 1}: the key {shown(key.value)} stands twice")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep)

    loader = Strict(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _told(error: Exception) -> str:
    """Say what is wrong and where, and repeat nothing of the file: it may hold a key."""
    mark = getattr(error, "problem_mark", None)
    where = f"line {mark.line + 1}: " if mark is not None else ""
    return f"{where}not valid YAML: {getattr(error, 'problem', None) or 'a character that YAML does not allow'}"


def _odd(value: object, path: str) -> Iterator[str]:
    """Find keys that are no text, and values that are not told."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if isinstance(key, str):
                yield from _odd(item, f"{path}.{key}" if path else key)
            else:
                yield f"{path or 'the file'}: a key is no text; write it in quotes"
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _odd(item, f"{path}[{index}]")
    elif value is None:
        yield f"{path}: empty; give it a value, or leave the key out"
