"""The theme can be read: WCAG 2.2 contrast of every pair of colours that text is set in."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

CONFIG = Path(__file__).parent.parent / ".streamlit" / "config.toml"
SETTINGS: dict[str, Any] = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
THEME = SETTINGS["theme"]
MODES = ("light", "dark")
HUES = ("red", "orange", "yellow", "blue", "green", "violet", "gray")
AA_TEXT = 4.5
AA_LARGE_AND_SHAPES = 3.0


def linear(colour: str) -> list[float]:
    assert len(colour) == 7
    assert colour[0] == "#"
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]


def contrast(one: str, other: str) -> float:
    """Contrast ratio, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    luminances = [
        0.2126 * red + 0.7152 * green + 0.0722 * blue
        for red, green, blue in (linear(one), linear(other))
    ]
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_the_formula_against_known_ratios() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)
    assert contrast("#336699", "#336699") == 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ground", ["backgroundColor", "secondaryBackgroundColor"])
@pytest.mark.parametrize("text", ["textColor", "linkColor", *(f"{hue}TextColor" for hue in HUES)])
def test_text_on_its_grounds(mode: str, ground: str, text: str) -> None:
    assert contrast(THEME[mode][text], THEME[mode][ground]) >= AA_TEXT


@pytest.mark.parametrize("mode", MODES)
def test_running_text_is_far_above_the_minimum(mode: str) -> None:
    assert contrast(THEME[mode]["textColor"], THEME[mode]["backgroundColor"]) >= 12


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hue", HUES)
def test_text_in_a_box_of_its_own_hue(mode: str, hue: str) -> None:
    theme = THEME[mode]
    assert contrast(theme[f"{hue}TextColor"], theme[f"{hue}BackgroundColor"]) >= AA_TEXT
    assert contrast(theme["textColor"], theme[f"{hue}BackgroundColor"]) >= AA_TEXT


@pytest.mark.parametrize("mode", MODES)
def test_code_in_its_box(mode: str) -> None:
    theme = THEME[mode]
    assert contrast(theme["codeTextColor"], theme["codeBackgroundColor"]) >= AA_TEXT


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("colour", ["primaryColor", *(f"{hue}Color" for hue in HUES)])
def test_shapes_stand_out(mode: str, colour: str) -> None:
    for ground in ("backgroundColor", "secondaryBackgroundColor"):
        assert contrast(THEME[mode][colour], THEME[mode][ground]) >= AA_LARGE_AND_SHAPES


@pytest.mark.parametrize("mode", MODES)
def test_white_on_a_primary_button(mode: str) -> None:
    assert contrast("#ffffff", THEME[mode]["primaryColor"]) >= AA_TEXT


# Machado, Oliveira & Fernandes 2009, "A physiologically-based model for simulation of color vision
# deficiency", severity 1.0, applied to linear RGB.
BLINDNESS = {
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "tritanopia": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}


def lab(linear_rgb: list[float]) -> list[float]:
    """CIE L*a*b* under D65 from linear sRGB."""
    red, green, blue = (min(1.0, max(0.0, c)) for c in linear_rgb)
    xyz = (
        (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047,
        0.2126 * red + 0.7152 * green + 0.0722 * blue,
        (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883,
    )
    x, y, z = (c ** (1 / 3) if c > 0.008856 else 7.787 * c + 16 / 116 for c in xyz)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


def difference_seen_by(blindness: str, one: str, other: str) -> float:
    """CIE76 distance of two colours to somebody with this colour blindness; 2.3 is just seen."""
    seen = [
        lab(
            [
                sum(w * c for w, c in zip(row, linear(colour), strict=True))
                for row in BLINDNESS[blindness]
            ]
        )
        for colour in (one, other)
    ]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_negative_and_positive_differ_for_every_viewer(mode: str, blindness: str) -> None:
    theme = THEME[mode]
    assert difference_seen_by(blindness, theme["blueColor"], theme["orangeColor"]) > 40


@pytest.mark.parametrize("blindness", ["protanopia", "deuteranopia"])
def test_the_simulation_can_say_no(blindness: str) -> None:
    assert difference_seen_by(blindness, "#C02F3A", "#1F7A3D") < 40


def test_both_modes_set_the_same_colours() -> None:
    assert THEME["light"].keys() == THEME["dark"].keys()


def test_readable_from_the_back_row_and_without_a_network() -> None:
    assert THEME["baseFontSize"] >= 18
    for option in ("font", "headingFont", "codeFont"):
        assert "http" not in THEME[option]
        assert THEME[option].endswith(("sans-serif", "monospace"))
    assert "fontFaces" not in THEME


def test_settings_that_the_lesson_depends_on() -> None:
    assert SETTINGS["runner"]["postScriptGC"] is False
    assert SETTINGS["browser"]["gatherUsageStats"] is False
    assert SETTINGS["server"]["maxUploadSize"] <= 8
    assert SETTINGS["server"]["showEmailPrompt"] is False
