"""How good the average of the weights is."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg import Segmenter
from liveseg.evaluate.confusion import pairs
from liveseg.evaluate.counts import count
from liveseg.evaluate.tally import Tally
from liveseg.models.build import build
from liveseg.models.registry import find_model
from liveseg.runtimes.torch import TorchRuntime
from liveseg.train.validation import Validation, scores_of, segmenter_of


@given(seed=st.integers(0, 10_000), classes=st.integers(2, 5))
def test_the_scores_are_those_of_an_evaluation(seed, classes):
    rng = np.random.default_rng(seed)
    tally, confusion = Tally(classes, replicates=1), np.zeros((classes, classes), np.int64)
    for number in range(3):
        truth = rng.choice([0, 1, classes - 1, 255], (7, 9)).astype(np.uint8)
        found = rng.integers(0, classes - 1, (7, 9)).astype(np.uint8)
        tally.add(count(str(number), truth, found, classes, edges=False))
        for true, own, pixels in pairs(truth, found, classes):
            confusion[true, own] += pixels
    scores = scores_of(confusion)
    assert scores.miou == pytest.approx(tally.miou)
    assert scores.accuracy == pytest.approx(np.trace(tally.confusion) / tally.pixels)


def test_a_class_that_is_nowhere_has_no_score():
    scores = scores_of(np.array([[3, 1, 0], [1, 5, 0], [0, 0, 0]]))
    assert scores.ious[:2] == pytest.approx((3 / 5, 5 / 7))
    assert math.isnan(scores.ious[2])
    assert scores.miou == pytest.approx((3 / 5 + 5 / 7) / 2)
    assert scores_of(np.zeros((2, 2), np.int64)).miou == 0


def test_a_learning_network_segments_as_its_copy_in_the_runtime_does(samples):
    contract, network = find_model("lite").contract, build("lite")
    ours = segmenter_of(network, contract)
    reference = Segmenter.from_runtime(TorchRuntime(network, contract, device="cpu"))
    photo = samples / "image_1.jpg"
    assert (ours(photo).mask == reference(photo).mask).mean() > 0.999
    assert next(ours._runtime._module.network.parameters()) is next(network.parameters())


def test_of_many_photos_some_are_chosen_evenly():
    chosen = Validation(list(range(1201)), 3, 1)
    assert len(chosen) == 401
    assert chosen._samples[:3] == (0, 3, 6)
    assert len(Validation(list(range(500)), 3, 1)) == 500
    assert len(Validation([], 3, 1)) == 0
