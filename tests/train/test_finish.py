"""The end of a training: a model that runs everywhere, its scores, and a card that tells the truth about both."""

from __future__ import annotations

import json
import shutil
import stat
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset
from liveseg.evaluate.result import load_evaluation
from liveseg.labels import LabelSet, voc_palette
from liveseg.runtimes.original import Original
from liveseg.segmenter import Segmenter
from liveseg.settings import ModelSettings
from liveseg.train.card import Subject, card, limits
from liveseg.train.facts import ClassFacts, DataFacts, facts_of
from liveseg.train.finish import finish
from liveseg.train.fit import Fitted
from liveseg.train.plan import Plan
from liveseg.train.run_folder import RunFolder
from liveseg.train.start import make_start
from liveseg.tuning.engines import engines

pytestmark = pytest.mark.long
"""The end of a real training takes long; `tests/cli/test_train.py` goes through one in `make test`."""

NAMES = ("background", "cat", "dog", "whale")
PLAN = Plan(
    photos=12, crop=129, base=161, batch=4, devices=1, accumulate=1, interval=3, rounds=10, lr=1e-3, warmup=0,
    schedule="poly", ema=0.9, patience=5, freeze="none", precision="float32", seed=3,
)  # fmt: skip
FACTS = DataFacts(
    name="pets",
    train=40,
    validation=12,
    classes=(
        ClassFacts("background", 40, 900, 12),
        ClassFacts("cat", 30, 90, 9),
        ClassFacts("dog", 4, 9, 0),
        ClassFacts("whale", 0, 0, 0),
    ),
    split="They were drawn.",
    remarks=("the mask x.png has no photo; add the photo, or take the mask out",),
)


@pytest.fixture(scope="module")
def start():
    return make_start("lite", LabelSet(NAMES, voc_palette(4)), name="pets", default_size=161)


@pytest.fixture(scope="module")
def fitted(start):
    """A training that never took place: the network is the bundled one, led to four classes."""
    return Fitted(start.network, start.contract, "lite", PLAN, (), 0.9, 24, 30, 75.0)


@pytest.fixture(scope="module")
def photos(start, samples, skimage_data, tmp_path_factory):
    """Three photos whose true masks are what the network says of them, but for a blank corner that does not count."""
    from liveseg.train.validation import segmenter_of

    root = tmp_path_factory.mktemp("photos") / "pets"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    segmenter = segmenter_of(start.network, start.contract)
    for file in (samples / "image_1.jpg", skimage_data / "chelsea.png", skimage_data / "coffee.png"):
        photo = Image.open(file).convert("RGB")
        photo.thumbnail((320, 320))
        photo.save(root / "images" / f"{file.stem}.png")
        mask = segmenter.segment(np.asarray(photo)).mask.copy()
        mask[:40, :40] = 255
        Image.fromarray(mask).save(root / "masks" / f"{file.stem}.png")
    (root / "labels.json").write_text(json.dumps(NAMES))
    return open_dataset(root)


@pytest.fixture(scope="module")
def finished(fitted, photos, tmp_path_factory):
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "pets")
    folder.write_json(folder.config, {"command": "liveseg train pets"})
    steps = []
    done = finish(
        fitted, folder, photos, FACTS, origin="the bundled weights", command="liveseg train pets", tell=steps.append
    )
    assert any("comparing on 3 pictures" in step for step in steps)
    return done


def test_the_model_says_what_the_network_said(finished):
    assert finished.parity.agreement > 0.999
    assert finished.evaluation.images == 3
    assert finished.evaluation.scores["pixel_accuracy"].value > 0.999
    assert finished.evaluation.model == "pets"


def test_every_runtime_takes_the_folder_and_knows_name_classes_and_colours(finished, fitted, photos):
    image = photos.samples[0].read_image()
    masks = []
    for runtime in ("onnx", "openvino", "torch"):
        segmenter = Segmenter(weights=finished.folder.path, runtime=runtime, precision="float32")
        assert (segmenter.model, segmenter.size) == ("pets", 161)
        assert segmenter.labels == fitted.contract.labels
        masks.append(segmenter(image).mask)
    assert np.mean(masks[0] == masks[1]) > 0.999
    assert np.mean(masks[0] == masks[2]) > 0.999
    assert (masks[0] == 1).mean() > 0.2


def test_colours_are_changed_in_one_place(finished, tmp_path):
    run = tmp_path / "moved"
    shutil.copytree(finished.folder.path, run)
    labels = json.loads((run / "labels.json").read_text())
    labels["palette"][1] = [1, 2, 3]
    (run / "labels.json").write_text(json.dumps(labels))
    for runtime in ("onnx", "torch"):
        assert Segmenter(weights=run, runtime=runtime).labels.palette[1] == (1, 2, 3)


def test_other_commands_take_the_folder_too(finished):
    settings = ModelSettings(weights=finished.folder.path)
    (engine,) = engines(settings)
    assert str(finished.folder.graph.stat().st_size) in engine.key
    original = Original(None, finished.folder.path)
    assert original.network.backbone is not None
    assert original.reference.contract.name == "pets"


