"""Confidences follow the definition, softmax after bilinear up-sampling; and a threshold decides as they do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from liveseg.errors import UsageError, WeightsError
from liveseg.postprocess import upsampled_argmax, upsampled_below, upsampled_confidence
from liveseg.postprocess.confidence import _in_doubt


def plain(logits, height, width, align_corners):
    """The definition, in twice the precision."""
    tensor = torch.from_numpy(logits).double()[None]
    full = interpolate(tensor, size=(height, width), mode="bilinear", align_corners=align_corners)[0]
    return torch.softmax(full, dim=0).amax(dim=0).numpy()


@st.composite
def cases(draw, scales=(0.5, 4.0)):
    classes = draw(st.sampled_from([1, 2, 5, 21, 150]))
    h, w = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    height, width = draw(st.integers(1, 120)), draw(st.integers(1, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    logits = rng.normal(0, draw(st.sampled_from(scales)), (classes, h, w)).astype(np.float32)
    return logits, height, width, draw(st.booleans())


@settings(max_examples=200, deadline=None)
@given(cases())
@example((np.zeros((21, 1, 1), np.float32), 1, 1, True))
@example((np.random.default_rng(1).normal(0, 1, (3, 2, 2)).astype(np.float32), 300, 301, False))
def test_confidence_is_within_a_millionth_of_the_definition(case):
    logits, height, width, align = case
    found = upsampled_confidence(logits, height, width, align_corners=align)
    assert found.shape == (height, width)
    assert found.dtype == np.float32
    # Logits of some size are themselves only as exact as that.
    allowed = 1e-6 * max(1.0, float(np.abs(logits).max()) / 10)
    assert np.abs(found - plain(logits, height, width, align)).max() <= allowed


@settings(max_examples=200, deadline=None)
@given(cases(scales=(0.5, 4.0, 40.0)), st.floats(0.01, 1.0), st.integers(0, 2**16))
def test_a_threshold_decides_each_pixel_as_the_confidence_does(case, threshold, seed):
    logits, height, width, align = case
    confidence = upsampled_confidence(logits, height, width, align_corners=align)
    # Besides any threshold one that a pixel meets exactly: not below it, however it was computed.
    for limit in (threshold, float(confidence.reshape(-1)[seed % confidence.size])):
        below = upsampled_below(logits, height, width, limit, align_corners=align)
        assert below.dtype == np.bool_
        assert np.array_equal(below, confidence < np.float32(limit))


@settings(max_examples=30, deadline=None)
@given(cases(scales=(300.0,)))
def test_logits_beyond_what_exponentials_hold_are_no_trouble(case):
    logits, height, width, align = case
    found = upsampled_confidence(logits, height, width, align_corners=align)
    assert np.abs(found - plain(logits, height, width, align)).max() <= 2e-4
    below = upsampled_below(logits, height, width, 0.7, align_corners=align)
    assert np.array_equal(below, found < np.float32(0.7))


def test_most_cells_of_a_clear_picture_are_decided_by_their_corners():
    logits = np.full((21, 37, 49), -6.0, np.float32)
    logits[0] = 6.0
    logits[:, 10:20, 10:20] = logits[:, 10:20, 10:20][::-1]
    doubt = _in_doubt(logits, 0.6)
    assert doubt[9, 9]
    assert not doubt[15, 15]
    # The square's rim, and nothing else.
    assert doubt.sum() == 11 * 11 - 9 * 9


@pytest.mark.parametrize("align", [True, False])
def test_a_network_s_own_logits_at_real_sizes(align, lite_logits):
    for height, width in ((576, 768), (120, 160), (1080, 1920)):
        found = upsampled_confidence(lite_logits, height, width, align_corners=align)
        assert np.abs(found - plain(lite_logits, height, width, align)).max() <= 1e-6
        for threshold in (0.3, 0.6, 0.95):
            below = upsampled_below(lite_logits, height, width, threshold, align_corners=align)
            assert np.array_equal(below, found < np.float32(threshold))
            assert 0 < below.mean() < 1 or threshold == 0.3


@pytest.fixture(scope="module")
def lite_logits(samples):
    from liveseg import Segmenter

    return Segmenter()(samples / "image_2.jpg").logits


def test_a_single_class_is_certain():
    assert (upsampled_confidence(np.ones((1, 3, 4), np.float32), 30, 40, align_corners=True) == 1.0).all()
    assert not upsampled_below(np.ones((1, 3, 4), np.float32), 30, 40, 1.0, align_corners=True).any()


@pytest.mark.parametrize("threshold", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        upsampled_below(np.zeros((2, 2, 2), np.float32), 4, 4, threshold, align_corners=True)


@pytest.mark.parametrize("work", [upsampled_argmax, upsampled_confidence, upsampled_below])
def test_logits_that_are_not_finite_are_refused(work):
    logits = np.zeros((3, 4, 4), np.float32)
    logits[1, 2, 3] = np.nan
    extra = (0.5,) if work is upsampled_below else ()
    with pytest.raises(WeightsError, match="not finite"):
        work(logits, 8, 8, *extra, align_corners=False)
