import pytest

from liveseg.datasets.base import Dataset
from liveseg.errors import UsageError
from liveseg.evaluate.classes import fitted, translation
from liveseg.labels import PASCAL_VOC, LabelSet, voc_palette


def named(*names, background=True):
    return LabelSet(names, voc_palette(len(names)), background)


def test_the_same_classes_stay_as_they_are():
    table, notes = translation(PASCAL_VOC, PASCAL_VOC)
    assert table[:21].tolist() == list(range(21))
    assert set(table[21:].tolist()) == {21}
    assert notes == []


def test_classes_go_together_by_name_and_alias_in_any_order_and_direction():
    table, notes = translation(named("background", "sofa", "tv"), named("background", "tvmonitor", "couch"))
    assert table[:4].tolist() == [0, 2, 1, 3]
    assert notes == []


def test_classes_that_the_truth_does_not_name_are_its_background():
    table, (note,) = translation(named("background", "dog"), PASCAL_VOC)
    assert table[PASCAL_VOC.index("dog")] == 1
    assert table[PASCAL_VOC.index("cat")] == 0
    assert note.startswith("predicted classes that the data set does not name count as background: aeroplane, bicycle")
    assert table[255] == 2


def test_without_a_background_they_are_wrong_as_unknown_always_is():
    wanted = named("road", "car", background=False)
    table, (note,) = translation(wanted, named("road", "car", "sky", background=False).with_unknown())
    assert table[:5].tolist() == [0, 1, 2, 2, 2]
    assert "count as wrong: sky" in note
    table, notes = translation(named("background", "a"), named("background", "a").with_unknown())
    assert table[:3].tolist() == [0, 1, 2]
    assert notes == []


def test_a_class_named_by_a_number_is_not_taken_for_an_index():
    table, _ = translation(named("background", "2", "1"), named("background", "1", "2"))
    assert table[:3].tolist() == [0, 2, 1]


def test_a_class_that_no_mask_can_have_is_named_with_the_remedy(tmp_path):
    assert translation(named("background", "leaf"), PASCAL_VOC) == (None, [])
    dataset = Dataset("leaves", "folder", tmp_path, named("background", "leaf"), ())
    with pytest.raises(UsageError, match=r"leaf.*--mapping"):
        fitted(dataset, PASCAL_VOC)
