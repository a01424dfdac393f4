"""`liveseg distil` as its user meets it: in a process of its own, on pieces of a sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from liveseg import Segmenter
from liveseg.cli.app import run_app
from liveseg.datasets import open_dataset
from liveseg.errors import LivesegError
from liveseg.labels import PASCAL_VOC
from liveseg.train.photos import Photos
from liveseg.train.teacher import TeacherLogits
from liveseg.train.teaching import from_masks

PHOTOS = 24
QUICK = ["--crop", 65, "--size", 65, "--batch", 4, "--epochs", 1, "--augment", "none", "--validation", 0.25]


@pytest.fixture(scope="module")
def photos(samples, tmp_path_factory):
    """Pieces of a photo of a cat, each a photo of its own, in subfolders."""
    folder = tmp_path_factory.mktemp("cats") / "photos"
    with Image.open(samples / "image_1.jpg") as file:
        whole = file.convert("RGB")
    rng = np.random.default_rng(0)
    for number in range(PHOTOS):
        # As different as pieces of one photo can be, or they would be taken for copies of each other.
        side = int(rng.integers(100, min(whole.size) // 2))
        left, top = (int(rng.integers(0, length - side)) for length in whole.size)
        part = whole.crop((left, top, left + side, top + side)).resize((96, 96)).rotate(90 * int(rng.integers(4)))
        (folder / str(number % 2)).mkdir(parents=True, exist_ok=True)
        part.save(folder / str(number % 2) / f"{number:02d}.png")
    return folder


def command(photos, run, *more):
    words = ["distil", photos, "--teacher", "lite@257", "--classes", "cat,dog", "--out", run, *QUICK, *more]
    return [str(word) for word in words]


def answered(run):
    """The records that are kept while the teacher is asked, by key; what is cut off does not count."""
    kept = run / "teacher.partial.jsonl"
    whole = kept.read_text(encoding="utf-8").rpartition("\n")[0].splitlines() if kept.exists() else []
    return {key: place for line in whole[1:] for key, place in json.loads(line).items()}


@pytest.fixture(scope="module")
def distilled(photos, run_liveseg, tmp_path_factory):
    """A run that was killed while the teacher was asked and gone on with by the same words; and what it had before."""
    run = tmp_path_factory.mktemp("runs") / "cats"
    first = subprocess.Popen(
        [sys.executable, "-m", "liveseg", *command(photos, run)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    try:
        until = time.monotonic() + 120
        while len(answered(run)) < 2 and first.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
    finally:
        first.kill()
        first.wait()
    before = answered(run)
    assert len(before) >= 2, "the teacher was not asked"
    assert not (run / "teacher.json").exists(), "the teacher was done before it could be stopped"
    # What is known already is not asked again: of this photo the answer of before stays.
    known = next(iter(before))
    changed = photos.parent / f"{known}.png"
    pixels = changed.read_bytes()
    try:
        Image.new("RGB", (96, 96), (90, 120, 200)).save(changed)
        done = run_liveseg(*command(photos, run))
    finally:
        changed.write_bytes(pixels)
    assert done.returncode == 0, done.stderr
    return run, done, before


@pytest.mark.long
def test_a_run_that_was_killed_while_the_teacher_was_asked_goes_on(distilled, photos):
    run, _, before = distilled
    logits = TeacherLogits.open(run / "teacher.json")
    assert len(logits) == PHOTOS
    assert {key: logits.records[key].to_json() for key in before} == before
    assert logits.made == {
        "teacher": "lite",
        "precision": "float32",
        "size": 257,
        "asked_as": "lite@257",
        "weights": None,
    }
    assert not list(run.glob("teacher.partial*"))
    key = next(iter(before))
    said = logits.for_labels(logits.labels)[key].argmax(axis=0)
    anew = Segmenter(size=257, tta="flip")(photos.parent / f"{key}.png").mask
    assert np.isin(said, anew).all()


@pytest.mark.long
def test_the_student_has_the_classes_that_were_chosen_and_runs_by_its_folder(distilled, photos):
    run, _, _ = distilled
    segmenter = Segmenter(weights=run)
    assert segmenter.labels.names == ("background", "cat", "dog")
    assert segmenter(next(photos.glob("0/*.png"))).mask.shape == (96, 96)


@pytest.mark.long
def test_the_card_says_that_the_scores_are_agreement(distilled):
    run, done, _ = distilled
    card = (run / "README.md").read_text(encoding="utf-8")
    assert "photos without masks, with lite as its teacher" in card
    assert "of 100 pixels get the class that lite gives them" in card
    assert "how far it agrees with its teacher, not how right either is" in card
    assert "how far it agrees with its teacher" in done.stdout
    assert "note: there are no masks" in done.stderr
    data = json.loads((run / "data.json").read_text(encoding="utf-8"))
    assert len(data["keys"]["unlabelled"]) + len(data["keys"]["validation"]) == PHOTOS
    assert data["keys"]["train"] == []


@pytest.fixture
def here(monkeypatch, tmp_path):
    """`here(*words)`: the command in this process, in a fresh folder; gives its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["liveseg", *map(str, words)])
        return run_app()

    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "name the teacher by --teacher"),
        (["--teacher", "lite", "--classes", "unicorn"], 2, "no class named 'unicorn' in this model"),
        (["--teacher", "lite", "--classes", "background"], 2, "--classes names no class besides the background"),
        (["--teacher", "lite", "--classes", "cat", "--labelled", "x"], 2, "leave out --classes"),
        (["--teacher", "light"], 2, "no such model 'light'"),
        (["--teacher", "runs/none.onnx"], 1, "no such file: runs"),
        (["--teacher", "logits.json"], 1, "no such file: logits.json"),
    ],
)
def test_what_cannot_be_learned_is_said_in_one_line(photos, here, capsys, words, code, said):
    assert here("distil", photos, "--out", "run", *words) == code
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)
    assert not Path("run", "config.json").exists()


