"""Rare classes."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.datasets import open_dataset
from liveseg.train.balance import class_weights, pixel_counts, repeated
from liveseg.train.photos import Photos


def test_pixels_are_counted_photo_by_photo(shapes_set):
    data = open_dataset(shapes_set)
    photos = Photos(data.samples, side=64)
    counts = pixel_counts(photos, 4, workers=2)
    assert counts.tolist() == [np.bincount(sample.read_mask().ravel(), minlength=4).tolist() for sample in data]
    assert pixel_counts(photos, 4, workers=2, most=3).tolist() == counts[::2].tolist()
    assert pixel_counts(Photos([], side=64), 4, workers=2).shape == (0, 4)


def test_weights_are_the_root_of_the_median_frequency():
    counts = np.array([[80, 20, 0, 0], [60, 0, 40, 0]])
    # Frequencies where they occur: 140 / 200, 20 / 100, 40 / 100; the median is 0.4.
    weights = class_weights(counts)
    np.testing.assert_allclose(weights, np.sqrt([0.4 / 0.7, 0.4 / 0.2, 1, 1]), rtol=1e-6)


def test_weights_are_bounded_and_nothing_counted_weighs_alike():
    weights = class_weights(np.array([[100_000, 500, 1]]))
    assert weights.tolist() == pytest.approx([0.5, 1, 3])
    assert class_weights(np.zeros((0, 3), np.int64)).tolist() == [1, 1, 1]


@given(st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=1, max_size=8))
def test_rarer_classes_never_weigh_less(rows):
    counts = np.array(rows)
    weights = class_weights(counts)
    assert ((weights >= 0.5) & (weights <= 3)).all()
    # All photos alike: then frequency is the share of all pixels.
    alike = class_weights(counts[:1])
    order = np.argsort(counts[0], kind="stable")
    present = [alike[index] for index in order if counts[0, index]]
    assert present == sorted(present, reverse=True)


def test_photos_with_rare_classes_come_more_often():
    counts = np.zeros((100, 3), np.int64)
    counts[:, 0] = 10
    counts[:50, 1] = 10
    counts[7, 2] = 10
    times = Counter(repeated(counts, 103, seed=0))
    assert 3 <= times[7] <= 4, "sqrt(0.1 / 0.01) times"
    assert all(times[index] == 1 for index in range(103) if index != 7)
    assert repeated(counts, 103, seed=0) == repeated(counts, 103, seed=0)
    assert repeated(counts[:0], 3, seed=0) == (0, 1, 2), "where no photo has a mask, each comes once"
