import numpy as np
import pytest

from liveseg.evaluate import calibration, confusion
from liveseg.evaluate.counts import ImageCounts
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet, voc_palette


def error_of(truth, found, confidence, classes):
    tally = Tally(classes, replicates=5)
    counted = calibration.bins(truth, found, confidence, classes)
    tally.add(ImageCounts("one", confusion.pairs(truth, found, classes), (), counted))
    labels = LabelSet(tuple("abcdefgh"[:classes]), voc_palette(classes))
    scores = tally.scores(labels)
    return scores.scores["ece"].value, scores.calibration


@pytest.mark.parametrize("seed", range(4))
def test_the_error_is_that_of_torchmetrics(require_module, seed):
    require_module("torchmetrics", "torchmetrics")
    import torch
    from torchmetrics.classification import MulticlassCalibrationError

    random = np.random.default_rng(seed)
    odds = np.exp(random.normal(0, 1 + seed, (40 * 50, 4)).astype(np.float32))
    odds /= odds.sum(1, keepdims=True)
    truth = np.where(random.random(2000) < 0.6, odds.argmax(1), random.integers(0, 4, 2000)).astype(np.uint8)
    truth[::17] = 255
    found, confidence = odds.argmax(1).astype(np.uint8), odds.max(1)
    own, _ = error_of(*(each.reshape(40, 50) for each in (truth, found, confidence)), 4)
    metric = MulticlassCalibrationError(4, n_bins=15, norm="l1", ignore_index=255, validate_args=False)
    theirs = float(metric(torch.from_numpy(odds), torch.from_numpy(truth.astype(np.int64))))
    assert own == pytest.approx(theirs, abs=2e-5)
    assert own > 0.01


def test_a_case_by_hand():
    truth = np.array([[0, 0, 0, 0]], np.uint8)
    found = np.array([[0, 0, 1, 1]], np.uint8)
    confidence = np.array([[0.95, 0.95, 0.95, 0.5]], np.float32)
    own, bins = error_of(truth, found, confidence, 2)
    assert own == pytest.approx(3 / 4 * (0.95 - 2 / 3) + 1 / 4 * 0.5, abs=1e-4)
    last = bins[14]
    assert (last.count, last.accuracy) == (3, pytest.approx(2 / 3))
    assert last.confidence == pytest.approx(0.95, abs=1e-4)
    assert (bins[7].count, bins[7].accuracy) == (1, 0)
    assert sum(each.count for each in bins) == 4


@pytest.mark.parametrize(("confidence", "index"), [(0.0, 0), (1 / 15, 0), (1 / 15 + 1e-4, 1), (0.6, 8), (1.0, 14)])
def test_a_confidence_between_two_bins_is_in_the_lower_one(confidence, index):
    one = np.zeros((1, 1), np.uint8)
    ((place, pixels, right, total),) = calibration.bins(one, one, np.full((1, 1), confidence, np.float32), 2)
    assert (place, pixels, right) == (index, 1, 1)
    assert total == pytest.approx(confidence * calibration.FULL, abs=0.51)


def test_what_is_ignored_does_not_count_and_no_class_is_wrong():
    truth = np.array([[255, 0, 1]], np.uint8)
    found = np.array([[0, 2, 1]], np.uint8)
    confidence = np.full((1, 3), 0.99, np.float32)
    ((place, pixels, right, _),) = calibration.bins(truth, found, confidence, 2)
    assert (place, pixels, right) == (14, 2, 1)


def test_strips_change_nothing(monkeypatch, regions):
    truth, found = regions(3, ignored=0.1)
    confidence = np.random.default_rng(1).random(truth.shape).astype(np.float32)
    whole = calibration.bins(truth, found, confidence, 5)
    monkeypatch.setattr(confusion, "_STRIP_PIXELS", 1000)
    assert calibration.bins(truth, found, confidence, 5) == whole
