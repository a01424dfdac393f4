"""Measuring: networks whose cost is known, the rest of the line for real."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from liveseg.errors import LivesegError
from liveseg.labels import PASCAL_VOC
from liveseg.tuning.cost import NOTHING
from liveseg.tuning.measure import Encode, measure_engine, measure_line
from liveseg.tuning.scene import areas, scene


def test_the_scene_moves_and_is_the_same_each_time():
    frames = scene(320, 240)
    assert 4 <= len(frames) <= 20
    assert all(frame.shape == (240, 320, 3) and frame.dtype == np.uint8 for frame in frames)
    assert all((a == b).all() for a, b in zip(frames, scene(320, 240), strict=True))
    np.testing.assert_array_equal(frames[0][3:, 3:], frames[1][:-3, :-3])
    assert frames[0].std() > 20


def test_the_scene_of_a_large_source_does_not_fill_the_memory():
    assert len(scene(2560, 1440)) * 2560 * 1440 * 3 < 2e8


@pytest.mark.parametrize("size", [(1, 1), (2, 500), (33, 7)])
def test_odd_and_tiny_scenes_can_be_made(size):
    assert scene(*size)[0].shape == (size[1], size[0], 3)
    assert areas(*size, 21).shape == (size[1], size[0])


def test_areas_leave_most_of_the_picture_background():
    mask = areas(640, 480, 21)
    assert 0.1 < (mask > 0).mean() < 0.6
    assert mask.max() < 21


def test_a_networks_time_is_found_and_its_line_fitted(fake_runtime):
    network = fake_runtime(per_pixel=4e-7)
    cost = measure_engine(network, scene(320, 240), [129, 193, 257], parallel=1, seconds=2.0)
    assert [sample.size for sample in cost.samples] == [129, 193, 257]
    assert [sample.pixels for sample in cost.samples] == [129 * 161, 193 * 257, 257 * 353]
    assert cost.wall(60_000) == pytest.approx(0.024, rel=0.5)  # sleeping takes longer than asked for, never less
    assert cost.wall(60_000) >= 0.024
    assert cost.cores(60_000) < cost.wall(60_000) / 2  # who sleeps uses no core
    assert (cost.runtime, cost.precision, cost.device) == ("fake", "float32", "cpu")


def test_the_sizes_that_time_does_not_suffice_for_are_left_out(fake_runtime):
    began = time.perf_counter()
    cost = measure_engine(fake_runtime(per_pixel=8e-6), scene(320, 240), [129, 193, 257], parallel=1, seconds=1.0)
    assert [sample.size for sample in cost.samples] == [129]
    assert time.perf_counter() - began < 5


def test_as_many_pictures_as_the_line_takes_run_side_by_side(fake_runtime):
    network = fake_runtime()
    inside, most, lock = [0], [0], threading.Lock()

    class Counting(type(network)):
        def __call__(self, images):
            with lock:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
            time.sleep(0.01)
            with lock:
                inside[0] -= 1
            return super().__call__(images)

    network.__class__ = Counting
    measure_engine(network, scene(160, 120), [129], parallel=3, seconds=0.3)
    assert most[0] == 3


def test_a_network_that_fails_ends_the_measurement(fake_runtime):
    network = fake_runtime()

    class Broken(type(network)):
        def __call__(self, images):
            raise LivesegError("no such operator")

    network.__class__ = Broken
    with pytest.raises(LivesegError, match="no such operator"):
        measure_engine(network, scene(160, 120), [129], parallel=2, seconds=0.3)


@pytest.mark.parametrize("encode", [Encode(), Encode(codec="libx264", crf=30, preset="ultrafast")])
def test_decoding_drawing_and_encoding_cost_something(encode):
    cost = measure_line((322, 241), PASCAL_VOC, encode=encode, threads=1, seconds=1.0)
    for stage in (cost.decode, cost.render, cost.encode):
        assert 0 < stage.wall < 1
        assert 0 <= stage.cores < 1
    assert cost.encode.cores > cost.render.cores


def test_what_is_not_written_costs_nothing():
    assert measure_line((320, 240), PASCAL_VOC, encode=None, threads=None, seconds=0.5).encode == NOTHING
