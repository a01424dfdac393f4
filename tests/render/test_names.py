from __future__ import annotations

import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette
from liveseg.palettes import palette_of
from liveseg.render import Painter
from liveseg.render.letters import Box
from liveseg.render.names import draw_names, objects

LABELS = PASCAL_VOC.with_palette(palette_of("vivid", PASCAL_VOC))


def drawn(mask, classes=None, labels=LABELS, without=None):
    """The picture, and where something was drawn on it."""
    picture = np.full((*mask.shape, 3), 7, np.uint8)
    draw_names(picture, mask, labels, Painter(labels, classes), without=without)
    return picture, (picture != 7).any(axis=2)


def chips(picture, color):
    """The bounding boxes of the spots of a colour, from left to right."""
    columns = np.flatnonzero((picture == color).all(axis=2).any(axis=0))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1) if len(columns) else []
    found = []
    for group in groups:
        rows = np.flatnonzero((picture[:, group] == color).all(axis=2).any(axis=1))
        found.append(Box(int(group[0]), int(rows[0]), int(group[-1]) + 1, int(rows[-1]) + 1))
    return found


def middle(box):
    return (box.left + box.right) / 2, (box.top + box.bottom) / 2


@pytest.mark.parametrize("side", [160, 576, 2160])
def test_a_name_stands_in_the_middle_of_a_large_object(side):
    mask = np.zeros((side, side), np.uint8)
    mask[side // 4 : side // 4 * 3, side // 4 : side // 4 * 3] = 15
    (chip,) = chips(drawn(mask)[0], LABELS.palette[15])
    assert middle(chip) == pytest.approx((side / 2, side / 2), abs=side * 0.04)
    # It grows with the picture, from the least that can be read.
    assert chip.bottom - chip.top == pytest.approx(max(side / 24, 12), rel=0.35)


def test_a_name_stands_on_its_object_where_the_middle_of_that_lies_outside():
    mask = np.zeros((400, 400), np.uint8)
    # A C: its middle is in its opening.
    mask[50:350, 50:350] = 15
    mask[120:280, 120:400] = 0
    ((x, y),) = [(found.x, found.y) for found in objects(mask, Painter(LABELS), least=100)]
    assert mask[y, x] == 15
    assert mask[y - 20 : y + 20, x - 20 : x + 20].all()


@pytest.mark.parametrize("shape", [(3, 8000), (8000, 3), (1, 500), (300, 8000)])
def test_the_objects_of_a_strip_are_found(shape):
    mask = np.zeros(shape, np.uint8)
    mask[:, : shape[1] // 2 + 1] = 15
    (found,) = objects(mask, Painter(LABELS, [15]), least=1)
    assert mask[found.y, found.x] == 15
    drawn(mask, [15])
    assert not drawn(np.zeros(shape, np.uint8), [15])[1].any()


def test_each_region_has_its_own_name_and_a_speck_none():
    mask = np.zeros((576, 768), np.uint8)
    mask[100:300, 50:250] = 15
    mask[100:300, 300:500] = 15
    mask[100:300, 550:750] = 12
    mask[500:505, 100:105] = 3
    picture, _ = drawn(mask)
    assert len(chips(picture, LABELS.palette[15])) == 2
    assert len(chips(picture, LABELS.palette[12])) == 1
    assert not chips(picture, LABELS.palette[3])


def test_neighbours_of_two_classes_are_two_objects():
    mask = np.repeat(np.array([[12, 15]], np.uint8), 200, axis=1).repeat(300, axis=0)
    found = sorted((one.index, one.x) for one in objects(mask, Painter(LABELS), least=100))
    assert [index for index, _ in found] == [12, 15]
    assert [x for _, x in found] == pytest.approx([100, 300], abs=20)
    # Hidden ones are none.
    assert [one.index for one in objects(mask, Painter(LABELS, [15]), least=100)] == [15]


def test_a_small_object_is_not_hidden_by_its_name():
    mask = np.zeros((576, 768), np.uint8)
    mask[300:350, 400:420] = 15
    mask[2:52, 100:120] = 15
    picture, where = drawn(mask)
    assert not where[mask == 15].any()
    below, above = chips(picture, LABELS.palette[15])
    assert above.bottom <= 300
    # No room above the other one.
    assert below.top >= 52


def test_names_cover_neither_each_other_nor_what_is_reserved():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 21, (20, 20)).astype(np.uint8)
    mask = np.kron(small, np.ones((20, 20), np.uint8))
    reserved = Box(200, 250, 400, 400)
    _, where = drawn(mask, without=reserved)
    assert not where[250:, 200:].any()
    # All whole: as many pixels as chips of these sizes have, none painted over.
    labels = LabelSet(LABELS.names, ((0, 0, 0), *(((index, 255, 0)) for index in range(1, 21))))
    picture, _ = drawn(mask, labels=labels)
    solid = {index: (picture == (index, 255, 0)).all(axis=2) for index in range(1, 21)}
    assert sum(spots.any() for spots in solid.values()) > 5


def test_a_name_at_the_edge_stays_in_the_picture_and_whole():
    mask = np.zeros((300, 400), np.uint8)
    mask[:, :12] = 16  # pottedplant
    mask[140:160, 390:] = 16
    picture, _ = drawn(mask)
    for chip in chips(picture, LABELS.palette[16]):
        assert chip.right - chip.left > 50


def test_what_is_unknown_is_no_object():
    labels = LABELS.with_unknown()
    mask = np.full((300, 300), 21, np.uint8)
    assert not drawn(mask, labels=labels)[1].any()


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (500, 3), (12, 12), (40, 30)])
def test_pictures_smaller_than_a_name_do_no_harm(shape):
    labels = LabelSet(("background", "a very long name of a class"), voc_palette(2))
    drawn(np.ones(shape, np.uint8), labels=labels)


def test_dark_words_on_bright_colours_and_bright_ones_on_dark():
    labels = LabelSet(("background", "bright", "dark"), ((0, 0, 0), (250, 250, 100), (60, 0, 60)))
    mask = np.repeat(np.array([[1, 2]], np.uint8), 200, axis=1).repeat(300, axis=0)
    picture, where = drawn(mask, labels=labels)
    left, right = picture[:, :200][where[:, :200]], picture[:, 200:][where[:, 200:]]
    assert (left.max(axis=1) < 40).any()
    assert (right.min(axis=1) > 220).any()
