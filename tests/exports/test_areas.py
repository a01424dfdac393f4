"""Areas: counted exactly, blocks and pixels of no class included, and as rows that CSV and JSON keep."""

import csv
import io
import json
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from liveseg.exports import areas
from liveseg.labels import PASCAL_VOC, LabelSet

THREE = LabelSet(("nothing", "cat", "dog"), ((0, 0, 0), (255, 0, 0), (0, 0, 255)))


@settings(deadline=None)
@given(arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=20), elements=st.sampled_from([0, 1, 2, 255])))
def test_each_class_has_its_pixels_by_falling_area(mask):
    found = areas.areas(mask, THREE)
    assert {area.index: area.pixels for area in found} == {i: int((mask == i).sum()) for i in {*mask.flat} - {255}}
    assert [area.pixels for area in found] == sorted((area.pixels for area in found), reverse=True)
    assert all(area.name == THREE.names[area.index] and area.share == area.pixels / mask.size for area in found)
    assert all(area.mean_confidence is None for area in found)


@settings(deadline=None)
@given(
    arrays(np.uint8, (7, 5), elements=st.integers(0, 2)), arrays(np.float32, (7, 5), elements=st.floats(0, 1, width=32))
)
def test_the_mean_confidence_is_that_of_the_class_own_pixels(mask, confidence):
    for area in areas.areas(mask, THREE, confidence):
        assert area.mean_confidence == pytest.approx(confidence[mask == area.index].mean(dtype=np.float64))


def test_a_picture_of_several_blocks_is_counted_whole(monkeypatch):
    mask = np.random.default_rng(0).integers(0, 3, (50, 41)).astype(np.uint8)
    weights = np.linspace(0, 1, mask.size, dtype=np.float32).reshape(mask.shape)
    whole = areas.areas(mask, THREE, weights)
    monkeypatch.setattr(areas, "_BLOCK_PIXELS", 97)
    for got, wanted in zip(areas.areas(mask, THREE, weights), whole, strict=True):
        assert (got.index, got.pixels) == (wanted.index, wanted.pixels)
        assert got.mean_confidence == pytest.approx(wanted.mean_confidence)


def test_classes_of_equal_area_come_in_the_order_of_their_indices():
    mask = np.repeat(np.array([[15, 8, 0]], np.uint8), 4, axis=0)
    assert [area.index for area in areas.areas(mask, PASCAL_VOC)] == [0, 8, 15]


def test_rows_have_the_documented_columns_and_survive_csv_and_json():
    mask = np.array([[0, 1, 1, 2]], np.uint8)
    confidence = np.array([[1.0, 0.5, 0.75, 0.25]], np.float32)
    rows = areas.rows(areas.areas(mask, THREE, confidence), frame=7, timestamp=Fraction(1001, 30000))
    assert [tuple(row) for row in rows] == [areas.COLUMNS] * 3
    assert rows[0] == {
        "frame": 7,
        "timestamp": 1001 / 30000,
        "class_index": 1,
        "class": "cat",
        "pixels": 2,
        "share": 0.5,
        "mean_confidence": 0.625,
    }
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, areas.COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    text.seek(0)
    read = list(csv.DictReader(text))
    assert [(row["class"], float(row["timestamp"]), int(row["pixels"])) for row in read] == [
        ("cat", 1001 / 30000, 2),
        ("nothing", 1001 / 30000, 1),
        ("dog", 1001 / 30000, 1),
    ]
    assert json.loads(json.dumps(rows)) == rows


def test_a_picture_has_no_timestamp_and_no_confidence_that_was_not_asked_for():
    row = areas.rows(areas.areas(np.zeros((2, 2), np.uint8), THREE))[0]
    assert (row["frame"], row["timestamp"], row["mean_confidence"]) == (0, None, None)
