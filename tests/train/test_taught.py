"""Photos whose masks are what a teacher says."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image

from liveseg.labels import LabelSet, voc_palette
from liveseg.train.taught import NOTE, taught
from liveseg.train.teacher_writer import LogitsWriter

TEACHER = LabelSet(("background", "leaf", "root"), voc_palette(3))


@pytest.fixture
def logits(tmp_path):
    """Of one photo: leaf to the left, root to the right."""
    said = np.full((3, 2, 4), -5, np.float32)
    said[1, :, :2] = said[2, :, 2:] = 5
    with LogitsWriter(tmp_path / "t.json", TEACHER) as writer:
        writer.add("folder/a", said)
    return writer.result


def photos(tmp_path):
    (tmp_path / "folder").mkdir()
    paths = {f"folder/{name}": tmp_path / "folder" / f"{name}.png" for name in ("a", "b")}
    for path in paths.values():
        Image.new("RGB", (40, 20)).save(path)
    return paths


def test_the_teachers_likeliest_class_is_the_mask_at_the_photos_size(logits, tmp_path):
    dataset = taught("leaves", tmp_path, photos(tmp_path), logits)
    assert [sample.key for sample in dataset] == ["folder/a"]  # of the other the teacher says nothing
    assert dataset.notes == (NOTE,)
    mask = pickle.loads(pickle.dumps(dataset.samples[0])).read_mask()  # noqa: S301 - our own
    assert mask.shape == (20, 40)
    assert (mask == np.repeat([1, 2], 20)).all()


def test_classes_are_those_that_the_student_learns(logits, tmp_path):
    own = LabelSet(("background", "root"), voc_palette(2))
    dataset = taught("leaves", tmp_path, photos(tmp_path), logits.for_labels(own))
    assert dataset.labels == own
    assert (dataset.samples[0].read_mask() == np.repeat([0, 1], 20)).all()
