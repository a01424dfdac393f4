import shutil

import numpy as np
import pytest

from liveseg.datasets import find_splits, open_dataset
from liveseg.errors import DataError, UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.media.images import read_image
from liveseg.media.images import write_mask as write_liveseg_mask


def test_photos_and_masks_of_one_name_belong_together(leaves, regions):
    found = open_dataset(leaves)
    assert (found.layout, found.name, found.root, found.notes) == ("folder", leaves.name, leaves, ())
    assert found.labels.names == ("background", "leaf", "stem")
    assert [sample.key for sample in found] == ["a", "b", "c"]
    np.testing.assert_array_equal(found.samples[1].read_mask(), regions(1, 0, 255))
    np.testing.assert_array_equal(found.samples[1].read_image(), read_image(leaves / "images" / "b.jpg"))
    assert find_splits(leaves) == ()


@pytest.mark.parametrize("name", ["a_mask.png", "a.jpg.png", "a.tif"])
def test_the_mask_may_bear_the_usual_other_names(name, leaves, regions):
    (leaves / "masks" / "a.png").rename(leaves / "masks" / name)
    np.testing.assert_array_equal(open_dataset(leaves).samples[0].read_mask(), regions(0, 1))


def test_folders_may_be_nested_and_hidden_files_are_left_out(leaves, photo, write_mask, regions):
    for number in (1, 2):
        photo(leaves / "images" / "garden" / f"day {number}" / "a.jpg")
        write_mask(leaves / "masks" / "garden" / f"day {number}" / "a.png", regions(number))
    (leaves / "images" / ".thumbs").mkdir()
    photo(leaves / "images" / ".thumbs" / "a.jpg")
    (leaves / "images" / "._a.jpg").write_bytes(b"")
    found = open_dataset(leaves)
    assert [sample.key for sample in found] == ["a", "b", "c", "garden/day 1/a", "garden/day 2/a"]
    assert found.samples[4].read_mask()[0, 0] == 2


@pytest.mark.parametrize("inner", [True, False], ids=["images/train", "train/images"])
def test_parts_lie_in_both_folders_or_hold_both(inner, leaves, tmp_path, photo, write_mask, regions):
    root = tmp_path / "set"
    for value, part in enumerate(("train", "validation"), 1):
        for kind, target in (("images", photo), ("masks", write_mask)):
            folder = root / kind / part if inner else root / part / kind
            target(folder / ("x.jpg" if kind == "images" else "x.png"), *([regions(value)] if kind == "masks" else []))
    shutil.copy(leaves / "labels.json", root)
    assert find_splits(root) == ("train", "val")
    one = open_dataset(root, split="val")
    assert ([sample.key for sample in one], one.name) == (["x"], "set val")
    assert one.samples[0].read_mask()[0, 0] == 2
    assert open_dataset(root, split="valid").samples == one.samples
    every = open_dataset(root)
    assert [sample.key for sample in every] == ["train/x", "val/x"]
    assert [sample.read_mask()[0, 0] for sample in every] == [1, 2]
    with pytest.raises(UsageError, match="set has no part 'test'; there is train, val"):
        open_dataset(root, split="test")


def test_a_part_with_a_name_of_its_own_is_a_folder_in_both(leaves, photo, write_mask, regions):
    photo(leaves / "images" / "berlin" / "x.jpg")
    write_mask(leaves / "masks" / "berlin" / "x.png", regions(2))
    assert [sample.key for sample in open_dataset(leaves, split="berlin")] == ["x"]
    assert len(open_dataset(leaves)) == 4


def test_a_folder_that_is_called_as_a_part_among_others_is_only_a_folder(tmp_path, photo, write_mask, regions):
    for kind in ("bus", "car", "train"):
        photo(tmp_path / "images" / kind / "a.jpg")
        write_mask(tmp_path / "masks" / kind / "a.png", regions(1))
    assert find_splits(tmp_path) == ()
    assert [sample.key for sample in open_dataset(tmp_path)] == ["bus/a", "car/a", "train/a"]
    assert [sample.key for sample in open_dataset(tmp_path, split="train")] == ["a"]
    photo(tmp_path / "images" / "val" / "a.jpg")
    write_mask(tmp_path / "masks" / "val" / "a.png", regions(1))
    assert find_splits(tmp_path) == ("train", "val")


def test_two_folders_anywhere_are_named(leaves, tmp_path):
    (leaves / "images").rename(tmp_path / "photos here")
    (leaves / "masks").rename(tmp_path / "truth")
    found = open_dataset(tmp_path, images=tmp_path / "photos here", masks="truth")
    assert (len(found), found.labels.names[1]) == (3, "leaf")
    with pytest.raises(UsageError, match="there is no folder nothing"):
        open_dataset(tmp_path, images="nothing", masks="truth")
    with pytest.raises(DataError, match="has no folder of masks: name it by --masks"):
        open_dataset(tmp_path, images="photos here")


def test_without_names_those_in_the_masks_count_and_then_pascal_vocs(leaves, regions):
    names = open_dataset(leaves).labels
    (leaves / "labels.json").unlink()
    found = open_dataset(leaves)
    assert found.labels == PASCAL_VOC
    assert found.notes == ("there is no labels.json, so masks are taken as Pascal VOC's 21 classes",)
    write_liveseg_mask(leaves / "masks" / "a.png", regions(0, 1), names, overwrite=True)
    found = open_dataset(leaves)
    assert (found.labels, found.notes) == (names, ())
    assert open_dataset(leaves, labels=["nothing", "leaf", "twig"]).labels.names == ("nothing", "leaf", "twig")


def test_a_photo_without_a_mask_stays_and_says_so_when_it_is_read(leaves):
    (leaves / "masks" / "b.png").rename(leaves / "masks" / "lonely.png")
    found = open_dataset(leaves)
    assert len(found) == 3
    assert found.strays == (leaves / "masks" / "lonely.png",)
    assert found.notes[0].startswith("1 masks have no photo, such as")
    with pytest.raises(DataError, match=r"no mask for .*b\.jpg: there is no .*masks.b\.png"):
        found.samples[1].read_mask()


def test_folders_without_photos_or_masks_and_two_photos_of_one_name_are_told(leaves, photo):
    photo(leaves / "images" / "a.png")
    with pytest.raises(DataError, match=r"a\.jpg and .*a\.png have one name; rename one of them"):
        open_dataset(leaves)
    shutil.rmtree(leaves / "images")
    (leaves / "images").mkdir()
    with pytest.raises(DataError, match=r"there are no photos in .*images"):
        open_dataset(leaves)
    shutil.rmtree(leaves / "masks")
    (leaves / "masks").mkdir()
    photo(leaves / "images" / "a.png")
    with pytest.raises(DataError, match=r"there are no masks in .*masks: no \.bmp"):
        open_dataset(leaves)
    shutil.rmtree(leaves / "masks")
    with pytest.raises(DataError, match=r"has no images/ and masks/; name the two folders"):
        open_dataset(leaves, layout="folder")
