import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.datasets import map_to, open_dataset
from liveseg.datasets.base import Dataset, Sample
from liveseg.datasets.labels_file import make_labels
from liveseg.datasets.mapping import ClassMapping, apply_mapping, read_mapping
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC

ALL = np.arange(256, dtype=np.uint8)[None]


class Whole(Sample):
    """A photo whose mask has every value once."""

    def read_mask(self):
        return ALL


def dataset(names, tmp_path):
    return Dataset("set", "folder", tmp_path, make_labels(names), (Whole("a", tmp_path / "a.jpg"),))


def mapped(names, data, tmp_path):
    return apply_mapping(dataset(names, tmp_path), read_mapping(data)).samples[0].read_mask()[0]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(0, 7), min_size=1, max_size=30), st.sampled_from(["background", "ignore"]))
def test_each_class_goes_where_the_table_says_and_what_is_ignored_stays_so(tmp_path_factory, targets, rest):
    names = [f"own {index}" for index in range(len(targets))]
    classes = {name: None if target is None else f"new {target}" for name, target in zip(names, targets, strict=True)}
    left = classes.popitem()[0] if len(classes) > 1 else None
    data = {"labels": {"names": [f"new {i}" for i in range(8)], "background": True}, "classes": classes, "rest": rest}
    found = mapped(names, data, tmp_path_factory.getbasetemp())
    expected = [255 if target is None else target for target in targets]
    if left is not None:
        expected[len(targets) - 1] = 0 if rest == "background" else 255
    assert [*found[: len(targets)], found[255]] == [*expected, 255]


def test_classes_of_the_same_name_need_no_line_and_others_do(tmp_path):
    names = ["background", "puppy", "couch", "person", "toy"]
    data = {"labels": "voc", "classes": {"puppy": "dog", "toy": None}}
    assert mapped(names, data, tmp_path)[:6].tolist() == [0, 12, 18, 15, 255, 255]
    with pytest.raises(UsageError, match="does not say what becomes of 'puppy', 'toy'; name them"):
        mapped(names, {"labels": "voc"}, tmp_path)


def test_classes_may_be_named_by_number_on_both_sides(tmp_path):
    data = {"labels": ["ground", "leaf"], "classes": {"0": 0, "1": 1, "2": "1", "77": "leaf", "255": 0}}
    found = mapped(["background", "a", "b"], data, tmp_path)
    assert found[[0, 1, 2, 76, 77, 255]].tolist() == [0, 1, 1, 255, 1, 0]


def test_masks_of_0_and_255_are_read_through_a_mapping_of_values(leaves, write_mask, regions):
    for name in "abc":
        write_mask(leaves / "masks" / f"{name}.png", regions(0, 255, 90))
    data = {"labels": ["background", "leaf"], "classes": {"255": "leaf", "90": None}, "rest": "background"}
    (leaves / "labels.json").unlink()
    found = open_dataset(leaves, mapping=data)
    np.testing.assert_array_equal(found.samples[0].read_mask(), regions(0, 1, 255))


def test_a_file_says_the_same_in_json_and_toml(tmp_path):
    (tmp_path / "m.json").write_text('{"labels": "voc", "classes": {"a": "cat", "b": null, "3": 4}, "rest": "ignore"}')
    toml = 'labels = "voc"\nrest = "ignore"\n[classes]\na = "cat"\nb = "ignore"\n3 = 4\n'
    (tmp_path / "m.toml").write_text(toml, encoding="utf-8")
    one, other = (read_mapping(tmp_path / name) for name in ("m.json", "m.toml"))
    assert one.classes == other.classes == (("a", "cat"), ("b", None), ("3", 4))
    assert (one.labels, one.rest, one.values) == (other.labels, other.rest, (3,)) == (PASCAL_VOC, "ignore", (3,))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "is no mapping; write"),
        ({"labels": "voc", "classes": []}, "is no mapping; write"),
        ({"labels": "voc", "class": {}}, "has 'class'; a mapping has labels, classes and rest"),
        ({"labels": "voc", "rest": "drop"}, "rest is one of error, background, ignore, not 'drop'"),
        ({"labels": ["a", "a"]}, "at labels: two classes have the same name"),
        ({"labels": "voc", "classes": {"a": ["cat"]}}, "at 'a': .* is neither a class nor null"),
        ({"labels": "voc", "classes": {"a": True}}, "at 'a': True is neither a class nor null"),
        ({"labels": "voc", "classes": {"a": "?"}}, "at 'a': fill in a class, or null for ignored, instead of ?"),
    ],
)
def test_a_file_that_is_none_is_told_by_its_name(data, message, tmp_path, write_json):
    with pytest.raises(DataError, match=rf"m\.json.*{message}".replace("of ?", r"of \?")):
        read_mapping(write_json(tmp_path / "m.json", data))


