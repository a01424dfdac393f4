from __future__ import annotations

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.preprocess import input_size, resize

ANY = ModelContract("any", PASCAL_VOC)
LITE = ModelContract("lite", PASCAL_VOC, multiple=16, offset=1)


def test_a_model_of_one_size_has_that_whatever_the_picture():
    contract = ModelContract("vines", PASCAL_VOC, fixed_size=(177, 225))
    assert input_size(1080, 1920, 520, contract) == (177, 225)
    assert input_size(1920, 1080, "native", contract) == (177, 225)


def test_the_shorter_side_gets_the_size_and_the_shape_is_kept():
    assert input_size(576, 768, 520, ANY) == (520, 693)
    assert input_size(768, 576, 520, ANY) == (693, 520)


def test_native_is_the_pictures_own_size_but_for_the_size_rule():
    assert input_size(576, 768, "native", ANY) == (576, 768)
    assert input_size(576, 768, "native", LITE) == (577, 769)


def test_a_long_panorama_is_refused_with_a_remedy():
    with pytest.raises(UsageError, match="smaller --size"):
        input_size(100, 40_000, 520, ANY)


def test_shrinking_averages_so_that_fine_patterns_do_not_flicker():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = 200
    shrunk = resize(stripes, 16, 16)
    assert shrunk.min() == shrunk.max() == 100


def test_growing_is_bilinear_and_the_same_size_is_untouched():
    ramp = np.repeat(np.array([[0, 100]], np.uint8)[..., None], 3, axis=2)
    assert resize(ramp, 1, 4)[0, :, 0].tolist() == [0, 25, 75, 100]
    assert np.array_equal(resize(ramp, 1, 2), ramp)
