"""Every role has a style in every theme, and every hue can be read."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from tui.theme import ANSI, DARK, HUES, LIGHT, after, palette


def luminance(colour: str) -> float:
    """Compute the relative luminance of a CSS hex colour (WCAG 2)."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Compute the contrast of two colours (WCAG 2), 1–21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("on", ["background", "raised"])
def test_text_can_be_read(theme: str, on: str) -> None:
    """Every hue of text has a contrast of 4.5 on the background and on the cursor's row."""
    hues = asdict(HUES[theme])
    faint = {
        name for name in hues if name not in {"background", "raised", "faint"} and contrast(hues[name], hues[on]) < 4.5
    }

    assert faint == set()


@pytest.mark.parametrize("theme", [DARK, LIGHT, ANSI])
def test_each_theme_knows_each_role(theme: str) -> None:
    """A role that exists in one theme exists in all."""
    assert palette(theme).keys() == palette(DARK).keys()


def test_a_frozen_screen_shows_no_state_in_its_colour() -> None:
    """While nothing newer is known, no state looks current; warnings in chips stay loud."""
    cold = palette(DARK, frozen=True)

    assert {cold[role] for role in ("fail", "pass", "warn", "waived", "blind", "bold.fail")} == {cold["dim"]}
    assert cold["chip.fail"] == palette(DARK)["chip.fail"]


def test_themes_go_round() -> None:
    """One key reaches every theme."""
    assert [after(DARK), after(LIGHT), after(ANSI)] == [LIGHT, ANSI, DARK]
