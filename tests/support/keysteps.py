"""What a step of the table of keys is, and the steps that several screens share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from tui.keymap import screen_keys
from tui.keys import Key

Way = Sequence[tuple[str, str]]
"""A key, and the pattern that is on the screen once it was obeyed, or after ``GONE`` is not; then the next."""
GONE: Final = "not: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What a key does, shown by one of ``seen``, ``gone``, ``cursor``, ``body``, ``painted`` and ``copies``."""

    seen: str = ""
    """A pattern that was not on the screen before."""
    gone: str = ""
    """A pattern that was."""
    cursor: Literal[-1, 0, 1] = 0
    """Where the cursor's mark goes: down or up."""
    body: bool = False
    """Whether the text between header and footer changes."""
    painted: bool = False
    """Whether the colours change, and no text does."""
    copies: bool = False
    """Whether something is sent to the terminal's clipboard."""
    stays: bool = False
    """The screen is there already: the key is obeyed, and nothing else is on the screen."""
    before: Way = ()
    """What makes the key's effect visible."""
    back: Way = ()
    """What undoes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A program that shows a screen, and what its keys do there."""

    screen: str
    """The name of its keys in ``tui.keys``, in small letters."""
    steps: Mapping[str, Step]
    """By the key's id."""
    way: Way = ()
    """How to get there from the overview."""
    home: str
    """A pattern that is on the screen there, and on no other."""
    name: str = ""
    """Else that of the screen."""
    ready: str = "LIVE"
    """A pattern that is on the screen once the program has begun."""
    words: Sequence[str] = ("mixed", "300", "unicode", "stops")
    size: tuple[int, int] = (132, 40)

    @property
    def writes(self) -> list[Key]:
        """Give the keys that ask something of the engine."""
        return [key for key in screen_keys()[self.screen] if key.writes and key.id in self.steps]


OVERVIEW: Final = r"\A controlwatch(?! ▸)"
FAMILY: Final = r"\A controlwatch ▸ MFA coverage(?! ▸)"
FINDING: Final = r"\A (controlwatch . MFA coverage . )?workforce-mfa"
SOURCES: Final = r"\A controlwatch ▸ Sources"
HISTORY: Final = r"\A controlwatch ▸ History"
EVENTS: Final = r"\A controlwatch ▸ Events"
WAIVERS: Final = r"\A controlwatch ▸ Waivers"
FAMILY_NARROW: Final = r"\A MFA coverage"
KEYS: Final = "^╭─ Keys "
CHARACTER_KEYS: Final = {" ": "space", ":": "colon", "\b": "backspace"}
INIT: Final = r"\A controlwatch ▸ init"
FORM: Final = r"next, or done"
MENU: Final = r"↵ pick"


def everywhere(home: str, *, up: str = OVERVIEW) -> dict[str, Step]:
    """Tell what the keys do that work on every screen; ``up`` is the screen above."""
    elsewhere, back = ("S", SOURCES) if home != SOURCES else ("X", WAIVERS), (("left_square_bracket", home),)
    found = {
        "go.overview": Step(seen=OVERVIEW, back=back),
        "go.sources": Step(seen=SOURCES, back=back),
        "go.history": Step(seen=HISTORY, back=back),
        "go.events": Step(seen=EVENTS, back=back),
        "go.waivers": Step(seen=WAIVERS, back=back),
        "go.command": Step(seen="tab completes", back=(("escape", home),)),
        "go.backward": Step(seen=home, before=(elsewhere,)),
        "go.forward": Step(seen=elsewhere[1], before=(elsewhere, *back), back=back),
        "go.last": Step(seen=home, before=(elsewhere,)),
        "go.help": Step(seen=KEYS, back=(("escape", home),)),
        "go.back": Step(seen=up, back=back),
        "app.quit": Step(seen="Quit and stop the engine", back=(("n", home),)),
        "do.zone": Step(seen=r"LIVE [\d:]+\+09", back=(("T", r"LIVE [\d:]+Z"),)),
        "do.theme": Step(painted=True),
    }
    return {name: Step(stays=True) if step.seen == home and not step.before else step for name, step in found.items()}


def moves(first: str, last: str, **more: Step) -> dict[str, Step]:
    """Tell what the keys of a list do; the patterns say that the cursor is on its first and on its last row."""
    top, bottom = (("g", first),), (("G", last),)
    return {
        "move.down": Step(cursor=1, before=top),
        "move.up": Step(cursor=-1, before=bottom),
        "move.top": Step(seen=first, before=bottom),
        "move.bottom": Step(seen=last, before=top),
        "move.page_up": Step(cursor=-1, before=bottom),
        "move.page_down": Step(cursor=1, before=top),
        **more,
    }


def scrolls(first: str, last: str) -> dict[str, Step]:
    """Tell what they do in a page of text, which has no cursor."""
    top, bottom = ("g", first), ("G", last)
    return {
        name: replace(
            step, cursor=0, body=bool(step.cursor), before=(bottom, top) if step.before == (top,) else (top, bottom)
        )
        for name, step in moves(first, last).items()
    }


STAYS: Final = Step(stays=True)
ESCAPE: Final = (("escape", ""),)
ASKED: Final[Mapping[str, Step]] = {
    "do.run_all": Step(seen=r"Run all 7 sources now\?", back=(("n", ""),)),
    "do.run": Step(seen=r"runs now|\d done"),
    "do.pause": Step(seen="Pause .*BLIND", back=ESCAPE),
    "do.ack": Step(seen="Acknowledge", back=ESCAPE),
    "waiver.request": Step(seen="Request a waiver", back=ESCAPE),
    "do.runbook": Step(seen=r"runbook https://\S+ \(copied\)", copies=True),
    "do.copy": Step(seen="copied ", copies=True),
}
"""Keys that several screens have."""


def asked(*names: str) -> dict[str, Step]:
    """Tell what some of them do."""
    return {name: ASKED[name] for name in names}


def panels(home: str) -> dict[str, Step]:
    """Tell what the digits do on every screen but the overview: each shows a family."""
    names = ("MFA coverage", "Stale access", "Backup freshness", "Attestations & TLS")
    back = (("left_square_bracket", home),)
    return {
        f"go.panel{place}": Step(seen=rf"\A controlwatch ▸ {name}", back=back) for place, name in enumerate(names, 1)
    }
