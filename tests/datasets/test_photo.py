"""Masks of photos that lie on their side."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from liveseg.datasets.photo import fitted, shown_size
from liveseg.errors import DataError


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_mask_that_fits_the_stored_photo_is_turned_as_the_photo_is(turn, tmp_path, photo):
    path = photo(tmp_path / "a.jpg", exif=turn)
    stored = np.arange(24 * 32, dtype=np.uint16).reshape(24, 32).astype(np.uint8)
    image = Image.fromarray(stored)
    image.getexif()[0x0112] = turn
    shown = np.asarray(ImageOps.exif_transpose(image))
    assert shown_size(path) == shown.shape
    np.testing.assert_array_equal(fitted(shown, path, "m"), shown)
    # One that is as large either way is taken as it is.
    np.testing.assert_array_equal(fitted(stored, path, "m"), shown if turn >= 5 else stored)


@pytest.mark.parametrize("size", [(32, 24), (12, 16), (24, 31)])
def test_another_size_is_told_with_both(size, tmp_path, photo):
    path = photo(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=rf"m is {size[1]} x {size[0]} pixels, but its photo .*a\.jpg is 32 x 24; make"):
        fitted(np.zeros(size, np.uint8), path, "m")
