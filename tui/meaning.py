"""What a line typed into the command line can mean, and the names that it can be about; data alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tui.keys import Key
from tui.place import Place


@dataclass(frozen=True, slots=True)
class Go:
    """Show a place below the overview, narrowed by a filter."""

    places: Sequence[Place]
    typed: str = ""
    check: str = ""
    """The configured check whose findings are shown, instead of a place."""


@dataclass(frozen=True, slots=True)
class Act:
    """Do what a key does."""

    key: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class Take:
    """Draw otherwise from now on."""

    what: str
    """``theme`` or ``zone``."""
    value: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the engine for something; what is missing is asked of the person."""

    what: str
    """``run``, ``pause``, ``resume``, ``ack``, ``accept``, or ``waiver`` and what is done with one: ``approve`` …"""
    names: Sequence[str] = ()
    """Sources to run, or the check or source that is meant."""
    text: str = ""
    """Reason or note; empty: to be asked for."""
    span: str = ""
    """How long; empty: to be asked for."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is typed means nothing, and what would."""

    text: str


Meaning = Go | Act | Take | Ask | Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """What names there are."""

    checks: Mapping[str, str] = field(default_factory=dict)
    """Family of each configured check."""
    families: Mapping[str, str] = field(default_factory=dict)
    """Title of each family."""
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Checks of each source."""
    waivers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By what is done with one (``approve`` …), the ids of the waivers with which it can be."""
    keys: Sequence[Key] = ()
    """What the screen and every screen can do, by key."""
    read_only: bool = False
    narrowings: Callable[[str], Sequence[str]] = lambda _typed: ()
    """What the word at the end of a filter may become."""
