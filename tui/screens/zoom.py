"""One panel alone: what lies beside it and beside what holds it is hidden, but never what narrows a list."""

from __future__ import annotations

from textual.screen import Screen
from textual.widget import Widget

EDGES = frozenset({"top", "foot", "prompt", "chips", "heads", "checks", "outages", "hints", "place", "too-small"})
"""Ids of what stays: where we are, what narrows the list, and the keys."""
ZOOMED = "zoomed"
RULES = ("height", "width", "display")


class Zoom:
    """A panel that was zoomed, and how everything stood before."""

    def __init__(self, screen: Screen[None], panel: Widget) -> None:
        self._changed: list[tuple[Widget, dict[str, object]]] = []
        node = panel
        while node is not screen and isinstance(node.parent, Widget):
            for beside in node.parent.children:
                if beside is not node and beside.display and beside.id not in EDGES:
                    self._keep(beside)
                    beside.display = False
            self._keep(node)
            node.styles.height = node.styles.width = "1fr"
            node.add_class(ZOOMED)
            node = node.parent

    def _keep(self, widget: Widget) -> None:
        rules: dict[str, object] = dict(widget.styles.inline.get_rules())
        self._changed.append((widget, {rule: rules[rule] for rule in RULES if rule in rules}))

    def undo(self) -> None:
        """Put everything as it was."""
        for widget, before in self._changed:
            widget.remove_class(ZOOMED)
            for rule in RULES:
                if rule in before:
                    _ = widget.styles.inline.set_rule(rule, before[rule])
                else:
                    _ = widget.styles.inline.clear_rule(rule)
            _ = widget.refresh(layout=True)
