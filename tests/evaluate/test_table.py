"""Evaluations and comparisons as tables, and their pictures."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset
from liveseg.errors import UsageError
from liveseg.evaluate.compare import compare
from liveseg.evaluate.engine import evaluate
from liveseg.evaluate.options import EvalOptions
from liveseg.evaluate.plot import plot_contenders
from liveseg.evaluate.result import Interval
from liveseg.evaluate.table import comparison_remarks, comparison_tables, heading, remarks, tables
from liveseg.evaluate.words import how_run, percent, points
from liveseg.settings import ModelSettings


@pytest.fixture(scope="module")
def evaluation(labelled_photos):
    settings = ModelSettings(size=97, runtime="onnx")
    return evaluate(settings, open_dataset(labelled_photos), options=EvalOptions(replicates=200, threads=1))


def test_each_class_that_was_seen_has_a_row_and_each_score(evaluation):
    classes, scores = tables(evaluation)
    seen = [own for own in evaluation.per_class if own.iou is not None]
    assert [row["class"] for row in classes.rows] == [own.name for own in seen]
    assert [row["IoU"] for row in classes.rows] == [percent(own.iou) for own in seen]
    assert [row["pixels"] for row in classes.rows] == [f"{own.pixels:,}" for own in seen]
    assert [row["score"] for row in scores.rows] == [
        "mIoU", "pixel accuracy", "mean class accuracy", "boundary F", "calibration error",
    ]  # fmt: skip
    own = evaluation.scores["miou"]
    assert scores.rows[0]["per cent"] == f"{100 * own.value:.1f}"
    assert scores.rows[0]["95 % interval"] == f"{100 * own.low:.1f} to {100 * own.high:.1f}"


def test_what_ran_and_what_was_left_out_is_said(evaluation):
    assert heading(evaluation).startswith(
        "pets (5 photos, 0.1 million pixels), lite at 97 by onnx in float32, 1 thread"
    )
    said = "\n".join(remarks(evaluation))
    assert f"{len(evaluation.absent)} classes" in said
    assert "photos a second" in said
    assert " in fewer than 10 photos" in said
    plenty = tuple(dataclasses.replace(own, images=10) for own in evaluation.per_class)
    assert "fewer than" not in "\n".join(remarks(dataclasses.replace(evaluation, per_class=plenty)))
    skipped = dataclasses.replace(evaluation, skipped=1, skipped_why=("a.jpg is broken",), notes=("odd",))
    assert remarks(skipped)[-3:] == ["left out: 1 photo that could not be read", "a.jpg is broken", "odd"]


def test_what_decides_the_result_besides_the_model_is_said(evaluation):
    own = dataclasses.replace(
        evaluation, device="cuda:0", workers=3, settings={"tta": "flip", "tile": "on", "unknown": 0.6}
    )
    words = how_run(own)
    for part in ("on cuda:0", "flip", "tiles (on)", "60%", "3 processes of 1 thread"):
        assert part in words
    assert how_run(dataclasses.replace(evaluation, size=None)) == "masks from files"


def test_numbers_are_written_with_their_intervals():
    assert percent(Interval(0.3604, 0.331, 0.389)) == "36.0 (33.1 to 38.9)"
    assert percent(Interval(0.5)) == "50.0"
    assert percent(None) == "-"
    assert points(Interval(0.012, -0.003, 0.026)) == "+1.2 (-0.3 to +2.6)"
    assert points(Interval(-0.012)) == "-1.2"


def test_a_comparison_has_a_row_each_and_only_what_is_known(evaluation):
    other = dataclasses.replace(
        evaluation,
        scores={**evaluation.scores, "miou": Interval(0.1, 0.05, 0.2)},
        replicates={**evaluation.replicates, "miou": np.full(200, 0.1, np.float32)},
        notes=("odd",),
    )
    contenders = compare(["a", "b"], [evaluation, other])
    (table,) = comparison_tables(contenders)
    assert table.rows[0]["what"] == "a"
    assert table.rows[0]["difference"] == ""
    assert table.headings == ["what", "mIoU", "difference", "so it is", "photos/s"]
    assert table.rows[1]["so it is"] == "worse"
    assert comparison_remarks(contenders)[-1] == "b: odd"


def test_the_plot_shows_a_point_for_each_whose_rate_is_known(evaluation, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    int8 = dataclasses.replace(evaluation, precision="int8", line_rate=2 * evaluation.line_rate)
    files = dataclasses.replace(evaluation, line_rate=None)
    path = tmp_path / "plot.png"
    plot_contenders(compare(["a", "b", "c"], [evaluation, int8, files]), path)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    for color in ((31, 119, 180), (214, 39, 40)):
        assert (pixels == color).all(1).sum() > 50, "float32 is blue, int8 red"
    with pytest.raises(UsageError, match="no rate is known"):
        plot_contenders(compare(["c", "d"], [files, files]), tmp_path / "none.png")
