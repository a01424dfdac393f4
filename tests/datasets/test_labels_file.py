import pytest

from liveseg.datasets.labels_file import labels_of, with_background
from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC, voc_palette


@pytest.mark.parametrize(
    "data",
    [
        ["background", "leaf"],
        {"names": ["background", "leaf"]},
        {"classes": ["background", " leaf "], "palette": [[0, 0, 0], [128, 0, 0]]},
        {"names": ["background", "leaf"], "palette": ["black", "#800000"], "background": True},
    ],
)
def test_names_and_colours_come_from_a_file_in_any_of_its_forms(data, tmp_path, write_json):
    labels = labels_of(write_json(tmp_path / "labels.json", data))
    assert (labels.names, labels.palette, labels.background) == (("background", "leaf"), voc_palette(2), True)


def test_a_first_class_of_another_name_is_no_background(tmp_path, write_json):
    assert not labels_of(write_json(tmp_path / "labels.json", ["leaf", "stem"])).background
    assert not labels_of(["leaf", "stem"]).background
    assert labels_of(["Background", "stem"]).background


def test_voc_is_a_name_and_a_label_set_is_itself():
    assert labels_of("VOC") is PASCAL_VOC
    assert labels_of(PASCAL_VOC) is PASCAL_VOC


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read as JSON: "),
        ("{}", r'names no classes: write \["background", "leaf", …\]'),
        ("[1, 2]", "names no classes: write"),
        ('["a", ""]', "names no classes: write"),
        ("[]", "a label set has 1 to 255 classes, not 0"),
        ('["a", "a"]', "two classes have the same name"),
        ('{"names": ["a"], "palette": [[0, 0, 0], [1, 1, 1]]}', "1 class names but 2 palette colours"),
        ('{"names": ["a"], "palette": ["nocolour"]}', "'nocolour' is no colour"),
        ('{"names": ["a"], "palette": 3}', "names no classes: write"),
    ],
)
def test_a_file_that_names_none_is_told_by_its_name(text, message, tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"labels\.json .*{message}"):
        labels_of(path)


def test_a_file_that_is_not_there_and_names_that_are_none(tmp_path):
    with pytest.raises(SourceNotFoundError, match="no such file: "):
        labels_of(tmp_path / "labels.json")
    with pytest.raises(UsageError, match="two classes have the same name"):
        labels_of(["a", "a"])


@pytest.mark.parametrize(
    ("names", "expected", "indices"),
    [
        (["leaf", "stem"], ("background", "leaf", "stem"), [1, 2]),
        (["leaf", "Background", "stem"], ("Background", "leaf", "stem"), [1, 0, 2]),
        ([], ("background",), []),
    ],
)
def test_a_background_is_put_first_once(names, expected, indices):
    labels, found = with_background(names)
    assert (labels.names, found, labels.background) == (expected, indices, True)
    colors = [(number, 9, 9) for number in range(len(names))]
    labels, _ = with_background(names, colors)
    assert [labels.palette[index] for index in indices] == colors
