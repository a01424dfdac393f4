"""The line on real segmenting, with sources and faults that the tests control."""

from __future__ import annotations

import threading
import time
from fractions import Fraction

import numpy as np
import pytest

from liveseg import PASCAL_VOC, Segmenter
from liveseg.contract import ModelContract
from liveseg.errors import MediaError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.pipeline import Pipeline


class Clip(Source):
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


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=33)


def liveseg_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("liveseg")]


def test_frames_come_out_in_order_with_their_own_times(segmenter):
    results = list(Pipeline(segmenter).run(Clip(30)))
    assert [result.frame_index for result in results] == list(range(30))
    assert results[7].timestamp == Fraction(7, 25)
    assert all(result.picture[0, 0, 0] == result.frame_index for result in results)
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
        seen.extend(result.frame_index for result in Pipeline(segmenter).run(Clip(200, fail_at=3)))
    assert seen == [0, 1, 2]
    assert not liveseg_threads()


def test_a_stop_lets_what_was_read_come_out_and_reads_no_more(segmenter):
    stop = threading.Event()
    clip = Clip(500)
    seen = []
    for result in Pipeline(segmenter).run(clip, stop=stop):
        seen.append(result.frame_index)
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
        precision = "float32"

        def __call__(self, images):
            hands.append(None)
            most.append(len(hands))
            threading.Event().wait(0.01)
            hands.pop()
            return np.zeros((1, 21, 4, 4), np.float32)

    segmenter = Segmenter.from_runtime(Counting(), parallel=parallel)
    assert [result.frame_index for result in Pipeline(segmenter).run(Clip(30))] == list(range(30))
    assert max(most) == parallel


def test_a_stream_closes_its_source(segmenter):
    clip = Clip(10)
    for _ in segmenter.stream(clip):
        break
    stream = segmenter.stream(Clip(3))
    assert [result.segmentation.mask.shape for result in stream] == [(32, 48)] * 3


class Camera(Source):
    """A live source at 100 frames a second: whoever asks gets the newest frame, and is told what was left out."""

    def __init__(self, frames=None, away=()):
        self.info = SourceInfo("camera", "video", 48, 32, Fraction(100), Fraction(1, 100), live=True)
        self.notes = []
        self._ended = threading.Event()
        self._frames = frames
        self._away = away

    def __iter__(self):
        began = time.monotonic()
        last = -1
        given = 0
        while given != self._frames and not self._ended.is_set():
            newest = int((time.monotonic() - began) * 100)
            if newest == last:
                self._ended.wait(0.001)
                continue
            arrived = began + newest / 100
            image = np.full((32, 48, 3), 7, np.uint8)
            yield Frame(image, newest, newest, Fraction(1, 100), arrived, newest - last - 1, given in self._away)
            last = newest
            given += 1

    def end(self):
        self._ended.set()

    def close(self):
        self.end()


def test_a_slow_caller_of_a_live_source_gets_no_older_frames_but_fewer(segmenter):
    ages, dropped, indexes = [], [], []
    for result in Pipeline(segmenter, workers=1).run(Camera(frames=16)):
        ages.append(result.age_ms)
        dropped.append(result.dropped_before)
        indexes.append(result.frame_index)
        time.sleep(0.1)
    # Each frame waits for one other in the caller's hands at most; a queue would make them 100 ms older each.
    assert max(ages[8:]) < max(ages[2:8]) + 200
    assert min(dropped[2:]) >= 3
    assert indexes[-1] == sum(dropped) + len(dropped) - 1


def test_frames_of_a_file_have_no_age(segmenter):
    assert {result.age_ms for result in Pipeline(segmenter).run(Clip(3))} == {None}


def test_a_live_source_that_waits_is_ended_by_a_stop_and_by_leaving(segmenter):
    class Silent(Camera):
        def __iter__(self):
            self._ended.wait(60)
            return iter(())

    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    assert list(Pipeline(segmenter).run(Silent(), stop=stop)) == []
    for _ in Pipeline(segmenter).run(Camera()):
        break
    assert not liveseg_threads()


def test_the_network_never_sees_a_placeholder(segmenter):
    pipeline = Pipeline(segmenter, workers=1, render=lambda found: found.image + 1)
    results = list(pipeline.run(Camera(frames=4, away=(1, 2))))
    assert [result.frame.placeholder for result in results] == [False, True, True, False]
    assert [int(result.picture[0, 0, 0]) for result in results] == [8, 7, 7, 8]
    assert pipeline.times._stages["infer"].count == 2
    assert not results[1].segmentation.mask.any()
    assert results[1].segmentation.confidence.shape == (32, 48)


def test_every_thread_accounts_for_its_time(segmenter):
    least = []
    # Where others keep the processor busy, a thread is put aside between two looks at the clock: not in each of three.
    while len(least) < 3 and max(least, default=0) <= 0.9:
        pipeline = Pipeline(segmenter, workers=2)
        for _ in pipeline.run(Clip(40)):
            time.sleep(0.005)
        assert [thread.name for thread in pipeline.threads] == ["reader", "worker 1", "worker 2", "caller"]
        assert all(thread.explained <= 1.001 for thread in pipeline.threads)
        least.append(min(thread.explained for thread in pipeline.threads))
    assert max(least) > 0.9
    caller = pipeline.threads[-1]
    assert caller.busy_seconds >= 40 * 0.005
    assert caller.wall_seconds >= caller.busy_seconds


def test_a_live_frame_is_not_taken_before_a_worker_is_free_for_it():
    at_work, taken = threading.Event(), []

    class Slow:
        """A stand-in for a runtime that takes its time."""

        name, device, contract = "slow", "cpu", ModelContract("slow", PASCAL_VOC)
        precision = "float32"

        def __call__(self, images):
            at_work.set()
            time.sleep(0.05)
            at_work.clear()
            return np.zeros((1, 21, 4, 4), np.float32)

    class Watched(Camera):
        def __iter__(self):
            for frame in super().__iter__():
                taken.append(at_work.is_set())
                yield frame

    list(Pipeline(Segmenter.from_runtime(Slow()), workers=1).run(Watched(frames=8)))
    # A frame taken while the one before it is segmented would only grow old.
    assert taken == [False] * 8


def test_a_placeholder_gets_the_size_of_what_is_drawn(segmenter):
    def doubled(image):
        return np.hstack((image, image))

    pipeline = Pipeline(segmenter, workers=1, render=lambda found: doubled(found.image), untouched=doubled)
    results = list(pipeline.run(Camera(frames=3, away=(1,))))
    assert [result.picture.shape for result in results] == [(32, 96, 3)] * 3
    assert results[1].segmentation.mask.shape == (32, 48)
