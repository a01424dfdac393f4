"""Steps and their graphs: the order of things on a device, told by a fake one; the real one in `test_torch_line`."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from liveseg.errors import LivesegError
from liveseg.runtimes.torch_steps import MOST_SHAPES, GraphSteps, PlainSteps


class FakeCudaEdge:
    """Stands in for a CUDA device: a graph is a function on fixed tensors, and a copy is made when it is asked for."""

    def __init__(self):
        self.captured = []
        self.inside = False

    @contextmanager
    def entered(self):
        assert not self.inside, "two threads were on the device at once"
        self.inside = True
        try:
            yield
        finally:
            self.inside = False

    def upload(self, images):
        assert self.inside
        return torch.tensor(images)

    def capture(self, step, pixels):
        assert self.inside
        self.captured.append(tuple(pixels.shape))
        fixed = pixels.clone()
        outputs = step(fixed)

        def replay(pixels):
            assert self.inside
            fixed.copy_(pixels)
            time.sleep(0.001)  # long enough for another thread to come between
            for output, result in zip(outputs, step(fixed), strict=True):
                output.copy_(result)
            return outputs

        return replay

    def download(self, outputs):
        copies = [output.clone().numpy() for output in outputs]

        def wait():
            return tuple(copies)

        return wait


def tripled(pixels):
    return pixels.to(torch.int32) * 3, pixels.flip(0)


@pytest.fixture
def edge():
    return FakeCudaEdge()


@pytest.fixture
def prepared():
    return []


@pytest.fixture
def steps(edge, prepared):
    def prepare(shape):
        prepared.append(shape)
        return tripled

    return GraphSteps(prepare, edge)


def images(seed, shape=(2, 3, 4, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def check(results, given):
    assert np.array_equal(results[0], given.astype(np.int32) * 3)
    assert np.array_equal(results[1], given[::-1])


def test_a_shape_is_captured_when_it_comes_again_and_only_then(steps, edge, prepared):
    last_batch = (1, 3, 4, 3)
    for seed, shape in enumerate([(2, 3, 4, 3), (2, 3, 4, 3), last_batch, (2, 3, 4, 3)]):
        check(steps(images(seed, shape)), images(seed, shape))
    assert edge.captured == [(2, 3, 4, 3)]
    assert prepared == [(2, 3, 4, 3), last_batch]


def test_a_result_outlives_the_calls_after_it(steps):
    given = [images(seed) for seed in range(4)]
    results = [steps(image) for image in given]
    for result, image in zip(results, given, strict=True):
        check(result, image)


def test_threads_do_not_see_each_others_pictures(steps):
    failures = []

    def work(seed):
        try:
            for turn in range(20):
                check(steps(images(100 * seed + turn)), images(100 * seed + turn))
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_the_shape_that_was_longest_away_is_forgotten(steps, edge, prepared):
    for width in [*range(1, MOST_SHAPES + 2), 1]:
        steps(images(0, (1, 1, width, 3)))
    assert [shape[2] for shape in prepared] == [*range(1, MOST_SHAPES + 2), 1]
    assert edge.captured == []


def test_without_graphs_the_result_is_the_same_and_the_input_may_be_read_only():
    given = images(5)
    given.flags.writeable = False
    check(PlainSteps(lambda _shape: tripled, torch.device("cpu"))(given), given)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (RuntimeError("no kernel\nand a long trace"), r"input of \(2, 3, 4, 3\): no kernel$"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out of memory.*smaller --size"),
    ],
)
@pytest.mark.parametrize("graphs", [True, False])
def test_a_failure_is_one_line_and_the_next_call_works(edge, graphs, error, message):
    failing = [True]

    def step(pixels):
        if failing:
            failing.pop()
            raise error
        return tripled(pixels)

    steps = GraphSteps(lambda _shape: step, edge) if graphs else PlainSteps(lambda _shape: step, torch.device("cpu"))
    with pytest.raises(LivesegError, match=message):
        steps(images(0))
    for seed in range(3):
        check(steps(images(seed)), images(seed))
