"""Whether what the pages say can be read, in light and dark."""

from __future__ import annotations

import pytest

from liveseg.pages.style import DARK, HEAT_LEVELS, LIGHT, SERIES_DARK, SERIES_LIGHT, contrast, document, heat

ENOUGH = 4.5
"""What WCAG 2.2 asks of text (success criterion 1.4.3)."""


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#ffffff", "#777777") == contrast("#777777", "#ffffff")


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_text_stands_out(colors):
    for text in ("ink", "muted", "right", "wrong"):
        for under in ("page", "panel"):
            assert contrast(colors[text], colors[under]) >= ENOUGH, (text, under)


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("hue", ["right", "wrong"])
def test_numbers_in_the_matrix_stand_out_at_every_level(colors, hue):
    cells = [heat(colors, hue, level) for level in range(1, HEAT_LEVELS + 1)]
    assert all(contrast(cell, text) >= ENOUGH for cell, text in cells)
    assert cells[-1][0] == colors[hue]
    steps = [contrast(cell, colors["page"]) for cell, _ in cells]
    assert steps == sorted(steps), "the more there is, the more it stands out"


@pytest.mark.parametrize(("series", "colors"), [(SERIES_LIGHT, LIGHT), (SERIES_DARK, DARK)], ids=["light", "dark"])
def test_parts_of_a_chart_stand_out_from_the_page(series, colors):
    assert len(set(series)) == len(series) == len(SERIES_LIGHT)
    for color in series:
        # What WCAG 2.2 asks of graphics (success criterion 1.4.11).
        assert contrast(color, colors["page"]) >= 3


def test_both_schemes_are_in_the_page_and_titles_are_text():
    text = document("a < b", "<p>x</p>")
    assert "<title>a &lt; b</title>" in text
    assert f"--page: {LIGHT['page']}" in text.partition("prefers-color-scheme: dark")[0]
    assert f"--page: {DARK['page']}" in text.partition("prefers-color-scheme: dark")[2]
