import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from liveseg.datasets.shapes import BoxRuns, Brush, ColumnRuns, DrawnSample, Polygons, merged, painted
from liveseg.errors import DataError

# pycocotools 2.0.11 converts its own arrays in a way that NumPy 2 finds old.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = arrays(np.bool_, (9, 7))
LEFT = [0, 0, 4, 0, 4, 8, 0, 8]
RIGHT = [2, 0, 6, 0, 6, 8, 2, 8]


def runs(ones, order):
    """The lengths of runs of zeros and ones in turn."""
    flat = np.ravel(ones, order)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flat.astype(int))))).tolist()
    return np.diff([0, *edges, flat.size]).astype(np.int64)


@settings(deadline=None)
@given(MASKS)
def test_run_lengths_are_read_packed_and_as_numbers_and_along_rows(ones):
    text = coco_mask.encode(np.asfortranarray(ones, np.uint8))["counts"].decode()
    for shape in (
        ColumnRuns(1, ones.shape, text),
        ColumnRuns(1, ones.shape, runs(ones, "F").tobytes()),
        BoxRuns(1, 0, 0, ones.shape, runs(ones, "C").tobytes()),
    ):
        np.testing.assert_array_equal(painted([shape], *ones.shape), ones)


def test_a_mask_in_a_box_lies_where_the_box_lies():
    shape = BoxRuns(3, 2, 1, (2, 3), np.array([1, 2, 1, 2], np.int64).tobytes())
    expected = np.zeros((4, 6), np.uint8)
    expected[1:3, 2:5] = [[0, 3, 3], [0, 3, 3]]
    np.testing.assert_array_equal(painted([shape], 4, 6), expected)


def test_polygons_of_one_object_are_united_and_not_cut_out_of_each_other():
    both = painted([Polygons.of(1, [LEFT, RIGHT])], 8, 8)
    assert both[:, :6].all()
    assert not both[:, 6:].any()


def test_the_later_shape_lies_on_top_or_nothing_is_known_where_two_overlap():
    shapes = [Polygons.of(2, [LEFT]), Polygons.of(1, [RIGHT])]
    assert painted(shapes, 8, 8)[3].tolist() == [2, 2, 1, 1, 1, 1, 0, 0]
    assert merged(shapes, 8, 8)[3].tolist() == [2, 2, 255, 255, 1, 1, 0, 0]
    assert merged([*shapes, *shapes], 8, 8)[3].tolist() == [255] * 6 + [0, 0]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (Polygons.of(1, [[0, 0, 5]]), "an odd number of coordinates"),
        (ColumnRuns(1, (8, 9), np.array([72], np.int64).tobytes()), "run lengths for 9 x 8 pixels in a mask of 8 x 8"),
        (ColumnRuns(1, (8, 8), np.array([60], np.int64).tobytes()), "run lengths of 60 pixels in a mask of 64"),
        (ColumnRuns(1, (8, 8), np.array([70, -6], np.int64).tobytes()), "run lengths of 64 pixels in a mask of 64"),
        (ColumnRuns(1, (8, 8), "\x7f"), "no text of COCO's"),
        (ColumnRuns(1, (8, 8), ""), "no text of COCO's"),
        (BoxRuns(1, 5, 0, (2, 4), np.array([8], np.int64).tobytes()), "whose box ends at 9, 2 in a picture of 8 x 8"),
        (BoxRuns(1, 0, 0, (2, 4), np.array([7], np.int64).tobytes()), "run lengths of 7 pixels in a mask of 8"),
        (Brush(1, (8, 8), b"\0" * 3), "a brush stroke is cut off"),
        (Brush(1, (8, 8), bytes([0, 0, 0, 0, 0x38, 0, 0, 0])), "a brush stroke of 0 pixels in a mask of 8 x 8"),
    ],
)
def test_data_that_makes_no_sense_names_its_file_and_photo(shape, message, tmp_path):
    sample = DrawnSample("a/b", tmp_path / "b.jpg", tmp_path / "all.json", (shape,), (8, 8))
    with pytest.raises(DataError, match=rf"the mask of a/b in .*all.json cannot be drawn: .*{message}"):
        sample.read_mask()


def test_a_sample_is_small_and_goes_to_other_processes(tmp_path, photo):
    image = photo(tmp_path / "a.jpg")
    sample = DrawnSample("a", image, tmp_path / "all.json", (Polygons.of(1, [LEFT]),), None)
    sent = pickle.dumps(sample)
    assert len(sent) < 1500
    back = pickle.loads(sent)  # noqa: S301 - made above
    assert back == sample
    np.testing.assert_array_equal(back.read_mask(), sample.read_mask())
    assert back.read_mask().shape == back.read_image().shape[:2]


def test_shapes_for_another_size_than_the_photos_are_told(tmp_path, photo):
    sample = DrawnSample("a", photo(tmp_path / "a.jpg"), tmp_path / "all.json", (), (8, 8))
    with pytest.raises(DataError, match=r"the mask of a in .*all.json is 8 x 8 pixels, but its photo .* is 32 x 24"):
        sample.read_mask()
