"""The pixels of a polygon, compared with those that pycocotools gives it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from liveseg.datasets.polygon import filled, polygon_changes

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

HEIGHT, WIDTH = 13, 17
NUMBERS = st.one_of(st.integers(-4, 22), st.floats(-4, 22, width=32), st.integers(-8, 44).map(lambda n: n / 2))
POINTS = st.lists(st.tuples(NUMBERS, NUMBERS), min_size=3, max_size=9)


def drawn(points, height=HEIGHT, width=WIDTH):
    mask = np.zeros((height, width), np.bool_)
    left, top, ones = filled(polygon_changes(np.array(points, np.float64), height, width), height, width)
    mask[top : top + ones.shape[0], left : left + ones.shape[1]] = ones
    return mask


def by_pycocotools(points, height=HEIGHT, width=WIDTH):
    return coco_mask.decode(coco_mask.frPyObjects([np.ravel(points).tolist()], height, width))[:, :, 0].astype(bool)


@settings(deadline=None, max_examples=400)
@given(POINTS)
def test_a_polygon_covers_what_pycocotools_gives_it(points):
    np.testing.assert_array_equal(drawn(points), by_pycocotools(points))


def test_a_large_outline_covers_what_pycocotools_gives_it():
    angles = np.linspace(0, 20 * np.pi, 700)
    spiral = np.stack((320 + 4 * angles * np.cos(angles), 240 + 5 * angles * np.sin(angles)), axis=1)
    np.testing.assert_array_equal(drawn(spiral, 480, 640), by_pycocotools(spiral, 480, 640))


@pytest.mark.parametrize("points", [[], [(1, 1)], [(1, 1), (5, 5)], [(3, 3)] * 4, [(30, 2), (40, 2), (35, 9)]])
def test_what_encloses_no_pixel_covers_none(points):
    assert not drawn(np.array(points, np.float64).reshape(-1, 2)).any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1e12])
def test_a_point_that_is_none_is_refused_instead_of_walked_to(wrong):
    with pytest.raises(ValueError, match="far outside of the picture, or none"):
        drawn([(0, 0), (wrong, 3), (3, 3)])
