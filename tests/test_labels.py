from __future__ import annotations

import numpy as np
import pytest

from liveseg.errors import UsageError, WeightsError
from liveseg.labels import PASCAL_VOC, UNKNOWN_COLOR, LabelSet, voc_palette


def test_pascal_voc_has_its_classes_and_its_published_colours():
    assert len(PASCAL_VOC) == 21
    assert PASCAL_VOC.names[15] == "person"
    assert PASCAL_VOC.palette[15] == (192, 128, 128)
    assert PASCAL_VOC.palette[20] == (0, 64, 128)
    assert PASCAL_VOC.colors.shape == (256, 3)
    assert not PASCAL_VOC.colors[21:].any()


def test_voc_colours_are_distinct_for_every_mask_value():
    assert len(set(voc_palette(256))) == 256


@pytest.mark.parametrize(
    ("name", "index"),
    [("person", 15), ("Person", 15), ("15", 15), ("dining table", 11), ("potted-plant", 16), ("couch", 18), ("tv", 20)],
)
def test_a_class_is_found_by_name_alias_or_number(name, index):
    assert PASCAL_VOC.index(name) == index


def test_an_unknown_class_is_refused_with_the_nearest_names():
    with pytest.raises(UsageError, match=r"'persn'.*did you mean person"):
        PASCAL_VOC.index("persn")
    with pytest.raises(UsageError, match="no class named '21' in this model; there is background, aeroplane"):
        PASCAL_VOC.index("21")


def test_indices_are_sorted_and_unique():
    assert PASCAL_VOC.indices(["car", "person", "car", "7"]) == (7, 15)


def test_labels_survive_json():
    own = LabelSet(("road", "sky"), ((1, 2, 3), (4, 5, 6)), background=False)
    assert LabelSet.from_json(own.to_json()) == own


def test_labels_without_colours_get_the_voc_colours():
    own = LabelSet.from_json({"classes": ["background", "cat", "dog"]})
    assert own.palette == voc_palette(3)
    assert LabelSet.from_json(["background", "cat", "dog"]) == own


@pytest.mark.parametrize(
    "data",
    [
        {}, [], "cat", {"classes": []}, {"classes": ["a", "a"]}, {"classes": ["a"], "palette": [[0, 0]]},
        {"classes": ["a"], "palette": [[0, 0, 256]]}, {"classes": ["a", "b"], "palette": [[0, 0, 0]]},
        {"classes": [str(i) for i in range(256)]}, {"classes": ["a"], "palette": 3},
        {"classes": ["a"], "palette": [[float("inf"), 0, 0]]},
    ],
)  # fmt: skip
def test_labels_that_make_no_sense_are_refused(data):
    with pytest.raises(WeightsError):
        LabelSet.from_json(data)


def test_numpy_indices_look_up_colours():
    mask = np.array([[0, 15]], np.uint8)
    assert PASCAL_VOC.colors[mask].tolist() == [[[0, 0, 0], [192, 128, 128]]]


def test_unknown_is_one_class_more_after_all_others():
    labels = PASCAL_VOC.with_unknown()
    assert (len(labels), labels.index("unknown"), labels.palette[21]) == (22, 21, UNKNOWN_COLOR)
    assert labels.names[:21] == PASCAL_VOC.names
    with pytest.raises(UsageError, match="leave out --unknown"):
        labels.with_unknown()
    full = LabelSet(tuple(str(number) for number in range(255)), voc_palette(255))
    with pytest.raises(UsageError, match="no place"):
        full.with_unknown()


def test_another_palette_has_a_colour_for_each_class():
    colors = voc_palette(22)[1:]
    assert PASCAL_VOC.with_palette(colors).palette == colors
    with pytest.raises(WeightsError, match="20 palette colours"):
        PASCAL_VOC.with_palette(colors[1:])
