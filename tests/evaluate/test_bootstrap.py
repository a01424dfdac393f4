import math

import numpy as np
import pytest

from liveseg.evaluate.bootstrap import interval, weights
from liveseg.evaluate.counts import ImageCounts
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet, voc_palette


def test_draws_are_poisson_of_mean_one():
    drawn = np.concatenate([weights(f"photo {number}", 2000)[1:] for number in range(100)])
    for count in range(5):
        expected = math.exp(-1) / math.factorial(count)
        assert (drawn == count).mean() == pytest.approx(expected, abs=4 * math.sqrt(expected / len(drawn)))
    assert drawn.max() < 12


def test_draws_follow_from_key_and_seed_alone():
    # The very numbers: replicates of evaluations that were written by other versions go together with these.
    assert weights("a/b", 12).tolist() == [1, 1, 0, 1, 1, 1, 1, 1, 1, 0, 1, 1, 2]
    assert np.array_equal(weights("a/b", 1000)[:13], weights("a/b", 12))
    assert not np.array_equal(weights("a/b", 1000), weights("a/b", 1000, seed=1))
    own, other = (weights(key, 20_000)[1:] for key in ("a/b", "a/c"))
    assert abs(np.corrcoef(own, other)[0, 1]) < 0.03


def images_of(count, random, classes=3):
    """Images whose classes differ in how hard they are, and images too."""
    for number in range(count):
        hard = random.beta(6, 2)
        rows = []
        for true in range(classes if random.random() < 0.7 else classes - 1):
            pixels = int(random.gamma(2, 300)) + 1
            right = round(pixels * min(hard * (1 - 0.1 * true), 1))
            wrong = (true + 1) % classes
            rows += [(true, true, right), (true, wrong, pixels - right)]
        yield ImageCounts(f"{random.integers(1 << 60)}/{number}", tuple(row for row in rows if row[2]))


LABELS = LabelSet(("a", "b", "c"), voc_palette(3))


def scores_of(images, **options):
    tally = Tally(3, **options)
    for counts in images:
        tally.add(counts)
    return tally.scores(LABELS)


def test_intervals_hold_the_truth_about_nineteen_times_of_twenty():
    random = np.random.default_rng(5)
    truth = scores_of(images_of(20_000, random), replicates=1)
    held = dict.fromkeys(truth.scores, 0) | {"class": 0}
    draws = 160
    for _ in range(draws):
        found = scores_of(images_of(60, random), replicates=200)
        pairs = {name: (own, truth.scores[name]) for name, own in found.scores.items()}
        pairs["class"] = found.per_class[2].iou, truth.per_class[2].iou
        for name, (own, true) in pairs.items():
            held[name] += own.low <= true.value <= own.high
    assert set(held) == {"miou", "pixel_accuracy", "class_accuracy", "class"}
    for name, times in held.items():
        assert 0.88 <= times / draws <= 0.99, name


def test_replicates_spread_as_those_of_an_ordinary_bootstrap_do():
    random = np.random.default_rng(2)
    images = list(images_of(120, random))
    found = scores_of(images, replicates=2000)
    right, true = (
        np.array([sum(n for t, f, n in own.pairs if not hits or t == f) for own in images]) for hits in (True, False)
    )
    chosen = random.integers(0, 120, (2000, 120))
    ordinary = right[chosen].sum(1) / true[chosen].sum(1)
    own = found.replicates["pixel_accuracy"]
    assert own.std() == pytest.approx(ordinary.std(), rel=0.1)
    assert np.percentile(own, [2.5, 97.5]) == pytest.approx(np.percentile(ordinary, [2.5, 97.5]), abs=0.006)


def test_a_replicate_is_the_score_of_a_set_with_its_images_so_often():
    images = list(images_of(30, np.random.default_rng(3)))
    found = scores_of(images, replicates=20)
    drawn = np.array([weights(own.key, 20)[1:] for own in images])
    for number in (0, 7, 19):
        repeated = [own for own, times in zip(images, drawn[:, number], strict=True) for _ in range(times)]
        explicit = scores_of(repeated, replicates=1)
        for name, score in explicit.scores.items():
            assert found.replicates[name][number] == pytest.approx(score.value, rel=1e-6)
        ious = [own.iou.value for own in explicit.per_class]
        assert found.class_replicates[:, number] == pytest.approx(ious, rel=1e-6)


def test_an_interval_is_moved_by_twice_the_replicates_bias():
    drawn = np.linspace(0.4, 0.5, 1001)
    found = interval(np.concatenate(([0.47], drawn)), 10)
    assert (found.value, found.low, found.high) == pytest.approx((0.47, 0.4025 + 0.04, 0.4975 + 0.04))
    unbiased = interval(np.concatenate(([0.45], drawn)), 10)
    assert (unbiased.low, unbiased.high) == pytest.approx((0.4025, 0.4975))


def test_an_interval_holds_its_score_and_stays_in_its_range():
    far = interval(np.concatenate(([0.02], np.linspace(0.1, 0.2, 101))), 10, least=0.0, most=1.0)
    assert (far.low, far.high) == (0.0, 0.02)
    difference = interval(np.concatenate(([-0.02], np.linspace(-0.05, 0.01, 101))), 10)
    assert difference.low < -0.02 < difference.high


def test_one_image_has_no_interval_and_no_score_none():
    assert interval(np.array([0.5, 0.5, 0.5]), 1).low is None
    assert interval(np.array([0.5, np.nan, np.nan]), 5).high is None
    assert interval(np.array([np.nan, 0.5]), 5) is None
    assert interval(np.array([0.5, np.nan, 0.5]), 2).low == 0.5
