"""Roboflow's exports, written here as it writes them."""

import numpy as np
import pytest

from liveseg.datasets import find_splits, open_dataset, split_dataset
from liveseg.errors import DataError, UsageError

NAMES = ("a_jpg.rf.0123456789abcdef", "a_jpg.rf.fedcba9876543210", "b_png.rf.00112233445566ff")


@pytest.fixture
def masks(tmp_path, photo, regions, write_mask):
    """The export "Semantic Segmentation Masks"."""
    for part in ("train", "valid"):
        for value, name in enumerate(NAMES):
            photo(tmp_path / part / f"{name}.jpg", value)
            write_mask(tmp_path / part / f"{name}_mask.png", regions(0, value))
        (tmp_path / part / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, leaf\n2, stem\n", "utf-8")
    (tmp_path / "README.roboflow.txt").write_text("", encoding="utf-8")
    return tmp_path


def test_masks_beside_photos_are_read_by_the_list_of_classes(masks, regions):
    assert find_splits(masks) == ("train", "val")
    found = open_dataset(masks, split="valid")
    assert (found.layout, found.labels.names) == ("roboflow", ("background", "leaf", "stem"))
    assert [sample.key for sample in found] == list(NAMES)
    np.testing.assert_array_equal(found.samples[2].read_mask(), regions(0, 2))
    assert len(open_dataset(masks)) == 6
    assert len(open_dataset(masks / "train")) == 3


def test_values_with_gaps_are_closed_up(masks):
    (masks / "train" / "_classes.csv").write_text("Pixel Value,Class\n0,background\n2,stem\n1,leaf\n9,bud\n", "utf-8")
    found = open_dataset(masks, split="train")
    assert found.labels.names == ("background", "leaf", "stem", "bud")
    assert found.samples[2].read_mask().max() == 2
    with pytest.raises(DataError, match="val has other classes than train; open one by --split"):
        open_dataset(masks)


def test_copies_of_one_photo_stay_on_one_side(masks):
    for seed in range(8):
        sides = split_dataset(open_dataset(masks, split="train"), 0.5, seed)
        assert sorted(len(side) for side in sides) == [1, 2]
        assert any({sample.key for sample in side} == set(NAMES[:2]) for side in sides)


def test_its_coco_export_is_read_without_the_category_that_is_only_a_parent(tmp_path, photo, write_json):
    categories = [
        {"id": 0, "name": "leaves", "supercategory": "none"},
        {"id": 1, "name": "leaf", "supercategory": "leaves"},
        {"id": 2, "name": "stem", "supercategory": "leaves"},
    ]
    for part in ("train", "test"):
        photo(tmp_path / part / f"{NAMES[0]}.jpg")
        images = [{"id": 0, "license": 1, "file_name": f"{NAMES[0]}.jpg", "height": 24, "width": 32}]
        square = [[0, 0, 8, 0, 8, 8, 0, 8]]
        annotations = [{"id": 0, "image_id": 0, "category_id": 2, "segmentation": square, "area": 64, "iscrowd": 0}]
        document = {"images": images, "annotations": annotations, "categories": categories}
        write_json(tmp_path / part / "_annotations.coco.json", document)
    found = open_dataset(tmp_path, split="train")
    assert (found.layout, found.labels.names) == ("roboflow", ("background", "leaf", "stem"))
    assert found.samples[0].read_mask()[:8, :8].tolist() == [[2] * 8] * 8
    assert find_splits(tmp_path) == ("train", "test")
    with pytest.raises(UsageError, match="has no part 'val'; there is train, test"):
        open_dataset(tmp_path, split="val")


@pytest.mark.parametrize(
    "text", ["Pixel Value, Class\nzero, background", "Pixel Value, Class\n0", "Pixel Value, Class\n"]
)
def test_a_list_of_classes_that_is_none_is_told(text, masks):
    (masks / "train" / "_classes.csv").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"_classes\.csv is no list of classes: write lines like 1, leaf"):
        open_dataset(masks, split="train")
