"""`liveseg bench` as its user meets it."""

from __future__ import annotations

import json
import os
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveseg.bench import load_result
from liveseg.cli.bench import command_as_typed

TINY = ("--size", 97, "--frames", 3, "--rounds", 1, "--warmup", 1, "--threads", 1)


def test_a_bench_of_the_sample_prints_tables_and_writes_its_record_and_its_plot(run_liveseg, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    file, picture = tmp_path / "result.json", tmp_path / "plot.png"
    done = run_liveseg("bench", *TINY, "--json", file, "--plot", picture, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "| lite | 129x97 |" in done.stdout
    for word in ("frames/s", "decode", "encode", "share of limit", "numpy", "peak MB"):
        assert word in done.stdout
    result = load_result(file)
    assert result.command == "liveseg bench --size 97 --frames 3 --rounds 1 --warmup 1 --threads 1 " + shlex.join(
        ["--json", "result.json", "--plot", "plot.png"]
    )
    assert result.versions["numpy"]
    assert result.entries[0].rates
    with Image.open(picture) as image:
        assert image.width > 500
    assert sorted(path.name for path in tmp_path.iterdir()) == ["plot.png", "result.json"]


@pytest.mark.long
def test_json_on_standard_output_is_nothing_but_json(run_liveseg, samples):
    done = run_liveseg("bench", samples / "video_2.mp4", *TINY, "--network-only", "--json", "-")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["source"]["name"] == "video_2.mp4"
    assert record["entries"][0]["summary"]["network_frames_per_second"]["count"] == 1
    assert record["entries"][0]["rounds"] == []


def test_a_bench_in_which_nothing_runs_fails_and_says_why(run_liveseg, tmp_path):
    env = {**os.environ, "LIVESEG_HOME": str(tmp_path)}
    done = run_liveseg("bench", "--model", "lraspp", "--size", 97, "--rounds", 1, env=env)
    assert done.returncode == 1
    assert "not run: lraspp at 97" in done.stdout
    assert "liveseg pull lraspp" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["--runtime", "tensorflow"], 2, "--runtime"),
        (["--model", "lrasp"], 2, "lraspp"),
        (["--size", "big"], 2, "big"),
        (["nothing.mp4"], 1, "nothing.mp4"),
        (["--plot", "plot.mp4"], 2, ".png"),
        (["--baseline", "tutorial", "--size", "97"], 2, "native"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_measured(run_liveseg, tmp_path, arguments, code, word):
    done = run_liveseg("bench", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_result_that_exists_is_not_measured_over(run_liveseg, tmp_path):
    (tmp_path / "result.json").write_text("mine", encoding="utf-8")
    done = run_liveseg("bench", "--json", "result.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "--overwrite" in done.stderr
    assert (tmp_path / "result.json").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (["/home/me/clip.mp4"], "clip.mp4"),
        (["input/clip.mp4", "--size", "256,native"], "input/clip.mp4 --size 256,native"),
        (["--weights", "lite=/x/a.pth,lraspp=/y/b.pth"], "--weights lite=a.pth,lraspp=b.pth"),
        (["--weights", "lraspp:int8=/x/y/a.onnx"], "--weights lraspp:int8=a.onnx"),
        (["--json=/x/y z/a.json"], "--json=a.json"),
        (["C:\\Users\\me\\clip.mp4"], "clip.mp4"),
        (["--json", "-"], "--json -"),
    ],
)
def test_the_record_names_files_without_their_folders(typed, kept):
    assert command_as_typed(["/usr/bin/liveseg", "bench", *typed]) == f"liveseg bench {kept}"


@given(st.lists(st.text("ab/\\ =,:.", max_size=12), max_size=3))
def test_no_absolute_folder_survives_in_the_record(folders):
    typed = "/secret/" + "/".join(folders) + "/clip.mp4"
    assert "secret" not in command_as_typed(["liveseg", "bench", typed])
