import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from liveseg import Segmenter
from liveseg.evaluate import confusion
from liveseg.evaluate.counts import count
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet, voc_palette


def matrix_of(truth, found, classes):
    matrix = np.zeros((classes, classes + 1), np.int64)
    for row, column, pixels in confusion.pairs(truth, found, classes):
        matrix[row, column] = pixels
    return matrix


def named(classes):
    return LabelSet(tuple(f"c{index}" for index in range(classes)), voc_palette(classes))


def scored(truth, found, classes):
    tally = Tally(classes, replicates=10)
    tally.add(count("one", truth, found, classes))
    return tally, tally.scores(named(classes))


masks = st.integers(2, 12).flatmap(
    lambda classes: st.tuples(
        st.just(classes),
        arrays(np.uint8, (7, 9), elements=st.sampled_from([*range(classes), 255])),
        arrays(np.uint8, (7, 9), elements=st.integers(0, classes - 1)),
    )
)


@settings(deadline=None, max_examples=30)
@given(masks)
def test_pairs_are_scikit_learns_confusion_matrix(given_masks):
    from sklearn.metrics import confusion_matrix

    classes, truth, found = given_masks
    known = truth < classes
    matrix = matrix_of(truth, found, classes)
    assert not matrix[:, classes].any()
    if known.any():
        theirs = confusion_matrix(truth[known], found[known], labels=range(classes))
        assert np.array_equal(matrix[:, :classes], theirs)
    else:
        assert not matrix.any()


def reference(truth, found, classes):
    """What torchvision's reference makes of two masks: its formulas, in tensors."""
    import torch

    a, b = torch.from_numpy(truth).flatten().long(), torch.from_numpy(found).flatten().long()
    k = (a >= 0) & (a < classes)
    h = torch.bincount(classes * a[k] + b[k], minlength=classes**2).reshape(classes, classes).double()
    diagonal = torch.diag(h)
    return diagonal.sum() / h.sum(), diagonal / h.sum(1), diagonal / (h.sum(1) + h.sum(0) - diagonal)


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_torchvisions_reference_where_every_class_occurs(regions, require_module, seed):
    require_module("torch", "torch")
    truth, found = regions(seed, ignored=0.05)
    _, own = scored(truth, found, 5)
    accuracy, of_each, iou = reference(truth, found, 5)
    assert own.scores["pixel_accuracy"].value == pytest.approx(float(accuracy))
    assert [each.accuracy.value for each in own.per_class] == pytest.approx(of_each.tolist())
    assert [each.iou.value for each in own.per_class] == pytest.approx(iou.tolist())
    assert own.scores["miou"].value == pytest.approx(float(iou.mean()))
    assert own.scores["class_accuracy"].value == pytest.approx(float(of_each.mean()))


@pytest.mark.parametrize("seed", range(4))
def test_scores_are_those_of_torchmetrics_and_scikit_learn(regions, require_module, seed):
    require_module("torchmetrics", "torchmetrics")
    import torch
    from sklearn.metrics import jaccard_score
    from torchmetrics.classification import MulticlassAccuracy, MulticlassJaccardIndex

    truth, found = regions(seed, ignored=0.02)
    _, own = scored(truth, found, 5)
    theirs = torch.from_numpy(found.astype(np.int64)), torch.from_numpy(truth.astype(np.int64))
    for average, values in (("none", [each.iou.value for each in own.per_class]), ("macro", own.scores["miou"].value)):
        metric = MulticlassJaccardIndex(5, average=average, ignore_index=255, validate_args=False)
        assert values == pytest.approx(metric(*theirs).tolist(), abs=1e-6)
    for average, name in (("macro", "class_accuracy"), ("micro", "pixel_accuracy")):
        metric = MulticlassAccuracy(5, average=average, ignore_index=255, validate_args=False)
        assert own.scores[name].value == pytest.approx(float(metric(*theirs)), abs=1e-6)
    known = truth < 5
    assert own.scores["miou"].value == pytest.approx(jaccard_score(truth[known], found[known], average="macro"))


def test_scores_of_a_networks_mask_of_a_photo_are_scikit_learns(samples):
    from sklearn.metrics import accuracy_score, jaccard_score

    found = Segmenter(threads=1)(samples / "image_1.jpg").mask
    truth = np.roll(found, (9, -14), (0, 1))
    truth[:20] = 255
    _, own = scored(truth, found, 21)
    known = truth < 21
    present = np.union1d(truth[known], found[known])
    iou = jaccard_score(truth[known], found[known], labels=present, average=None)
    assert [each.iou.value for each in own.per_class if each.iou] == pytest.approx(iou.tolist())
    assert own.scores["pixel_accuracy"].value == pytest.approx(accuracy_score(truth[known], found[known]))


def test_a_class_in_neither_mask_is_left_out_of_the_mean_where_torchvision_has_nan(require_module):
    require_module("torch", "torch")
    truth = np.array([[0, 0, 1, 1]], np.uint8)
    found = np.array([[0, 1, 1, 1]], np.uint8)
    _, own = scored(truth, found, 4)
    assert np.isnan(float(reference(truth, found, 4)[2].mean()))
    assert own.scores["miou"].value == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert [each.iou is None for each in own.per_class] == [False, False, True, True]


def test_a_class_that_is_only_predicted_counts_as_zero():
    truth = np.zeros((1, 4), np.uint8)
    found = np.array([[0, 0, 0, 2]], np.uint8)
    _, own = scored(truth, found, 3)
    assert own.scores["miou"].value == pytest.approx((3 / 4 + 0) / 2)
    assert own.per_class[2].iou.value == 0
    assert own.per_class[2].accuracy is None
    assert own.per_class[1].precision is None


def test_what_is_predicted_as_unknown_is_wrong_for_its_true_class():
    truth = np.array([[0, 0, 1, 1, 255]], np.uint8)
    found = np.array([[0, 2, 1, 200, 2]], np.uint8)
    assert confusion.pairs(truth, found, 2) == ((0, 0, 1), (0, 2, 1), (1, 1, 1), (1, 2, 1))
    tally, own = scored(truth, found, 2)
    assert tally.unknown.tolist() == [1, 1]
    assert tally.confusion.tolist() == [[1, 0], [0, 1]]
    assert own.scores["pixel_accuracy"].value == 0.5
    assert own.scores["miou"].value == 0.5
    assert tally.pixels == 4


def test_counting_in_strips_and_with_the_most_classes_changes_nothing(monkeypatch):
    random = np.random.default_rng(0)
    truth, found = random.integers(0, 256, (2, 50, 60)).astype(np.uint8)
    whole = confusion.pairs(truth, found, 255)
    monkeypatch.setattr(confusion, "_STRIP_PIXELS", 170)
    assert confusion.pairs(truth, found, 255) == whole
    assert sum(pixels for _, _, pixels in whole) == int((truth < 255).sum())
    assert any(column == 255 for _, column, _ in whole)


def test_an_images_scores_are_those_of_a_set_of_it_alone(regions):
    truth, found = regions(7, ignored=0.1)
    found[:9] = 5
    _, own = scored(truth, found, 5)
    miou, accuracy, pixels = confusion.image_scores(confusion.pairs(truth, found, 5), 5)
    assert miou == pytest.approx(own.scores["miou"].value)
    assert accuracy == pytest.approx(own.scores["pixel_accuracy"].value)
    assert pixels == int((truth < 5).sum())
    assert confusion.image_scores((), 5) is None
