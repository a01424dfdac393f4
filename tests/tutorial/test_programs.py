"""The tutorial's two programs, started as it starts them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path):
    return tmp_path / "home"


@pytest.fixture
def workplace(tmp_path, samples):
    """A folder with the tutorial's `input/`, and no `outputs/`."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "input").symlink_to(samples, target_is_directory=True)
    return folder


def environment(home, **more):
    plain = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return {**plain, "LIVESEG_HOME": str(home), "LIVESEG_OFFLINE": "1", **more}


@pytest.fixture
def program(workplace, home):
    def run(name, *arguments, **more):
        return subprocess.run(
            [sys.executable, str(ROOT / name), *map(str, arguments)], cwd=workplace, env=environment(home, **more),
            capture_output=True, text=True, timeout=200, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="session")
def random_checkpoint(tmp_path_factory):
    """A checkpoint as torchvision publishes it, with its auxiliary head, of random weights."""
    from liveseg.models.build import build

    def make(name):
        torch.manual_seed(0)
        state = build(name).state_dict()
        if name == "deeplabv3":
            state["aux_classifier.4.weight"] = torch.zeros(21, 10, 1, 1)
        path = tmp_path_factory.mktemp("weights") / f"{name}.pth"
        torch.save(state, path)
        return path

    return make


def video_frames(path):
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)], stream.average_rate


def test_an_image_with_lite_and_without_a_display(program, workplace):
    done = program("segment_image.py", "--input", "input/image_1.jpg", "--model", "lite")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "USING FEATURE PYRAMID WITH EFFICIENTNET-LITE0 BACKBONE"
    assert sum("No window" in line for line in lines) == 1
    made = np.asarray(Image.open(workplace / "outputs" / "image_1_lite.jpg")).astype(int)
    source = np.asarray(Image.open(workplace / "input" / "image_1.jpg")).astype(int)
    # The tutorial's overlay only ever adds: a cat's colour is (64, 0, 0) at a weight of 0.8.
    added = (made - source).mean(axis=(0, 1))
    assert added[0] > 15
    assert abs(added[1]) < 3
    assert abs(added[2]) < 3


