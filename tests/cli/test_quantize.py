"""`liveseg quantize` as its user meets it: in a process of its own, on real photos."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image


@pytest.fixture(scope="module")
def folder(samples, skimage_data, tmp_path_factory):
    """A folder of seven photos and a text."""
    folder = tmp_path_factory.mktemp("photos")
    shutil.copy(samples / "image_1.jpg", folder)
    shutil.copy(samples / "image_2.jpg", folder)
    for name in ("chelsea.png", "astronaut.png", "coffee.png", "rocket.jpg", "motorcycle_left.png"):
        Image.open(skimage_data / name).convert("RGB").resize((400, 300)).save(folder / name)
    (folder / "notes.txt").write_text("not a photo", encoding="utf-8")
    return folder


def test_a_quantised_model_is_compared_on_other_photos_and_runs(run_liveseg, folder, samples, tmp_path):
    target = tmp_path / "lite8.onnx"
    done = run_liveseg("quantize", "lite", "--images", folder, "-o", target, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["calibrated_on"], report["compared_on"], report["precision"]) == (4, "other photos", "int8")
    assert report["compared"][0]["pictures"] == 3
    assert all(0.97 <= compared["pixel_agreement"] < 1 for compared in report["compared"])
    assert target.stat().st_size < 4_000_000
    assert sorted(tmp_path.iterdir()) == [target]
    done = run_liveseg("run", samples / "image_1.jpg", "--weights", target, "-o", tmp_path / "cat.png")
    assert done.returncode == 0, done.stderr
    assert "found: cat" in done.stdout


@pytest.mark.long
def test_export_quantises_too_and_names_what_it_did(run_liveseg, folder, require_module, tmp_path):
    require_module("openvino", "openvino")
    done = run_liveseg("export", "lite", "--int8", "--images", folder, "-o", tmp_path / "lite8.xml")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("(int8, ", "calibrated on 4 photos", "on 3 other photos, as openvino runs it", "--weights"):
        assert words in done.stdout, done.stdout


@pytest.mark.long
def test_two_photos_are_both_calibrated_and_compared_on_and_it_says_so(run_liveseg, folder, tmp_path):
    few = tmp_path / "few"
    few.mkdir()
    for name in ("image_1.jpg", "image_2.jpg"):
        shutil.copy(folder / name, few)
    done = run_liveseg("quantize", "--images", few, "-o", tmp_path / "lite8.onnx")
    assert done.returncode == 0, done.stderr
    assert "on 2 photos that it was calibrated on" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-o", "a.onnx"], 2, "name a folder of them by --images"),
        (["--images", "."], 2, "-o FILE"),
        (["-o", "a.onnx", "--images", "."], 1, "no photos in the folder"),
    ],
)
def test_what_cannot_be_quantised_is_one_line(arguments, code, words, run_liveseg, tmp_path):
    done = run_liveseg("quantize", *arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (code, "", 1)
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []
