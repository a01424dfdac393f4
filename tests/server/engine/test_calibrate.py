"""Whether to batch, on devices that a test makes up, with a clock that it turns."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from liveseg.contract import ModelContract
from liveseg.labels import PASCAL_VOC
from liveseg.segmenter import Segmenter
from liveseg.server.engine.calibrate import MOST, best_batch


class Device:
    """A runtime whose calls take the time that `cost` says, by the number of pictures."""

    name, precision = "own", "float32"

    def __init__(self, cost, device="gpu:0"):
        self.device = device
        self.contract = ModelContract("own", PASCAL_VOC, default_size=16)
        self.now = 0.0
        self.calls = []
        self._cost = cost
        self._lock = threading.Lock()

    def __call__(self, images):
        with self._lock:
            self.now += self._cost(len(images), len(self.calls))
            self.calls.append(len(images))
        return np.zeros((len(images), 21, 2, 2), np.float32)

    def clock(self):
        return self.now


def best(device, **options):
    return best_batch(Segmenter.from_runtime(device, **options), 2, clock=device.clock)


@pytest.mark.parametrize(
    ("cost", "wanted"),
    [
        # Most of a call is its start, as on a GPU: the more the better.
        (lambda n, _: 0.001 + 0.0001 * n, MOST),
        # A picture is a picture.
        (lambda n, _: 0.001 * n, 1),
        # A gain too small to be told from noise.
        (lambda n, _: 0.001 * n * (0.95 if n > 1 else 1.0), 1),
        # Two or four at a time fit the device, eight do not.
        (lambda n, _: {1: 0.001, 2: 0.0014, 4: 0.002, 8: 0.010}[n], 4),
    ],
)
def test_the_batch_that_measures_faster_is_taken(cost, wanted):
    assert best(Device(cost)) == wanted


def test_a_gain_that_does_not_come_again_is_noise():
    # Batches cost nothing in the first round, and as much as singles afterwards.
    assert best(Device(lambda n, calls: 0.001 * n * (0.2 if n > 1 and calls < 40 else 1.0))) == 1


def test_a_slow_network_is_not_measured_for_long():
    device = Device(lambda n, _: 0.5 + 0.1 * n)
    assert best(device) == 1
    assert device.calls == [1]


def test_on_a_processor_nothing_is_measured():
    device = Device(lambda n, _: 0.001, device="cpu")
    assert best(device) == 1
    assert device.calls == []


def test_pictures_that_go_alone_are_not_measured():
    device = Device(lambda n, _: 0.001)
    assert best(device, tta="flip") == 1
    assert device.calls == []
