"""A form takes the foot of the screen: labelled fields, each fault in its place; esc leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input

from tui.format import clean, fit, wrap
from tui.keys import FORM, Key, bindings
from tui.lines import Line, Span, line, rule
from tui.screens.once import Once
from tui.widgets.bars import Footer, Strips
from tui.widgets.painted import Painted
from tui.widgets.typed import Typed
from tui.work import Answered

Values = Mapping[str, str]
"""What was typed or picked, by the field's name; stripped, but a secret as it is."""
Fault = Callable[[str, Values], str]
"""From a field's value and all values: what is wrong with it, empty when nothing is."""
Deed = Callable[[Values, Answered], object]
"""Asks for something with the values; what becomes of it is given to the form."""
LABEL_WIDTH = 18
REFUSAL_LINES = 3
"""Lines of what became of what was asked, where that was refused."""
LONGEST = 2_000
"""Characters that a field takes."""


def _well(_value: str, _values: Values) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One line of a form."""

    name: str
    """Key of its value."""
    label: str
    value: str = ""
    """What stands there at first."""
    hint: str = ""
    """Told while the cursor is in it."""
    choices: Sequence[str] = ()
    """One of these is picked; empty: text is typed."""
    secret: bool = False
    """Typed, but never shown."""
    fault: Fault = _well


def needed(say: str) -> Fault:
    """Refuse an empty value, with a sentence."""
    return lambda value, _values: "" if value else say


def at_least(characters: int, say: str) -> Fault:
    """Refuse a text that is too short, with a sentence."""
    return lambda value, _values: "" if len(value) >= characters else f"{say} ({len(value)} of {characters})"


def whole(low: int, high: int, unit: str) -> Fault:
    """Refuse what is not a whole number between two."""

    def fault(value: str, _values: Values) -> str:
        good = value.isascii() and value.isdigit() and len(value) < 10 and low <= int(value) <= high
        return "" if good else f"a whole number of {unit} from {low} to {high}"

    return fault


class Choice(Painted, can_focus=True):
    """One of a few words; space and arrows take the next."""

    ALLOW_SELECT = False

    def __init__(self, choices: Sequence[str], value: str, picked: Callable[[], None]) -> None:
        super().__init__(classes="choice")
        self._choices = choices
        self.value = value if value in choices else choices[0]
        self._picked = picked

    def lines(self) -> Sequence[Line]:
        """Show all words, the picked one marked."""
        shown = [
            Span(f"({'*' if each == self.value else ' '}) {each}  ", "strong" if each == self.value else "dim")
            for each in self._choices
        ]
        return [tuple(shown)]

    def takes_key(self, key: events.Key) -> bool:
        """Take another word."""
        way = {"space": 1, "right": 1, "left": -1}.get(key.key)
        if way is not None:
            self._step(way)
        return way is not None

    async def on_click(self, _event: events.Click) -> None:
        """Take the next word."""
        self._step(1)

    def _step(self, way: int) -> None:
        at = self._choices.index(self.value) + way
        self.value = self._choices[at % len(self._choices)]
        self.redraw()
        self._picked()


class Form(Once, ModalScreen[Values | None]):
    """Gives the values once all of them are good; None when it was cancelled.

    ``about`` is drawn above the fields for their present values and a width. ``changed`` is called with the form when
    it opens and after each change, to work out (in a worker) what ``about`` tells; ``redraw_about`` shows it.

    With a ``deed`` it stays until that is answered, takes no key meanwhile but the one that leaves it, and goes on as
    it was filled in where that was refused or went wrong.
    """

    AUTO_FOCUS = None
    BINDINGS: ClassVar[list[BindingType]] = bindings(FORM)
    KEYS: ClassVar[tuple[Key, ...]] = FORM

    def __init__(
        self,
        title: str,
        fields: Sequence[Field],
        *,
        about: Callable[[Values, int], Sequence[Line]] | None = None,
        changed: Callable[[Form], None] | None = None,
    ) -> None:
        super().__init__()
        self._fields = fields
        self._about = about
        self._changed = changed
        self.deed: Deed | None = None
        """What asks for something with the values; None: they are given to whoever opened the form."""
        self._asked: Values | None = None
        """With what it asks; None while it does not."""
        self._refusal = ""
        """What became of it, where that was not done."""
        self._is_done = False
        """Whether it was done while another screen was above this one."""
        self._left: set[str] = set()
        """Fields that were left, whose faults may be told."""
        head = line(Span(clean(title), "strong"))
        self._rule = Strips(lambda width: [rule(head, (), width, "focus")], id="form-title")
        self._told = Strips(self._about_lines, id="form-about")
        self._inputs: dict[str, Input | Choice] = {each.name: self._input(each) for each in fields}
        self._labels = Strips(lambda _width: [self._label(each) for each in fields], id="form-labels")
        self._rows = Horizontal(self._labels, Vertical(*self._inputs.values(), id="form-inputs"), id="form-rows")
        self._room = Vertical(self._rows, id="form-fields")
        self._hint = Strips(self._hint_lines, id="form-hint")
        self._foot = Footer(lambda: [*FORM[2:4], FORM[0], FORM[4]], id="foot")

    def _input(self, field: Field) -> Input | Choice:
        if field.choices:
            return Choice(field.choices, field.value, self._again)
        return Typed(clean(field.value, LONGEST), password=field.secret, max_length=LONGEST)

    def compose(self) -> ComposeResult:
        """Put title, what it is about, fields, the hint and the keys at the foot."""
        self._rows.styles.height = len(self._fields)
        self._fit()
        yield Vertical(self._rule, self._told, self._room, self._hint, id="form")
        yield self._foot

    def on_mount(self) -> None:
        """Start in the first field that is empty."""
        empty = (each.name for each in self._fields if not each.choices and not each.value)
        self.set_focus(self._inputs[next(empty, self._fields[0].name)])
        self._again()

    @property
    def values(self) -> Values:
        """Give the present values."""
        secret = {each.name for each in self._fields if each.secret}
        return {name: each.value if name in secret else each.value.strip() for name, each in self._inputs.items()}

    @property
    def faults(self) -> Values:
        """Give what is wrong, by field; a field that is well is not among them."""
        values = self.values
        found = {each.name: each.fault(values[each.name], values) for each in self._fields}
        return {name: fault for name, fault in found.items() if fault}

    def redraw_about(self) -> None:
        """Draw what it is about again."""
        if self.is_mounted:
            self._fit()
            self._told.redraw()

    def on_screen_resume(self, event: events.ScreenResume) -> None:  # noqa: ARG002 - Textual calls ``Once``'s, too
        """Leave when what was asked was done meanwhile."""
        self._leave_when_done()

    def on_resize(self) -> None:
        """Fit the terminal."""
        self._fit()

    def _fit(self) -> None:
        """Give the sheet the height that it needs, or the whole screen."""
        size = self.app.size
        told = len(self._about_lines(size.width))
        self._told.styles.height = told
        self._told.display = told > 0
        below = len(self._hint_lines(size.width))
        self._hint.styles.height = below
        room = max(1, size.height - told - below - 2)
        self._room.styles.height = min(len(self._fields), room)

    def _about_lines(self, width: int) -> Sequence[Line]:
        told = self._about(self.values, max(10, width)) if self._about is not None else ()
        return told[: max(0, self.app.size.height - len(self._fields) - 3)]

    def _label(self, field: Field) -> Line:
        lit = self._inputs[field.name].has_focus
        bad = field.name in self._left and field.name in self.faults
        mark = Span("✖ " if bad else "▌ " if lit else "  ", "fail" if bad else "mark")
        return line(mark, Span(fit(field.label, LABEL_WIDTH - 2), "strong" if lit else "dim"))

    def _hint_lines(self, width: int) -> list[Line]:
        """Tell that the engine is asked, or what it said; else the fault of the field under the cursor, or its hint."""
        if self._asked is not None:
            return [line(Span("  … asking the engine; it goes on when this is left", "dim"))]
        if self._refusal:
            refused = wrap(clean(self._refusal, LONGEST), max(10, width - 4))[:REFUSAL_LINES]
            return [line(Span(f"  {each}", "fail")) for each in refused]
        field = self._here
        fault = self.faults.get(field.name, "") if field.name in self._left else ""
        told = wrap(fault or field.hint, max(10, width - 4))[:1] or [""]
        return [line(Span("  ✖ " if fault else "  ", "fail"), Span(told[0], "fail" if fault else "dim"))]

    @property
    def _here(self) -> Field:
        return next((each for each in self._fields if self._inputs[each.name].has_focus), self._fields[0])

    def _again(self) -> None:
        """Draw what depends on the values, and tell that they changed."""
        if self._changed is not None:
            self._changed(self)
        self.redraw_about()
        self._mark()

    def _mark(self) -> None:
        for widget in self.query(Strips):
            if widget is not self._told:
                widget.redraw()

    def on_input_changed(self) -> None:
        """Judge the values again; what was said of others is of the past."""
        self._refusal = ""
        self._again()

    def on_descendant_focus(self) -> None:
        """Mark the field that the cursor is in."""
        self._mark()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        """Judge the field that was left."""
        self._left |= {name for name, each in self._inputs.items() if each is event.widget}
        self._mark()

    def on_input_submitted(self) -> None:
        """Go on to the next field, and send from the last."""
        self.action_enter()

    def action_enter(self) -> None:
        """Go on to the next field, and send from the last."""
        if self._here is self._fields[-1]:
            self.action_send()
        else:
            self.action_next()

    def action_next(self) -> None:
        """Go to the next field."""
        self._go(1)

    def action_previous(self) -> None:
        """Go to the previous field."""
        self._go(-1)

    def _go(self, way: int) -> None:
        if self._asked is not None:
            return
        at = list(self._fields).index(self._here) + way
        self._focus(self._fields[at % len(self._fields)].name)

    def _focus(self, name: str) -> None:
        widget: Widget = self._inputs[name]
        self.set_focus(widget)  # At once: what is typed after tab in one burst belongs to this field.
        widget.scroll_visible(animate=False, immediate=True)

    def action_send(self) -> None:
        """Give the values when all are good, or ask with them; else go to the first that is not."""
        if self._asked is not None:
            return
        faults = self.faults
        self._left = set(self._inputs)
        if not faults:
            self._do(self.values)
            return
        self._focus(next(each.name for each in self._fields if each.name in faults))
        self._mark()

    def _do(self, values: Values) -> None:
        if self.deed is None:
            _ = self.dismiss(values)
            return
        self._asked, self._refusal, at = values, "", self._here.name
        self.set_focus(None)
        self._fit()
        self._mark()
        _ = self.deed(values, lambda text, role: self._answered(text, role, at))

    def _answered(self, text: str, role: str, at: str) -> bool:
        """Close, or show why it was not done and go on where the cursor was; True where that is shown here."""
        if self._asked is None or self not in self.app.screen_stack:
            return False
        if role == "fail":
            self._asked, self._refusal = None, text
            self._focus(at)
            self._fit()
            self._mark()
            return True
        self._is_done = True
        self._leave_when_done()
        return False

    def _leave_when_done(self) -> None:
        """Close once what was asked is done and no other screen is above."""
        if self._is_done and self._asked is not None and self.app.screen is self:
            values, self._asked = self._asked, None
            _ = self.dismiss(values)

    def action_cancel(self) -> None:
        """Leave everything as it was; what was asked goes on, and is told of on the page."""
        self._asked = None
        _ = self.dismiss(None)
