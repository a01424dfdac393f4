"""Frames and masks that belong together meet; those that do not are told of."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from liveseg.errors import MediaError
from liveseg.maskfile import MaskedSource, StoredMask
from liveseg.media.frame import Frame, Source, SourceInfo


class Numbers(Source):
    """Ten frames at 0, 2, 4 … 18 units of a tenth of a second; each frame's pixels are its number."""

    def __init__(self):
        self.info = SourceInfo("numbers.mp4", "video", 4, 3, Fraction(5), Fraction(1, 10), 10)
        self.notes = []
        self.read = 0
        self.closed = False

    def __iter__(self):
        for number in range(10):
            self.read += 1
            yield Frame(np.full((3, 4, 3), number, np.uint8), number, 2 * number, Fraction(1, 10))

    def close(self):
        self.closed = True


def stored(*moments, shape=(3, 4), time_base=Fraction(1, 10)):
    """Masks whose pixels are their time."""
    return lambda: [StoredMask(pts, time_base, np.full(shape, pts, np.uint8)) for pts in moments]


def test_each_frame_comes_with_its_own_mask():
    with MaskedSource(Numbers(), stored(*range(0, 20, 2)), "m.nut") as source:
        frames = list(source)
    assert [(frame.index, frame.pts, int(frame.mask[0, 0])) for frame in frames] == [
        (number, 2 * number, 2 * number) for number in range(10)
    ]
    assert source.notes == []


def test_frames_without_a_mask_are_left_out_and_counted():
    numbers = Numbers()
    with MaskedSource(numbers, stored(0, 6, 12), "m.nut", rate=Fraction(5, 3), count=3) as source:
        assert (source.info.rate, source.info.frame_count) == (Fraction(5, 3), 3)
        assert [frame.pts for frame in source] == [0, 6, 12]
    assert source.notes == [
        "the masks end at 1.40 s; what comes after is left out",
        "frames without a mask, left out: 4",
    ]
    assert numbers.read == 8  # the rest of the source is not decoded for nothing
    assert numbers.closed


def test_masks_of_frames_that_were_not_asked_for_are_passed_over():
    with MaskedSource(Numbers(), stored(1, 2, 3, 16, 18, 20), "m.nut") as source:
        assert [frame.pts for frame in source] == [2, 16, 18]


def test_times_meet_whatever_their_clocks():
    same = [StoredMask(pts, Fraction(1, 300_000), np.zeros((3, 4), np.uint8)) for pts in (0, 60_000, 120_001)]
    with MaskedSource(Numbers(), lambda: same, "m.nut") as source:
        assert [frame.pts for frame in source] == [0, 2]


def test_masks_of_another_size_or_another_time_are_refused():
    for masks, message in [
        (stored(0, shape=(4, 3)), r"m\.nut are 3x4, but numbers\.mp4 is 4x3"),
        (stored(1, 3, 5), r"no frame of numbers\.mp4 has a mask in m\.nut"),
    ]:
        with MaskedSource(Numbers(), masks, "m.nut") as source, pytest.raises(MediaError, match=message):
            list(source)
