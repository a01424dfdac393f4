import pickle
import zipfile

import numpy as np
import pytest

from liveseg.datasets import LAYOUTS, open_dataset
from liveseg.datasets.open import find_splits
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.settings.data import DataSettings, Layout
from liveseg.settings.option import check


def test_what_is_no_data_set_is_answered_with_what_was_looked_for(tmp_path):
    with pytest.raises(DataError, match="is no data set that is known; looked for ") as caught:
        open_dataset(tmp_path)
    for name, wanted in (("folder", "images/ and masks/"), ("voc", "JPEGImages/"), ("cvat", "labelmap.txt")):
        assert f"{name}: " in str(caught.value)
        assert wanted in str(caught.value)
    with pytest.raises(SourceNotFoundError, match=r"no such folder or file: .*nothing"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(UsageError, match="no layout called 'yolo'; choose auto, cityscapes, coco"):
        open_dataset(tmp_path, layout="yolo")


def test_a_file_of_another_kind_and_an_archive_are_told(tmp_path):
    (tmp_path / "a.txt").write_text("x", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.txt is no data set that is known"):
        open_dataset(tmp_path / "a.txt")
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    with pytest.raises(DataError, match=r"a\.zip is an archive; unpack it and name the folder"):
        open_dataset(tmp_path / "a.zip")


def test_a_data_set_is_small_and_goes_to_other_processes(leaves):
    found = open_dataset(leaves, mapping={"labels": ["background", "plant"], "classes": {"leaf": 1, "stem": 1}})
    sent = pickle.dumps(found.samples)
    assert len(sent) < 4000
    back = pickle.loads(sent)  # noqa: S301 - made above
    np.testing.assert_array_equal(back[2].read_mask(), found.samples[2].read_mask())
    assert set(np.unique(back[2].read_mask())) == {0, 1}


def test_the_same_photo_twice_is_told(tmp_path, photo, write_json):
    photo(tmp_path / "images" / "a.jpg")
    entry = {"file_name": "a.jpg", "height": 24, "width": 32}
    images = [{"id": 1} | entry, {"id": 2} | entry]
    categories = [{"id": 1, "name": "leaf"}]
    write_json(tmp_path / "coco.json", {"images": images, "annotations": [], "categories": categories})
    with pytest.raises(DataError, match="names the photo 'a' twice; leave one out"):
        open_dataset(tmp_path)


def test_subsets_keep_the_order(leaves):
    found = open_dataset(leaves)
    assert [sample.key for sample in found.subset(["c", "a"])] == ["a", "c"]
    assert [sample.key for sample in found.every(2)] == ["a", "c"]
    assert [sample.key for sample in found.limit(2)] == ["a", "b"]
    with pytest.raises(UsageError, match="has no photo 'd'"):
        found.subset(["a", "d"])


def test_the_options_are_those_of_the_function(leaves):
    settings = DataSettings(labels=str(leaves / "labels.json"))
    assert len(open_dataset(leaves, **settings.for_data)) == 3
    assert set(Layout.__args__) == {"auto", *LAYOUTS}
    with pytest.raises(UsageError, match="--layout is one of auto, folder"):
        check(DataSettings(layout="yolo"))


@pytest.mark.parametrize("kind", ["images", "masks"])
def test_folders_that_are_there_and_hold_nothing_are_told_apart_from_no_data_set(tmp_path, photo, kind):
    photo(tmp_path / "images" / "a.jpg")
    (tmp_path / "masks").mkdir()
    if kind == "images":
        (tmp_path / "images" / "a.jpg").unlink()
    what = "photos" if kind == "images" else "masks"
    with pytest.raises(DataError, match=f"there are no {what} in .*{kind}"):
        open_dataset(tmp_path)


def test_masks_that_are_jpeg_are_told_to_be_so(tmp_path, photo):
    photo(tmp_path / "images" / "a.jpg")
    photo(tmp_path / "masks" / "a.jpg")
    with pytest.raises(DataError, match=r"there are no masks in .*; .*JPEG, which blurs"):
        open_dataset(tmp_path)


@pytest.fixture
def unreadable(monkeypatch):
    """`unreadable(path)`: this process may not read it, whoever runs the tests."""

    def forbid(path):
        def refuse(name):
            def opened(self, *arguments, **options):
                if self == path:
                    raise PermissionError(13, "Permission denied", str(self))
                return plain(self, *arguments, **options)

            plain = getattr(type(path), name)
            monkeypatch.setattr(type(path), name, opened)

        for name in ("open", "iterdir", "read_text"):
            refuse(name)

    return forbid


@pytest.mark.parametrize("layout", ["images", "list", "labels.json", "tasks"])
def test_what_may_not_be_read_is_named(tmp_path, photo, write_mask, write_json, regions, unreadable, layout):
    voc = layout == "list"
    photo(tmp_path / ("JPEGImages" if voc else "images") / "a.jpg")
    write_mask(tmp_path / ("SegmentationClass" if voc else "masks") / "a.png", regions(0, 1))
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_text("a", encoding="utf-8")
    write_json(tmp_path / "labels.json", ["background", "leaf"])
    path = {
        "images": tmp_path / "images",
        "list": lists / "val.txt",
        "labels.json": tmp_path / "labels.json",
        "tasks": write_json(tmp_path / "export" / "tasks.json", []),
    }[layout]
    opened = path.parent if layout == "tasks" else tmp_path
    unreadable(path)
    with pytest.raises(DataError, match=f"cannot read .*{path.name}: Permission denied") as caught:
        open_dataset(opened, split="val" if voc else None)
    assert "Errno" not in str(caught.value)
    if layout in ("images", "tasks"):
        with pytest.raises(DataError, match="Permission denied"):
            find_splits(opened)


def test_a_list_in_another_encoding_is_named(tmp_path, photo, write_mask, regions):
    photo(tmp_path / "JPEGImages" / "a.jpg")
    write_mask(tmp_path / "SegmentationClass" / "a.png", regions(0, 1))
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "val.txt").write_bytes("größe".encode("latin-1"))
    with pytest.raises(DataError, match=r"val\.txt .*UTF-8"):
        open_dataset(tmp_path, split="val")
