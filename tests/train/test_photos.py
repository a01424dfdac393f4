"""Photos to learn from, by number."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from liveseg.datasets import Sample, open_dataset
from liveseg.errors import DataError
from liveseg.labels import IGNORE_INDEX
from liveseg.train.photos import Photos, class_pixels, free_memory, read_labelled, shrunk


@dataclass(frozen=True)
class Counted(Sample):
    """A sample in memory that counts how often it is read."""

    reads: list[str]
    side: int = 40

    def read_image(self):
        self.reads.append(self.key)
        return np.full((self.side, 40, 3), int(self.key), np.uint8)

    def read_mask(self):
        return np.full((40, 40), int(self.key), np.uint8)


def counted(count):
    reads = []
    return [Counted(str(number), Path(f"{number}.png"), reads) for number in range(count)], reads


class Teacher(dict):
    """A teacher that knows some photos by name."""

    def key_of(self, photo):
        return photo.stem if photo.stem in self else None


def test_what_fits_is_read_once():
    samples, reads = counted(3)
    photos = Photos(samples, side=40, room=3 * 40 * 40 * 4)
    for _ in range(3):
        assert [photos(index).mask[0, 0] for index in range(3)] == [0, 1, 2]
    assert reads == ["0", "1", "2"]


def test_what_does_not_fit_is_read_each_time_and_what_came_first_stays():
    samples, reads = counted(3)
    photos = Photos(samples, side=40, room=2 * 40 * 40 * 4)
    for _ in range(3):
        for index in range(3):
            assert photos(index).mask[0, 0] == index
    assert reads == ["0", "1", "2", "2", "2"]


def test_photos_are_kept_no_larger_than_needed(shapes_set):
    samples = open_dataset(shapes_set).samples
    small, whole = Photos(samples, side=20), Photos(samples, side=64)
    assert small(0).image.shape == (30, 30, 3)
    assert small(0).mask.shape == (30, 30)
    assert set(np.unique(small(0).mask)) == set(np.unique(whole(0).mask))
    assert whole(0).image.shape == (64, 64, 3)


def test_a_photo_without_a_mask_needs_a_teacher(shapes_set):
    photo = shapes_set / "images" / "00.png"
    with pytest.raises(DataError, match="neither a mask nor a teacher's logits"):
        Photos([], [photo], side=64)
    with pytest.raises(DataError, match="neither a mask nor a teacher's logits"):
        Photos([], [photo], side=64, teacher=Teacher())
    photos = Photos([], [photo], side=64, teacher=Teacher({"00": np.ones((4, 8, 8), np.float16)}))
    assert photos.labelled == 0
    assert (photos(0).mask == IGNORE_INDEX).all()
    assert photos(0).teacher.shape == (4, 8, 8)


def test_a_labelled_photo_may_have_a_teacher_too(shapes_set):
    samples = open_dataset(shapes_set).samples
    photos = Photos(samples, side=64, teacher=Teacher({samples[1].key: np.ones((4, 8, 8), np.float16)}))
    assert photos(0).teacher is None
    assert photos(1).teacher is not None


def test_a_mask_of_another_size_is_named():
    samples, _ = counted(1)
    wrong = Counted("0", Path("0.png"), [], side=30)
    assert read_labelled(samples[0])[0].shape == (40, 40, 3)
    with pytest.raises(DataError, match="photo 0 and its mask have different sizes: 40x30 and 40x40"):
        read_labelled(wrong)


def test_another_process_gets_the_photos_without_what_was_kept(shapes_set):
    photos = Photos(open_dataset(shapes_set).samples, side=64)
    there = photos(2)
    copied = pickle.loads(pickle.dumps(photos))  # noqa: S301 - our own
    assert len(pickle.dumps(photos)) < there.image.nbytes
    np.testing.assert_array_equal(copied(2).image, there.image)


def test_small_photos_are_not_enlarged():
    photo = np.zeros((10, 20, 3), np.uint8)
    assert shrunk(photo, 30) is photo
    assert shrunk(photo, 5).shape == (5, 10, 3)


def test_memory_is_told():
    assert free_memory() > 1 << 20


def test_pixels_are_counted_without_the_ignored_ones():
    mask = np.array([[0, 0, 2], [IGNORE_INDEX, 2, 2]], np.uint8)
    assert class_pixels(mask, 4).tolist() == [2, 0, 3, 0]
