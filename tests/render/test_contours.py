from __future__ import annotations

import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.render import Painter
from liveseg.render.contours import draw_contours


def drawn(mask, classes=None, labels=PASCAL_VOC):
    """Where a contour was drawn, and the colours."""
    picture = np.full((*mask.shape, 3), 7, np.uint8)
    draw_contours(picture, mask, Painter(labels, classes))
    return (picture != 7).any(axis=2), picture


def square(side=100):
    mask = np.zeros((side, side), np.uint8)
    mask[20:60, 30:80] = 15
    return mask


def test_a_line_runs_along_the_inside_of_a_class_in_its_colour():
    where, picture = drawn(square())
    wanted = np.zeros((100, 100), np.bool_)
    wanted[20:60, 30:80] = True
    wanted[21:59, 31:79] = False
    assert np.array_equal(where, wanted)
    assert (picture[where] == PASCAL_VOC.palette[15]).all()


def test_two_classes_have_a_line_each_where_they_meet():
    mask = np.repeat(np.array([[12, 15]], np.uint8), 50, axis=1).repeat(40, axis=0)
    where, picture = drawn(mask)
    # None along the picture's own edge.
    assert np.flatnonzero(where.any(axis=0)).tolist() == [49, 50]
    assert tuple(picture[5, 49]) == PASCAL_VOC.palette[12]
    assert tuple(picture[5, 50]) == PASCAL_VOC.palette[15]


def test_no_line_between_classes_that_are_not_drawn():
    mask = np.repeat(np.array([[12, 15, 0, 3]], np.uint8), 20, axis=1).repeat(40, axis=0)
    where, _ = drawn(mask, classes=[3])
    assert np.flatnonzero(where.any(axis=0)).tolist() == [60]
    assert not drawn(mask, classes=[])[0].any()


def test_without_a_background_class_zero_has_a_line_too():
    labels = LabelSet(("road", "sky"), ((10, 20, 30), (40, 50, 60)), background=False)
    mask = np.repeat(np.array([[0, 1]], np.uint8), 20, axis=1).repeat(40, axis=0)
    assert np.flatnonzero(drawn(mask, labels=labels)[0].any(axis=0)).tolist() == [19, 20]
    # Hidden, it is what the other one borders on.
    assert np.flatnonzero(drawn(mask, [1], labels)[0].any(axis=0)).tolist() == [20]


def test_strips_of_a_large_picture_leave_no_seam():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 21, (30, 40)).astype(np.uint8)
    mask = np.kron(small, np.ones((40, 40), np.uint8))
    where, picture = drawn(mask)
    reach = 4
    around = np.pad(mask, reach, mode="edge")
    near = np.zeros_like(where)
    for y in range(2 * reach + 1):
        for x in range(2 * reach + 1):
            near |= around[y : y + mask.shape[0], x : x + mask.shape[1]] != mask
    assert np.array_equal(where, near & (mask != 0))
    assert np.array_equal(picture[where], PASCAL_VOC.colors[mask[where]])


@pytest.mark.parametrize(("side", "width"), [(120, 1), (576, 2), (1080, 4), (2160, 7)])
def test_lines_grow_with_the_picture(side, width):
    mask = np.zeros((side, side + 20), np.uint8)
    mask[:, side // 2 :] = 15
    assert drawn(mask)[0].sum() == width * side
