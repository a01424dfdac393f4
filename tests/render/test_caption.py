from __future__ import annotations

import numpy as np
import pytest

from liveseg.render.caption import captioned


@pytest.mark.parametrize("level", [0, 128, 255])
def test_words_show_on_any_background_and_leave_the_rest_alone(level):
    picture = np.full((240, 320, 3), level, np.uint8)
    done = captioned(picture, "25.0 fps  age 40 ms")
    assert (picture == level).all()
    assert (done > 200).all(axis=2).sum() > 50
    assert (done < 60).all(axis=2).sum() > 50
    assert (done[60:] == level).all()


def test_words_grow_with_the_picture():
    def height(rows):
        done = captioned(np.zeros((rows, rows * 2, 3), np.uint8), "liveseg")
        return np.ptp(np.flatnonzero(done.any(axis=(1, 2))))

    assert height(1080) == pytest.approx(4 * height(270), rel=0.25)


def test_a_long_line_is_shrunk_to_fit():
    done = captioned(np.zeros((100, 120, 3), np.uint8), "a very long line " * 4)
    columns = np.flatnonzero(done.any(axis=(0, 2)))
    assert columns[-1] < 119
    assert columns[-1] > 60


def test_letters_beyond_ascii_and_pictures_smaller_than_a_line_do_no_harm():
    assert captioned(np.zeros((64, 64, 3), np.uint8), "Tür ☃").any()
    assert captioned(np.zeros((8, 8, 3), np.uint8), "tiny").shape == (8, 8, 3)
