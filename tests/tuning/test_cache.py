"""Measurements are kept, found again, and never trusted blindly."""

from __future__ import annotations

import json

import pytest

from liveseg.tuning.cache import Measurement, cache_file, keep, recall
from liveseg.tuning.engines import Engine

KEY = {"processor": "Some 9000", "cores": 2, "frame": [768, 576], "versions": {"liveseg": "0.1"}}


@pytest.fixture
def measurement(cost_of, rest):
    return Measurement(rest, {Engine("lite").key: cost_of("lite", 0.1)}, 1.5e9)


def test_what_was_kept_is_found_again(home, measurement):
    assert recall(KEY) is None
    assert keep(KEY, measurement) is None
    assert recall(KEY) == measurement
    assert [path.suffix for path in (home / "tuning").iterdir()] == [".json"]


@pytest.mark.parametrize(
    "other", [{"cores": 4}, {"frame": [1280, 720]}, {"versions": {"liveseg": "0.2"}}, {"processor": "Other"}]
)
def test_another_machine_version_or_frame_size_finds_nothing(home, measurement, other):
    keep(KEY, measurement)
    assert recall(KEY | other) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"schema": 1}', '{"schema": 99}', "not json", "\x00" * 100]
)
def test_a_corrupt_file_counts_as_none(home, measurement, text):
    keep(KEY, measurement)
    cache_file(KEY).write_text(text, encoding="utf-8")
    assert recall(KEY) is None
    assert keep(KEY, measurement) is None
    assert recall(KEY) == measurement


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("rest", None), ("rest", {"decode": {}}), ("rest", {"decode": {"wall": -1, "cores": 0}}),
        ("engines", None), ("engines", {"lite": {}}), ("engines", "x"),
        ("taken", None), ("taken", "today"), ("key", None), ("key", {"a": 1}),
    ],
)  # fmt: skip
def test_a_file_with_a_damaged_part_counts_as_none(home, measurement, part, value):
    keep(KEY, measurement)
    record = json.loads(cache_file(KEY).read_text(encoding="utf-8"))
    cache_file(KEY).write_text(json.dumps(record | {part: value}), encoding="utf-8")
    assert recall(KEY) is None


def test_bytes_that_are_no_text_count_as_none(home, measurement):
    keep(KEY, measurement)
    cache_file(KEY).write_bytes(b"\xff\xfe\x00\x80")
    assert recall(KEY) is None


def test_where_nothing_can_be_kept_it_says_so_and_goes_on(home, measurement):
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be", encoding="utf-8")
    trouble = keep(KEY, measurement)
    assert trouble is not None
    assert str(home) in trouble
    assert "LIVESEG_HOME" in trouble
    assert "\n" not in trouble


def test_it_knows_what_was_measured(measurement):
    assert measurement.knows(Engine("lite"))
    assert not measurement.knows(Engine("lite", precision="int8"))
