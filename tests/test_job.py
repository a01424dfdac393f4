"""The loop that the command line and the tutorial's programs share, on a real clip and a real file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg import Segmenter
from liveseg.errors import MediaError
from liveseg.job import convert, stop_on_signals
from liveseg.media.frame import Selection
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=33)


@pytest.fixture
def clip(samples):
    return VideoSource(samples / "video_2.mp4")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "out.mp4"


class Keys:
    """A screen that remembers what it was shown, and on which a key is pressed after some frames."""

    def __init__(self, key, after):
        self.shown = 0
        self._key = key
        self._after = after

    def show(self, rgb, segmentation=None, *, frame=None, draw=None):
        self.shown += 1

    def poll(self):
        return self._key if self.shown >= self._after else None


def frames_of(path):
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_a_failure_on_frame_3_leaves_no_file_and_closes_the_source(segmenter, clip, target):
    def render(found):
        if seen.count(None) == 3:
            raise MediaError("frame 3 broke")
        seen.append(None)
        return found.image

    seen = []
    pipeline = Pipeline(segmenter, render=render, workers=1)
    with pytest.raises(MediaError, match="frame 3 broke"):
        convert(clip, VideoSink(target, clip.info), pipeline)
    assert list(target.parent.iterdir()) == []
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("liveseg")]


def test_a_failure_while_drawing_in_order_is_no_different(segmenter, clip, target):
    def decorate(picture, result, outcome):
        raise RuntimeError("drawing broke")

    with pytest.raises(RuntimeError, match="drawing broke"):
        convert(clip, VideoSink(target, clip.info), Pipeline(segmenter), decorate=decorate)
    assert list(target.parent.iterdir()) == []


def test_a_whole_run_counts_its_frames_and_draws_in_order(segmenter, samples, target):
    source = VideoSource(samples / "video_2.mp4", Selection(limit=20))
    rates = []

    def decorate(picture, result, outcome):
        rates.append(outcome.recent_rate)
        return picture

    outcome = convert(source, VideoSink(target, source.info), Pipeline(segmenter), decorate=decorate)
    assert outcome.frames == frames_of(target) == len(rates) == 20
    assert outcome.ended_by == "end"
    assert outcome.rate == pytest.approx(20 / outcome.seconds)
    assert rates[0] == 0
    assert min(rates[1:]) > 0


@pytest.mark.parametrize("key", ["q", "escape", "quit"])
def test_a_key_in_the_window_ends_with_a_whole_file(segmenter, clip, target, key):
    screen = Keys(key, after=5)
    outcome = convert(clip, VideoSink(target, clip.info), Pipeline(segmenter), screen=screen)
    assert outcome.ended_by == "key"
    assert outcome.frames == frames_of(target) == screen.shown == 5


def test_another_key_changes_nothing(segmenter, samples, target):
    source = VideoSource(samples / "video_2.mp4", Selection(limit=8))
    assert convert(source, None, Pipeline(segmenter), screen=Keys("a", after=1)).frames == 8


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_the_first_signal_stops_in_good_order_and_the_second_at_once():
    before = signal.getsignal(signal.SIGINT)
    with stop_on_signals() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
        with pytest.raises(KeyboardInterrupt):  # noqa: PT012 - the signal arrives while waiting
            os.kill(os.getpid(), signal.SIGINT)
            threading.Event().wait(5)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_signals_are_left_alone():
    seen = []

    def work():
        with stop_on_signals() as stop:
            seen.append(stop.is_set())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


MEMORY = """
import pathlib, resource, sys
from liveseg import Segmenter
from liveseg.job import convert
from liveseg.media.video_sink import VideoSink
from liveseg.media.video_source import VideoSource
from liveseg.pipeline import Pipeline
from liveseg.render import Painter

def rss():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

def look(result):
    if result.frame_index in (500, 19_999):
        print(rss())

segmenter = Segmenter("lite", size=33)
painter = Painter(segmenter.labels)
source = VideoSource(sys.argv[1])
pipeline = Pipeline(segmenter, render=lambda found: painter.overlay(found.image, found.mask))
convert(source, VideoSink(sys.argv[2], source.info), pipeline, on_result=look)
"""


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_memory_at_frame_20000_is_that_at_frame_500(tmp_path):
    clip = tmp_path / "long.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 96, 64, "yuv420p", Fraction(1, 25)
        picture = np.zeros((64, 96, 3), np.uint8)
        for index in range(20_000):
            picture[:, index % 96] = index % 256
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    command = [sys.executable, "-c", MEMORY, str(clip), str(tmp_path / "out.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    early, late = (int(line) for line in done.stdout.split())
    assert late <= 1.05 * early
    assert frames_of(tmp_path / "out.mp4") == 20_000
