"""`liveseg export` as its user meets it: in a process of its own, on the samples."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image


def one_line(done):
    """The only line on standard error."""
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


@pytest.fixture(scope="module")
def exported(run_liveseg, require_module, tmp_path_factory):
    """A folder with `lite` in OpenVINO's format, and what the export said of it."""
    require_module("openvino", "openvino")
    folder = tmp_path_factory.mktemp("exported")
    done = run_liveseg("export", "lite", "-o", folder / "model.xml", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return folder, json.loads(done.stdout)


def test_an_export_reports_how_it_compares_with_pytorch_on_the_samples(exported):
    folder, report = exported
    assert report["files"] == [str(folder / "model.xml"), str(folder / "model.bin")]
    assert (report["model"], report["format"], report["precision"]) == ("lite", "openvino", "float32")
    assert (report["reference"], report["compared_on"], report["forced"]) == ("torch", "samples", False)
    assert report["limits"] == {"pixel_agreement": 0.999, "largest_logit_difference": 0.001}
    (compared,) = report["compared"]
    assert compared["runtime"] == "openvino"
    assert compared["pictures"] == 10
    assert compared["pixel_agreement"] > 0.9999
    assert compared["miou_change"] is None


def test_an_exported_file_runs_by_its_name(exported, run_liveseg, samples, tmp_path):
    folder, _ = exported
    done = run_liveseg("run", samples / "image_1.jpg", "--weights", folder / "model.xml", "-o", tmp_path / "cat.png")
    assert done.returncode == 0, done.stderr
    assert "found: cat" in done.stdout


@pytest.mark.long
def test_with_photos_and_true_masks_it_reports_the_change_in_miou(exported, run_liveseg, samples, tmp_path):
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    for folder in (photos, masks):
        folder.mkdir()
    image = Image.open(samples / "image_1.jpg")
    image.save(photos / "cat.png")
    truth = np.full(image.size[::-1], 255, np.uint8)
    truth[image.height // 4 : image.height // 2, image.width // 4 : image.width // 2] = 8
    Image.fromarray(truth).save(masks / "cat.png")
    arguments = ["export", "lite", "-o", tmp_path / "model.xml", "--images", photos, "--masks", masks]
    done = run_liveseg(*arguments)
    assert done.returncode == 0, done.stderr
    for words in ("on 1 photos", "pixels that agree", "largest logit difference", "mIoU between both masks", "+0.00"):
        assert words in done.stdout, done.stdout
    Image.fromarray(truth[:50]).save(masks / "cat.png")
    assert "a mask has an 8-bit class index a pixel" in one_line(run_liveseg(*arguments, "--overwrite"))
    (masks / "cat.png").unlink()
    assert "no such mask" in one_line(run_liveseg(*arguments, "--overwrite"))


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "-o FILE"),
        (["-o", "model.bin"], 2, "ends with .onnx, .xml, .pt2"),
        (["-o", "model.onnx", "--format", "pt2"], 2, "ends with .pt2"),
        (["-o", "model.onnx", "--int8"], 2, "--images"),
        (["-o", "model.onnx", "--masks", "here"], 2, "--images"),
        (["-o", "model.onnx", "--images", "nowhere"], 1, "no such folder of photos"),
        (["-o", "model.onnx", "--weights", "none.pth"], 1, "no such weights file"),
        (["lit", "-o", "model.onnx"], 2, "no such model"),
    ],
)
def test_what_cannot_be_exported_is_one_line(arguments, code, words, run_liveseg, tmp_path):
    done = run_liveseg("export", *arguments, cwd=tmp_path)
    assert done.returncode == code
    assert words in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_kept(run_liveseg, tmp_path):
    (tmp_path / "model.onnx").write_text("mine", encoding="utf-8")
    done = run_liveseg("export", "-o", tmp_path / "model.onnx")
    assert done.returncode == 1
    assert "--overwrite" in one_line(done)
    assert (tmp_path / "model.onnx").read_text(encoding="utf-8") == "mine"
