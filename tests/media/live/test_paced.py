"""A file plays at its own pace, and what nobody takes in time is left out."""

import threading
import time
from fractions import Fraction
from itertools import pairwise

import pytest

from liveseg.errors import MediaError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.media.live.paced import Paced
from liveseg.media.video_source import VideoSource


def test_frames_come_when_they_are_due(clips):
    with Paced(VideoSource(clips.write("clip.mp4", 20))) as source:
        assert source.info.live
        taken = [(frame, time.monotonic()) for frame in source]
    # A busy machine may leave one out, and then says so.
    assert [clips.number_of(frame.image) for frame, _ in taken] == [frame.index for frame, _ in taken]
    assert len(taken) + sum(frame.dropped_before for frame, _ in taken) == taken[-1][0].index + 1
    assert len(taken) > 10
    first = taken[0][0].arrived
    for frame, at in taken:
        assert frame.arrived == pytest.approx(first + float(frame.timestamp), abs=1e-6)
        assert at >= frame.arrived
    assert taken[-1][1] - taken[0][1] > 0.5


def test_a_slow_consumer_gets_new_frames_and_the_number_of_those_left_out(clips):
    ages, frames = [], []
    with Paced(VideoSource(clips.write("clip.mp4", 50))) as source:
        for frame in source:
            ages.append(time.monotonic() - frame.arrived)
            frames.append(frame)
            time.sleep(0.2)
    for before, after in pairwise(frames):
        assert after.index - before.index == after.dropped_before + 1
    assert len(frames) < 20
    # In a queue the last ones would be eight seconds old.
    assert max(ages) < 2


class Endless(Source):
    """Counts up, a frame each second."""

    info = SourceInfo("endless", "video", 2, 2)

    def __init__(self, error_at=None):
        self.notes = []
        self.error_at = error_at
        self.closed = self.ended = 0

    def __iter__(self):
        number = 0
        while number != self.error_at:
            yield Frame(None, number, number, Fraction(1))
            number += 1
        raise MediaError("broken")

    def end(self):
        self.ended += 1

    def close(self):
        self.closed += 1


def test_an_end_asked_for_by_another_thread_stops_the_waiting():
    inner = Endless()
    before = set(threading.enumerate())
    with Paced(inner) as source:
        frames = iter(source)
        next(frames)
        threading.Timer(0.1, source.end).start()
        began = time.monotonic()
        assert list(frames) == []
        assert time.monotonic() - began < 10
    assert inner.ended
    assert inner.closed
    assert set(threading.enumerate()) <= before


def test_what_the_file_fails_with_reaches_whoever_takes():
    source = Paced(Endless(error_at=1))
    frames = iter(source)
    assert next(frames).index == 0
    with pytest.raises(MediaError, match="broken"):
        next(frames)


def test_closing_before_anything_is_taken_closes_the_file():
    inner = Endless()
    source = Paced(inner)
    source.close()
    source.close()
    assert inner.closed
