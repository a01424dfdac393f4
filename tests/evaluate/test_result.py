import json

import numpy as np
import pytest

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.evaluate.counts import count
from liveseg.evaluate.result import Evaluation, load_evaluation
from liveseg.evaluate.tally import Tally
from liveseg.labels import LabelSet, voc_palette

LABELS = LabelSet(("ground", "tree", "sky"), voc_palette(3), False)


@pytest.fixture
def evaluation(regions):
    tally = Tally(3, replicates=50, worst=2)
    for seed in range(4):
        truth, found = regions(seed, classes=2)
        confidence = np.full(truth.shape, 0.25 * seed, np.float32)
        tally.add(count(f"photo {seed}", truth, found, 3, confidence))
    found = tally.scores(LABELS)
    return Evaluation(
        dataset="trees",
        layout="folder",
        images_digest="d",
        labels=LABELS,
        model="lite",
        runtime="onnx",
        device="cpu",
        precision="float32",
        size=289,
        settings={"tta": "off"},
        images=4,
        skipped=1,
        skipped_why=("x.jpg is empty",),
        pixels=tally.pixels,
        confusion=tally.confusion,
        unknown=tally.unknown,
        per_class=found.per_class,
        scores=found.scores,
        calibration=found.calibration,
        worst=tally.worst,
        replicates=found.replicates,
        class_replicates=found.class_replicates,
        stages={"infer": 3.5},
        notes=("a note",),
    )


def test_json_keeps_every_field(evaluation):
    again = Evaluation.from_json(json.loads(json.dumps(evaluation.to_json(), allow_nan=False)))
    for name, value in vars(evaluation).items():
        read = getattr(again, name)
        if name == "replicates":
            assert read.keys() == value.keys()
            assert all(np.array_equal(read[own], value[own], equal_nan=True) for own in value)
        elif isinstance(value, np.ndarray):
            assert read.dtype == value.dtype
            assert np.array_equal(read, value, equal_nan=True)
        else:
            assert read == value, name


def test_it_says_which_classes_it_leaves_out(evaluation):
    assert evaluation.absent == ("sky",)
    assert evaluation.miou == evaluation.scores["miou"].value
    assert np.isnan(evaluation.class_replicates[2]).all()


def test_the_worst_images_come_worst_first(evaluation, regions):
    assert len(evaluation.worst) == 2
    assert evaluation.worst[0].miou <= evaluation.worst[1].miou
    best = max(own.miou for own in evaluation.worst)
    tally = Tally(3, replicates=1, worst=4)
    for seed in range(4):
        tally.add(count(f"photo {seed}", *regions(seed, classes=2), 3))
    assert tally.worst[:2] == evaluation.worst
    assert all(own.miou >= best for own in tally.worst[2:])


def test_of_equally_bad_images_the_first_are_kept_in_order():
    tally = Tally(2, replicates=1, worst=3)
    truth, found = np.zeros((4, 4), np.uint8), np.ones((4, 4), np.uint8)
    for number in range(6):
        tally.add(count(str(number), truth, found, 2))
    assert [own.key for own in tally.worst] == ["0", "1", "2"]


def test_a_file_is_read_and_what_is_no_evaluation_refused(evaluation, tmp_path):
    path = tmp_path / "eval.json"
    path.write_text(json.dumps(evaluation.to_json()), encoding="utf-8")
    assert load_evaluation(path).scores == evaluation.scores
    with pytest.raises(SourceNotFoundError, match="no such file"):
        load_evaluation(tmp_path / "none.json")
    for text, message in (
        ("no json", "cannot be read as JSON"),
        ("[]", "no result of liveseg eval"),
        ('{"liveseg": "evaluation", "schema": 99}', "newer liveseg"),
        ('{"liveseg": "evaluation", "schema": 1}', "cannot be read"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(MediaError, match=message):
            load_evaluation(path)
