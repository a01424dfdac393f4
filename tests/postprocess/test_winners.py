"""The mask equals bilinear up-sampling then argmax, whatever the shape; PyTorch is the definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from liveseg.errors import WeightsError
from liveseg.postprocess import upsampled, upsampled_argmax, upsampled_confidence, winners

# Two ways of adding the same floats differ in the last bits; closer than this, either winner is right.
TIE = 1e-4


def plain(logits, height, width, align_corners):
    tensor = torch.from_numpy(logits)[None]
    return interpolate(tensor, size=(height, width), mode="bilinear", align_corners=align_corners)[0].numpy()


def assert_same_mask(mask, full):
    wanted = full.argmax(axis=0)
    wrong = mask != wanted
    got = np.take_along_axis(full, mask[None].astype(np.intp), axis=0)[0]
    assert (full.max(axis=0) - got)[wrong].max(initial=0.0) <= TIE


@st.composite
def cases(draw):
    classes = draw(st.sampled_from([1, 2, 21, 150]))
    h, w = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    seed = draw(st.integers(0, 2**32 - 1))
    # Smooth logits have large cells of one winner, noise has none: both roads through the code.
    smooth = draw(st.booleans())
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 4, (classes, h, w)).astype(np.float32)
    if smooth:
        logits = logits.cumsum(axis=1).cumsum(axis=2) / 4
    return logits.astype(np.float32), height, width, draw(st.booleans())


@settings(max_examples=300, deadline=None)
@given(cases())
@example((np.zeros((21, 1, 1), np.float32), 1, 1, True))
@example((np.arange(21, dtype=np.float32).reshape(21, 1, 1), 50, 31, False))
def test_mask_is_the_argmax_of_the_upsampled_logits(case):
    logits, height, width, align = case
    mask = upsampled_argmax(logits, height, width, align_corners=align)
    assert mask.shape == (height, width)
    assert mask.dtype == np.uint8
    assert_same_mask(mask, plain(logits, height, width, align))


@settings(max_examples=60, deadline=None)
@given(cases())
def test_full_logits_and_confidence_follow_the_definition(case):
    logits, height, width, align = case
    full = plain(logits, height, width, align)
    np.testing.assert_allclose(upsampled(logits, height, width, align_corners=align), full, atol=2e-4)
    wanted = torch.softmax(torch.from_numpy(full), dim=0).amax(dim=0).numpy()
    np.testing.assert_allclose(upsampled_confidence(logits, height, width, align_corners=align), wanted, atol=2e-4)


@pytest.mark.parametrize("align", [True, False])
def test_a_class_that_wins_at_no_corner_may_win_inside(align):
    # Class 2 is second at every corner of the only cell, and first in its middle.
    logits = np.array([[[9, 0], [9, 0]], [[0, 9], [0, 9]], [[6, 6], [6, 6]]], np.float32)
    mask = upsampled_argmax(logits, 41, 41, align_corners=align)
    assert mask[20, 20] == 2
    assert mask[20, 0] == 0
    assert mask[20, 40] == 1


def test_of_tied_classes_the_lowest_wins_as_in_argmax():
    logits = np.zeros((5, 3, 3), np.float32)
    logits[1:, 1, 1] = 1.0
    mask = upsampled_argmax(logits, 9, 9, align_corners=False)
    assert set(np.unique(mask)) == {0, 1}


def test_a_real_size_with_many_borders_is_exact():
    logits = np.random.default_rng(3).normal(size=(21, 72, 96)).astype(np.float32)
    assert_same_mask(upsampled_argmax(logits, 576, 768, align_corners=False), plain(logits, 576, 768, False))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_refused(value):
    logits = np.zeros((3, 4, 4), np.float32)
    logits[1, 2, 3] = value
    with pytest.raises(WeightsError, match="not finite"):
        upsampled_argmax(logits, 8, 8, align_corners=False)


@pytest.mark.parametrize("shape", [(4, 4), (0, 4, 4), (256, 4, 4), (1, 3, 4, 4)])
def test_logits_of_another_shape_are_refused(shape):
    with pytest.raises(WeightsError, match="not \\(classes, height, width\\)"):
        upsampled_argmax(np.zeros(shape, np.float32), 8, 8, align_corners=False)


def test_cells_are_taken_up_a_part_at_a_time(monkeypatch):
    logits = np.random.default_rng(0).normal(0, 4, (21, 12, 9)).astype(np.float32)
    whole = upsampled_argmax(logits, 90, 77, align_corners=True)
    monkeypatch.setattr(winners, "_CELLS", 7)
    assert np.array_equal(upsampled_argmax(logits, 90, 77, align_corners=True), whole)
