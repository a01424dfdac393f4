"""What drawing costs, as the benchmark tells it."""

from __future__ import annotations

import json

import pytest

from liveseg.bench.child import measure
from liveseg.bench.drawing import PLAIN, STYLES
from liveseg.bench.result import BenchResult
from liveseg.bench.table import tables


def test_each_way_of_drawing_is_timed_on_the_frames_of_the_video(task):
    told = measure(task("drawing", frames=4))
    assert told["frames"] == 4
    assert set(STYLES) < set(told["ms"])
    assert {"--caption", "--unknown 60%", "--background blur"} < set(told["ms"])
    assert all(value > 0 for value in told["ms"].values())
    assert set(told["added_ms"]) == set(STYLES) - {PLAIN}


@pytest.mark.long
def test_a_bench_with_drawing_has_a_table_of_it_and_a_record(run_liveseg, samples, tmp_path):
    file = tmp_path / "result.json"
    tiny = ("--size", 97, "--frames", 2, "--rounds", 2, "--warmup", 0, "--threads", 1, "--network-only")
    done = run_liveseg("bench", samples / "video_2.mp4", *tiny, "--drawing", "--json", file, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Drawing, ms a frame" in done.stdout
    assert "--side-by-side" in done.stdout
    record = json.loads(file.read_text(encoding="utf-8"))
    assert len(record["drawing"]) == 2
    assert record["settings"]["drawing"] is True
    again = BenchResult.from_json(record)
    (table,) = [table for table in tables(again) if table.title.startswith("Drawing")]
    assert table.rows[0]["drawing"] == PLAIN
    assert table.rows[1]["more than the overlay"][0] in "+-"
    # Of a record from before drawing was measured the rest is read.
    del record["drawing"]
    assert BenchResult.from_json(record).drawing == []