@pytest.mark.parametrize(
    ("model", "banner"),
    [
        pytest.param("deeplabv3", "USING DEEPLABV3 WITH MOBILENETV3 BACKBONE", marks=pytest.mark.long),
        ("lraspp", "USING LITE R-ASPP WITH MOBILENETV3 BACKBONE"),
    ],
)
def test_the_tutorials_models_run_from_a_checkpoint(program, workplace, random_checkpoint, model, banner):
    done = program(
        "segment_image.py", "-i", "input/image_1.jpg", "-m", model, "--weights", random_checkpoint(model), "--size", 65
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == banner
    assert (workplace / "outputs" / f"image_1_{model}.jpg").is_file()


@pytest.mark.parametrize("name", ["segment_image.py", "segment_video.py"])
def test_weights_that_cannot_be_had_are_explained_in_one_sentence(program, workplace, name):
    source = "input/image_1.jpg" if "image" in name else "input/video_2.mp4"
    done = program(name, "--input", source, "--model", "lraspp")
    assert done.returncode == 1
    assert done.stdout.startswith("USING LITE R-ASPP WITH MOBILENETV3 BACKBONE")
    (line,) = done.stderr.strip().splitlines()
    for words in ("liveseg pull lraspp", "--weights FILE", "--model lite"):
        assert words in line
    assert not (workplace / "outputs").exists()


def test_a_video_gets_its_rate_drawn_and_its_average_printed(program, workplace):
    done = program("segment_video.py", "--input", "input/video_2.mp4", "--model", "lite", "--size", "161")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "USING FEATURE PYRAMID WITH EFFICIENTNET-LITE0 BACKBONE"
    assert re.fullmatch(r"Average FPS: \d+\.\d{3}", lines[-1])
    assert float(lines[-1].split()[-1]) > 0
    frames, rate = video_frames(workplace / "outputs" / "video_2_lite.mp4")
    originals, _ = video_frames(workplace / "input" / "video_2.mp4")
    assert len(frames) == len(originals)
    assert rate == Fraction(30000, 1001)

    # Green letters stand at (20, 35), on every frame, and nothing like them in the source.
    def green(frame):
        corner = frame[5:45, 15:230].astype(int)
        return int(((corner[..., 1] > 180) & (corner[..., 0] < 90) & (corner[..., 2] < 90)).sum())

    assert min(green(frame) for frame in frames[1:]) > 150
    assert max(green(frame) for frame in originals) < 20


@pytest.mark.parametrize("name", ["segment_image.py", "segment_video.py"])
@pytest.mark.parametrize("case", ["missing", "folder", "text", "empty"])
def test_an_input_that_cannot_be_read_is_one_line(program, workplace, name, case):
    (workplace / "folder").mkdir()
    (workplace / "text").write_text("no picture", encoding="utf-8")
    (workplace / "empty").touch()
    done = program(name, "--input", case, "--model", "lite")
    assert done.returncode == 1
    (line,) = done.stderr.strip().splitlines()
    assert case in line
    assert not (workplace / "outputs").exists()


def test_the_flags_are_required_and_the_models_are_named(program):
    assert "--model" in program("segment_image.py", "--input", "x.jpg").stderr
    assert "--input" in program("segment_video.py", "--model", "lite").stderr
    done = program("segment_video.py", "--input", "x.mp4", "--model", "unet")
    assert done.returncode == 2
    for model in ("deeplabv3", "lraspp", "lite"):
        assert model in done.stderr


def test_unusual_pictures_are_segmented_as_a_viewer_shows_them(program, workplace):
    photo = Image.open(workplace / "input" / "image_1.jpg")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    photo.save(workplace / "my.holiday.2024.jpg", exif=exif)
    photo.convert("RGBA").save(workplace / "alpha.png")
    photo.convert("L").save(workplace / "grey.png")
    deep = np.asarray(photo.convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(workplace / "deep.png")
    for name in ("my.holiday.2024.jpg", "alpha.png", "grey.png", "deep.png"):
        done = program("segment_image.py", "--input", name, "--model", "lite")
        assert done.returncode == 0, done.stderr
    made = {path.name: Image.open(path) for path in (workplace / "outputs").iterdir()}
    sizes = {name: image.size for name, image in made.items()}
    for image in made.values():
        image.close()
    assert sizes == {
        "my.holiday.2024_lite.jpg": (300, 451), "alpha_lite.jpg": (451, 300), "grey_lite.jpg": (451, 300),
        "deep_lite.jpg": (451, 300),
    }  # fmt: skip


@contextmanager
def started(workplace, home, display, *arguments):
    """A program with a window; ended if the test fails."""
    command = [sys.executable, str(ROOT / arguments[0]), *arguments[1:]]
    env = environment(home, DISPLAY=display)
    with subprocess.Popen(command, cwd=workplace, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_image_window_waits_for_a_key(workplace, home, display, xdotool):
    with started(workplace, home, display, "segment_image.py", "-i", "input/image_1.jpg", "-m", "lite") as process:
        window = xdotool("search", "--sync", "--onlyvisible", "--class", ".").strip()
        assert xdotool("getwindowname", window) == "Segmented image\n"
        time.sleep(0.5)
        assert process.poll() is None
        xdotool("windowfocus", "--sync", window, "key", "a")
        assert process.wait(timeout=30) == 0


def test_q_in_the_video_window_ends_with_a_whole_file(workplace, home, display, xdotool):
    with started(workplace, home, display, "segment_video.py", "-i", "input/video_1.mp4", "-m", "lite") as process:
        window = xdotool("search", "--sync", "--onlyvisible", "--class", ".").strip()
        assert xdotool("getwindowname", window) == "image\n"
        xdotool("windowfocus", "--sync", window, "key", "q")
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "Average FPS: " in said
    frames, _ = video_frames(workplace / "outputs" / "video_1_lite.mp4")
    originals, _ = video_frames(workplace / "input" / "video_1.mp4")
    assert 0 < len(frames) < len(originals)
