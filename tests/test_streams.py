"""Several sources at once on real segmenting, with sources and faults that the tests control."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from liveseg import Segmenter
from liveseg.errors import MediaError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.streams import GridView, Started, Stream, run_streams
from liveseg.turns import Turns


class Pictures(Source):
    """Plain pictures as fast as they are taken; breaks where it is told to."""

    def __init__(self, frames, fail_at=None):
        self.info = SourceInfo("pictures", "video", 48, 32, Fraction(25), Fraction(1, 25), frames, live=True)
        self.notes = []
        self._frames = frames
        self._fail_at = fail_at
        self._ended = threading.Event()

    def __iter__(self):
        for index in range(self._frames):
            if index == self._fail_at:
                raise MediaError("the wire broke")
            if self._ended.is_set():
                return
            image = np.full((32, 48, 3), index % 256, np.uint8)
            yield Frame(image, index, index, Fraction(1, 25), time.monotonic())

    def end(self):
        self._ended.set()

    def close(self):
        self.end()


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=33)


@pytest.fixture
def stream(segmenter):
    turns = Turns(1)

    def make(name, source, sink=None):
        def opened():
            if isinstance(source, Exception):
                raise source
            return Started(source, sink, Pipeline(segmenter, workers=1, turns=turns))

        return Stream(name, opened)

    return make


def threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("liveseg")]


def test_each_stream_has_its_own_end_and_a_dead_one_hurts_no_other(stream, samples, tmp_path):
    clip = VideoSource(samples / "video_2.mp4")
    streams = [
        stream("good", Pictures(30)),
        stream("breaks", Pictures(30, fail_at=4)),
        stream("absent", MediaError("nobody answers")),
        stream("file", clip, VideoSink(tmp_path / "out.mp4", clip.info)),
    ]
    run_streams(streams, stop=threading.Event())
    assert streams[0].outcome.frames == 30
    assert streams[0].error is streams[3].error is None
    assert str(streams[1].error) == "the wire broke"
    assert str(streams[2].error) == "nobody answers"
    assert (tmp_path / "out.mp4").exists()
    assert not threads()


def test_a_stop_ends_all_in_good_order(stream):
    stop = threading.Event()
    streams = [stream("a", Pictures(10**9)), stream("b", Pictures(10**9))]
    threading.Timer(0.5, stop.set).start()
    run_streams(streams, stop=stop)
    assert [one.outcome.ended_by for one in streams] == ["signal", "signal"]
    assert not threads()


def test_turns_make_streams_equal(stream):
    stop = threading.Event()
    streams = [stream(name, Pictures(10**9)) for name in "abc"]
    threading.Timer(1.5, stop.set).start()
    run_streams(streams, stop=stop)
    counts = [one.outcome.frames for one in streams]
    assert min(counts) > 5
    assert min(counts) > 0.7 * max(counts)


def test_ticks_see_the_newest_pictures_and_may_end_it(stream):
    seen = []
    streams = [stream("a", Pictures(10**9)), stream("absent", MediaError("nobody answers"))]

    def tick(seconds):
        seen.append((seconds, *(one.picture for one in streams)))
        return len(seen) < 20

    run_streams(streams, stop=threading.Event(), on_tick=tick, rate=Fraction(50))
    assert len(seen) == 20
    assert [at for at, *_ in seen] == sorted(at for at, *_ in seen)
    assert seen[-1][1].shape == (32, 48, 3)
    assert seen[-1][2] is None


def test_a_defect_is_not_taken_for_a_failed_source(stream):
    with pytest.raises(ZeroDivisionError):
        run_streams([stream("a", ZeroDivisionError("ours"))], stop=threading.Event())


class Screen:
    """A screen that remembers what it was shown, and on which a key is pressed after some pictures."""

    def __init__(self, after):
        self.shown = []
        self._after = after

    def show(self, rgb, segmentation=None, *, frame=None, draw=None):
        self.shown.append(rgb)

    def poll(self):
        return "q" if len(self.shown) >= self._after else None


def test_the_picture_of_all_goes_to_screen_and_file_until_a_key_ends_it(stream, tmp_path):
    streams = [stream("a", Pictures(10**9)), stream("absent", MediaError("nobody answers"))]
    screen = Screen(after=12)
    with GridView(streams, open_sink=lambda info: VideoSink(tmp_path / "grid.mp4", info), screen=screen) as view:
        run_streams(streams, stop=threading.Event(), on_tick=view.tick)
    assert streams[0].outcome.ended_by == "key"
    assert {picture.shape for picture in screen.shown} == {(426, 1280, 3)}
    with VideoSource(tmp_path / "grid.mp4") as source:
        frames = list(source)
    assert len(frames) == len(screen.shown) == 12
    # In the time of the wall, at about the grid's rate.
    assert 0.2 < float(frames[-1].timestamp) < 5


def test_streams_that_never_gave_a_picture_leave_no_file(stream, tmp_path):
    streams = [stream("absent", MediaError("nobody answers"))]
    with GridView(streams, open_sink=lambda info: VideoSink(tmp_path / "grid.mp4", info)) as view:
        run_streams(streams, stop=threading.Event(), on_tick=view.tick)
    assert list(tmp_path.iterdir()) == []


def test_pyav_is_there_before_any_stream_starts():
    """Two threads that import it at the same time find it half imported, now and then."""
    program = """
import sys, threading
from liveseg.errors import MediaError
from liveseg.streams import Stream, run_streams

assert "av" not in sys.modules
seen = []

def start():
    seen.append(hasattr(sys.modules.get("av"), "VideoFrame"))
    raise MediaError("enough")

run_streams([Stream(str(number), start) for number in range(2)], stop=threading.Event())
assert seen == [True, True], seen
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