def test_its_files_can_be_read_by_others(finished):
    for file in (finished.folder.checkpoint, finished.folder.graph, finished.folder.card):
        assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(finished.folder.config.stat().st_mode), file.name


def test_the_report_is_kept_as_data_and_as_a_page(finished):
    kept = load_evaluation(finished.folder.report)
    assert kept.scores == finished.evaluation.scores
    page = finished.folder.page.read_text(encoding="utf-8")
    assert "pets" in page
    assert page.count("<article") == 3
    assert finished.folder.picture.stat().st_size > 5000


def test_the_card_tells_classes_scores_data_use_and_limits(finished):
    card = finished.folder.card.read_text(encoding="utf-8")
    path = finished.folder.path.as_posix()
    for words in (
        "# pets", "Finds **cat** and **dog** in pictures", "all else is background", "40 labelled photos",
        "the bundled weights", "| cat | 100.0", "photos a second", f"--weights {path}", f'Segmenter(weights="{path}")',
        "| cat | 30 | 90 | 9.01% | 9 |", "the mask x.png has no photo", "30 steps", "75 seconds", "liveseg train pets",
        "(card.jpg)", "(report.html)", "Seed 3",
    ):  # fmt: skip
        assert words in card, words
    for limit in finished.limits:
        assert f"- {limit}" in card


def test_limits_name_what_is_little_and_what_is_missing(fitted, finished):
    said = " ".join(limits(fitted, FACTS, finished.evaluation))
    for words in ("measured on 3 photos only", "show dog (4)", "No photo shows whale", "Nothing was measured for dog"):
        assert words in said, words
    assert "weak" not in said
    assert "longer training" not in said


def test_of_one_photo_there_is_no_interval_to_believe(fitted, finished):
    said = limits(fitted, FACTS, replace(finished.evaluation, images=1))[0]
    assert said == "It was measured on 1 photo only, so its scores say next to nothing."


def test_a_bar_in_a_class_name_ends_no_cell(fitted, finished):
    evaluation = finished.evaluation
    named = [replace(own, name=f"{own.name}|x") for own in evaluation.per_class]
    facts = replace(FACTS, classes=tuple(replace(own, name=f"{own.name}|x") for own in FACTS.classes))
    evaluation = replace(evaluation, per_class=tuple(named))
    told = card(Subject(finished.folder.path, fitted, facts, "nothing", finished.parity, evaluation, None, ""))
    rows = [line.replace("\\|", "") for line in told.splitlines() if line.startswith("| cat")]
    assert [row.count("|") for row in rows] == [7, 6]


def test_limits_say_what_is_weak_and_what_longer_training_might_do(fitted, finished):
    evaluation = finished.evaluation
    poor = tuple(
        replace(own, iou=replace(own.iou, value=0.2)) if own.name == "cat" else own for own in evaluation.per_class
    )
    said = " ".join(limits(replace(fitted, step=30), FACTS, replace(evaluation, per_class=poor, images=200)))
    assert "weak at cat" in said
    assert "--epochs 20" in said
    assert "scores are rough" not in said


def test_of_a_student_without_masks_it_is_said_that_its_scores_are_agreement(fitted, finished):
    facts = replace(FACTS, train=0, unlabelled=40, teacher="big")
    assert "how far it agrees with its teacher, not how right" in limits(fitted, facts, finished.evaluation)[0]
    told = card(Subject(finished.folder.path, fitted, facts, "nothing", finished.parity, finished.evaluation, None, ""))
    assert "learned from 40 photos without masks, with big as its teacher" in told
    assert "of 100 pixels get the class that big gives them" in told


def test_without_photos_to_measure_on_there_is_a_model_and_no_claim(fitted, photos, tmp_path):
    folder = RunFolder.create(tmp_path / "blind")
    facts = replace(FACTS, validation=0)
    done = finish(replace(fitted, miou=None), folder, photos.limit(0), facts, origin="nothing", others=photos.samples)
    assert done.evaluation is None
    assert folder.finished
    card = folder.card.read_text(encoding="utf-8")
    assert "It was not measured" in card
    assert "Nobody knows how good it is" in card
    assert "report.html" not in card


def test_facts_count_photos_and_pixels_by_side(photos):
    pixels = {sample.key: np.bincount(sample.read_mask().ravel(), minlength=256)[:4] for sample in photos}
    facts = facts_of(photos.limit(2), photos.subset([photos.samples[2].key]), lambda sample: pixels[sample.key])
    cat = facts.classes[1]
    assert (facts.train, facts.validation) == (2, 1)
    assert cat.pixels == sum(int(pixels[sample.key][1]) for sample in photos.samples[:2])
    assert cat.photos == sum(bool(pixels[sample.key][1]) for sample in photos.samples[:2])
    assert cat.measured == int(pixels[photos.samples[2].key][1] > 0)
    assert DataFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts
