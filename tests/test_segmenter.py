"""The bundled model on real photos, through the public interface."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import liveseg
from liveseg import PASCAL_VOC, Segmenter
from liveseg.contract import ModelContract
from liveseg.errors import DeviceError, MediaError, SourceNotFoundError, UsageError


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter()


@pytest.fixture(scope="module")
def cat(skimage_data):
    return skimage_data / "chelsea.png"


def share(segmentation, name):
    return {area.name: area.share for area in segmentation.areas()}.get(name, 0.0)


def test_the_default_model_finds_a_cat_in_a_photo_of_a_cat(segmenter, cat):
    found = segmenter(cat)
    assert found.mask.shape == (300, 451)
    assert found.mask.dtype == np.uint8
    assert share(found, "cat") > 0.4
    assert share(found, "person") == 0


def test_it_finds_a_person_in_a_photo_of_a_person(segmenter, skimage_data):
    assert share(segmenter(skimage_data / "astronaut.png"), "person") > 0.35


def test_path_pil_rgb_and_bgr_give_the_same_mask(segmenter, cat):
    image = Image.open(cat)
    rgb = np.asarray(image)
    wanted = segmenter(str(cat)).mask
    assert np.array_equal(segmenter(image).mask, wanted)
    assert np.array_equal(segmenter(rgb).mask, wanted)
    assert np.array_equal(segmenter(rgb[:, :, ::-1], color="bgr").mask, wanted)
    assert not np.array_equal(segmenter(rgb, color="bgr").mask, wanted)


def test_areas_add_up_and_fall(segmenter, cat):
    areas = segmenter(cat).areas()
    assert sum(area.pixels for area in areas) == 300 * 451
    assert sum(area.share for area in areas) == pytest.approx(1)
    assert [area.pixels for area in areas] == sorted((area.pixels for area in areas), reverse=True)
    assert all(PASCAL_VOC.names[area.index] == area.name for area in areas)


def test_confidence_is_the_winners_probability(segmenter, cat):
    found = segmenter(cat)
    logits = found.full_logits()
    assert logits.shape == (21, 300, 451)
    odds = np.exp(logits - logits.max(axis=0))
    np.testing.assert_allclose(found.confidence, (odds.max(axis=0) / odds.sum(axis=0)), atol=1e-4)
    assert np.mean(logits.argmax(axis=0) == found.mask) > 0.9999


def test_pictures_made_from_a_mask(segmenter, cat, tmp_path):
    found = segmenter(cat)
    assert np.array_equal(found.color_mask(), PASCAL_VOC.colors[found.mask])
    background = found.mask == 0
    assert np.array_equal(found.overlay()[background], found.image[background])
    assert np.array_equal(found.overlay(classes=["dog"])[found.mask == 8], found.image[found.mask == 8])
    found.save_mask(tmp_path / "mask.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "mask.png")), found.mask)


def test_speed_names_the_stages(segmenter, cat):
    assert list(segmenter(cat).speed) == ["preprocess", "infer", "postprocess"]
    assert all(value > 0 for value in segmenter(cat).speed.values())


def test_many_threads_may_share_one_segmenter(segmenter, skimage_data):
    photos = [skimage_data / name for name in ("chelsea.png", "astronaut.png", "coffee.png", "chelsea.png")]
    alone = [segmenter(photo).mask for photo in photos]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda photo: segmenter(photo).mask, photos))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


@pytest.mark.parametrize("shape", [(17, 400, 3), (400, 17, 3), (1, 1, 3), (3, 50, 3)])
def test_odd_and_tiny_pictures_get_a_mask_of_their_own_size(segmenter, shape):
    assert segmenter(np.zeros(shape, np.uint8)).mask.shape == shape[:2]


def test_size_sets_the_networks_input():
    seen = []

    class Spy:
        """A stand-in for a runtime: it only records the shape of its input."""

        name, device, precision = "spy", "cpu", "float32"
        contract = ModelContract("spy", PASCAL_VOC, multiple=16, offset=1)

        def __call__(self, images):
            seen.append(images.shape)
            return np.zeros((1, 21, 4, 4), np.float32)

    picture = np.zeros((300, 400, 3), np.uint8)
    segmenter = Segmenter.from_runtime(Spy(), size=160)
    segmenter.segment(picture)
    Segmenter.from_runtime(Spy(), size="native").segment(picture)
    assert (segmenter.precision, segmenter.chosen) == ("float32", "spy: given")
    assert seen == [(1, 161, 209, 3), (1, 305, 401, 3)]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((4, 4, 3), np.float32), "uint8"), (np.zeros((4, 4), np.uint8), "\\(H, W, 3\\)"),
        (np.zeros((4, 4, 4), np.uint8), "\\(H, W, 3\\)"), (np.zeros((0, 4, 3), np.uint8), "\\(H, W, 3\\)"),
        (17, "a path, a PIL image or a numpy array"),
    ],
)  # fmt: skip
def test_what_is_no_picture_is_refused(segmenter, image, message):
    with pytest.raises(UsageError, match=message):
        segmenter(image)


def test_errors_are_also_the_standard_ones(segmenter, tmp_path):
    with pytest.raises(SourceNotFoundError, match=r"nowhere\.jpg"):
        segmenter("nowhere.jpg")
    with pytest.raises(FileNotFoundError):
        segmenter("nowhere.jpg")
    (tmp_path / "not.jpg").write_text("hello", encoding="utf-8")
    with pytest.raises(MediaError, match=r"not\.jpg"):
        segmenter(tmp_path / "not.jpg")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": "lit"}, UsageError, "no such model 'lit'; choose one of lite"),
        ({"device": "tpu"}, UsageError, "no such device"),
        ({"device": "gpu:99"}, DeviceError, "OpenVINO sees only"),
        ({"device": "cuda:99"}, DeviceError, "CUDA"),
        ({"device": "mps", "runtime": "onnx"}, UsageError, "does not drive mps"),
        ({"runtime": "tflite"}, UsageError, "no such runtime"),
        ({"precision": "float8"}, UsageError, "no such precision"),
        ({"threads": 0}, UsageError, "threads"),
        ({"parallel": 0}, UsageError, "parallel"),
        ({"size": 0}, UsageError, "size"),
        ({"weights": "nowhere.onnx"}, SourceNotFoundError, "nowhere.onnx"),
    ],
)
def test_a_choice_that_cannot_be_met_is_an_error_and_never_a_silent_fallback(arguments, error, message):
    with pytest.raises(error, match=message):
        Segmenter(**arguments)


def test_it_says_what_it_runs_on_and_why(segmenter):
    assert (segmenter.runtime, segmenter.device, segmenter.precision) == ("onnx", "cpu", "float32")
    assert segmenter.chosen == "onnx: starts soonest, and takes pictures of many sizes without delay"
    asked = Segmenter(runtime="openvino", precision="float32", threads=3, parallel=2)
    assert (asked.runtime, asked.precision, asked.chosen) == ("openvino", "float32", "openvino: asked for")
    assert (asked.threads, asked.parallel, asked.threads_each) == (3, 2, 1)


def test_a_runtime_for_videos_finds_the_same_in_a_photo(segmenter, cat):
    video = Segmenter(live=True)
    assert np.mean(video(cat).mask == segmenter(cat).mask) > 0.98


def test_the_package_offers_its_names_lazily():
    code = "import sys, liveseg; print(sorted(m for m in ('torch', 'onnxruntime', 'cv2', 'av') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "Segmenter" in dir(liveseg)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        _ = liveseg.Nothing


def test_the_default_runtime_does_not_import_pytorch(cat):
    code = f"import sys, liveseg; liveseg.Segmenter()({str(cat)!r}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.fixture
def own(segmenter):
    """A segmenter with the same network that a test may configure."""
    return Segmenter.from_runtime(segmenter._runtime)


def test_pixels_below_a_confidence_are_a_class_of_their_own(own, segmenter, cat):
    plain = segmenter(cat)
    assert own.labels == PASCAL_VOC
    for threshold in (0.5, 0.9):
        own.configure(unknown=threshold)
        assert own.labels.names == (*PASCAL_VOC.names, "unknown")
        found = own(cat)
        unsure = plain.confidence < np.float32(threshold)
        assert 0 < unsure.mean() < 0.5
        assert np.array_equal(found.mask == 21, unsure)
        assert np.array_equal(found.mask[~unsure], plain.mask[~unsure])
        # The confidence stays that of the class that would have won.
        assert np.array_equal(found.confidence, plain.confidence)
        assert share(found, "unknown") == pytest.approx(unsure.mean())
        assert found.color_mask()[unsure][0].tolist() == [224, 224, 192]
    own.configure()
    assert np.array_equal(own(cat).mask, plain.mask)


def test_a_model_s_own_words_for_unknown_and_its_palette(own, cat, tmp_path):
    assert Segmenter(unknown=0.6, palette="safe").labels.palette[21] == (224, 224, 192)
    file = tmp_path / "mine.json"
    file.write_text('{"cat": "#010203", "unknown": "#040506"}', encoding="utf-8")
    own.configure(unknown=0.9, palette=file)
    file.unlink()
    found = own(cat)
    assert found.color_mask()[found.mask == 8][0].tolist() == [1, 2, 3]
    assert found.color_mask()[found.mask == 21][0].tolist() == [4, 5, 6]


@pytest.mark.parametrize("unknown", [0.0, 1.0, -1, 60, float("nan")])
def test_what_is_no_share_is_refused(own, unknown):
    with pytest.raises(UsageError, match="between 0 and 1"):
        own.configure(unknown=unknown)
    assert own.labels == PASCAL_VOC


def test_with_unknown_pixels_no_device_draws(own, monkeypatch):
    line = object()
    monkeypatch.setattr("liveseg.segmenter.LineRuntime", object)
    monkeypatch.setattr(own, "_runtime", SimpleNamespace(line_pays=True, line=lambda **_: line, contract=own.contract))
    assert own.device_line(np.zeros((256, 256, 3), np.uint8)) is line
    own.configure(unknown=0.5)
    assert own.device_line(np.zeros((256, 256, 3), np.uint8)) is None


def test_an_overlay_in_a_style_of_its_own(segmenter, cat):
    found = segmenter(cat)
    plain = found.overlay()
    assert found.overlay(side_by_side=True).shape == (300, 902, 3)
    assert np.array_equal(found.overlay(hide=["cat"]), found.overlay(alpha=0.0, hide=["cat"]))
    assert not np.array_equal(found.overlay(palette="safe"), plain)
    for option in ("contours", "names", "legend"):
        assert not np.array_equal(found.overlay(**{option: True}), plain), option
    with pytest.raises(UsageError, match="cat"):
        found.overlay(classes=["cat"], hide=["cat"])
