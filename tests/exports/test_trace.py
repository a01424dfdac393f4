"""Borders of regions: filling them gives the pixels back, and they are valid polygons."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from liveseg.exports import trace
from liveseg.exports.trace import regions

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 3))


def rings_of(region):
    return (region.exterior, *region.holes)


def filled(rings, shape):
    """What OpenCV fills, even-odd. On a grid twice as fine the border, which it paints, too, misses odd places."""
    canvas = np.zeros((2 * shape[0] + 1, 2 * shape[1] + 1), np.uint8)
    cv2.fillPoly(canvas, [2 * ring for ring in rings], 1)
    return canvas[1::2, 1::2].astype(bool)


def area(ring):
    x, y = ring.astype(np.int64).T
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2


def drawn(*lines):
    return np.array([[int(mark) for mark in line] for line in lines], np.uint8)


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_filling_the_regions_gives_the_mask_back(mask):
    back = np.full(mask.shape, 255, np.uint8)
    for region in regions(mask, range(4)):
        inside = filled(rings_of(region), mask.shape)
        assert inside.sum() == region.pixels
        assert (back[inside] == 255).all()
        back[inside] = region.index
    assert np.array_equal(back, mask)


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_the_regions_are_the_connected_ones_and_their_weights_are_summed(mask):
    weights = np.random.default_rng(mask.size).random(mask.shape, np.float32)
    found = regions(mask, range(4), weights)
    for index in range(4):
        count, parts = cv2.connectedComponents((mask == index).astype(np.uint8), connectivity=4)
        own = [region for region in found if region.index == index]
        assert len(own) == count - 1
        for region in own:
            inside = filled(rings_of(region), mask.shape)
            assert np.array_equal(inside, parts == parts[inside][0])
            assert region.total == pytest.approx(weights[inside].sum(dtype=np.float64))


@settings(max_examples=300, deadline=None)
@given(MASKS)
def test_rings_are_simple_and_wound_apart(mask):
    for region in regions(mask, range(4)):
        for ring in rings_of(region):
            assert len({tuple(point) for point in ring.tolist()}) == len(ring)
            # Only corners: no edge goes on where the last one ended.
            flat = ring[:, 1] == np.roll(ring[:, 1], -1)
            assert (flat != np.roll(flat, -1)).all()
            assert ring[0].tolist() == min(ring.tolist(), key=lambda point: (point[1], point[0]))
        assert area(region.exterior) > 0
        assert all(area(hole) < 0 for hole in region.holes)
        assert sum(map(area, rings_of(region))) == region.pixels


def test_a_pixel_is_a_square_clockwise_from_its_upper_left_corner():
    mask = np.zeros((3, 4), np.uint8)
    mask[1, 2] = 1
    (region,) = regions(mask, [1])
    assert region.exterior.tolist() == [[2, 1], [3, 1], [3, 2], [2, 2]]
    assert region.exterior.dtype == np.int32


def test_pixels_that_meet_in_a_point_are_two_regions():
    assert [region.pixels for region in regions(drawn("10", "01"), [1])] == [1, 1]


def test_a_hole_that_touches_the_border_is_a_hole():
    (region,) = regions(drawn("110", "101", "111"), [1])
    assert (region.pixels, len(region.exterior), [len(hole) for hole in region.holes]) == (7, 6, [4])


def test_holes_that_meet_in_a_point_are_two():
    (region,) = regions(drawn("1111", "1011", "1101", "1111"), [1])
    assert [hole.tolist() for hole in region.holes] == [
        [[1, 1], [1, 2], [2, 2], [2, 1]],
        [[2, 2], [2, 3], [3, 3], [3, 2]],
    ]


def test_an_island_in_a_hole_is_a_region_of_its_own():
    mask = drawn("11111", "10001", "10101", "10001", "11111")
    assert [(region.pixels, len(region.holes)) for region in regions(mask, [1])] == [(16, 1), (1, 0)]
    assert [(region.index, region.pixels, len(region.holes)) for region in regions(mask, [0, 1])] == [
        (0, 8, 1),
        (1, 16, 1),
        (1, 1, 0),
    ]


def test_only_the_wanted_classes_are_traced_and_255_is_none():
    mask = np.full((4, 4), 255, np.uint8)
    mask[0, 0], mask[2, 2] = 1, 2
    assert [region.index for region in regions(mask, range(256))] == [1, 2]
    assert [region.index for region in regions(mask, [2])] == [2]
    assert regions(mask, [3]) == []
    assert regions(mask, []) == []


def test_a_large_picture_is_traced_block_by_block(monkeypatch):
    mask = cv2.resize(np.random.default_rng(1).integers(0, 3, (12, 9)).astype(np.uint8), (90, 120), interpolation=0)
    whole = [(region.index, region.exterior.tolist()) for region in regions(mask, range(3))]
    monkeypatch.setattr(trace, "_BLOCK_PIXELS", 700)
    assert [(region.index, region.exterior.tolist()) for region in regions(mask, range(3))] == whole


def test_a_mask_that_is_no_array_of_its_own_is_traced():
    wide = np.zeros((6, 12), np.uint8)
    wide[2:4, 4:8] = 1
    (region,) = regions(wide[:, ::2], [1])
    assert region.exterior.tolist() == [[2, 2], [4, 2], [4, 4], [2, 4]]
