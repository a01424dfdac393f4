import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liveseg.evaluate import boundary


def slow_edges(truth, found, classes, reach):
    """The counts by definition, pixel by pixel; nothing is ignored."""
    from scipy.spatial.distance import cdist

    def places(mask, index):
        own = []
        for y, x in zip(*np.nonzero(mask == index), strict=True):
            around = [(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)]
            inside = [(j, i) for j, i in around if 0 <= j < mask.shape[0] and 0 <= i < mask.shape[1]]
            if any(mask[place] != index for place in inside):
                own.append((y, x))
        return np.array(own).reshape(-1, 2)

    rows = []
    for index in range(classes):
        true, own = places(truth, index), places(found, index)
        if len(true) or len(own):
            near = cdist(own, true) <= reach + 1e-9 if len(true) and len(own) else np.zeros((len(own), len(true)), bool)
            rows.append((index, int(near.any(1).sum()), len(own), int(near.any(0).sum()), len(true)))
    return tuple(rows)


small = arrays(np.uint8, (17, 13), elements=st.integers(0, 2))


@settings(deadline=None, max_examples=40)
@given(small, small, st.floats(0.01, 0.4))
def test_counts_are_those_of_the_definition(truth, found, tolerance):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(boundary, "TOLERANCE", tolerance)
        own = boundary.edges(truth, found, 3)
    assert own == slow_edges(truth, found, 3, tolerance * math.hypot(17, 13))


@pytest.mark.parametrize("seed", range(2))
def test_counts_of_large_smooth_masks_are_those_of_the_definition(regions, seed):
    truth, found = regions(seed, shape=(210, 280))
    own = boundary.edges(truth, found, 5)
    assert own == slow_edges(truth, found, 5, 0.0075 * 350)
    assert len(own) == 5
    assert all(0 < edge[1] < edge[2] for edge in own)


def square(left, side=20, shape=(60, 80)):
    mask = np.zeros(shape, np.uint8)
    mask[20 : 20 + side, left : left + side] = 1
    return mask


def test_the_same_mask_scores_one_and_one_within_the_tolerance_too(monkeypatch):
    same = boundary.edges(square(30), square(30), 2)
    assert [boundary.f_score(edge) for edge in same] == [1, 1]
    monkeypatch.setattr(boundary, "TOLERANCE", 0.03)  # 3 pixels of a diagonal of 100
    assert [boundary.f_score(edge) for edge in boundary.edges(square(30), square(33), 2)] == [1, 1]
    beyond = boundary.edges(square(30), square(34), 2)
    assert all(0 < boundary.f_score(edge) < 1 for edge in beyond)


def test_a_square_has_the_boundary_that_one_can_count(monkeypatch):
    (background, foreground) = boundary.edges(square(30), square(30), 2)
    assert foreground == (1, 76, 76, 76, 76)  # 20 * 4 - 4 corners
    assert background == (0, 80, 80, 80, 80)  # 20 on each side, and none at the picture's rim


def test_precision_and_recall_are_not_mixed_up():
    found = square(30)
    found[2:6, 2:6] = 1  # a speck that is not there: 12 pixels of boundary
    assert boundary.edges(square(30), found, 2)[1] == (1, 76, 88, 76, 76)
    assert boundary.edges(found, square(30), 2)[1] == (1, 76, 76, 76, 88)
    assert boundary.f_score((1, 1, 4, 1, 2)) == pytest.approx(2 * 0.25 * 0.5 / 0.75)


def test_a_class_with_a_boundary_on_one_side_only_scores_zero_and_one_with_none_is_left_out():
    empty = np.zeros((60, 80), np.uint8)
    assert boundary.edges(empty, empty, 2) == ()
    assert boundary.edges(empty, square(30), 2) == ((0, 0, 80, 0, 0), (1, 0, 76, 0, 0))
    assert [boundary.f_score(edge) for edge in boundary.edges(square(30), empty, 2)] == [0, 0]


@settings(deadline=None, max_examples=30)
@given(arrays(np.uint8, (23, 31), elements=st.sampled_from([0] * 30 + [1])), st.floats(0.5, 900))
def test_both_ways_to_look_around_agree(places, squared):
    with pytest.MonkeyPatch.context() as patch:
        found = []
        for widest in (-1, 10_000):
            patch.setattr(boundary, "_WIDEST_DISC", widest)
            found.append(boundary.near(places, squared))
    assert np.array_equal(*found)


def voc_like(shape=(300, 400), width=5):
    """A disc with Pascal VOC's ignored seam around it, and what is below the seam."""
    mask = np.zeros(shape, np.uint8)
    cv2.circle(mask, (200, 150), 70, 1, -1)
    seamed = mask.copy()
    cv2.circle(seamed, (200, 150), 70, 255, width)
    return seamed, mask


def test_the_border_in_an_ignored_seam_is_its_middle():
    seamed, below = voc_like()
    assert [round(boundary.f_score(edge), 3) for edge in boundary.edges(seamed, below, 2)] == [1, 1]
    thinner = cv2.erode(below, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (17, 17)))
    assert all(boundary.f_score(edge) == 0 for edge in boundary.edges(seamed, thinner, 2))


def test_nothing_counts_in_a_wide_ignored_region_nor_at_its_rim():
    truth, found = square(30, 20, (300, 400)), square(30, 20, (300, 400))
    truth[:, 200:] = 255
    found[100:140, 250:300] = 1  # inside
    found[200:230, 150:199] = 1  # up to its rim, which itself does not count
    background, foreground = boundary.edges(truth, found, 2)
    assert foreground[3:] == (76, 76)
    rim = math.floor(0.0075 * 500)
    of_speck = 2 * (49 - rim) + 28  # above, below and to the left; what is within the tolerance is left out
    assert abs(foreground[2] - 76 - of_speck) <= 2
    assert foreground[1] == 76
    assert background[3:] == (80, 80)


def test_all_ignored_is_nothing():
    assert boundary.edges(np.full((20, 20), 255, np.uint8), square(3, 5, (20, 20)), 2) == ()


def test_a_border_with_what_is_no_class_is_a_border_of_the_class_only():
    found = square(30)
    found[found == 1] = 2
    assert [edge[0] for edge in boundary.edges(square(30), found, 2)] == [0, 1]
    assert boundary.edges(square(30), found, 2)[0] == (0, 80, 80, 80, 80)
