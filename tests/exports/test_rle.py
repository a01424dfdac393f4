"""COCO's run lengths, compared with those that pycocotools makes, to the byte."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as coco_mask

from liveseg.exports import rle
from liveseg.exports.trace import regions

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 2))


def by_pycocotools(ones):
    return coco_mask.encode(np.asfortranarray(ones, np.uint8))


@settings(deadline=None)
@given(MASKS)
def test_the_classes_of_a_mask_are_those_of_pycocotools(mask):
    found = rle.class_changes(mask)
    assert found.keys() == {*mask.flat}
    for index, changes in found.items():
        wanted = by_pycocotools(mask == index)
        assert rle.packed(changes, mask.size) == wanted["counts"].decode()
        assert rle.box(changes, len(mask)) == tuple(coco_mask.toBbox(wanted))


@settings(deadline=None)
@given(MASKS)
def test_what_rings_enclose_is_that_of_pycocotools(mask):
    for region in regions(mask, range(3)):
        rings = (region.exterior, *region.holes)
        changes = rle.ring_changes(rings, len(mask))
        back = coco_mask.decode({"size": list(mask.shape), "counts": rle.packed(changes, mask.size)})
        assert back.sum() == region.pixels
        assert (mask[back == 1] == region.index).all()
        assert rle.packed(changes, mask.size) == by_pycocotools(back)["counts"].decode()
        assert rle.box(changes, len(mask)) == tuple(coco_mask.toBbox(by_pycocotools(back)))


@pytest.mark.parametrize("size", [(1, 1), (3000, 2000), (70_000, 3)])
def test_long_runs_take_more_characters(size):
    ones = np.zeros(size, np.uint8)
    ones[size[0] // 3 : size[0] // 2 + 1] = 1
    ones[-1, -1] = 1
    changes = rle.class_changes(ones)[1]
    assert rle.packed(changes, ones.size) == by_pycocotools(ones)["counts"].decode()


def test_no_ones_are_one_run_of_zeros():
    assert rle.packed(np.zeros(0, np.int64), 12) == by_pycocotools(np.zeros((3, 4)))["counts"].decode()


@settings(deadline=None)
@given(MASKS)
def test_text_of_pycocotools_is_read_back_as_run_lengths(mask):
    for index, changes in rle.class_changes(mask).items():
        ends = np.cumsum(rle.unpacked(by_pycocotools(mask == index)["counts"].decode()))
        np.testing.assert_array_equal(ends[: len(changes)], changes)
        assert ends[-1] == mask.size


@settings(deadline=None)
@given(st.lists(st.integers(1, 1 << 40), min_size=1, max_size=20))
def test_runs_of_any_length_come_back(counts):
    edges = np.cumsum(np.array(counts, np.int64))
    np.testing.assert_array_equal(rle.unpacked(rle.packed(edges[:-1], int(edges[-1]))), counts)


@pytest.mark.parametrize("text", ["", "~", "\x1f", "é", "o", "o" * 30 + "0"])
def test_other_text_is_no_run_lengths(text):
    with pytest.raises(ValueError, match="no text of COCO's"):
        rle.unpacked(text)
