"""How results look, by the options of `liveseg run`, in a process of its own."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import av
import numpy as np
import pytest
from PIL import Image

from liveseg import PASCAL_VOC
from liveseg.cli.parts import caption
from liveseg.media.frame import Frame

SMALL = ("--size", "97", "-q")


def picture(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]


@pytest.fixture
def drawn(run_liveseg, samples, tmp_path):
    """`drawn(*options)`: the picture that `liveseg run` makes of a photo of a cat, as PNG."""

    def run(*options, source="image_1.jpg"):
        done = run_liveseg("run", samples / source, "-o", "out.png", "--overwrite", "-q", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        return picture(tmp_path / "out.png")

    return run


@pytest.mark.long
def test_each_option_draws_something_else(drawn, samples):
    plain, source = drawn(), picture(samples / "image_1.jpg")
    for option in ("--contours", "--labels", "--legend", "--palette=vivid", "--unknown=80%", "--alpha=0.2"):
        other = drawn(option)
        assert other.shape == plain.shape, option
        assert (other != plain).any(axis=2).sum() > 10, option
    assert np.array_equal(drawn("--hide", "cat"), source)
    both = drawn("--side-by-side")
    assert np.array_equal(both, np.hstack((source, plain)))


def test_a_palette_of_one_s_own_colours_picture_legend_and_mask(drawn, tmp_path):
    (tmp_path / "mine.json").write_text('{"cat": "#ff00fe"}', encoding="utf-8")
    found = drawn("--palette", "mine.json", "--alpha", "1", "--legend", "--save", "overlay,color,mask")
    assert (found == (255, 0, 254)).all(axis=2).mean() > 0.4
    files = {path.name: path for path in tmp_path.rglob("*.png")}
    (color,) = [path for name, path in files.items() if "color" in name]
    (mask,) = [path for name, path in files.items() if "mask" in name]
    assert (picture(color) == (255, 0, 254)).all(axis=2).mean() > 0.4
    with Image.open(mask) as image:
        assert image.getpalette()[8 * 3 : 8 * 3 + 3] == [255, 0, 254]


def test_neither_classes_nor_hide_change_the_mask_that_is_saved(drawn, tmp_path):
    masks = []
    for options in ((), ("--classes", "dog"), ("--hide", "cat")):
        drawn("--save", "overlay,mask", *options)
        (mask,) = [path for path in tmp_path.rglob("*.png") if "mask" in path.name]
        masks.append(np.asarray(Image.open(mask)))
    assert (masks[0] == 8).mean() > 0.4
    assert np.array_equal(masks[0], masks[1])
    assert np.array_equal(masks[0], masks[2])


def test_unknown_pixels_are_counted_and_saved_apart(run_liveseg, samples, tmp_path):
    done = run_liveseg(
        "run", samples / "image_1.jpg", "--unknown", "80%", "--save", "overlay,mask", "--json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    areas = {area["class"]: area for area in json.loads(done.stdout)["sources"][0]["areas"]}
    (mask,) = [path for path in tmp_path.rglob("*.png") if "mask" in path.name]
    saved = np.asarray(Image.open(mask))
    assert areas["unknown"]["pixels"] == (saved == len(PASCAL_VOC)).sum() > 100


@pytest.mark.long
def test_a_video_side_by_side_is_twice_as_wide_and_has_its_source_on_the_left(run_liveseg, samples, tmp_path):
    common = ("--limit", 5, "--alpha", 1, "--crf", 1, *SMALL)
    for name, more in (("one.mp4", ()), ("two.mp4", ("--side-by-side",))):
        done = run_liveseg("run", samples / "video_1.mp4", "-o", name, *common, *more, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    one, two = frames_of(tmp_path / "one.mp4"), frames_of(tmp_path / "two.mp4")
    source = frames_of(samples / "video_1.mp4")
    assert [frame.shape for frame in two] == [(360, 960, 3)] * 5
    assert np.abs(two[4][:, :480] - source[4]).mean() < 3
    assert np.abs(two[4][:, 480:] - one[4]).mean() < 3
    assert np.abs(two[4][:, 480:] - source[4]).mean() > 10


@pytest.mark.long
def test_a_file_has_a_caption_only_when_asked_for(run_liveseg, samples, tmp_path):
    frames = {}
    for name, more in (("plain", ()), ("said", ("--caption",)), ("live", ("--realtime", "--no-caption"))):
        options = ("--limit", 3, "--alpha", 0, "--crf", 1, *SMALL, *more)
        done = run_liveseg("run", samples / "video_1.mp4", "-o", f"{name}.mp4", *options, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        frames[name] = frames_of(tmp_path / f"{name}.mp4")[0]
    corner = slice(0, 40), slice(0, 150)
    assert np.abs(frames["said"][corner] - frames["plain"][corner]).max() > 100
    assert np.abs(frames["said"] - frames["plain"])[60:].max() < 40
    assert np.abs(frames["live"][corner] - frames["plain"][corner]).max() < 40


@pytest.mark.parametrize(("seconds", "words"), [("0", "0:00.0"), ("59.96", "1:00.0"), ("3725.25", "62:05.2")])
def test_a_caption_says_the_rate_and_the_frame_s_time(seconds, words):
    result = SimpleNamespace(frame=Frame(np.zeros((2, 2, 3), np.uint8)), age_ms=None, timestamp=Fraction(seconds))
    outcome = SimpleNamespace(recent_rate=24.96)
    assert caption(result, outcome, files=True) == f"25.0 fps · {words}"
    assert caption(result, outcome, files=False) is None


def test_a_caption_of_a_live_frame_has_its_age_and_the_time_of_day():
    result = SimpleNamespace(frame=Frame(np.zeros((2, 2, 3), np.uint8)), age_ms=40.0, timestamp=Fraction(1))
    outcome = SimpleNamespace(recent_rate=25.0, recent_ages=[0.04, 0.05, 0.06])
    words = caption(result, outcome, files=False)
    assert re.fullmatch(r"25\.0 fps · age p50 50 ms, p95 59 ms · \d\d:\d\d:\d\d", words)
    waiting = SimpleNamespace(frame=replace(result.frame, placeholder=True), age_ms=40.0)
    assert caption(waiting, outcome, files=True) is None


def test_the_grid_shows_the_style_of_its_streams(run_liveseg, samples, tmp_path):
    # The cells have the shape of whichever picture comes first: both streams have the same.
    again = shutil.copy(samples / "video_1.mp4", tmp_path / "again.mp4")
    done = run_liveseg(
        "run", samples / "video_1.mp4", again, "--grid", "--realtime", "--side-by-side", "--legend",
        "--duration", 1, "-o", "grid.mp4", *SMALL, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # A cell is 640 wide; of a stream of 480x360 beside itself it is 240 high.
    assert frames_of(tmp_path / "grid.mp4")[-1].shape == (240, 1280, 3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--palette", "rainbow"], ["'rainbow'", "model, voc, safe, vivid"]),
        (["--classes", "cat,dog", "--hide", "dog"], ["--classes", "--hide", "dog"]),
        (["--hide", "dgo"], ["'dgo'", "did you mean"]),
        (["--unknown", "60"], ["'60'", "0.6 or 60%"]),
        (["--unknown", "100%"], ["0.6 or 60%"]),
        (["--alpha", "2"], ["--alpha"]),
    ],
)
def test_a_mistake_is_told_and_nothing_is_written(run_liveseg, samples, tmp_path, options, words):
    done = run_liveseg("run", samples / "image_1.jpg", *options, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.rglob("*.jpg"))
