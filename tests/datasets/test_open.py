import pickle
import zipfile

import numpy as np
import pytest

from liveseg.datasets import LAYOUTS, open_dataset
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
