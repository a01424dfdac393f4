"""The line on real segmenting, with sources and faults that the tests control."""

from __future__ import annotations

import threading
from fractions import Fraction

import numpy as np
import pytest

from liveseg import PASCAL_VOC, Segmenter
from liveseg.contract import ModelContract
from liveseg.errors import MediaError
from liveseg.media.frame import Frame, SourceInfo
from liveseg.pipeline import Pipeline


class Clip:
    """A source of plain pictures that can fail, and that remembers what was asked of it."""

    def __init__(self, frames, fail_at=None):
        self.info = SourceInfo("clip", "video", 48, 32, Fraction(25), Fraction(1, 25), frames)
        self.notes = []
        self.read = 0
        self.closed = False
        self._frames = frames
        self._fail_at = fail_at

    def __iter__(self):
        for index in range(self._frames):
            if index == self._fail_at:
                raise MediaError("the clip broke")
            self.read += 1
            yield Frame(np.full((32, 48, 3), index % 256, np.uint8), index, index, Fraction(1, 25))

    def close(self):
        self.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=33)


def liveseg_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("liveseg")]


def test_frames_come_out_in_order_with_their_own_times(segmenter):
    results = list(Pipeline(segmenter).run(Clip(30)))
    assert [result.index for result in results] == list(range(30))
    assert results[7].timestamp == Fraction(7, 25)
    assert all(result.picture[0, 0, 0] == result.index for result in results)
    assert not liveseg_threads()


def test_every_stage_is_timed_for_every_frame(segmenter):
    pipeline = Pipeline(segmenter, render=lambda found: found.image)
    list(pipeline.run(Clip(5)))
    assert set(pipeline.times.milliseconds()) == {"decode", "preprocess", "infer", "postprocess", "render"}
    assert pipeline.times._stages["infer"].count == 5
    assert pipeline.latency.count == 5


def test_reading_ahead_is_bounded(segmenter):
    clip = Clip(500)
    results = Pipeline(segmenter, workers=2).run(clip)
    next(results)
    threading.Event().wait(0.5)
    # One taken, two at the door, two in the pool's hands, one in the reader's.
    assert clip.read <= 6
    results.close()
    assert not liveseg_threads()


def test_a_failure_while_rendering_frame_3_of_200_stops_everything(segmenter):
    def render(found):
        if found.image[0, 0, 0] == 3:
            raise RuntimeError("render broke")
        return found.image

    clip = Clip(200)
    with pytest.raises(RuntimeError, match="render broke") as caught:
        list(Pipeline(segmenter, render=render).run(clip))
    assert clip.read < 20
    assert any(entry.name == "render" for entry in caught.traceback)
    assert not liveseg_threads()


def test_a_failure_of_the_source_reaches_the_caller_after_the_good_frames(segmenter):
    seen = []
    with pytest.raises(MediaError, match="the clip broke"):
        seen.extend(result.index for result in Pipeline(segmenter).run(Clip(200, fail_at=3)))
    assert seen == [0, 1, 2]
    assert not liveseg_threads()


def test_a_stop_lets_what_was_read_come_out_and_reads_no_more(segmenter):
    stop = threading.Event()
    clip = Clip(500)
    seen = []
    for result in Pipeline(segmenter).run(clip, stop=stop):
        seen.append(result.index)
        stop.set()
    assert seen == list(range(clip.read))
    assert clip.read < 20


def test_a_source_of_no_frames_gives_no_results(segmenter):
    assert list(Pipeline(segmenter).run(Clip(0))) == []


@pytest.mark.parametrize("parallel", [1, 3])
def test_as_many_frames_are_in_hand_as_the_segmenter_takes_in_parallel(parallel):
    hands, most = [], []

    class Counting:
        """A stand-in for a runtime that notes how many calls are under way."""

        name, device, contract = "counting", "cpu", ModelContract("counting", PASCAL_VOC)

        def __call__(self, images):
            hands.append(None)
            most.append(len(hands))
            threading.Event().wait(0.01)
            hands.pop()
            return np.zeros((1, 21, 4, 4), np.float32)

    segmenter = Segmenter.from_runtime(Counting(), parallel=parallel)
    assert [result.index for result in Pipeline(segmenter).run(Clip(30))] == list(range(30))
    assert max(most) == parallel


def test_a_stream_closes_its_source(segmenter):
    clip = Clip(10)
    for _ in segmenter.stream(clip):
        break
    stream = segmenter.stream(Clip(3))
    assert [result.segmentation.mask.shape for result in stream] == [(32, 48)] * 3
