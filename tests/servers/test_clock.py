"""The painted clock, on which the tests of live sources rest."""

from __future__ import annotations

import time

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="module")
def clock(load_server_module):
    return load_server_module("clock")


def picture(clock, number, size=(640, 480)):
    width, height = size
    luma = np.frombuffer(clock.paint(width, height, number), np.uint8)[: width * height]
    return np.repeat(luma.reshape(height, width, 1), 3, axis=2)


@pytest.mark.parametrize("size", [(640, 480), (320, 240)])
@pytest.mark.parametrize("shown", [(640, 480), (320, 240), (500, 360)])
def test_what_is_painted_is_read_also_from_a_scaled_picture(clock, size, shown):
    before = time.monotonic()
    painted = picture(clock, 123_456, size)
    after = time.monotonic()
    reading = clock.read_clock(cv2.resize(painted, shown))
    assert before <= reading.seconds <= after
    assert reading.number == 123_456


def test_a_picture_that_is_damaged_or_of_something_else_is_not_read(clock):
    damaged = picture(clock, 7).copy()
    damaged[10:30, 5:35] = 255 - damaged[10:30, 5:35]
    assert clock.read_clock(damaged) is None
    assert clock.read_clock(np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)) is None
