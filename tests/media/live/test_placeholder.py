import numpy as np
import pytest

from liveseg.media.live.placeholder import placeholder


@pytest.mark.parametrize(("height", "width"), [(480, 640), (1080, 1920), (640, 360), (48, 64), (8, 8)])
def test_the_picture_is_darker_and_has_words_in_proportion_to_it(height, width):
    picture = np.full((height, width, 3), 200, np.uint8)
    shown = placeholder(picture, "reconnecting ...")
    assert shown.shape == picture.shape
    assert shown.dtype == np.uint8
    assert (picture == 200).all()
    assert (shown[0] == 70).all()
    written = np.argwhere(shown[..., 0] > 90)
    if height > 8:
        rows, columns = written.max(0) - written.min(0)
        assert 0.35 * width < columns < 0.6 * width
        assert rows < 0.2 * height
        assert abs(written.mean(0) - (height / 2, width / 2)).max() < 0.1 * max(height, width)
