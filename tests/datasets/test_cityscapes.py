"""Cityscapes' layout."""

import numpy as np
import pytest

from liveseg.datasets import find_splits, open_dataset
from liveseg.datasets.cityscapes import LABELS
from liveseg.errors import DataError


@pytest.fixture
def streets(tmp_path, photo, regions, write_mask):
    for part, city, values in (("train", "aachen", (7, 3, 33)), ("val", "lindau", (26, 0, 255, 11))):
        name = f"{city}_000000_000019"
        photo(tmp_path / "leftImg8bit" / part / city / f"{name}_leftImg8bit.png")
        write_mask(tmp_path / "gtFine" / part / city / f"{name}_gtFine_labelIds.png", regions(*values))
        write_mask(tmp_path / "gtFine" / part / city / f"{name}_gtFine_instanceIds.png", regions(*values))
    return tmp_path


def test_label_ids_become_the_19_classes_and_the_rest_is_ignored(streets, regions):
    assert find_splits(streets) == ("train", "val")
    found = open_dataset(streets, split="val")
    assert (found.layout, found.labels, len(found.labels)) == ("cityscapes", LABELS, 19)
    assert not found.labels.background
    assert [sample.key for sample in found] == ["lindau/lindau_000000_000019"]
    np.testing.assert_array_equal(found.samples[0].read_mask(), regions(13, 255, 255, 2))
    assert [sample.key.split("/")[0] for sample in open_dataset(streets)] == ["train", "val"]


def test_masks_of_train_ids_are_read_where_there_are_no_others(streets, regions, write_mask):
    folder = streets / "gtFine" / "train" / "aachen"
    (folder / "aachen_000000_000019_gtFine_labelIds.png").unlink()
    write_mask(folder / "aachen_000000_000019_gtFine_labelTrainIds.png", regions(18, 255))
    np.testing.assert_array_equal(open_dataset(streets, split="train").samples[0].read_mask(), regions(18, 255))


def test_an_id_that_does_not_exist_is_told(streets, regions, write_mask):
    path = streets / "gtFine" / "val" / "lindau" / "lindau_000000_000019_gtFine_labelIds.png"
    write_mask(path, regions(7, 34))
    with pytest.raises(DataError, match=r"labelIds\.png has the value 34"):
        open_dataset(streets, split="val").samples[0].read_mask()
