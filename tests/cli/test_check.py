"""`liveseg check`: what is wrong with labelled photos, for people and for machines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def data(tmp_path, skimage_data):
    """Two photos with two classes in their masks, and nothing wrong but how few they are."""
    root = tmp_path / "data"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    mask = np.zeros((80, 120), np.uint8)
    mask[20:50, 30:60] = 1
    for name in ("chelsea", "coffee"):
        with Image.open(skimage_data / f"{name}.png") as opened:
            opened.convert("RGB").resize((120, 80)).save(root / "images" / f"{name}.png")
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    (root / "labels.json").write_text('["background", "[leaf]"]', encoding="utf-8")
    return root


def _check(*arguments):
    command = [sys.executable, "-m", "liveseg", "check", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120)


def test_warnings_are_listed_with_their_remedy_and_end_well(data):
    done = _check(data)
    assert done.returncode == 0, done.stderr
    assert "warning rare-class (1)" in done.stdout
    assert "[leaf] is in 2 photos only" in done.stdout
    assert "-> add photos with it" in done.stdout
    assert done.stdout.rstrip().endswith("2 photos, 2 classes: 1 warning")
    row = next(line for line in done.stdout.splitlines() if "│ [leaf]" in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][:3] == ["[leaf]", "2", "9.38%"]


def test_errors_come_first_and_end_with_exit_code_1(data):
    (data / "masks" / "coffee.png").unlink()
    done = _check(data)
    assert done.returncode == 1
    assert done.stderr == ""
    assert done.stdout.index("error no-mask (1)") < done.stdout.index("warning rare-class")
    assert done.stdout.rstrip().endswith("2 photos, 2 classes: 1 error, 1 warning")


def test_json_has_all_that_people_see(data):
    (data / "masks" / "coffee.png").unlink()
    done = _check(data, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    record = json.loads(done.stdout)
    assert (record["layout"], record["photos"], record["errors"], record["warnings"]) == ("folder", 2, 1, 1)
    assert record["classes"][1] == {"index": 1, "name": "[leaf]", "photos": 1, "pixels": 900, "share": 0.09375}
    first = record["problems"][0]
    assert (first["kind"], first["severity"]) == ("no-mask", "error")
    assert first["file"] == str(data / "images" / "coffee.png")
    assert first["message"]
    assert first["remedy"]


def test_of_many_problems_of_a_kind_a_few_are_listed_unless_all_are_asked_for(data):
    for number in range(6):
        shutil.copy(data / "images" / "coffee.png", data / "images" / f"copy{number}.png")
    some, every = _check(data), _check(data, "--all")
    assert some.stdout.count("no mask for") == 3
    assert "… and 3 more; --all lists them" in some.stdout
    assert every.stdout.count("no mask for") == 6


def test_both_parts_of_a_data_set_are_read_and_leaks_between_them_named(data):
    whole = data.parent / "whole"
    for part in ("train", "val"):
        shutil.copytree(data, whole / part)
    (whole / "val" / "images" / "chelsea.png").unlink()
    (whole / "val" / "masks" / "chelsea.png").unlink()
    done = _check(whole)
    assert done.returncode == 1
    assert "checking the photos of train and val" in done.stderr
    assert "error leak (1)" in done.stdout
    assert "3 photos" in done.stdout
    alone = _check(whole, "--split", "train")
    assert (alone.returncode, "leak" in alone.stdout) == (0, False)


def test_test_photos_are_judged_by_where_no_others_are_as_training_does(data):
    whole = data.parent / "whole"
    for part in ("train", "test"):
        shutil.copytree(data, whole / part)
    done = _check(whole)
    assert done.returncode == 1
    assert "checking the photos of train and test" in done.stderr
    assert "error leak (2)" in done.stdout


def test_another_data_set_to_judge_by_is_compared_with(data):
    other = data.parent / "other"
    shutil.copytree(data, other)
    done = _check(data, "--validation", other, "--quiet")
    assert done.returncode == 1
    assert "error leak (2)" in done.stdout


def test_a_folder_that_is_no_data_set_is_one_line(tmp_path):
    done = _check(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("liveseg: ")
    assert done.stderr.count("\n") == 1
