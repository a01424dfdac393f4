"""What is done with a data set before it is learned from: it is looked through, told about, and divided."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import DataError, SourceNotFoundError, UsageError
from liveseg.settings.train import TrainSettings
from liveseg.train.prepare import in_short, prepare, prepared_before
from liveseg.train.run_folder import RunFolder

SETTINGS = TrainSettings()


def write_pair(root, name, seed, index=1, value=None):
    """A photo of a bright square on noise, unlike any of another seed, and its mask."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 160, (6, 6, 3), np.uint8)
    photo = np.asarray(Image.fromarray(coarse).resize((96, 96), Image.Resampling.BICUBIC)).copy()
    mask = np.zeros((96, 96), np.uint8)
    top, left = rng.integers(4, 50, 2)
    photo[top : top + 40, left : left + 40] = rng.integers(180, 255, 3, np.uint8)
    mask[top : top + 40, left : left + 40] = index if value is None else value
    for folder, pixels in (("images", photo), ("masks", mask)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(root / folder / f"{name}.png")


@pytest.fixture
def photos(tmp_path):
    root = tmp_path / "squares"
    for number in range(20):
        write_pair(root, f"photo_{number:02d}", number, index=1 + (number % 5 == 0))
    (root / "labels.json").write_text(json.dumps(["background", "square", "rare"]))
    return root


@pytest.mark.parametrize("seed", range(4))
def test_of_few_photos_the_share_asked_for_is_kept_and_every_class_is_on_both_sides(photos, seed):
    prepared = prepare(photos, SETTINGS, share=0.25, seed=seed)
    assert (len(prepared.train), len(prepared.validation)) == (15, 5)
    assert {sample.key for sample in prepared.train}.isdisjoint(sample.key for sample in prepared.validation)
    for own in prepared.facts.classes:
        assert own.photos
        assert own.measured
    assert sum(own.photos + own.measured for own in prepared.facts.classes[1:]) == 20


def test_copies_stay_on_one_side(photos):
    for number in range(20):
        with Image.open(photos / "images" / f"photo_{number:02d}.png") as photo:
            photo.save(photos / "images" / f"copy_{number:02d}.jpg", quality=80)
        shutil.copy(photos / "masks" / f"photo_{number:02d}.png", photos / "masks" / f"copy_{number:02d}.png")
    prepared = prepare(photos, SETTINGS, share=0.25, seed=0)
    sides = [{sample.key.split("_")[1] for sample in part} for part in (prepared.train, prepared.validation)]
    assert sides[0].isdisjoint(sides[1])


def test_all_errors_are_told_before_training_is_refused(photos):
    (photos / "masks" / "photo_03.png").unlink()
    write_pair(photos, "strange", 50, value=9)
    told = []
    with pytest.raises(DataError, match=r"2 errors that would spoil the training"):
        prepare(photos, SETTINGS, share=0.25, seed=0, found=told.extend)
    assert {"no-mask", "unknown-index"} <= {one.kind for one in told}
    assert told[0].severity == "error"
    lines = in_short([one for one in told if one.severity == "error"])
    assert any("photo_03" in line for line in lines)


def test_warnings_are_told_and_kept(photos):
    (photos / "labels.json").write_text(json.dumps(["background", "square", "rare", "never"]))
    told = []
    prepared = prepare(photos, SETTINGS, share=0.25, seed=0, found=told.extend)
    assert any(one.kind == "empty-class" for one in told)
    assert any("never" in remark for remark in prepared.facts.remarks)


def test_many_problems_of_one_kind_are_counted():
    from liveseg.datasets.check_problem import problem

    lines = in_short([problem("no-photo", f"{number}.png", f"the mask {number}") for number in range(9)])
    assert len(lines) == 4
    assert lines[-1] == "and 6 more of this kind"


def test_the_data_sets_own_division_is_kept_and_its_test_photos_are_left_alone(tmp_path):
    root = tmp_path / "divided"
    for part, first, number in (("train", 0, 6), ("val", 20, 3), ("test", 40, 2)):
        for place in range(number):
            write_pair(root / part, f"{place}", first + place)
    (root / "labels.json").write_text(json.dumps(["background", "square"]))
    prepared = prepare(root, SETTINGS, share=0.5, seed=0)
    assert (len(prepared.train), len(prepared.validation)) == (6, 3)
    assert "keeps 3 photos" in prepared.facts.split
    only = prepare(root, TrainSettings(split="train"), share=0.5, seed=0)
    assert (len(only.train), len(only.validation)) == (3, 3)


def test_nothing_is_kept_to_measure_on_where_that_is_asked(photos):
    prepared = prepare(photos, SETTINGS, share=0.0, seed=0)
    assert (len(prepared.train), len(prepared.validation)) == (20, 0)


def test_a_run_that_is_gone_on_with_has_the_same_photos_on_the_same_sides(photos, tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    first = prepare(photos, SETTINGS, share=0.25, seed=0)
    first.write(folder)
    write_pair(photos, "new", 77)
    again = prepared_before(photos, SETTINGS, folder)
    assert [sample.key for sample in again.train] == [sample.key for sample in first.train]
    assert [sample.key for sample in again.validation] == [sample.key for sample in first.validation]
    assert again.facts == first.facts
    (photos / "images" / f"{first.train.samples[0].key}.png").unlink()
    with pytest.raises(UsageError, match=r"has lost 1 photos since the run began"):
        prepared_before(photos, SETTINGS, folder)


def test_a_run_that_was_stopped_before_its_photos_were_divided_is_begun_anew(photos, tmp_path):
    folder = RunFolder.create(tmp_path / "run")
    folder.write_json(folder.config, {})
    with pytest.raises(SourceNotFoundError, match="had not begun yet; leave out --resume"):
        prepared_before(photos, SETTINGS, folder)


def test_one_photo_is_learned_from_or_measured_on_not_both(tmp_path):
    root = tmp_path / "single"
    write_pair(root, "only", 0)
    (root / "labels.json").write_text(json.dumps(["background", "square"]))
    with pytest.raises(DataError, match=r"has one photo, and none to measure on; add photos, or give --validation 0"):
        prepare(root, SETTINGS, share=0.2, seed=0)
    assert len(prepare(root, SETTINGS, share=0.0, seed=0).train) == 1