def test_files_that_cannot_be_read_are_told(tmp_path):
    (tmp_path / "m.toml").write_text("labels = ", encoding="utf-8")
    with pytest.raises(DataError, match=r"m\.toml cannot be read as TOML"):
        read_mapping(tmp_path / "m.toml")
    for name in ("no.toml", "no.json"):
        with pytest.raises(SourceNotFoundError, match="no such file"):
            read_mapping(tmp_path / name)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"classes": {"cart": "car"}}, "names 'cart', which the data set does not have; did you mean 'cat'"),
        ({"classes": {"cat": "pusy"}}, "leads to 'pusy', which its labels do not have"),
        ({"classes": {"cat": 99}}, "leads to 99, which its labels do not have"),
        ({"classes": {"cat": "cat", "1": "dog"}}, "names one class twice: 'cat' and '1'"),
        ({"classes": {"cat": "cat"}, "labels": ["cat"], "rest": "background"}, "but its labels have none"),
    ],
)
def test_classes_that_are_not_there_are_told(data, message, tmp_path):
    with pytest.raises(UsageError, match=message):
        mapped(["background", "cat"], {"labels": "voc", "rest": "ignore"} | data, tmp_path)


def test_a_models_order_is_reached_by_names_and_aliases(tmp_path):
    found = map_to(dataset(["background", "person", "airplane", "potted plant"], tmp_path), PASCAL_VOC)
    assert found.labels == PASCAL_VOC
    sample = pickle.loads(pickle.dumps(found.samples[0]))  # noqa: S301 - made above
    assert sample.read_mask()[0, :5].tolist() == [0, 15, 1, 16, 255]
    assert (sample.key, sample.image) == ("a", tmp_path / "a.jpg")


def test_the_same_classes_keep_their_samples_and_take_the_models_colours(tmp_path):
    own = dataset(list(PASCAL_VOC.names), tmp_path)
    bright = PASCAL_VOC.with_palette(((9, 9, 9),) * 21)
    found = map_to(own, bright)
    assert found.samples is own.samples
    assert found.labels == bright


def test_classes_that_a_model_does_not_have_are_told_with_a_mapping_file_to_fill_in(tmp_path):
    own = dataset(["background", "leaf", "person"], tmp_path)
    with pytest.raises(UsageError, match="classes that the model does not: leaf; write a mapping file") as caught:
        map_to(own, PASCAL_VOC)
    form = json.loads(re.search(r"--mapping: (.*)$", str(caught.value))[1])
    assert form == {"labels": "voc", "classes": {"leaf": "?"}}
    form["classes"]["leaf"] = "pottedplant"
    assert apply_mapping(own, read_mapping(form)).samples[0].read_mask()[0, :3].tolist() == [0, 16, 15]
    with pytest.raises(UsageError, match=r'"labels": \["background", "leaves"\]'):
        map_to(own, make_labels(["background", "leaves"]))


def test_a_mapping_that_is_one_is_taken_as_it_is():
    mapping = ClassMapping(PASCAL_VOC, ())
    assert read_mapping(mapping) is mapping
