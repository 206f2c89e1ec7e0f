"""The command line at the foot of the screen: completion, history, and faults that say what is allowed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from tui.actor import actor
from tui.commandline import Suggestion, parse, suggestions
from tui.filters import Scope
from tui.filters import suggestions as narrowings
from tui.format import clean, fit, wrap
from tui.keymap import applied
from tui.keys import COMMAND, EVERYWHERE, MOVE, Key, bindings
from tui.lines import Line, Span, line, rule
from tui.meaning import Act, Ask, Fault, Go, Meaning, Take, Vocabulary
from tui.model import FAMILIES
from tui.screens import deeds
from tui.screens.once import Once
from tui.screens.page import Page
from tui.screens.waiver_deeds import waiver_by_name
from tui.waiver_page import nameable
from tui.widgets.bars import Strips
from tui.widgets.painted import Painted
from tui.widgets.typed import Typed
from tui.work import start

SHOWN_MAX = 8
"""Suggestions that are shown at once."""
WIDE = 100
"""From this width on names have more room."""
KEPT_MAX = 100
"""Commands that are remembered."""


class CommandScreen(Once, ModalScreen[None]):
    """One line to type, and what it may become above it."""

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = bindings(COMMAND)
    KEYS: ClassVar[tuple[Key, ...]] = COMMAND

    def __init__(self, page: Page, past: list[str], typed: str = "") -> None:
        super().__init__()
        self._page = page
        self._past = past
        self._at = len(past)
        """Which command of before is shown; after the last one, what was typed."""
        self._draft = typed
        self._stem: str | None = None
        """What was typed before the first completion; None while nothing is completed."""
        self._picked = 0
        self._fault = ""
        self._words = vocabulary(page)
        self._told = Strips(self._told_lines, id="suggested")
        self._mark = Strips(lambda _width: [line(Span(":", "mark"))], id="colon")
        self._prompt = Typed(typed, id="prompt", select_on_focus=False)

    def compose(self) -> ComposeResult:
        """Put the line at the foot, and what it may become above it."""
        yield Vertical(self._told, Horizontal(self._mark, self._prompt, id="typed"), id="command")

    def on_mount(self) -> None:
        """Type at once."""
        self.set_focus(self._prompt)
        self._again()
        start(self, self._learn, group="waivers")

    async def _learn(self) -> None:
        """Ask which waivers there are; without an answer none is suggested."""
        try:
            waivers = await self._page.home.port.waivers()
        except (OSError, TimeoutError):
            return
        self._words = replace(self._words, waivers=nameable(waivers, self._page.model.now, actor()))
        self._again()

    def _found(self) -> list[Suggestion]:
        return suggestions(self._prompt.value if self._stem is None else self._stem, self._words)

    def _keys(self) -> str:
        """Say which keys complete the line, bring one back, and close it."""
        named = self._page.home.keymap.named
        complete, earlier, cancel = map(named, ("command.complete", "command.earlier", "command.cancel"))
        return f"{complete} completes, {earlier} earlier, {cancel} closes"

    def _told_lines(self, width: int) -> list[Line]:
        """Tell the fault, else what the line may become."""
        head = rule(line(Span("Command", "strong")), line(Span(self._keys(), "dim")), width, "focus")
        if self._fault:
            told = wrap(self._fault, max(10, width - 4))[: self._room()]
            return [
                head,
                *(line(Span(" ✖ " if index == 0 else "   ", "fail"), Span(each)) for index, each in enumerate(told)),
            ]
        found = self._found()
        first = max(0, self._picked - SHOWN_MAX + 1) if self._stem is not None else 0
        rows = [self._row(index, each, width) for index, each in enumerate(found)][first : first + self._room()]
        more = len(found) - first - len(rows)
        if more > 0:
            rows[-1] = line(Span(f"  … {more + 1} more: type a letter of the name", "dim"))
        return [head, *rows]

    def _row(self, index: int, each: Suggestion, width: int) -> Line:
        lit = self._stem is not None and index == self._picked
        take = f"take({index})"
        return line(
            Span("▌ " if lit else "  ", "mark", take),
            Span(fit(clean(each.shown or each.line), 25 if width < WIDE else 40), "strong" if lit else "text", take),
            Span(f" {each.help}", "dim", take),
        )

    def _room(self) -> int:
        return max(1, min(SHOWN_MAX, self.size.height - 4))

    def _again(self) -> None:
        rows = (
            len(wrap(self._fault, max(10, self.size.width - 4)))
            if self._fault
            else min(len(self._found()), self._room())
        )
        self._told.styles.height = rows + 1
        self.call_after_refresh(self._told.redraw)

    def on_resize(self) -> None:
        """Fit the terminal."""
        self._again()

    def on_input_changed(self, message: Input.Changed) -> None:
        """Suggest for what is typed now."""
        if self._stem is not None and message.value != self._completed():
            self._stem = None
        self._fault = ""
        self._again()

    def _completed(self) -> str:
        found = self._found()
        return found[self._picked % len(found)].line if found else self._prompt.value

    def action_complete(self) -> None:
        """Complete the word; again, take the next that it may become."""
        found = self._found()
        if not found:
            return
        if self._stem is None:
            self._stem, self._picked = self._prompt.value, 0
        else:
            self._picked = (self._picked + 1) % len(found)
        self._put(self._completed() + (" " if len(found) == 1 else ""))
        if len(found) == 1:
            self._stem = None
        self._again()

    def action_take(self, index: int) -> None:
        """Take a suggestion that was clicked."""
        found = self._found()
        if index < len(found):
            self._stem = None
            self._put(found[index].line + " ")
            self._prompt.focus()

    def _put(self, text: str) -> None:
        self._prompt.value = text
        self._prompt.cursor_position = len(text)

    def action_earlier(self) -> None:
        """Show the command before."""
        self._remember(-1)

    def action_later(self) -> None:
        """Show the command after, in the end what was typed."""
        self._remember(1)

    def _remember(self, way: int) -> None:
        if self._at == len(self._past):
            self._draft = self._prompt.value
        goal = self._at + way
        if 0 <= goal <= len(self._past):
            self._at = goal
            self._stem = None
            self._put(self._draft if goal == len(self._past) else self._past[goal])

    def on_input_submitted(self) -> None:
        """Do what is typed."""
        self.action_run()

    def action_run(self) -> None:
        """Do what is typed, or say what is wrong with it."""
        typed = self._prompt.value.strip()
        if not typed:
            self.action_cancel()
            return
        meaning = parse(typed, self._words)
        if isinstance(meaning, Fault):
            self._fault = meaning.text
            self._again()
            return
        if self._past[-1:] != [typed]:
            self._past.append(typed)
            del self._past[:-KEPT_MAX]
        _ = self.dismiss(None)
        self._page.call_later(obey, self._page, meaning)

    def action_cancel(self) -> None:
        """Close the command line."""
        _ = self.dismiss(None)

    def draw(self) -> None:
        """Leave the line as it is."""
        for widget in self.query(Painted):
            widget.redraw()


def vocabulary(page: Page) -> Vocabulary:
    """Give the names that a screen knows."""
    model, home = page.model, page.home
    views = [item.view for item in model.items]
    scope = Scope(checks=views, now=model.now, sources=[source.name for source in model.sources])
    keys: Sequence[Key] = [*page.own_keys(), *(applied(key, home.keymap) for key in (*EVERYWHERE, *MOVE))]
    return Vocabulary(
        checks={view.name: view.family for view in views},
        families=FAMILIES,
        sources={source.name: source.checks for source in model.sources},
        keys=keys,
        read_only=home.read_only,
        narrowings=lambda typed: narrowings(typed, scope),
    )


async def obey(page: Page, meaning: Meaning) -> None:
    """Do what was meant, on the screen below."""
    match meaning:
        case Go(_, typed, check) if check:
            page.home.open_check(check, typed)
        case Go(places, typed) if places:
            page.home.stack.go(*places, typed=typed)
        case Go(_, typed):
            page.narrow(typed)
        case Act(key):
            await _act(page, key)
        case Take(what, value):
            page.home.take(what, value)
        case Ask():
            _ask(page, meaning)
        case Fault(text):
            page.say(text, "warn")


async def _act(page: Page, key_id: str) -> None:
    key = next((each for each in (*page.own_keys(), *EVERYWHERE, *MOVE) if each.id == key_id), None)
    if key is None:
        page.say(f"{key_id}: not on this screen", "warn")
    else:
        await page.act(key)


def _ask(page: Page, meaning: Ask) -> None:
    name = meaning.names[0] if meaning.names else ""
    match meaning.what:
        case "run":
            deeds.run_sources(page, meaning.names)
        case "pause":
            deeds.pause_check(page, name, meaning.text, meaning.span)
        case "resume":
            deeds.resume_check(page, name)
        case what if what.startswith("waiver "):
            waiver_by_name(page, what.removeprefix("waiver "), name)
        case "accept":
            deeds.accept_source(page, name, meaning.text)
        case _:
            page.action_ack(meaning.text)
