"""Evaluations against the first of them, and several masks on the same photos in turn."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset
from liveseg.errors import DataError, UsageError
from liveseg.evaluate.compare import compare, to_json, verdict
from liveseg.evaluate.engine import evaluate, evaluate_masks
from liveseg.evaluate.in_turn import evaluate_in_turn
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.result import Interval
from liveseg.settings import ModelSettings

FEW = EvalOptions(replicates=200, worst=3, threads=1)
SMALL = ModelSettings(size=97, runtime="onnx")
SMALLER = ModelSettings(size=65, runtime="onnx")


@pytest.fixture
def dataset(labelled_photos):
    return open_dataset(labelled_photos)


@pytest.fixture
def folders(dataset, tmp_path):
    """Two folders of masks: the truth itself, and the truth of which some pixels are a wrong class."""
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    changed = {}
    for number, sample in enumerate(dataset):
        truth = sample.read_mask()
        other = truth.copy()
        other[: 4 * number] = 20
        changed[sample.key] = float((other != truth).mean())
        for folder, mask in ((right, truth), (wrong, other)):
            path = folder / f"{sample.key}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(path)
    return right, wrong, changed


def test_in_turn_gives_the_scores_that_each_has_alone(dataset):
    done = []
    ran = evaluate_in_turn(
        [SMALL, SMALLER], dataset, options=FEW, progress=lambda number, count, _: done.append((number, count))
    )
    assert done == [(number, len(dataset)) for number in range(1, len(dataset) + 1)]
    for settings, own in zip((SMALL, SMALLER), ran.evaluations, strict=True):
        alone = evaluate(settings, dataset, options=FEW)
        assert own.scores == alone.scores
        assert (own.confusion == alone.confusion).all()
        assert own.images_digest == alone.images_digest
        assert np.array_equal(own.replicates["miou"], alone.replicates["miou"], equal_nan=True)
        assert own.line_rate > 0


def test_agreement_is_the_share_of_pixels_that_are_the_same(dataset, folders):
    right, wrong, changed = folders
    ran = evaluate_in_turn([right, wrong], dataset, options=FEW)
    assert ran.agreements[0] is None
    pixels = [sample.read_mask().size for sample in dataset]
    same = 1 - np.average(list(changed.values()), weights=pixels)
    assert ran.agreements[1].share == pytest.approx(same, abs=1e-9)
    # Its own computation: IoU over every pair of masks, ignored pixels being one class more.
    first, second = (
        np.concatenate([np.asarray(Image.open(folder / f"{key}.png")).reshape(-1) for key in changed])
        for folder in (right, wrong)
    )
    ious = [
        ((first == index) & (second == index)).sum() / ((first == index) | (second == index)).sum()
        for index in np.union1d(first, second)
    ]
    assert ran.agreements[1].miou == pytest.approx(np.mean(ious), abs=1e-9)
    worst = sorted(changed, key=changed.get, reverse=True)[: FEW.worst]
    assert ran.differing == {key: pytest.approx(changed[key]) for key in worst}


def test_a_difference_is_that_of_the_scores_and_what_it_says_is_told(dataset, folders):
    right, wrong, _ = folders
    ran = evaluate_in_turn([right, wrong, SMALL], dataset, options=FEW)
    first, worse, network = compare(["right", "wrong", "lite"], ran.evaluations, ran.agreements, in_turn={0, 1, 2})
    assert first.differences == {}
    assert first.evaluation.miou == 1.0
    assert worse.differences["miou"].value == worse.evaluation.miou - 1.0
    assert worse.differences["miou"].low < worse.differences["miou"].value < worse.differences["miou"].high < 0
    assert verdict(worse.differences["miou"]) == "worse"
    assert worse.class_differences["cat"].value < 0
    assert (first.rate, worse.rate, worse.ratio) == (None, None, None), "files have no rate"
    assert network.rate > 0
    assert network.ratio is None, "and none to hold another's against"
    assert "ece" not in network.differences, "files have no confidence"


def test_what_is_held_against_itself_differs_in_nothing(dataset):
    ran = evaluate_in_turn([SMALL, SMALL], dataset, options=FEW)
    _, same = compare(["a", "b"], ran.evaluations, ran.agreements, in_turn={0, 1})
    assert all(own == Interval(0.0, 0.0, 0.0) for own in same.differences.values())
    assert verdict(same.differences["miou"]) == "not told apart"
    assert same.agreement.share == same.agreement.miou == 1.0
    assert 0.1 < same.ratio < 10


def test_the_interval_of_a_difference_is_narrower_than_those_of_the_scores(dataset):
    """What is hard for both cancels out: with intervals that were drawn apart it would not."""
    ran = evaluate_in_turn([SMALL, SMALLER], dataset, options=FEW)
    _, own = compare(["a", "b"], ran.evaluations)
    paired = own.differences["pixel_accuracy"]
    alone = [each.scores["pixel_accuracy"] for each in ran.evaluations]
    assert paired.high - paired.low < math.hypot(*(score.high - score.low for score in alone))


@pytest.mark.parametrize(
    ("difference", "score", "said"),
    [
        (Interval(0.1, 0.05, 0.2), "miou", "better"),
        (Interval(-0.1, -0.2, -0.05), "miou", "worse"),
        (Interval(-0.1, -0.2, 0.0), "miou", "not told apart"),
        (Interval(0.1, 0.05, 0.2), "ece", "worse"),
        (Interval(-0.1, -0.2, -0.05), "ece", "better"),
        (Interval(0.1), "miou", "not told apart"),
    ],
)
def test_a_difference_says_something_only_where_its_interval_leaves_0_out(difference, score, said):
    assert verdict(difference, score) == said


def test_where_one_photo_alone_counts_nothing_is_told_apart(labelled_photos, dataset, folders, tmp_path):
    right, wrong, _ = folders
    for number, sample in enumerate(dataset):
        mask = sample.read_mask()
        path = tmp_path / "truth" / f"{sample.key}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask if number == 2 else np.full_like(mask, 255)).save(path)
    one = open_dataset(labelled_photos, masks=tmp_path / "truth", labels="voc")
    _, own = compare(["a", "b"], [evaluate_masks(one, folder, options=FEW) for folder in (right, wrong)])
    assert own.evaluation.scores["miou"].low is None
    assert own.differences["miou"].value < 0
    assert {(each.low, each.high) for each in own.differences.values()} == {(None, None)}
    assert verdict(own.differences["miou"]) == "not told apart"


def test_evaluations_that_left_out_other_photos_are_refused(dataset, folders):
    found = []
    for folder, sample in zip(folders[:2], dataset, strict=False):
        (folder / f"{sample.key}.png").unlink()
        found.append(evaluate_masks(dataset, folder, options=dataclasses.replace(FEW, skip_bad=True)))
    assert [own.images for own in found] == [len(dataset) - 1] * 2
    with pytest.raises(UsageError, match="other images"):
        compare(["a", "b"], found)


def test_what_cannot_be_held_against_each_other_is_refused(dataset, folders):
    right, _, _ = folders
    own = evaluate_masks(dataset, right, options=FEW)
    for other, words in (
        (evaluate_masks(dataset.limit(3), right, options=FEW), "other images.*5 of.*3 of"),
        (dataclasses.replace(own, seed=1), "--seed"),
        (evaluate_masks(dataset, right, options=EvalOptions(replicates=100)), "drawn otherwise"),
        (
            dataclasses.replace(own, labels=dataclasses.replace(own.labels, names=(*own.labels.names[:-1], "x"))),
            "class",
        ),
    ):
        with pytest.raises(UsageError, match=words):
            compare(["a", "b"], [own, other])


def test_a_photo_that_cannot_be_read_is_left_out_for_all(dataset, folders):
    right, wrong, _ = folders
    gone = dataset.samples[1].key
    (wrong / f"{gone}.png").unlink()
    with pytest.raises(DataError, match=gone):
        evaluate_in_turn([right, wrong], dataset, options=FEW)
    ran = evaluate_in_turn([right, wrong], dataset, options=dataclasses.replace(FEW, skip_bad=True))
    assert [(own.images, own.skipped) for own in ran.evaluations] == [(len(dataset) - 1, 1)] * 2
    assert len({own.pixels for own in ran.evaluations}) == 1
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(wrong / f"{gone}.png")
    ran = evaluate_in_turn([right, wrong], dataset, options=dataclasses.replace(FEW, skip_bad=True))
    assert [own.skipped for own in ran.evaluations] == [1, 1], "a mask of another size is none"


def test_the_json_of_a_comparison_holds_its_numbers(dataset, folders):
    right, wrong, _ = folders
    ran = evaluate_in_turn([right, wrong], dataset, options=FEW)
    contenders = compare(["a", "b"], ran.evaluations, ran.agreements)
    record = json.loads(json.dumps(to_json(contenders, "liveseg compare"), allow_nan=False))
    assert record["liveseg"] == "comparison"
    assert [own["name"] for own in record["compared"]] == ["a", "b"]
    assert record["compared"][1]["differences"]["miou"]["value"] == contenders[1].differences["miou"].value
    assert record["compared"][1]["agreement"]["share"] == ran.agreements[1].share
    assert record["compared"][0]["agreement"] is None


def test_in_turn_reading_counts_in_the_rate_of_everything(dataset):
    (own, *_) = evaluate_in_turn([SMALL, SMALLER], dataset, options=FEW).evaluations
    assert own.stages["read"] > 0
    assert own.seconds >= own.images * own.stages["read"] / 1e3
    assert own.rate < own.line_rate
