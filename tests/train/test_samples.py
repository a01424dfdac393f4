"""Pictures of how a network learns."""

from __future__ import annotations

import numpy as np

from liveseg.labels import LabelSet, voc_palette
from liveseg.train.samples import SamplePictures, sheet
from liveseg.train.validation import Validation


def labels_of(count):
    names = ("background", *(f"class {index}" for index in range(1, count)))
    return LabelSet(names, voc_palette(count))


def test_a_sheet_has_a_row_for_each_photo_and_names_what_occurs():
    labels = labels_of(4)
    wide, tall = np.zeros((60, 200, 3), np.uint8), np.zeros((200, 60, 3), np.uint8)
    truths = [np.zeros(photo.shape[:2], np.uint8) for photo in (wide, tall)]
    truths[0][:30], truths[1][:30] = 1, 255
    found = [np.full_like(truth, 2) for truth in truths]
    one = sheet([(wide, truths[0], found[0])], labels, "epoch 3")
    both = sheet(list(zip((wide, tall), truths, found, strict=True)), labels, "epoch 3")
    assert one.shape[1] == both.shape[1]
    assert both.shape[0] > one.shape[0] + 200
    colours = {tuple(colour) for colour in one.reshape(-1, 3)}
    assert labels.palette[1] in colours, "the square of class 1 in the legend"
    assert labels.palette[2] in colours
    assert labels.palette[3] not in colours


def test_a_sheet_of_very_many_classes_has_more_rows_of_names():
    mask = np.arange(64 * 64, dtype=np.uint8).reshape(64, 64) % 40
    photo = np.zeros((64, 64, 3), np.uint8)
    few = sheet([(photo, mask % 2, mask % 2)], labels_of(40), "epoch 1")
    many = sheet([(photo, mask, mask)], labels_of(40), "epoch 1")
    assert many.shape[0] > few.shape[0] + 60


def test_photos_are_chosen_evenly_and_stay_the_same(tmp_path):
    def chosen(count):
        return SamplePictures(tmp_path, list(range(count)), labels_of(2), Validation([], 2, 1))._samples

    assert chosen(100) == (0, 20, 40, 59, 79, 99)
    assert chosen(3) == (0, 1, 2)
    assert chosen(0) == ()
