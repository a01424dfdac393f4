"""The layers that a client paints: a mask of any size from the same logits, confidences that lie where they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.labels import LabelSet
from liveseg.postprocess import upsampled_argmax
from liveseg.segmentation import Segmentation
from liveseg.server.live.layers import layers_of, mask_size

LABELS = LabelSet(("background", "person"), ((0, 0, 0), (255, 0, 0)))


def ramp(align_corners):
    """A picture of 160x80 that is background on the left and person on the right; between them it is ever less sure."""
    across = np.linspace(-4, 4, 17, dtype=np.float32)
    logits = np.stack([-np.tile(across, (9, 1)), np.tile(across, (9, 1))])
    mask = upsampled_argmax(logits, 80, 160, align_corners=align_corners)
    return Segmentation(np.zeros((80, 160, 3), np.uint8), mask, LABELS, logits, align_corners)


@pytest.mark.parametrize("align_corners", [True, False])
def test_confidences_scaled_up_as_a_small_picture_are_those_of_the_pixels(align_corners):
    from PIL import Image

    found = ramp(align_corners)
    layers = layers_of(found)
    assert layers.confidence.shape == (9, 17)
    np.testing.assert_array_equal(layers.mask, found.mask)
    scaled = np.asarray(Image.fromarray(layers.confidence).resize((160, 80), Image.Resampling.BILINEAR), float)
    # Straight lines between cells miss the dip in the middle a little; half a cell aside they would miss it by 60.
    off = np.abs(scaled - 255 * found.confidence)
    assert off.max() < 45
    assert np.median(off) < 3
    assert abs(int(scaled[40].argmin()) - 80) <= 1


@pytest.mark.parametrize("align_corners", [True, False])
def test_a_smaller_mask_is_made_of_the_logits_with_borders_in_their_place(align_corners):
    found = ramp(align_corners)
    small = layers_of(found, shorter=20, confidence=False)
    assert small.mask.shape == (20, 40)
    assert small.confidence is None
    np.testing.assert_array_equal(small.mask, upsampled_argmax(found.logits, 20, 40, align_corners=align_corners))
    assert (small.mask[:, :20] == 0).all()
    assert (small.mask[:, 20:] == 1).all()


def test_a_mask_has_the_frames_shape_and_never_more_than_its_pixels():
    assert mask_size(720, 1280, 289) == (289, 514)
    assert mask_size(1280, 720, 289) == (514, 289)
    assert mask_size(100, 50, 289) == (100, 50)
    assert mask_size(1, 5000, 289) == (1, 5000)
    assert mask_size(5000, 3, 1) == (1667, 1)
    assert mask_size(480, 640, None) == (480, 640)


def test_a_mask_from_a_file_has_no_layers():
    with pytest.raises(UsageError, match="segment the picture"):
        layers_of(replace(ramp(True), logits=None))
