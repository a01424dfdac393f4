"""What the line does in the order of frames although several workers have them in hand."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from liveseg import Segmenter
from liveseg.errors import MediaError
from liveseg.job import convert
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.pipeline import Pipeline
from liveseg.products.base import Product


class Clip(Source):
    """Plain pictures, some of which may only stand in for frames that are away."""

    def __init__(self, frames, placeholders=()):
        self.info = SourceInfo("clip", "video", 48, 32, Fraction(25), Fraction(1, 25), frames)
        self.notes = []
        self._frames, self._placeholders = frames, placeholders

    def __iter__(self):
        for index in range(self._frames):
            image = np.full((32, 48, 3), index, np.uint8)
            yield Frame(image, index, index, Fraction(1, 25), placeholder=index in self._placeholders)

    def close(self):
        pass


class Uneven(Segmenter):
    """Takes longer for even frames, so that their successors overtake them; breaks on one of them."""

    breaks_at = None

    def infer_frame(self, frame):
        time.sleep(0.0 if frame.index % 2 else 0.02)
        if frame.index == self.breaks_at:
            raise MediaError("the network broke")
        return super().infer_frame(frame)


@pytest.fixture
def segmenter():
    return Uneven("lite", size=33, parallel=4)


class Memory:
    """A smoother that counts on order: it writes the number of frames before into the logits."""

    def __init__(self):
        self.times = []

    def __call__(self, inferred, timestamp):
        self.times.append(timestamp)
        return replace(inferred, logits=np.full_like(inferred.logits, len(self.times)))


def test_outputs_are_smoothed_in_the_order_of_frames_by_a_state_of_the_run(segmenter):
    made = []

    def smooth():
        made.append(Memory())
        return made[-1]

    pipeline = Pipeline(segmenter, smooth=smooth)
    for _ in range(2):
        results = list(pipeline.run(Clip(20)))
        assert [result.segmentation.logits[0, 0, 0] for result in results] == list(range(1, 21))
    assert [memory.times for memory in made] == [[Fraction(index, 25) for index in range(20)]] * 2
    assert pipeline.times._stages["smooth"].count == 40


def test_placeholders_are_not_smoothed_and_hold_nobody_up(segmenter):
    memory = Memory()
    results = list(Pipeline(segmenter, smooth=lambda: memory).run(Clip(12, placeholders=(0, 5, 6, 11))))
    assert len(results) == 12
    assert len(memory.times) == 8


@pytest.mark.timeout(60)
def test_a_failure_while_others_wait_for_their_turn_ends_the_line(segmenter):
    segmenter.breaks_at = 6
    seen = []
    with pytest.raises(MediaError, match="the network broke"):
        seen.extend(result.frame_index for result in Pipeline(segmenter, smooth=Memory).run(Clip(40)))
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("liveseg")]


@pytest.mark.timeout(60)
def test_leaving_early_waits_for_nobodys_turn(segmenter):
    results = Pipeline(segmenter, smooth=Memory).run(Clip(40))
    next(results)
    results.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("liveseg")]


class Notebook(Product):
    """Remembers what it was given, and how it ended."""

    def __init__(self):
        super().__init__(None)
        self.notes = ["a note"]
        self.written, self.ended, self.threads = [], [], set()

    def prepare(self, found):
        self.threads.add(threading.current_thread().name)
        return int(found.image[0, 0, 0])

    def write(self, result, prepared):
        self.written.append((result.frame_index, prepared))

    def commit(self):
        self.ended.append("committed")

    def abort(self):
        self.ended.append("aborted")


def test_products_get_each_frame_in_order_prepared_by_the_workers(segmenter):
    notebook, pipeline = Notebook(), Pipeline(segmenter)
    outcome = convert(Clip(20, placeholders=(3,)), None, pipeline, products=[notebook])
    assert notebook.written == [(index, index) for index in range(20) if index != 3]
    assert notebook.ended == ["committed"]
    assert all(name.startswith("liveseg-worker") for name in notebook.threads)
    assert "a note" in outcome.notes
    assert {"prepare", "save"} <= pipeline.times.milliseconds().keys()


def test_products_are_aborted_where_the_line_fails(segmenter):
    segmenter.breaks_at = 6
    notebook = Notebook()
    with pytest.raises(MediaError):
        convert(Clip(20), None, Pipeline(segmenter), products=[notebook])
    assert notebook.ended == ["aborted"]
