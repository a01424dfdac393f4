"""Batches of pieces, as a function of the seed and the step."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from liveseg.datasets import open_dataset
from liveseg.models.registry import find_model
from liveseg.train.augment import Augment
from liveseg.train.data import Loader, Pieces, in_order
from liveseg.train.options import TrainOptions
from liveseg.train.photos import Photos
from liveseg.train.plan import make_plan


@pytest.fixture
def pieces(shapes_set):
    photos = Photos(open_dataset(shapes_set).samples, side=64)
    return Pieces(photos, tuple(range(6)), Augment(side=33, base=64, mosaic=0.5, grid=5), seed=1)


@pytest.fixture
def plan():
    options = TrainOptions(crop=33, batch=4, accumulate=2, epochs=20)
    made = make_plan(options, find_model("lite").contract, 6, on_gpu=False, precision="float32", fresh_backbone=False)
    return replace(made, interval=3, rounds=5)


def batches(pieces, plan, done=0, workers=2, rank=0):
    return list(Loader(pieces, plan, workers=workers, rank=rank, done=lambda: done))


def same(some, others):
    return len(some) == len(others) and all(
        torch.equal(one.image, other.image) and torch.equal(one.mask, other.mask)
        for one, other in zip(some, others, strict=True)
    )


def test_batches_are_what_the_network_is_fed_with(pieces, plan):
    first, *others = batches(pieces, plan)
    assert len(others) == 5, "three steps of two batches"
    assert first.image.shape == (4, 33, 33, 3)
    assert first.image.dtype == first.mask.dtype == torch.uint8
    assert first.mask.shape == (4, 33, 33)
    assert first.teacher is None
    assert first.known.shape == (4, 5, 5)


def test_the_number_of_threads_changes_nothing(pieces, plan):
    assert same(batches(pieces, plan, workers=1), batches(pieces, plan, workers=5))


def test_another_seed_gives_other_pieces(pieces, plan):
    assert not same(batches(pieces, plan), batches(replace(pieces, seed=2), plan))


def test_rounds_differ_and_a_resumed_one_goes_on_where_it_stopped(pieces, plan):
    whole = batches(pieces, plan, done=3)
    assert not same(whole, batches(pieces, plan, done=0))
    assert same(whole[2:], batches(pieces, plan, done=4))
    assert same(whole[4:], batches(pieces, plan, done=5))


def test_devices_share_the_pieces(pieces, plan):
    several = replace(plan, devices=2, batch=2)
    both = [batches(pieces, several, rank=rank) for rank in (0, 1)]
    joined = [torch.cat((one.image, other.image)) for one, other in zip(*both, strict=True)]
    alone = [batch.image for batch in batches(pieces, plan)]
    assert all(torch.equal(one, other) for one, other in zip(joined, alone, strict=True))


def test_each_pass_has_each_photo_once_in_another_order(pieces):
    passes = [[pieces.photo(number) for number in range(start, start + 6)] for start in (0, 6, 12)]
    assert all(sorted(one) == list(range(6)) for one in passes)
    assert len({tuple(one) for one in passes}) > 1
    twice = replace(pieces, order=(0, 0, 5))
    assert sorted(twice.photo(number) for number in range(3, 6)) == [0, 0, 5]


def test_order_is_kept_and_threads_do_not_run_away():
    made = []

    def make(item):
        made.append(item)
        return item * item

    results = in_order(make, range(100), workers=4, ahead=8)
    assert [next(results) for _ in range(10)] == [n * n for n in range(10)]
    assert len(made) <= 10 + 8 + 1
    assert list(results) == [n * n for n in range(10, 100)]


def test_what_fails_reaches_the_caller_and_ends_the_threads():
    def make(item):
        if item == 3:
            raise ValueError("three")
        return item

    results = in_order(make, range(50), workers=2, ahead=4)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("liveseg-photos")]


def test_teachers_come_along(shapes_set, plan):
    class Teacher(dict):
        def key_of(self, photo):
            return None

    samples = open_dataset(shapes_set).samples
    teacher = Teacher({sample.key: np.zeros((4, 8, 8), np.float16) for sample in samples[:3]})
    photos = Photos(samples, side=64, teacher=teacher)
    augment = Augment(side=33, base=64, grid=5, classes=4)
    batch = batches(Pieces(photos, tuple(range(6)), augment, 0), plan)[0]
    assert batch.teacher.shape == (4, 4, 5, 5)
    assert set(batch.known.unique().tolist()) <= {0.0, 1.0}
