from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.render import Painter, overlay


def pictures(seed):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (13, 17, 3), dtype=np.uint8)
    mask = rng.integers(0, 21, (13, 17), dtype=np.uint8)
    return image, mask


@given(st.integers(0, 1000), st.floats(0, 1))
def test_an_overlay_is_a_convex_blend_and_leaves_the_background_alone(seed, alpha):
    image, mask = pictures(seed)
    result = Painter(PASCAL_VOC).overlay(image, mask, alpha)
    wanted = (1 - alpha) * image.astype(float) + alpha * PASCAL_VOC.colors[mask]
    drawn = mask != 0
    assert np.abs(result[drawn] - wanted[drawn]).max(initial=0) <= 0.51
    assert np.array_equal(result[~drawn], image[~drawn])


def test_colours_are_rgb_and_the_input_is_not_changed():
    image, mask = pictures(0)
    before = image.copy()
    colors = Painter(PASCAL_VOC).color(mask)
    Painter(PASCAL_VOC).overlay(image, mask, 1.0)
    assert np.array_equal(colors, PASCAL_VOC.colors[mask])
    assert np.array_equal(image, before)


def test_only_the_chosen_classes_are_drawn():
    image, mask = pictures(1)
    result = Painter(PASCAL_VOC, classes=[15]).overlay(image, mask, 1.0)
    person = mask == 15
    assert (result[person] == (192, 128, 128)).all()
    assert np.array_equal(result[~person], image[~person])


def test_without_a_background_class_zero_is_drawn_too():
    labels = LabelSet(("road", "sky"), ((10, 20, 30), (40, 50, 60)), background=False)
    mask = np.array([[0, 1]], np.uint8)
    image = np.zeros((1, 2, 3), np.uint8)
    assert Painter(labels).overlay(image, mask, 1.0).tolist() == [[[10, 20, 30], [40, 50, 60]]]


def test_an_opacity_or_a_mask_that_does_not_fit_is_refused():
    image, mask = pictures(2)
    with pytest.raises(UsageError, match="from 0 to 1"):
        Painter(PASCAL_VOC).overlay(image, mask, 1.5)
    with pytest.raises(UsageError, match="mask is"):
        Painter(PASCAL_VOC).overlay(image, mask[1:], 0.5)


@pytest.mark.parametrize("classes", [None, [15], []])
def test_the_table_draws_what_the_overlay_draws(classes):
    image, mask = pictures(3)
    painter = Painter(PASCAL_VOC, classes)
    drawn = painter.table(0.35)[mask[..., None], image, np.arange(3)]
    assert np.array_equal(drawn, painter.overlay(image, mask, 0.35))


def test_a_large_picture_is_drawn_in_strips_that_show_no_seam(monkeypatch):
    image, mask = pictures(3)
    whole = Painter(PASCAL_VOC).overlay(image, mask)
    monkeypatch.setattr(overlay, "_STRIP_PIXELS", 17 * 3)
    assert np.array_equal(Painter(PASCAL_VOC).overlay(image, mask), whole)
