"""Every key in one table: bindings, footer and help are made from it, so none of them can lie about another."""

from __future__ import annotations

from dataclasses import dataclass

from textual.binding import Binding, BindingType


@dataclass(frozen=True, slots=True)
class Key:
    """One action and the keys that start it; the id is stable, so that keys can be remapped."""

    id: str
    keys: str
    """Textual's names, by comma."""
    shown: str
    """As a person writes it."""
    action: str
    label: str
    """In the footer."""
    help: str
    writes: bool = False
    """Asks the engine to do something, so it is hidden while read-only."""

    def binding(self) -> Binding:
        """Give Textual's binding."""
        return Binding(self.keys, self.action, self.label, show=False, id=self.id)


MOVE = (
    Key("move.down", "j,down", "j ↓", "down", "down", "next row"),
    Key("move.up", "k,up", "k ↑", "up", "up", "previous row"),
    Key("move.top", "g,home", "g home", "top", "top", "first row"),
    Key("move.bottom", "G,end", "G end", "bottom", "bottom", "last row"),
    Key("move.page_down", "pagedown,ctrl+d", "pgdn ctrl+d", "page_down", "page down", "one page down"),
    Key("move.page_up", "pageup,ctrl+u", "pgup ctrl+u", "page_up", "page up", "one page up"),
    Key("move.open", "enter", "↵", "open", "open", "open the row"),
)
EVERYWHERE = (
    Key("go.back", "escape", "esc", "back", "back", "close the prompt, else clear the filter, else one screen up"),
    Key("go.overview", "0", "0", "app.overview", "overview", "the overview"),
    Key("go.sources", "S", "S", "app.sources", "sources", "the sources"),
    Key("go.help", "question_mark,f1", "?", "app.help", "help", "the keys of this screen; type to search, ↵ runs one"),
    Key("app.quit", "q", "q", "app.leave", "quit", "quit; ctrl+c twice within two seconds does the same"),
    Key(
        "do.theme", "ctrl+t", "ctrl+t", "app.theme", "theme", "the next theme: dark, light, the terminal's own colours"
    ),
)
RUN_ALL = Key("do.run_all", "R", "R", "run_all", "run all", "ask every source to run now (asks first)", writes=True)
COPY = Key("do.copy", "y", "y", "copy", "copy", "copy what is selected (OSC 52)")
RUNBOOK = Key("do.runbook", "o", "o", "runbook", "runbook", "show and copy the runbook's address")
OVERVIEW = (
    Key("go.panel", "1,2,3,4", "1-4", "panel", "panel", "the panel of that number; again opens its family"),
    Key("move.next_bad", "n", "n", "next_bad", "next", "the next thing that does not pass"),
    Key("move.previous_bad", "N", "N", "previous_bad", "previous", "the previous thing that does not pass"),
    Key("do.run", "r", "r", "run", "run now", "ask the selected row's sources to run now", writes=True),
    RUN_ALL,
    RUNBOOK,
    COPY,
)
FAMILY = (
    Key("list.filter", "slash", "/", "filter", "filter", "filter as you type: words, !word, status:fail|warn|blind"),
    Key("list.view", "v", "v", "view", "view", "open, all, new within 24 hours, waived, resolved"),
    Key("list.sort", "s", "s", "sort", "sort", "sort by worst, since, label, reason, check, source"),
    Key("list.reverse", "equals_sign", "=", "reverse", "reverse", "the other way round"),
    Key("list.check", "right_square_bracket,right", "]", "next_check", "check", "only the next check of the family"),
    Key("list.check_back", "left_square_bracket,left", "[", "previous_check", "check", "only the previous check"),
    Key("move.next_bad", "n", "n", "next_bad", "next", "the next failure in the list"),
    Key("move.previous_bad", "N", "N", "previous_bad", "previous", "the previous failure in the list"),
    Key("go.panel", "1,2,3,4", "1-4", "panel", "family", "the family of that number"),
    Key("do.run", "r", "r", "run", "run now", "ask the sources of this family or check to run now", writes=True),
    RUN_ALL,
    RUNBOOK,
    COPY,
)
FINDING = (
    Key("finding.raw", "v", "v", "raw", "record", "show or hide the record as the source told it"),
    RUNBOOK,
    COPY,
    Key("do.run", "r", "r", "run", "run now", "ask the check's sources to run now", writes=True),
)
SOURCES = (
    Key("do.run", "r", "r", "run", "run now", "ask the selected source to run now", writes=True),
    RUN_ALL,
    COPY,
)


def panel_bindings() -> list[BindingType]:
    """Give the digits, which name a panel each."""
    return [Binding(str(place), f"panel({place})", show=False, id=f"go.panel{place}") for place in range(1, 5)]


def bindings(*groups: tuple[Key, ...]) -> list[BindingType]:
    """Give the bindings of several groups of keys."""
    made: list[BindingType] = [key.binding() for group in groups for key in group if key.id != "go.panel"]
    return made + panel_bindings() if any(key.id == "go.panel" for group in groups for key in group) else made
