"""Masks that something else made: which photo each belongs to, and that a record is of these masks and this truth."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import open_dataset
from liveseg.errors import UsageError
from liveseg.evaluate.engine import evaluate_masks
from liveseg.evaluate.options import EvalOptions

FEW = EvalOptions(replicates=20)
LEAF = {"labels": ["background", "leaf"]}


def write(mask, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(path)
    return mask


@pytest.fixture
def squares(tmp_path):
    """Two photos of one name in two folders, with masks that have nothing in common."""
    root = tmp_path / "squares"
    for folder, rows in (("a", slice(2, 12)), ("b", slice(22, 32))):
        write(np.full((40, 40, 3), 90, np.uint8), root / "images" / folder / "1.png")
        mask = np.zeros((40, 40), np.uint8)
        mask[rows, 5:30] = 1
        write(mask, root / "masks" / folder / "1.png")
    (root / "labels.json").write_text(json.dumps(LEAF["labels"]))
    return open_dataset(root)


def test_a_mask_that_is_named_without_its_folder_is_not_taken_for_two_photos(squares, tmp_path):
    for name in ("a/1.png", "1_mask.png"):
        write(squares.samples[0].read_mask(), tmp_path / "made" / name)
    found = evaluate_masks(squares, tmp_path / "made", options=EvalOptions(replicates=20, skip_bad=True))
    assert (found.images, found.skipped, found.miou) == (1, 1, 1.0)


def test_a_record_of_other_masks_is_refused(squares, tmp_path):
    record = tmp_path / "record.jsonl"
    for folder in ("one", "other"):
        for sample in squares:
            truth = sample.read_mask()
            write(truth if folder == "one" else 1 - truth, tmp_path / folder / "made" / f"{sample.key}.png")
    assert evaluate_masks(squares, tmp_path / "one" / "made", options=FEW, record=record).miou == 1.0
    assert evaluate_masks(squares, tmp_path / "one" / "made", options=FEW, record=record).miou == 1.0
    with pytest.raises(UsageError, match="its masks are others"):
        evaluate_masks(squares, tmp_path / "other" / "made", options=FEW, record=record)


def test_a_record_of_another_mapping_is_refused(squares, tmp_path):
    record, made = tmp_path / "record.jsonl", squares.root / "masks"
    swapped = LEAF | {"classes": {"background": "leaf", "leaf": "background"}}
    assert evaluate_masks(squares, made, options=FEW, record=record).miou == 1.0
    with pytest.raises(UsageError, match="its true masks are read otherwise"):
        evaluate_masks(open_dataset(squares.root, mapping=swapped), made, options=FEW, record=record)
    same = LEAF | {"classes": {"leaf": "leaf"}}
    assert evaluate_masks(open_dataset(squares.root, mapping=same), made, options=FEW, record=record).miou == 1.0
