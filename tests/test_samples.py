"""The samples of `input/`: what they promise, and that the tool which made them makes them again."""

from __future__ import annotations

import importlib.util
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image

ROOT = Path(__file__).parents[1]
INPUT = ROOT / "input"
# Without these flags the conversion loses one grey level of each colour on average.
EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
SAMPLES = ["image_1.jpg", "image_2.jpg", "video_1.mp4", "video_2.mp4"]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_samples", ROOT / "tools" / "make_samples.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_samples"] = module  # its dataclasses look their module up
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_samples"]


@pytest.fixture(scope="module")
def remade(tool, skimage_data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("samples")
    tool.make(folder)
    return folder


def frames(path):
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            image = frame.reformat(format="rgb24", src_colorspace=Colorspace.ITU709, interpolation=EXACT)
            yield image.to_ndarray()


def difference(one, other):
    return np.abs(one.astype(np.float32) - other.astype(np.float32)).mean()


def top_level_boxes(path):
    data = path.read_bytes()
    offset = 0
    while offset < len(data):
        yield data[offset + 4 : offset + 8].decode("ascii")
        offset += int.from_bytes(data[offset : offset + 4], "big")


def test_the_samples_together_are_small_and_each_is_credited():
    table = (INPUT / "README.md").read_text(encoding="utf-8")
    assert sorted(path.name for path in INPUT.iterdir()) == ["README.md", *SAMPLES]
    assert sum((INPUT / name).stat().st_size for name in SAMPLES) < 2_500_000
    for name in SAMPLES:
        row = next(line for line in table.splitlines() if f"`{name}`" in line)
        assert "CC0" in row or "public domain" in row


@pytest.mark.parametrize(
    ("name", "size", "rate", "count", "layouts"),
    [
        ("video_1.mp4", (480, 360), Fraction(25), 150, ["stereo"]),
        ("video_2.mp4", (480, 320), Fraction(30_000, 1001), 150, []),
    ],
)
def test_a_clip_is_what_a_browser_plays(name, size, rate, count, layouts):
    with av.open(str(INPUT / name)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, (context.width, context.height)) == ("h264", "yuv420p", size)
        assert (context.colorspace, context.color_range) == (Colorspace.ITU709, ColorRange.MPEG)
        assert stream.average_rate == rate
        assert [audio.layout.name for audio in container.streams.audio] == layouts
        times = [frame.pts * frame.time_base for frame in container.decode(video=0)]
    assert times == [index / rate for index in range(count)]
    boxes = list(top_level_boxes(INPUT / name))
    assert boxes.index("moov") < boxes.index("mdat")


def test_the_sound_can_be_heard_and_is_quiet_and_lasts_as_long_as_the_picture():
    with av.open(str(INPUT / "video_1.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
    assert sound.shape[1] / 48_000 == pytest.approx(6, abs=0.05)
    assert 0.1 < np.abs(sound).max() < 0.35
    for second in range(6):
        part = sound[:, second * 48_000 : (second + 1) * 48_000]
        assert np.sqrt((part**2).mean()) > 0.01
        assert not np.array_equal(part[0], part[1])


@pytest.mark.parametrize(("name", "picture"), [("image_1.jpg", "chelsea.png"), ("image_2.jpg", "astronaut.png")])
def test_a_picture_is_its_original(name, picture, skimage_data):
    with Image.open(INPUT / name) as sample, Image.open(skimage_data / picture) as original:
        assert (sample.size, sample.mode) == (original.size, "RGB")
        assert difference(np.asarray(sample), np.asarray(original.convert("RGB"))) < 2.5


@pytest.mark.parametrize("name", ["video_1.mp4", "video_2.mp4"])
def test_the_camera_stays_in_the_picture_and_moves_smoothly(tool, skimage_data, name):
    shot = tool.VIDEOS[name]
    height, width = shot.photo.read().shape[:2]
    views = [shot.view(index) for index in range(shot.frames + 2)]
    for view in views:
        tall = view.width * shot.size[1] / shot.size[0]
        assert view.width / 2 <= view.x <= width - view.width / 2
        assert tall / 2 <= view.y <= height - tall / 2
    path = np.array([(view.x, view.y, view.width) for view in views])
    assert np.allclose(path[0], path[shot.frames])
    steps = np.diff(path, axis=0)
    assert np.abs(steps).max() > 0.5
    assert np.abs(np.diff(steps, axis=0)).max() < 0.2


@pytest.mark.parametrize("name", ["video_1.mp4", "video_2.mp4"])
def test_a_clip_shows_the_rendered_frames_in_their_colours(tool, skimage_data, name):
    for shown, rendered in zip(frames(INPUT / name), tool.VIDEOS[name].render(), strict=True):
        assert difference(shown, rendered) < 4
        assert np.abs(shown.mean(axis=(0, 1)) - rendered.mean(axis=(0, 1))).max() < 1.2


@pytest.mark.parametrize("name", SAMPLES)
def test_the_tool_makes_the_committed_files(remade, name):
    if name.endswith(".jpg"):
        with Image.open(remade / name) as made, Image.open(INPUT / name) as committed:
            assert difference(np.asarray(made), np.asarray(committed)) < 0.5
        return
    for made, committed in zip(frames(remade / name), frames(INPUT / name), strict=True):
        assert difference(made, committed) < 2


def test_a_photograph_that_was_changed_is_refused(tool, tmp_path, monkeypatch):
    (tmp_path / "chelsea.png").write_bytes(b"another picture")
    monkeypatch.setattr(tool, "_data_folder", lambda: tmp_path)
    with pytest.raises(SystemExit, match="not the picture"):
        tool.CHELSEA.read()
