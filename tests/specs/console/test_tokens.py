"""The console's colors: every pair that carries a meaning has contrast enough, in both themes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

CSS: Final = (
    Path(__file__).parents[3] / "console_api" / "pages" / "static" / "console.css"
).read_text()
TOKEN: Final = re.compile(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
THEMES: Final = ("light", "dark")
TONES: Final = ("ok", "warn", "bad", "info", "idle")
TEXT_MIN: Final = 4.5
SHAPE_MIN: Final = 3.0


def tokens(theme: str) -> dict[str, str]:
    """The colors of one theme, by name."""
    return {name: (light, dark)[THEMES.index(theme)] for name, light, dark in TOKEN.findall(CSS)}


def luminance(color: str) -> float:
    """How bright a color is, by WCAG 2."""
    channels = [int(color[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def pairs() -> Iterator[tuple[str, str, float]]:
    """What stands on what, and how much they must differ."""
    for ground in ("bg", "surface", "sunk"):
        for text in ("text", "text2", "text3", "accent", *TONES):
            yield text, ground, TEXT_MIN
    for tone in (*TONES, "accent"):
        yield tone, f"{tone}-soft", TEXT_MIN
        yield "text", f"{tone}-soft", TEXT_MIN
    yield "text2", "accent-soft", TEXT_MIN
    yield "accent-fg", "accent", TEXT_MIN
    yield "kill-fg", "kill", TEXT_MIN
    yield "kill", "kill-fg", TEXT_MIN
    yield "bg", "text", TEXT_MIN
    for ground in ("bg", "surface"):
        for shape in ("line-strong", "series1", "series2", "series3", "accent"):
            yield shape, ground, SHAPE_MIN


@pytest.mark.parametrize("theme", THEMES)
def test_every_pair_has_contrast_enough(theme: str) -> None:
    colors = tokens(theme)
    low = {
        f"{one} on {other}": round(found, 2)
        for one, other, least in pairs()
        if (found := contrast(colors[one], colors[other])) < least
    }
    assert low == {}


def test_every_color_is_a_token() -> None:
    rest = CSS[CSS.index("@layer reset {") :]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b", rest) == []
    used = set(re.findall(r"var\(--([\w-]+)\)", CSS))
    known = set(re.findall(r"--([\w-]+):", CSS))
    assert used <= known


def test_the_measure_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)
