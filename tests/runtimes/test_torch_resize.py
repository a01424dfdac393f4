"""Resizing on the device is OpenCV's resizing."""

from __future__ import annotations

import platform

import numpy as np
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from liveseg.preprocess import resize
from liveseg.runtimes.torch_resize import resizer

lengths = st.integers(1, 120)
# Where OpenCV has code of its own for a processor it may round another way, by one level at most.
MOST_OTHERS = 0.03 if platform.machine().lower() in ("x86_64", "amd64") else 0.3


@given(lengths, lengths, lengths, lengths, st.integers(0, 99))
@example(60, 80, 60, 80, 0).via("the size stays")
@example(60, 80, 30, 40, 0).via("halves, which OpenCV rounds up")
@example(90, 120, 33, 49, 0).via("both shrink")
@example(50, 60, 97, 113, 0).via("both grow")
@example(100, 120, 90, 129, 0).via("one grows, in all it shrinks")
@example(100, 120, 97, 129, 0).via("one shrinks, in all it grows")
@example(100, 140, 90, 145, 0).via("a place that rounding puts before a whole number")
@example(1, 90, 1, 7, 0).via("one row")
@settings(deadline=None, max_examples=60)
def test_pixels_are_those_of_opencv(height, width, rows, columns, seed):
    image = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    wanted = resize(image, rows, columns).astype(int)
    got = resizer((height, width), (rows, columns), torch.device("cpu"))(torch.tensor(image[None]))[0].numpy()
    assert got.dtype == np.uint8
    assert np.abs(got - wanted).max() <= 1
    assert np.mean(got != wanted) <= MOST_OTHERS


def test_frames_of_a_batch_are_resized_alone():
    images = torch.tensor(np.random.default_rng(0).integers(0, 256, (3, 40, 50, 3), dtype=np.uint8))
    for after in [(33, 21), (65, 81), (41, 33)]:
        function = resizer((40, 50), after, torch.device("cpu"))
        together = function(images)
        alone = torch.cat([function(image[None]) for image in images])
        assert together.shape == (3, *after, 3)
        assert torch.equal(together, alone)
