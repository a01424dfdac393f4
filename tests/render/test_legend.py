from __future__ import annotations

import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.palettes import palette_of
from liveseg.render.caption import captioned
from liveseg.render.legend import draw_legend

LABELS = PASCAL_VOC.with_palette(palette_of("vivid", PASCAL_VOC))
ALL = range(1, 21)


def drawn(mask, level=128, labels=LABELS, classes=ALL):
    picture = np.full((*mask.shape, 3), level, np.uint8)
    box = draw_legend(picture, mask, labels, classes)
    return picture, box


def stripes(height, width, count, first=0):
    return (np.arange(width)[None] * count // width + first).repeat(height, axis=0).astype(np.uint8)


def colors_in(picture):
    red, green, blue = (picture[..., channel].astype(np.uint32) for channel in range(3))
    packed = np.unique(red << 16 | green << 8 | blue).tolist()
    return {(value >> 16, value >> 8 & 255, value & 255) for value in packed}


@pytest.mark.parametrize("size", [(120, 160), (576, 768), (2160, 3840)])
def test_the_classes_present_are_listed_and_no_others(size):
    mask = np.zeros(size, np.uint8)
    mask[:, : size[1] // 4] = 12
    mask[:, size[1] // 4 : size[1] // 2] = 15
    picture, box = drawn(mask)
    shown = colors_in(picture[box.top : box.bottom, box.left : box.right])
    assert {LABELS.palette[12], LABELS.palette[15]} <= shown
    assert not {LABELS.palette[index] for index in ALL if index not in (12, 15)} & shown
    assert colors_in(picture[: box.top]) | colors_in(picture[:, : box.left]) == {(128, 128, 128)}


def test_classes_keep_their_order_whatever_their_areas():
    mask = stripes(300, 400, 4, first=3)
    picture, _ = drawn(mask)
    mask[:, 30:100], mask[:, 110:150] = 6, 4
    other, _ = drawn(mask)

    def places(picture):
        return [np.argwhere((picture == LABELS.palette[index]).all(axis=2))[0].tolist() for index in (3, 4, 5, 6)]

    assert places(picture) == places(other) == sorted(places(other))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_the_words_are_legible_on_any_background(level):
    mask = np.full((300, 400), 15, np.uint8)
    picture, box = drawn(mask, level)
    panel = picture[box.top : box.bottom, box.left : box.right]
    assert (panel > 240).all(axis=2).sum() > 50
    # What surrounds the letters is dark.
    assert np.median(panel) < 100
    assert np.ptp(picture[: box.top]) == 0


def test_nothing_present_or_a_speck_draws_nothing():
    mask = np.zeros((300, 400), np.uint8)
    mask[5:8, 5:8] = 15
    picture, box = drawn(mask)
    assert box is None
    assert (picture == 128).all()
    assert drawn(np.full((300, 400), 15, np.uint8), classes=[12])[1] is None


@pytest.mark.parametrize("size", [(120, 160), (576, 768), (300, 100), (40, 60), (9, 9)])
@pytest.mark.parametrize("count", [1, 5, 21])
def test_it_never_covers_a_caption(size, count):
    mask = stripes(*size, count) if count > 1 else np.full(size, 15, np.uint8)
    picture, box = drawn(mask, 0)
    if size[0] < 40:
        return
    caption = captioned(np.zeros_like(picture), "25.0 fps · age p50 40 ms, p95 80 ms")
    lowest = np.flatnonzero(caption.any(axis=(1, 2)))[-1]
    assert box.top > lowest
    assert box.left >= 0


def test_what_does_not_fit_is_counted():
    names = ("background", *(f"class {number}" for number in range(200)))
    labels = LabelSet(names, voc_palette(201))
    mask = stripes(300, 402, 201)
    picture, box = drawn(mask, labels=labels, classes=range(1, 201))
    assert box.bottom - box.top <= 300
    shown = colors_in(picture[box.top : box.bottom, box.left : box.right])
    listed = [index for index in range(1, 201) if labels.palette[index] in shown]
    assert listed[0] == 1
    assert 10 < len(listed) < 100


def test_names_of_any_script_and_length_fit():
    labels = LabelSet(("background", "Straße", "人", "a very long name of a class " * 3), voc_palette(4))
    picture, box = drawn(stripes(200, 300, 4), labels=labels)
    assert 0 <= box.left < box.right <= 300
    assert (picture[box.top : box.bottom] > 240).any()