def test_logits_of_other_photos_are_refused(here, tmp_path, capsys):
    write_fields(tmp_path / "a", range(2))
    from_masks(open_dataset(tmp_path / "a"), tmp_path / "teacher.json")
    Path("other").mkdir()
    Image.new("RGB", (64, 64)).save("other/photo.png")
    assert here("distil", "other", "--teacher", "teacher.json", "--out", "run", *QUICK) == 1
    assert "teacher.json says nothing of the photos in other" in capsys.readouterr().err


@pytest.mark.long
def test_a_finished_run_is_not_trained_again_and_nothing_else_overwrites_it(distilled, photos, here, capsys):
    run, _, _ = distilled
    assert here(*command(photos, run, "--resume")) == 0
    assert "is finished already" in capsys.readouterr().err
    assert here(*command(photos, run)) == 1
    assert "holds a run already" in capsys.readouterr().err


@pytest.fixture
def taken(monkeypatch):
    """What `fit` would have been given; it ends there."""
    given = {}

    def fit(start, train, validation, options, folder, **more):
        given.update(start=start, train=train, validation=validation, options=options, folder=folder, **more)
        raise LivesegError("enough")

    monkeypatch.setattr("liveseg.train.fit.fit", fit)
    return given


def write_fields(folder, numbers):
    """A data set of photos with a bright field on noise, and its masks."""
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for name, number in enumerate(numbers):
        rng = np.random.default_rng(number)
        photo = rng.integers(0, 120, (8, 8, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1)
        mask = np.zeros((64, 64), np.uint8)
        top, left = rng.integers(0, 32, 2)
        mask[top : top + 24, left : left + 32] = 1
        photo[mask == 1] += 120
        Image.fromarray(photo).save(folder / "images" / f"{name}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{name}.png")
    (folder / "labels.json").write_text(json.dumps({"names": ["background", "field"]}))


def test_masks_teach_and_labelled_photos_of_the_same_names_keep_their_own(here, taken, tmp_path, capsys):
    write_fields(tmp_path / "a", range(6))
    write_fields(tmp_path / "b", range(10, 22))
    words = ["distil", "a/images", "--teacher", "a/masks", "--labels", "a/labels.json", "--labelled", "b"]
    more = ["--softness", 0.2, "--teacher-weight", 3, "--temperature", 2, "--out", "run"]
    assert here(*words, *more) == 1
    assert sorted(path.name for path in taken["unlabelled"]) == [f"{number}.png" for number in range(6)]
    assert len(taken["train"]) + len(taken["validation"]) == 12
    assert (taken["options"].teacher_weight, taken["options"].temperature) == (3, 2)
    assert taken["teacher"].made["softness"] == 0.2
    learned = Photos(taken["train"], taken["unlabelled"], side=64, teacher=taken["teacher"])
    assert all(learned(index).teacher is None for index in range(learned.labelled))
    said = learned(learned.labelled).teacher.argmax(axis=0)
    with Image.open(tmp_path / "a" / "masks" / taken["unlabelled"][0].name) as file:
        assert abs((np.asarray(file) == 1).mean() - said.mean()) < 0.1
    # Gone on with before it has learned anything, by the photos that it began with.
    first = dict(taken)
    Path("a/images/0.png").rename("a/images/new.png")
    Path("a/masks/0.png").rename("a/masks/new.png")
    assert here(*words, *more, "--resume") == 2
    assert "images has lost 1 photo since the run began" in capsys.readouterr().err
    Path("a/images/new.png").rename("a/images/0.png")
    Path("a/masks/new.png").rename("a/masks/0.png")
    assert here(*words, *more, "--resume") == 1
    assert taken["unlabelled"] == first["unlabelled"]
    assert [own.key for own in taken["train"]] == [own.key for own in first["train"]]
    assert here(*words, *more[2:], "--resume") == 2
    assert "softness was 0.2, not 0.1" in capsys.readouterr().err


def test_without_masks_the_student_is_measured_against_its_teacher_whose_answers_are_kept(
    photos, here, taken, monkeypatch, capsys
):
    assert here(*command(photos, "run")) == 1
    assert taken["start"].contract.labels.names == ("background", "cat", "dog")
    assert len(taken["unlabelled"]) + len(taken["validation"]) == PHOTOS
    assert not taken["train"]
    assert "note: there are no masks" in capsys.readouterr().err
    kept = TeacherLogits.open(Path("run", "teacher.json"))
    assert kept.labels.names == PASCAL_VOC.names
    first = dict(taken)
    monkeypatch.setattr(Segmenter, "infer", lambda *_: pytest.fail("it asked again"))
    assert here(*command(photos, "run", "--resume")) == 1
    assert taken["unlabelled"] == first["unlabelled"]
    assert [own.key for own in taken["validation"]] == [own.key for own in first["validation"]]


def test_a_model_is_asked_about_labelled_photos_to_learn_from_but_not_about_those_to_measure_on(here, taken, tmp_path):
    write_fields(tmp_path / "a", range(3))
    write_fields(tmp_path / "b", range(10, 22))
    names = {"names": ["background", "sheep"]}
    Path("b/labels.json").write_text(json.dumps(names))
    assert here("distil", "a/images", "--teacher", "lite@65", "--labelled", "b", "--out", "run") == 1
    asked = set(taken["teacher"])
    assert {own.key for own in taken["train"]} < asked
    assert not asked & {own.key for own in taken["validation"]}
    assert len(asked) == len(taken["train"]) + 3
    assert taken["teacher"].labels.names == ("background", "sheep")
