"""Palettes: of which the safe one is measured as colour-blind eyes see it."""

from __future__ import annotations

import importlib
import json
from itertools import combinations

import numpy as np
import pytest

from liveseg.errors import SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC, UNKNOWN_COLOR, LabelSet, voc_palette
from liveseg.palettes import PALETTES, color_of, palette_of

# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
EYES = {
    "normal": np.eye(3),
    "protanope": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranope": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanope": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def many(count):
    names = tuple(f"class {number}" for number in range(count))
    return LabelSet(names, voc_palette(count))


@pytest.fixture
def color(require_module):
    """What knows distances between colours."""
    require_module("skimage", "scikit-image")
    return importlib.import_module("skimage.color")


def distances(color, colors, eyes):
    """The CIEDE2000 distance of each two colours to such eyes."""
    srgb = np.array(colors) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(EYES[eyes]).T, 0, 1)
    srgb = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = color.rgb2lab(srgb)
    return [float(color.deltaE_ciede2000(one, other)) for one, other in combinations(lab, 2)]


@pytest.mark.parametrize("eyes", EYES)
def test_any_two_colours_of_the_safe_palette_are_apart_to_all_eyes(eyes, color):
    # The 20 classes, black behind them, and what is unknown.
    colors = palette_of("safe", PASCAL_VOC.with_unknown())
    assert len(colors) == 22
    assert min(distances(color, colors, eyes)) >= 12.5
    assert min(distances(color, colors[:7], eyes)) >= 15
    assert min(distances(color, colors[:4], eyes)) >= 22


def test_the_measure_can_tell_a_palette_that_is_not_safe(color):
    assert min(min(distances(color, palette_of("voc", PASCAL_VOC), eyes)) for eyes in EYES) < 3


@pytest.mark.parametrize("name", PALETTES)
def test_every_palette_has_a_colour_of_its_own_for_each_class_and_black_for_the_background(name):
    for count in (2, 21, 150, 255):
        colors = palette_of(name, many(count))
        assert len(set(colors)) == count
        assert colors[0] == (0, 0, 0)
        # It takes no more than a label set does.
        assert LabelSet(many(count).names, colors)


def test_names_of_palettes_mean_what_they_say():
    own = PASCAL_VOC.with_palette([(number, 1, 2) for number in range(21)])
    assert palette_of("model", own) == own.palette
    assert palette_of("VOC", own) == PASCAL_VOC.palette
    assert palette_of("voc", PASCAL_VOC.with_unknown())[21] == UNKNOWN_COLOR
    roads = LabelSet(("road", "sky"), ((1, 1, 1), (2, 2, 2)), background=False)
    assert palette_of("safe", roads)[0] != (0, 0, 0)
    assert palette_of("safe", roads)[0] == palette_of("safe", PASCAL_VOC)[1]


@pytest.fixture
def file(tmp_path):
    def write(data):
        path = tmp_path / "mine.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return path

    return write


def test_a_file_gives_the_classes_it_names_their_colours(file):
    path = file({"person": "#ff8000", "Dining Table": [1, 2, 3], "tv": "gold", "unknown": "#fff"})
    colors = palette_of(path, PASCAL_VOC)
    assert colors[15] == (255, 128, 0)
    assert colors[11] == (1, 2, 3)
    assert colors[20] == (255, 215, 0)
    assert colors[:11] == PASCAL_VOC.palette[:11]
    assert len(colors) == 21
    assert palette_of(str(path), PASCAL_VOC.with_unknown())[21] == (255, 255, 255)


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "notepad.json"
    path.write_text('{"cat": "red"}', encoding="utf-8-sig")
    assert palette_of(path, PASCAL_VOC)[8] == (255, 0, 0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"persn": "red"}, ("mine.json", "'persn'", "did you mean person")),
        ({"person": "rad"}, ("mine.json", "'person'", "'rad' is no colour", "#ff8000")),
        ({"person": [1, 2]}, ("'person'", "[1, 2] is no colour")),
        ({"person": [1, 2, 256]}, ("'person'", "no colour")),
        ({"person": "#ff000080"}, ("'person'", "no colour")),
        ({"sofa": "red", "couch": "blue"}, ("'couch'", "the same class as 'sofa'")),
        ([[1, 2, 3]], ("mine.json", "no JSON object", '{"person"')),
        ("{", ("mine.json", "cannot be read")),
        ("[" * 100_000, ("mine.json", "cannot be read")),
    ],
)
def test_a_mistake_in_a_file_is_told_with_its_place(file, data, words):
    with pytest.raises(UsageError) as caught:
        palette_of(file(data), PASCAL_VOC)
    assert all(word in str(caught.value) for word in words), caught.value
    assert "\n" not in str(caught.value)


def test_a_palette_that_does_not_exist_is_told_with_those_that_do(tmp_path):
    with pytest.raises(UsageError, match=r"'rainbow'; choose model, voc, safe, vivid or name a \.json file"):
        palette_of("rainbow", PASCAL_VOC)
    with pytest.raises(SourceNotFoundError, match="no such palette"):
        palette_of(tmp_path / "none.json", PASCAL_VOC)


@pytest.mark.parametrize(
    ("text", "color"),
    [("#f80", (255, 136, 0)), ("rgb(1, 2, 3)", (1, 2, 3)), ("Navy", (0, 0, 128)), ((7, 8, 9), (7, 8, 9))],
)
def test_a_colour_may_be_written_in_several_ways(text, color):
    assert color_of(text) == color


@pytest.mark.parametrize("text", ["", None, 5, [1, 2, True], [1.0, 2, 3], "transparent colour"])
def test_what_is_no_colour_is_refused(text):
    with pytest.raises(UsageError, match="is no colour"):
        color_of(text)
