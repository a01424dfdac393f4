"""Pascal VOC's layout."""

import numpy as np
import pytest

from liveseg.datasets import find_splits, open_dataset
from liveseg.errors import DataError, UsageError
from liveseg.labels import PASCAL_VOC


@pytest.fixture
def devkit(tmp_path, photo, regions):
    """`VOCdevkit/VOC2012` with four photos, three with masks, in palette PNGs as the kit has them."""
    from PIL import Image

    root = tmp_path / "VOCdevkit" / "VOC2012"
    masks = {"2007_01": (0, 255, 15), "2007_02": (0, 20), "2007_03": (8, 0)}
    for folder in ("SegmentationClass", "SegmentationClassAug", "ImageSets/Segmentation"):
        (root / folder).mkdir(parents=True)
    for shift, key in enumerate((*masks, "2007_04")):
        photo(root / "JPEGImages" / f"{key}.jpg", shift)
    for key, values in masks.items():
        image = Image.fromarray(regions(*values))
        image.putpalette(PASCAL_VOC.colors.tobytes())
        image.save(root / "SegmentationClass" / f"{key}.png")
    Image.fromarray(regions(12)).save(root / "SegmentationClassAug" / "2007_04.png")
    lists = {"train": "2007_02\n2007_01\n", "val": "2007_03\n\n", "train_aug": "2007_04\n"}
    for name, text in lists.items():
        (root / "ImageSets" / "Segmentation" / f"{name}.txt").write_text(text, encoding="utf-8")
    return root


@pytest.mark.parametrize("above", [0, 1, 2])
def test_the_kit_or_any_folder_around_it_may_be_named(above, devkit, regions):
    path = [devkit, *devkit.parents][above]
    assert find_splits(path) == ("val", "train_aug", "train")
    found = open_dataset(path, split="train")
    assert (found.layout, found.labels) == ("voc", PASCAL_VOC)
    assert [sample.key for sample in found] == ["2007_02", "2007_01"]
    np.testing.assert_array_equal(found.samples[1].read_mask(), regions(0, 255, 15))


def test_without_a_part_all_photos_count_that_have_a_mask(devkit):
    assert [sample.key for sample in open_dataset(devkit)] == ["2007_01", "2007_02", "2007_03"]


def test_the_augmented_masks_belong_to_lists_of_that_name_or_are_named(devkit):
    assert open_dataset(devkit, split="train_aug").samples[0].read_mask().max() == 12
    assert [sample.key for sample in open_dataset(devkit, masks="SegmentationClassAug")] == ["2007_04"]


def test_a_list_may_name_the_paths_of_both(devkit):
    line = "/JPEGImages/2007_03.jpg /SegmentationClass/2007_03.png\n"
    (devkit / "ImageSets" / "Segmentation" / "val.txt").write_text(line, encoding="utf-8")
    (sample,) = open_dataset(devkit, split="val").samples
    assert (sample.key, sample.read_mask()[0, 0]) == ("2007_03", 8)


def test_a_part_that_is_not_listed_and_an_empty_list_are_told(devkit):
    with pytest.raises(UsageError, match="has no part 'test'; there is val, train_aug, train"):
        open_dataset(devkit, split="test")
    (devkit / "ImageSets" / "Segmentation" / "val.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"val\.txt lists no photos"):
        open_dataset(devkit, split="val")
