"""What a value looks like: the screen's own Okabe–Ito hues, with green kept for what is proven.

Grafana colours a missing value with the lowest threshold, so the lowest threshold of every scale here is the hue of
blindness. What is in order yet proves nothing about a control (a fresh snapshot, a source that answers) is calm, and
never green.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.models.dashboard import (
    DashboardSpecialValueMapOptions,
    FieldColor,
    FieldColorModeId,
    FieldConfig,
    SpecialValueMap,
    SpecialValueMatch,
    Threshold,
    ThresholdsConfig,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from tui.theme import DARK, HUES

GREEN: Final = HUES[DARK].passed
"""Held. Only what ``controlwatch_held`` says may have it."""
FAIL: Final = HUES[DARK].fail
WARN: Final = HUES[DARK].warn
BLIND: Final = HUES[DARK].blind
"""Nobody knows; as bad as failing, and told apart from it."""
WAIVED: Final = HUES[DARK].waived
CALM: Final = HUES[DARK].focus
"""In order, without a claim about any control."""
ENDED: Final = -1e12
"""Below any time that can be left: what has ended fails, and is not taken for a missing value."""
NO_DATA: Final = "NO DATA"


@dataclass(frozen=True, slots=True)
class Word:
    """A value's name and hue."""

    text: str
    hue: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How values read: unit, hues from a value upwards, and words for single values."""

    unit: str
    """Grafana's id of the unit."""
    steps: tuple[tuple[float, str], ...] = ()
    """(From this value on, this hue), ascending; below the first, and without a value: blind."""
    words: Mapping[str, Word] = field(default_factory=dict)
    """Value or text, and what to show instead."""
    missing: str = NO_DATA
    """What to show when there is no value."""
    decimals: float | None = None
    highest: float | None = None
    """Upper end of a bar; None: Grafana's own choice."""

    def thresholds(self) -> ThresholdsConfig:
        """Give the hues, blindness lowest."""
        steps = [Threshold(None, BLIND), *(Threshold(value, hue) for value, hue in self.steps)]
        return ThresholdsConfig(mode=ThresholdsMode.ABSOLUTE, steps=steps)

    def mappings(self) -> list[ValueMapping]:
        """Give the words, that of a missing value last."""
        options = {
            value: ValueMappingResult(text=word.text, color=word.hue, index=index)
            for index, (value, word) in enumerate(self.words.items())
        }
        nothing = ValueMappingResult(text=self.missing, color=BLIND, index=len(options))
        special = DashboardSpecialValueMapOptions(match=SpecialValueMatch.NULL_AND_NAN, result=nothing)
        return [*([ValueMap(options=options)] if options else []), SpecialValueMap(options=special)]

    def field(self) -> FieldConfig:
        """Give the defaults of a panel whose values are coloured by themselves."""
        return FieldConfig(
            unit=self.unit,
            decimals=self.decimals,
            min_val=None if self.highest is None else 0,
            max_val=self.highest,
            no_value=self.missing,
            thresholds=self.thresholds(),
            mappings=self.mappings(),
            color=FieldColor(mode=FieldColorModeId.THRESHOLDS),
        )


def truth(good: str, bad: str, *, hue: str = CALM, bad_hue: str = FAIL) -> Scale:
    """Give the scale of a 0 or 1, of which 1 is good."""
    return Scale(unit="none", words={"1": Word(good, hue), "0": Word(bad, bad_hue)})


def age(warned: float, failed: float) -> Scale:
    """Give the scale of an age in seconds; a negative one, by a clock that is ahead, is bad."""
    return Scale(unit="s", decimals=0, steps=((ENDED, FAIL), (-60, CALM), (warned, WARN), (failed, FAIL)))


def left(warned: float) -> Scale:
    """Give the scale of seconds left, warned below so many."""
    return Scale(unit="s", decimals=1, steps=((ENDED, FAIL), (0, WARN), (warned, CALM)))


def none_wanted(hue: str = FAIL) -> Scale:
    """Give the scale of a count that should be zero; without a value it is bad as well."""
    return Scale(unit="short", decimals=0, steps=((0, CALM), (1, hue)))


RATIO: Final = Scale(unit="percentunit", decimals=1)
COUNT: Final = Scale(unit="short", decimals=0)
SECONDS: Final = Scale(unit="s")
BYTES: Final = Scale(unit="bytes")
RATE: Final = Scale(unit="reqps")
SINCE: Final = Scale(unit="dateTimeFromNow", missing="never")
"""Instants in milliseconds, as "3 hours ago"."""
HELD: Final = Scale(
    unit="none",
    missing="UNOBSERVED",
    words={"1": Word("held", GREEN), "0": Word("NOT HELD", FAIL), "-1": Word("UNOBSERVED", BLIND)},
)
"""Whether a control or a check is held; -1: its engine is not heard."""
HELD_RATIO: Final = Scale(unit="percentunit", decimals=0, steps=((0, FAIL), (1, GREEN)))
"""Share of the checks that are held; green when it is all of them."""
VERDICTS: Final = Scale(
    unit="none",
    missing="UNOBSERVED",
    words={
        "4": Word("held", GREEN),
        "3": Word("waived", WAIVED),
        "2": Word("NOT PROVEN", BLIND),
        "1": Word("BLIND", BLIND),
        "0": Word("FAILS", FAIL),
        "-1": Word("UNOBSERVED", BLIND),
    },
)
"""A check in one number, the worst lowest."""
STATES: Final = Scale(
    unit="string",
    missing="UNOBSERVED",
    words={
        "fail": Word("FAIL", FAIL),
        "unknown": Word("UNKNOWN", BLIND),
        "stale": Word("STALE", BLIND),
        "pending": Word("PENDING", BLIND),
        "waived": Word("waived", WAIVED),
        "warn": Word("warn", WARN),
        "pass": Word("pass", CALM),
    },
)
"""A state as the engine derived it; pass is not green here, since only a proof that has not ended is."""
