"""What is wrong with labelled photos is named, each by its file, and what is right is not."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset, split_dataset
from liveseg.datasets.check import find_problems, inspect
from liveseg.datasets.check_problem import KINDS


@pytest.fixture(scope="session")
def scenes(skimage_data):
    """Three quite different photos of 120x80 pixels."""
    found = []
    for name in ("astronaut", "chelsea", "coffee"):
        with Image.open(skimage_data / f"{name}.png") as opened:
            found.append(np.asarray(opened.convert("RGB").resize((120, 80))))
    return found


@pytest.fixture
def good(tmp_path, scenes, write_json):
    """Six photos, each scene and a quite different part of it, with two classes in every mask: nothing is wrong."""
    root = tmp_path / "good"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    for number in range(6):
        scene = scenes[number % 3]
        image = scene if number < 3 else np.asarray(Image.fromarray(scene[:40, 60:]).resize((120, 80)))
        Image.fromarray(image).save(root / "images" / f"{number}.png")
        mask = np.zeros((80, 120), np.uint8)
        mask[20:50, 30:60], mask[60:, :40] = 1, 2
        Image.fromarray(mask).save(root / "masks" / f"{number}.png")
    write_json(root / "labels.json", ["background", "leaf", "stem"])
    return root


def _kinds(problems):
    return [(one.kind, one.severity) for one in problems]


def _mask_of(root, name="0"):
    return np.array(Image.open(root / "masks" / f"{name}.png"))


def _rewrite(root, mask, name="0"):
    path = root / "masks" / f"{name}.png"
    Image.fromarray(mask).save(path)
    return path


def test_a_good_set_has_no_problems_and_its_classes_are_counted(good):
    found = inspect(open_dataset(good))
    assert found.problems == []
    assert [(one.name, one.photos, one.pixels) for one in found.classes] == [
        ("background", 6, 6 * (9600 - 900 - 800)),
        ("leaf", 6, 6 * 900),
        ("stem", 6, 6 * 800),
    ]
    assert found.classes[1].share == 900 / 9600


def test_a_photo_without_a_mask_and_a_mask_without_a_photo_are_named(good):
    (good / "masks" / "0.png").rename(good / "masks" / "nobody.png")
    missing, stray = find_problems(open_dataset(good))
    assert (missing.kind, missing.severity) == ("no-mask", "error")
    assert missing.file == str(good / "images" / "0.png")
    assert str(good / "masks" / "0.png") in missing.message
    assert (stray.kind, stray.severity, stray.file) == ("no-photo", "warning", str(good / "masks" / "nobody.png"))


def test_strays_of_all_parts_are_named(good):
    whole = good.parent / "parts"
    for part in ("train", "val"):
        shutil.copytree(good, whole / part)
        (whole / part / "images" / "5.png").unlink()
    strays = [one for one in find_problems(open_dataset(whole)) if one.kind == "no-photo"]
    assert [one.file for one in strays] == [str(whole / part / "masks" / "5.png") for part in ("train", "val")]


def test_a_damaged_photo_and_a_damaged_mask_are_named(good):
    for path in (good / "images" / "0.png", good / "masks" / "1.png"):
        path.write_bytes(path.read_bytes()[:60])
    found = find_problems(open_dataset(good))
    assert _kinds(found)[:2] == [("unreadable-photo", "error"), ("unreadable-mask", "error")]
    assert [one.file for one in found[:2]] == [str(good / "images" / "0.png"), str(good / "masks" / "1.png")]


def test_unknown_values_are_named_with_their_pixels(good):
    mask = _mask_of(good)
    mask[0, :7], mask[1, :3] = 9, 200
    path = _rewrite(good, mask)
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity, one.file) == ("unknown-index", "error", str(path))
    assert "values 9 at 7 pixels, 200 at 3 pixels" in one.message
    assert "3 classes" in one.message


def test_a_mask_of_another_size_is_named(good):
    path = _rewrite(good, _mask_of(good)[::2, ::2])
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity, one.file) == ("other-size", "error", str(path))
    assert "60 x 40" in one.message
    assert "120 x 80" in one.message


def test_a_mask_with_nothing_but_ignored_pixels_is_named(good):
    path = _rewrite(good, np.full((80, 120), 255, np.uint8))
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity, one.file) == ("all-ignored", "warning", str(path))


@pytest.mark.parametrize("name", ["0.png", "0.jpg"])
def test_a_jpeg_mask_is_named_whatever_it_is_called(good, name):
    mask = Image.open(good / "masks" / "0.png")
    mask.load()
    (good / "masks" / "0.png").unlink()
    mask.save(good / "masks" / name, format="JPEG")
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity, one.file) == ("jpeg-mask", "error", str(good / "masks" / name))


def test_masks_in_colours_are_named_and_colours_of_no_class_are_an_error(good):
    dataset = open_dataset(good)
    colors = dataset.labels.colors[_mask_of(good)]
    _rewrite(good, colors, "0")
    strange = colors.copy()
    strange[40, 45] = 1, 2, 3
    _rewrite(good, strange, "1")
    error, warning = find_problems(dataset)
    assert (error.kind, error.severity, error.file) == ("unknown-colour", "error", str(good / "masks" / "1.png"))
    assert "(1, 2, 3)" in error.message
    assert (warning.kind, warning.file) == ("mask-in-colours", str(good / "masks" / "0.png"))


def test_a_photo_that_is_turned_by_exif_is_named(good):
    path = good / "images" / "0.png"
    with Image.open(path) as opened:
        image = opened.transpose(Image.Transpose.ROTATE_90)
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(path, exif=exif)
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity, one.file) == ("turned-photo", "warning", str(path))


def test_very_large_and_very_small_photos_are_named(good, monkeypatch):
    from liveseg.datasets import check_photo

    monkeypatch.setattr(check_photo, "_HUGE", 9599)
    Image.fromarray(np.zeros((20, 400, 3), np.uint8)).save(good / "images" / "0.png")
    _rewrite(good, np.ones((20, 400), np.uint8))
    kinds = [(one.kind, one.severity, one.file[-5:]) for one in find_problems(open_dataset(good))]
    huge = [("huge-photo", "warning", f"{number}.png") for number in range(1, 6)]
    assert kinds == [*huge, ("tiny-photo", "warning", "0.png")]


def test_missing_and_rare_classes_are_named(good, write_json):
    write_json(good / "labels.json", ["background", "leaf", "stem", "fruit", "flower"])
    mask = _mask_of(good)
    mask[0, :50] = 3
    _rewrite(good, mask)
    found = find_problems(open_dataset(good))
    assert _kinds(found) == [("empty-class", "warning"), ("rare-class", "warning")]
    assert "flower" in found[0].message
    assert "fruit is in 1 photo only" in found[1].message


def test_a_background_that_is_in_no_mask_is_fine(good):
    for number in range(6):
        mask = _mask_of(good, number)
        mask[mask == 0] = 255
        _rewrite(good, mask, number)
    assert find_problems(open_dataset(good)) == []


def test_masks_that_all_show_one_class_are_an_error(good):
    for number in range(6):
        _rewrite(good, np.zeros((80, 120), np.uint8), number)
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity) == ("nothing-to-learn", "error")
    assert "255" not in one.message + one.remedy


def test_masks_of_0_and_255_are_told_what_255_means(good):
    for number in range(6):
        _rewrite(good, np.where(_mask_of(good, number) == 1, 255, 0).astype(np.uint8), number)
    (one,) = find_problems(open_dataset(good))
    assert (one.kind, one.severity) == ("nothing-to-learn", "error")
    assert "nothing but background and 255, which is ignored" in one.message
    assert '--mapping: {"labels":' in one.remedy
    mapping = json.loads(one.remedy.partition("--mapping: ")[2])
    assert find_problems(open_dataset(good, mapping=mapping)) == []


def test_masks_that_are_all_ignored_are_an_error(good):
    for number in range(6):
        _rewrite(good, np.full((80, 120), 255, np.uint8), number)
    found = find_problems(open_dataset(good))
    assert _kinds(found) == [("nothing-to-learn", "error"), *[("all-ignored", "warning")] * 6]


def test_the_same_photo_twice_is_named_and_other_masks_for_it_contradict(good, scenes):
    for number in (3, 4):
        Image.fromarray(scenes[number - 3]).save(good / "images" / f"{number}.png")
    mask = _mask_of(good, 4)
    mask[0, 0] = 1
    _rewrite(good, mask, 4)
    same, contradiction = find_problems(open_dataset(good))
    assert (same.kind, same.severity) == ("same-photo", "warning")
    assert all(str(good / "images" / f"{number}.png") in same.message for number in (0, 3))
    assert (contradiction.kind, contradiction.severity) == ("contradiction", "warning")
    assert all(str(good / "images" / f"{number}.png") in contradiction.message for number in (1, 4))


def test_a_photo_that_a_list_names_twice_is_looked_at_twice_and_stays_on_one_side(good):
    dataset = open_dataset(good)
    other = replace(dataset.samples[1], key="again", image=dataset.samples[0].image)
    dataset = replace(dataset, samples=(*dataset.samples, other))
    found = inspect(dataset)
    assert len(found.photos) == 7
    (same,) = found.problems
    assert (same.kind, same.severity) == ("same-photo", "warning")
    train, validation = split_dataset(dataset, 0.3, 0, found.groups, found.classes_in)
    assert {"0", "again"} <= {sample.key for sample in train} or {"0", "again"} <= {s.key for s in validation}
    assert found.between(train, validation) == []


def test_much_the_same_photo_with_a_quite_other_mask_contradicts(good, scenes):
    for number, mask in ((3, np.ones((80, 120), np.uint8)), (4, _mask_of(good)[:, ::-1])):
        Image.fromarray(scenes[number - 3][:, ::-1]).save(good / "images" / f"{number}.png")
        _rewrite(good, mask, number)
    (one,) = find_problems(open_dataset(good))  # the other mirrored one has its mask mirrored, too
    assert (one.kind, one.severity) == ("contradiction", "warning")
    assert all(str(good / "images" / f"{number}.png") in one.message for number in (0, 3))


def test_leaks_between_training_and_validation_are_named(good, scenes):
    Image.fromarray(scenes[0]).save(good / "images" / "3.png")
    Image.fromarray(scenes[1][:, ::-1]).save(good / "images" / "4.png")
    dataset = open_dataset(good)
    train, validation = dataset.subset(["0", "1", "2", "5"]), dataset.subset(["2", "3", "4"])
    found = [one for one in find_problems(dataset, train=train, validation=validation) if "leak" in one.kind]
    assert [(one.kind, one.severity, one.file[-5:]) for one in found] == [
        ("leak", "error", "2.png"),
        ("leak", "error", "3.png"),
        ("near-leak", "warning", "4.png"),
    ]
    assert str(good / "images" / "1.png") in found[2].message


def test_photos_of_two_sets_with_the_same_keys_are_told_apart(good):
    other = good.parent / "other"
    shutil.copytree(good, other)
    train, validation = open_dataset(good), open_dataset(other)
    found = find_problems(train, train=train, validation=validation)
    leaks = [one.file for one in found if one.kind == "leak"]
    assert leaks == [str(other / "images" / f"{number}.png") for number in range(6)]


def test_classes_on_one_side_only_are_named(good):
    for number in range(6):
        mask = _mask_of(good, number)
        mask[mask == (1 if number < 3 else 2)] = 0
        _rewrite(good, mask, number)
    dataset = open_dataset(good)
    train, validation = dataset.subset(["0", "1", "2"]), dataset.subset(["3", "4", "5"])
    found = [one for one in find_problems(dataset, train=train, validation=validation) if "only" in one.kind]
    assert [one.kind for one in found] == ["only-in-training", "only-in-validation"]
    assert found[0].message.startswith("stem is in 3 photos of training")
    assert found[1].message.startswith("leaf is in 3 photos of validation")
    train, validation = dataset.subset(["0"]), dataset.subset(["3"])
    found = [one for one in find_problems(dataset, train=train, validation=validation) if "only" in one.kind]
    assert [one.message.partition(",")[0] for one in found] == [
        "stem is in 1 photo of training",
        "leaf is in 1 photo of validation",
    ]


def test_photos_to_measure_on_that_are_all_ignored_are_an_error(good):
    _rewrite(good, np.full((80, 120), 255, np.uint8))
    dataset = open_dataset(good)
    train, validation = dataset.subset("12345"), dataset.subset("0")
    found = find_problems(dataset, train=train, validation=validation)
    assert _kinds(found)[0] == ("nothing-to-measure", "error")
    assert find_problems(dataset, train=validation, validation=train)[0].kind != "nothing-to-measure"


def test_sides_with_other_classes_are_an_error(good, write_json):
    other = good.parent / "other"
    shutil.copytree(good, other)
    write_json(other / "labels.json", ["background", "stem", "leaf"])
    train, validation = open_dataset(good), open_dataset(other)
    assert ("other-classes", "error") in _kinds(find_problems(train, train=train, validation=validation))


def test_a_division_by_what_was_found_has_no_leaks(good, scenes):
    for number in (3, 4, 5):
        Image.fromarray(scenes[number - 3][:, ::-1]).save(good / "images" / f"{number}.png")
    dataset = open_dataset(good)
    found = inspect(dataset)
    assert sorted(found.groups) == [("0", "3"), ("1", "4"), ("2", "5")]
    assert found.classes_in == {str(number): (0, 1, 2) for number in range(6)}
    train, validation = split_dataset(dataset, 0.3, 0, found.groups, found.classes_in)
    assert found.between(train, validation) == []


def test_progress_counts_the_photos_and_workers_change_nothing(good):
    (good / "masks" / "3.png").unlink()
    told = []
    dataset = open_dataset(good)
    alone = find_problems(dataset, progress=lambda *now: told.append(now))
    assert told == [(number, 6) for number in range(1, 7)]
    assert find_problems(dataset, workers=3) == alone


def test_masks_that_are_in_no_file_of_their_own_are_checked_too(good, write_json):
    path = write_json(
        good / "list.json",
        {
            "images": [
                {"id": number, "file_name": f"images/{number}.png", "width": 120, "height": 80} for number in range(6)
            ],
            "annotations": [
                {"id": number, "image_id": number, "category_id": 1, "iscrowd": 0, "bbox": [9, 9, 50, 50],
                 "segmentation": [[10, 10, 60, 10, 60, 60, 10, 60]]}
                for number in range(5)
            ],
            "categories": [{"id": 1, "name": "leaf"}, {"id": 2, "name": "stem"}],
        },
    )  # fmt: skip
    (good / "images" / "0.png").unlink()
    kinds = dict(_kinds(find_problems(open_dataset(path))))
    assert kinds["unreadable-photo"] == "error"
    assert kinds["empty-class"] == "warning"


def test_every_kind_has_a_remedy():
    assert all(severity in ("error", "warning") and remedy for severity, remedy in KINDS.values())
