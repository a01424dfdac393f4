from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from liveseg.render.letters import Box, blend, letters


@pytest.mark.parametrize(
    "text", ["person", "Straße é ü ñ", "кошка", "中文", "שלום", "🙂", "a\tb\nc\u2028d", "\ud800", ""]
)
@pytest.mark.parametrize("size", [7, 16, 80])
def test_any_text_is_one_line_of_the_same_height(text, size):
    layer = letters(text, size)
    assert layer.shape[0] == letters("x", size).shape[0]
    assert layer.any() == (text != "")


def test_signs_beyond_ascii_are_drawn_and_not_replaced():
    # Replaced ones would all be question marks, and of one width.
    assert len({letters(sign, 40).tobytes() for sign in "é中ж人ü?"}) == 6


@pytest.mark.parametrize("size", [8, 13, 40])
def test_a_line_is_cut_off_nowhere(size):
    layer = letters("Ángströms (jpq) 60%", size)
    assert not layer[0].any()
    assert not layer[-1].any()
    assert not layer[:, -1].any()
    assert np.ptp(np.flatnonzero(layer.any(axis=1))) > size * 0.9


@pytest.mark.parametrize("most", [200, 90, 30, 3])
def test_a_line_that_is_too_long_is_drawn_smaller_and_whole(most):
    whole, fitted = letters("a long name", 40), letters("a long name", 40, most)
    assert fitted.shape[1] <= most
    assert fitted.shape[0] == whole.shape[0]
    if most >= 30:
        # The same words, not their beginning: as wide as may be, less tall, and the last column is free.
        assert fitted.shape[1] > most * 0.6
        assert np.ptp(np.flatnonzero(fitted.any(axis=1))) < np.ptp(np.flatnonzero(whole.any(axis=1)))
        assert not fitted[:, -1].any()


def test_threads_draw_the_same_letters():
    words = [f"word {number} é" for number in range(200)]
    letters.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda word: letters(word, 17), words))
    letters.cache_clear()
    assert all(np.array_equal(layer, letters(word, 17)) for word, layer in zip(words, found, strict=True))


def test_a_blend_goes_by_opacity_and_rounds():
    place = np.full((1, 3, 3), 100, np.uint8)
    blend(place, np.array([[0, 128, 255]], np.uint8), (200, 0, 255))
    assert place[0].tolist() == [[100, 100, 100], [150, 50, 178], [200, 0, 255]]


def test_boxes_that_touch_do_not_meet():
    assert Box(0, 0, 4, 4).meets(Box(3, 3, 9, 9))
    assert not Box(0, 0, 4, 4).meets(Box(4, 0, 9, 4))
    assert not Box(0, 0, 4, 4).meets(Box(0, 4, 4, 8))
