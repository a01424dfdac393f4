"""How much masks flicker, as the benchmark tells it."""

from __future__ import annotations

import json

import pytest

from liveseg import Segmenter
from liveseg.bench.child import measure
from liveseg.bench.combination import Combination
from liveseg.bench.result import BenchResult
from liveseg.bench.table import tables
from liveseg.evaluate import flicker
from liveseg.media.frame import Selection
from liveseg.media.video_source import VideoSource

FRAMES = 14


def test_masks_are_scored_as_they_are_and_smoothed(task, clip):
    combination = Combination("lite", size=161, threads=1, runtime="onnx", precision="float32")
    told = measure(task("flicker", combination=combination, frames=FRAMES))
    segmenter = Segmenter(size=161, threads=1, runtime="onnx", precision="float32")
    with VideoSource(clip, Selection(limit=FRAMES)) as source:
        wanted = flicker((frame.image, segmenter(frame.image).mask) for frame in source)
    assert told["pairs"] == wanted.pairs == FRAMES - 1
    assert told["share"] == pytest.approx(wanted.share, rel=0.02)
    assert 0 < told["smoothed"] < told["share"] / 2


@pytest.mark.long
def test_a_bench_with_flicker_tells_it_beside_the_rate(run_liveseg, clip, tmp_path):
    file = tmp_path / "result.json"
    tiny = ("--size", 97, "--frames", 4, "--rounds", 1, "--warmup", 0, "--threads", 1, "--network-only")
    done = run_liveseg("bench", clip, *tiny, "--flicker", "--json", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    record = json.loads(file.read_text(encoding="utf-8"))
    assert record["entries"][0]["summary"]["flicker"].keys() == {"share", "smoothed"}
    again = BenchResult.from_json(record)
    assert again.entries[0].flicker["pairs"] == 3
    del record["entries"][0]["flicker"]
    assert BenchResult.from_json(record).entries[0].flicker is None, "a record from before it was measured"


def test_the_scores_stand_in_the_tables(result):
    result.entries[0].flicker = {"pairs": 9, "left_out": 1, "share": 0.0125, "smoothed": 0.0041}
    result.entries[1].flicker = {"pairs": 0, "left_out": 3, "share": 0.0, "smoothed": 0.0}
    line = tables(result)[0]
    assert [row["flicker, smoothed"] for row in line.rows[:2]] == ["1.25%, 0.41%", "no two frames alike"]
    result.entries[0].flicker = result.entries[1].flicker = None
    assert "flicker, smoothed" not in tables(result)[0].headings
