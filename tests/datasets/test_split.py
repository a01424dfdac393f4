from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.datasets import Dataset, Sample, open_dataset, split_dataset
from liveseg.datasets.split import classes_in
from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC

FOLDER = Path("set")


class Unread(Sample):
    def read_mask(self):
        raise AssertionError("the classes are given, so that no mask has to be read")


def dataset(keys):
    samples = tuple(Unread(key, FOLDER / f"{key}.jpg") for key in keys)
    return Dataset("set", "folder", FOLDER, PASCAL_VOC, samples)


def keys(side):
    return [sample.key for sample in side]


CLASSES = st.lists(st.frozensets(st.integers(1, 20), max_size=3), min_size=2, max_size=40)


@settings(deadline=None)
@given(CLASSES, st.integers(0, 5), st.sampled_from([0.1, 0.2, 0.5]))
def test_both_sides_are_whole_and_neither_is_empty(found, seed, share):
    names = [f"{index}" for index in range(len(found))]
    own = dataset(names)
    train, validation = split_dataset(own, share, seed, classes=dict(zip(names, found, strict=True)))
    assert train.samples
    assert validation.samples
    assert sorted(keys(train) + keys(validation)) == sorted(names)
    assert keys(train) == [name for name in names if name in keys(train)]
    again = split_dataset(own, share, seed, classes=dict(zip(names, found, strict=True)))
    assert again == (train, validation)


@settings(deadline=None)
@given(st.lists(st.integers(1, 6), min_size=2, max_size=30), st.integers(0, 9))
def test_a_class_in_two_photos_or_more_is_on_both_sides(found, seed):
    names = [f"photo {index}" for index in range(len(found))]
    classes = {name: (0, index) for name, index in zip(names, found, strict=True)}
    sides = split_dataset(dataset(names), 0.2, seed, classes=classes)
    for index in {index for index in found if found.count(index) > 1}:
        assert all(any(index in classes[key] for key in keys(side)) for side in sides), index


def test_a_photo_stays_on_its_side_when_others_are_added():
    names = [f"{index:03}" for index in range(300)]
    classes = dict.fromkeys(names, (0, 1))
    before = split_dataset(dataset(names[:100]), classes=classes)
    after = split_dataset(dataset(names), classes=classes)
    assert set(keys(before[0])) <= set(keys(after[0]))
    assert set(keys(before[1])) <= set(keys(after[1]))
    assert 40 <= len(after[1]) <= 80
    assert keys(split_dataset(dataset(names), seed=1, classes=classes)[1]) != keys(after[1])


def test_the_division_is_the_same_on_every_machine():
    names = [f"{index:03}" for index in range(20)]
    _, validation = split_dataset(dataset(names), 0.3, 7, classes=dict.fromkeys(names, (0,)))
    assert keys(validation) == ["000", "002", "008", "010", "011", "014", "019"]


@pytest.mark.parametrize("seed", range(6))
def test_groups_stay_together_and_those_that_share_a_photo_are_one(seed):
    names = [f"{index}" for index in range(12)]
    groups = [("0", "1"), ("1", "2"), {"7", "8", "9"}]
    for side in split_dataset(dataset(names), 0.4, seed, groups, dict.fromkeys(names, (0,))):
        for group in ({"0", "1", "2"}, {"7", "8", "9"}):
            assert len(group & set(keys(side))) in (0, len(group))


def test_two_photos_are_one_each_and_one_is_refused():
    for seed in range(6):
        two = split_dataset(dataset(["a", "b"]), 0.2, seed, classes={"a": (0,), "b": (0,)})
        assert [len(side) for side in two] == [1, 1]
    with pytest.raises(UsageError, match="set is one photo, which cannot be divided"):
        split_dataset(dataset(["a"]))
    with pytest.raises(UsageError, match="set is photos that all resemble each other"):
        split_dataset(dataset(["a", "b"]), groups=[("a", "b")])
    with pytest.raises(UsageError, match="set has no photo 'c'"):
        split_dataset(dataset(["a", "b"]), groups=[("a", "c")])
    with pytest.raises(UsageError, match=r"lies between 0 and 1, not at 1\.5"):
        split_dataset(dataset(["a", "b"]), 1.5)


def test_classes_are_read_from_the_masks(leaves):
    train, validation = split_dataset(open_dataset(leaves))
    assert len(train) + len(validation) == 3
    assert classes_in(np.array([[3, 255], [0, 3]], np.uint8)) == (0, 3)
