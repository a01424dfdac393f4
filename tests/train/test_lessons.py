"""What a student learns from, and that it learns it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from liveseg.datasets import open_dataset
from liveseg.errors import DataError, UsageError
from liveseg.evaluate.engine import evaluate
from liveseg.settings.data import DataSettings
from liveseg.train.fit import fit
from liveseg.train.lessons import lessons_before, with_labelled, without_labelled
from liveseg.train.options import TrainOptions
from liveseg.train.prepare import prepare
from liveseg.train.run_folder import RunFolder
from liveseg.train.start import make_start
from liveseg.train.taught import NOTE, taught
from liveseg.train.teaching import from_masks, photos_below
from liveseg.train.validation import segmenter_of


@pytest.fixture(scope="module")
def six(shapes, tmp_path_factory):
    """Six photos and what a teacher says of them, without masks."""
    folder = tmp_path_factory.mktemp("six")
    with_masks = open_dataset(shapes.write_set(folder / "set", 6, 96))
    logits = from_masks(replace(with_masks, name="pictures"), folder / "t.json")
    return taught("shapes", folder, photos_below(folder / "set" / "images"), logits), logits


def test_without_masks_some_photos_are_kept_to_compare_with_the_teacher(six):
    photos, _ = six
    lessons = without_labelled(photos, "somebody", share=0.34, seed=0)
    learned, measured = lessons.photos, lessons.labelled.validation
    assert (len(learned), len(measured), len(lessons.labelled.train)) == (4, 2, 0)
    assert not {sample.key for sample in learned} & {sample.key for sample in measured}
    assert lessons.paths == tuple(sample.image for sample in learned)
    facts = lessons.labelled.facts
    assert (facts.train, facts.unlabelled, facts.validation, facts.teacher) == (0, 4, 2, "somebody")
    assert [own.name for own in facts.classes] == ["background", "disc", "square", "triangle"]
    assert all(own.photos == 4 and own.measured == 2 for own in facts.classes)
    assert facts.remarks == (NOTE,)
    assert len(without_labelled(photos, "somebody", share=0, seed=0).photos) == 6


def test_photos_that_are_copies_of_labelled_ones_are_left_out(shapes, six, tmp_path):
    photos, _ = six
    data = shapes.write_set(tmp_path / "data", 12, 96)
    for number in range(4, 12):  # other photos than the six, but for four
        for name in ("images", "masks"):
            (data / name / f"{number:02d}.png").unlink()
            shutil.move(write_one(shapes, tmp_path, number + 50, name), data / name / f"{number:02d}.png")
    # One of the copies is of another size and quality.
    image = cv2.imread(str(data / "images" / "01.png"))
    (data / "images" / "01.png").unlink()
    cv2.imwrite(str(data / "images" / "01.jpg"), image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    labelled = prepare(data, DataSettings(), share=0.3, seed=0)
    lessons = with_labelled(photos, labelled, "somebody")
    assert [sample.key for sample in lessons.photos] == ["04", "05"]
    assert lessons.labelled.train is labelled.train
    facts = lessons.labelled.facts
    assert (facts.train, facts.unlabelled) == (len(labelled.train), 2)
    assert "4 photos of shapes are among the labelled ones" in facts.remarks[-1]
    with pytest.raises(DataError, match="all photos of shapes are among the labelled ones"):
        with_labelled(photos.limit(4), labelled, "somebody")


def write_one(shapes, folder, number, name):
    path = folder / f"{number}-{name}.png"
    photo, mask = shapes.draw(number, 96)
    cv2.imwrite(str(path), photo[..., ::-1] if name == "images" else mask)
    return path


def test_a_run_goes_on_with_the_photos_that_it_began_with(six, tmp_path):
    photos, _ = six
    lessons = without_labelled(photos, "somebody", share=0.34, seed=0)
    folder = RunFolder.create(tmp_path / "run")
    lessons.write(folder)
    keys = folder.read_json(folder.data)["keys"]
    assert (len(keys["train"]), len(keys["validation"])) == (0, 2)
    again = lessons_before(photos, lessons.labelled, keys["unlabelled"])
    assert again.paths == lessons.paths
    with pytest.raises(UsageError, match="shapes has lost 4 photos since the run began"):
        lessons_before(photos.limit(0), lessons.labelled, keys["unlabelled"])


def test_a_tiny_student_learns_from_logits_alone_and_agrees_with_its_teacher(shapes, tmp_path):
    data = open_dataset(shapes.write_set(tmp_path / "data", 3, 160))
    logits = from_masks(data, tmp_path / "t.json")
    photos = taught("shapes", tmp_path, photos_below(tmp_path / "data" / "images"), logits)
    lessons = without_labelled(photos, "somebody", share=0, seed=0)
    start = make_start("lite", data.labels, default_size=161)
    options = TrainOptions(device="cpu", crop=161, batch=3, augment="none", freeze="none", epochs=40, lr=2e-3)
    folder = RunFolder.create(tmp_path / "run")
    fitted = fit(start, (), photos, options, folder, teacher=logits, unlabelled=lessons.paths, quiet=True)
    assert fitted.miou > 0.9
    # The teacher's own masks, which nothing of the training has read:
    segmenter = segmenter_of(fitted.network, fitted.contract)
    assert evaluate(segmenter, data).miou > 0.9
    # As sure as the teacher, who is never surer than its softness allows.
    sure = np.mean([segmenter(sample.read_image()).confidence.mean() for sample in data])
    assert 0.8 < sure < 0.95
