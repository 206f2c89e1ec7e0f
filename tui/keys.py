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

    @property
    def first_action(self) -> str:
        """Give the action; of one that takes the digit that was pressed, with the first digit."""
        return f"{self.action}({self.keys.partition(',')[0]})" if self.action == "panel" else self.action

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
    Key("go.history", "h", "h", "app.history", "history", "what became of the selected check, or of all"),
    Key("go.events", "e", "e", "app.events", "events", "what happened, newest first; of the selected source or check"),
    Key("go.waivers", "X", "X", "app.waivers", "waivers", "the waivers: in force, asked for, ended"),
    Key("go.command", "colon,ctrl+k", ":", "app.command", "command", "type a command, as on the command line"),
    Key("go.backward", "left_square_bracket", "[", "app.travel(-1)", "backward", "the view before this one, as it was"),
    Key("go.forward", "right_square_bracket", "]", "app.travel(1)", "forward", "the view after this one, as it was"),
    Key("go.last", "minus", "-", "app.last", "last view", "between this view and the last one"),
    Key("go.help", "question_mark,f1", "?", "app.help", "help", "the keys of this screen, to be searched and run"),
    Key("app.quit", "q", "q", "app.leave", "quit", "quit; ctrl+c twice within two seconds does the same"),
    Key("do.zoom", "z", "z", "zoom", "zoom", "the panel that has the cursor alone, and back"),
    Key("do.zone", "T", "T", "app.zone", "UTC/local", "times in UTC, or in the terminal's own zone"),
    Key(
        "do.theme", "ctrl+t", "ctrl+t", "app.theme", "theme", "the next theme: dark, light, the terminal's own colours"
    ),
)
RUN_ALL = Key("do.run_all", "R", "R", "run_all", "run all", "ask every source to run now (asks first)", writes=True)
COPY = Key("do.copy", "y", "y", "copy", "copy", "copy what is selected (OSC 52)")
PAUSE = Key(
    "do.pause", "p", "p", "pause_check", "pause…", "pause the check for a while, with a reason; or resume", writes=True
)
ACK = Key("do.ack", "a", "a", "ack", "ack…", "acknowledge the finding, or all marked, with a note", writes=True)
RUNBOOK = Key("do.runbook", "o", "o", "runbook", "runbook", "show and copy the runbook's address")
WAIVE = Key("waiver.request", "x", "x", "waive", "waive…", "request a waiver of what is selected (a form)", writes=True)
FAMILY_OF = Key("go.panel", "1,2,3,4", "1-4", "panel", "family", "the family of that number")
OVERVIEW = (
    Key("go.panel", "1,2,3,4", "1-4", "panel", "panel", "the panel of that number; again opens its family"),
    Key("overview.changed", "d", "d", "changed", "24h", "which checks changed their state since yesterday; and back"),
    Key("move.next_bad", "n", "n", "next_bad", "next", "the next thing that does not pass"),
    Key("move.previous_bad", "N", "N", "previous_bad", "previous", "the previous thing that does not pass"),
    Key("do.run", "r", "r", "run", "run now", "ask the selected row's sources to run now", writes=True),
    RUN_ALL,
    PAUSE,
    WAIVE,
    RUNBOOK,
    COPY,
)
FAMILY = (
    Key("list.filter", "slash", "/", "filter", "filter", "filter as you type: words, !word, ~regex, status: owner: …"),
    Key("list.view", "v", "v", "view", "view", "open, all, new within 24 hours, waived, resolved"),
    Key("list.sort", "s", "s", "sort", "sort…", "sort by a column; the same one again reverses"),
    Key("list.reverse", "equals_sign", "=", "reverse", "reverse", "the other way round"),
    Key("list.sort_left", "less_than_sign", "<", "sort_beside(-1)", "sort", "sort by the column to the left"),
    Key("list.sort_right", "greater_than_sign", ">", "sort_beside(1)", "sort", "sort by the column to the right"),
    Key("list.columns", "c", "c", "columns", "columns…", "show, hide and reorder columns; kept for each view"),
    Key("list.shift_right", "shift+right", "shift+→", "shift(1)", "scroll", "columns that do not fit, to the right"),
    Key("list.shift_left", "shift+left", "shift+←", "shift(-1)", "scroll", "columns that do not fit, to the left"),
    Key("list.freeze", "f", "f", "freeze", "freeze", "leave the list as it is, and count what changes; or go on"),
    Key("mark.one", "space", "space", "mark", "mark", "mark the finding, or no longer; then the next row"),
    Key("mark.all", "asterisk", "*", "mark_all", "mark all", "mark all that match, however many"),
    Key("mark.none", "U", "U", "unmark", "unmark", "no finding is marked any more"),
    Key("list.export", "w", "w", "export", "export…", "write the filtered or marked findings to a file; or stop it"),
    Key("list.check", "right", "→", "next_check", "check", "only the next check of the family"),
    Key("list.check_back", "left", "←", "previous_check", "check", "only the previous check"),
    Key("move.next_bad", "n", "n", "next_bad", "next", "the next failure in the list"),
    Key("move.previous_bad", "N", "N", "previous_bad", "previous", "the previous failure in the list"),
    Key("list.alike", "l", "l", "alike", "alike", "only the findings of the same check with the same reason"),
    Key("detail.down", "J,ctrl+down", "J", "scroll_detail(1)", "scroll", "the page beside the list, down"),
    Key("detail.up", "K,ctrl+up", "K", "scroll_detail(-1)", "scroll", "the page beside the list, up"),
    FAMILY_OF,
    Key("do.run", "r", "r", "run", "run now", "ask the sources of this family or check to run now", writes=True),
    RUN_ALL,
    PAUSE,
    ACK,
    WAIVE,
    RUNBOOK,
    Key("do.copy", "y", "y", "copy", "copy…", "copy the id, the label, the row, or what is marked (OSC 52)"),
)
FINDING = (
    Key("finding.previous", "left", "←", "neighbour(-1)", "previous", "the previous finding of the list"),
    Key("finding.next", "right", "→", "neighbour(1)", "next", "the next finding of the list"),
    Key("finding.similar", "equals_sign", "=", "similar", "similar", "the check's findings with the same reason"),
    Key("finding.raw", "v", "v", "raw", "record", "show or hide the record as the source told it"),
    ACK,
    PAUSE,
    WAIVE,
    RUNBOOK,
    COPY,
    Key("do.run", "r", "r", "run", "run now", "ask the check's sources to run now", writes=True),
    FAMILY_OF,
)
SOURCES = (
    Key("do.run", "r", "r", "run", "run now", "ask the selected source to run now", writes=True),
    RUN_ALL,
    Key("source.accept", "A", "A", "accept", "accept…", "accept that the source tells of fewer subjects", writes=True),
    WAIVE,
    COPY,
    FAMILY_OF,
)
EVENTS = (
    Key("list.filter", "slash", "/", "filter", "filter", "filter as you type: words, !word, kind:state,source"),
    Key("events.kinds", "K", "K", "kinds", "kinds", "only state, source, finding, waiver, operator, … events"),
    Key("events.range", "t", "t", "range", "range", "of any time, of the last hour, 24 hours, 7 days, 30 days"),
    Key("events.follow", "f", "f", "follow", "follow", "keep the cursor on the newest, or leave it where it is"),
    Key("events.pause", "p", "p", "hold", "pause view", "leave the list as it is, and count what is new"),
    Key("events.all", "U", "U", "all_objects", "all objects", "of every source and check, and of any time, again"),
    COPY,
    FAMILY_OF,
)
WAIVERS = (
    WAIVE,
    Key("waiver.approve", "a", "a", "approve", "approve…", "approve the request; another person asked", writes=True),
    Key("waiver.reject", "R", "R", "reject", "reject…", "turn down the request; another person asked", writes=True),
    Key("waiver.extend", "E", "E", "extend", "extend…", "ask for the waiver to go on: a request like it", writes=True),
    Key("waiver.revoke", "K", "K", "revoke", "revoke…", "end the waiver now, with a reason", writes=True),
    Key("waiver.log", "v", "v", "log", "log", "what became of it and which findings it names, or everything"),
    Key("list.filter", "slash", "/", "filter", "filter", "filter as you type: words, !word, status:requested|…"),
    COPY,
    RUNBOOK,
    FAMILY_OF,
)
HISTORY = (
    Key("history.later", "right", "←→", "cell(1)", "day", "one cell later; a line tells what it was"),
    Key("history.earlier", "left", "←", "cell(-1)", "earlier", "one cell earlier"),
    Key("history.range", "t", "t", "range", "range", "1h, 24h, 7d, 30d, 90d, 365d; the audit period once it is named"),
    Key("history.closer", "plus,equals_sign", "+_", "closer(1)", "zoom", "look closer at the cursor's cell"),
    Key("history.further", "underscore", "_", "closer(-1)", "zoom out", "look from further away"),
    Key("history.difference", "d", "d", "difference", "diff", "what the cursor's day changed, of all checks; and back"),
    Key("history.ahead", "v", "v", "ahead", "ages, ends", "backup ages against RPO, and what ends next; and back"),
    Key("history.pack", "w", "w", "pack", "pack…", "an evidence pack of the range: JSON, CSV, SHA-256; asks where"),
    Key("history.period", "P", "P", "period", "audit period…", "name the first and the last day of a period"),
    Key("history.breaches", "b", "b", "breaches", "breaches", "the list of breaches: start, end, how long; and back"),
    Key("history.next", "n", "n", "breach(1)", "next", "the beginning of the next breach"),
    Key("history.previous", "N", "N", "breach(-1)", "previous", "the beginning of the previous breach"),
    Key("history.expand", "space", "space", "expand", "checks", "the checks of the family, or the family alone"),
    PAUSE,
    RUNBOOK,
    COPY,
    FAMILY_OF,
)
HELP = (
    Key("help.search", "slash", "/", "search", "search", "search the keys"),
    Key("help.list", "down", "↓", "into_list", "list", "go into the list"),
    Key("help.run", "enter", "↵", "do", "do it", "do what the row says"),
)
COMMAND = (
    Key("command.complete", "tab", "tab", "complete", "complete", "complete the word, or take the next one"),
    Key("command.earlier", "up", "↑", "earlier", "earlier", "the command before this one"),
    Key("command.later", "down", "↓", "later", "later", "the command after this one"),
    Key("command.run", "enter", "↵", "run", "do it", "do what is typed"),
    Key("command.cancel", "escape", "esc", "cancel", "cancel", "close the command line"),
)
MENU = (
    Key("menu.pick", "enter", "↵", "pick", "pick", "what the row says"),
    Key("menu.cancel", "escape", "esc", "cancel", "cancel", "leave everything as it was"),
)
COLUMNS_MENU = (
    Key("columns.toggle", "space", "space", "show_or_hide", "show/hide", "show the column, or hide it"),
    Key("columns.down", "J", "J", "shift(1)", "down", "move the column down"),
    Key("columns.up", "K", "K", "shift(-1)", "up", "move the column up"),
    Key("columns.automatic", "U", "U", "automatic", "automatic", "the columns that fit by themselves"),
    *MENU,
)
INIT = (
    Key("init.add", "a", "a", "add", "add…", "add what is selected, as ↵ does: a form, filled with what was found"),
    Key("init.again", "t", "t", "again", "test again", "test the selected source again"),
    Key("init.drop", "d,delete", "d", "drop", "leave out", "leave the selected source out of the file"),
    Key("init.preview", "v", "v", "preview", "the file", "show the file as it would be written"),
    Key("init.write", "w", "w", "write", "write", "write the file; it never overwrites one"),
)
FORM = (
    Key("form.next", "tab,down", "tab", "next", "next", "the next field"),
    Key("form.previous", "shift+tab,up", "shift+tab", "previous", "previous", "the previous field"),
    Key("form.enter", "enter", "↵", "enter", "next, or done", "the next field; in the last one, done"),
    Key("form.send", "ctrl+s,ctrl+enter", "ctrl+s", "send", "done", "done, from any field"),
    Key("form.cancel", "escape", "esc", "cancel", "cancel", "leave everything as it was"),
)


def panel_bindings() -> list[BindingType]:
    """Give the digits, which name a panel each."""
    return [Binding(str(place), f"panel({place})", show=False, id=f"go.panel{place}") for place in range(1, 5)]


def bindings(*groups: tuple[Key, ...]) -> list[BindingType]:
    """Give the bindings of several groups of keys."""
    made: list[BindingType] = [key.binding() for group in groups for key in group if key.id != "go.panel"]
    return made + panel_bindings() if any(key.id == "go.panel" for group in groups for key in group) else made
