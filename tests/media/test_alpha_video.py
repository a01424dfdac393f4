"""Videos with alpha and of exact grey levels, read back by the programs that are used for them."""

import json
import subprocess
from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.files import partial_path
from liveseg.media.alpha_video import alpha_video, grey_video
from liveseg.media.frame import Frame, SourceInfo

TICK = Fraction(1, 90_000)
# No two frames last equally long, and none of the times is a whole number of milliseconds.
TIMES = [7, 3011, 6001, 9007, 15013, 15101, 40009, 43013]
# When each is shown, counted from the first.
SECONDS = [(pts - TIMES[0]) * TICK for pts in TIMES]


def info(width, height):
    return SourceInfo("the clip", "video", width, height, Fraction(30), TICK)


def write(sink, pictures):
    with sink:
        for number, (picture, pts) in enumerate(zip(pictures, TIMES, strict=True)):
            sink.write(Frame(picture, number, pts, TICK))


def cutouts(width, height):
    """Soft discs that wander over a picture, whose colours are the same inside and outside: straight alpha."""
    rows, columns = np.mgrid[:height, :width]
    for number in range(len(TIMES)):
        away = np.hypot(rows - height / 2, columns - width / 4 - 3 * number)
        alpha = np.clip((height / 3 - away) * 16, 0, 255).astype(np.uint8)
        colours = np.stack([np.full_like(alpha, 200), np.full_like(alpha, 120), np.full_like(alpha, 40 + number)], 2)
        yield np.dstack([colours, alpha])


def ramps(width, height):
    for number in range(len(TIMES)):
        yield np.roll(np.arange(width * height, dtype=np.uint32).astype(np.uint8).reshape(height, width), number, 1)


def decoded(path, codec=None):
    """The frames as RGBA, and their times."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context if codec is None else av.CodecContext.create(codec, "r")
        for packet in container.demux(stream):
            for frame in context.decode(packet):
                yield frame.to_ndarray(format="rgba"), frame.pts * stream.time_base


def read_back(make, path, pictures, codec=None):
    """Write pictures and read them again: each as RGBA beside the one that was written, and the times."""
    pictures = list(pictures)
    height, width = pictures[0].shape[:2]
    write(make(path, info(width, height)), pictures)
    back, times = zip(*decoded(path, codec), strict=True)
    return list(zip(back, pictures, strict=True)), list(times)


def probed(program, path):
    entries = "stream=codec_name,profile,pix_fmt,width,height,color_space,color_range:stream_tags:frame=pts_time"
    command = [program, "-v", "error", "-show_entries", entries, "-of", "json", str(path)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found["streams"][0], [float(frame["pts_time"]) for frame in found["frames"]]


@pytest.mark.parametrize("size", [(96, 64), (95, 61)])
def test_prores_keeps_alpha_size_and_times_exactly(tmp_path, size):
    pairs, times = read_back(alpha_video, tmp_path / "cutout.mov", cutouts(*size))
    assert times == SECONDS
    for picture, wish in pairs:
        assert picture.shape == wish.shape
        alpha, wished = picture[..., 3], wish[..., 3]
        assert not alpha[wished == 0].any()
        assert (alpha[wished == 255] == 255).all()
        # Ten bits hold each of the 256 values; which one a reader rounds them back to is its own affair.
        assert np.abs(alpha.astype(int) - wished).max() <= 1
        # No dark rim: the colours do not depend on alpha.
        assert np.abs(picture[..., :3].astype(int) - wish[..., :3]).max() <= 4
    assert [found.name for found in tmp_path.iterdir()] == ["cutout.mov"]


def test_prores_is_what_editors_expect(tmp_path, require):
    path = tmp_path / "cutout.mov"
    write(alpha_video(path, info(96, 64)), cutouts(96, 64))
    stream, times = probed(require("ffprobe", "ffmpeg"), path)
    assert (stream["codec_name"], stream["profile"]) == ("prores", "4444")
    assert stream["pix_fmt"].startswith("yuva444p")
    assert (stream["color_space"], stream["color_range"]) == ("bt709", "tv")
    assert times == pytest.approx([float(time) for time in SECONDS], abs=1e-6)


@pytest.mark.parametrize("size", [(96, 64), (95, 61)])
def test_webm_has_its_alpha_beside_its_colours(tmp_path, size):
    path = tmp_path / "cutout.webm"
    width, height = size
    pairs, times = read_back(alpha_video, path, cutouts(*size), "libvpx-vp9")
    assert times == pytest.approx([float(time) for time in SECONDS], abs=0.001)
    for picture, wish in pairs:
        off = np.abs(picture[:height, :width].astype(int) - wish)
        assert off[..., 3].mean() < 4
        assert off[..., :3].mean() < 4
    # FFmpeg's own decoder knows nothing of it, as documented; should it learn to, the documentation is to be changed.
    assert all((picture[..., 3] == 255).all() for picture, _ in decoded(path, "vp9"))


def test_webm_says_that_it_has_alpha(tmp_path, require):
    path = tmp_path / "cutout.webm"
    write(alpha_video(path, info(96, 64)), cutouts(96, 64))
    stream, times = probed(require("ffprobe", "ffmpeg"), path)
    assert stream["codec_name"] == "vp9"
    assert {name.lower(): value for name, value in stream["tags"].items()}["alpha_mode"] == "1"
    assert len(times) == len(TIMES)


@pytest.mark.parametrize("size", [(96, 64), (95, 61)])
def test_grey_levels_and_times_come_back_exactly(tmp_path, size):
    pairs, times = read_back(grey_video, tmp_path / "grey.mp4", ramps(*size))
    assert times == SECONDS
    for picture, wish in pairs:
        assert np.array_equal(picture[..., :3], np.repeat(wish[..., None], 3, 2))


def test_grey_levels_are_the_same_in_opencv(tmp_path):
    path = tmp_path / "grey.mp4"
    wanted = list(ramps(96, 64))
    write(grey_video(path, info(96, 64)), wanted)
    reader = cv2.VideoCapture(str(path))
    for wish in wanted:
        there, picture = reader.read()
        assert there
        assert np.array_equal(picture, np.repeat(wish[..., None], 3, 2))
    assert not reader.read()[0]


@pytest.mark.parametrize(("make", "name"), [(alpha_video, "a.mov"), (alpha_video, "a.webm"), (grey_video, "a.mp4")])
def test_what_a_killed_run_leaves_can_be_read(tmp_path, make, name):
    path = tmp_path / name
    about = info(96, 64)
    pictures = list(ramps(96, 64) if make is grey_video else cutouts(96, 64))
    sink = make(path, about)
    for number in range(120):
        sink.write(Frame(pictures[number % 8], number, number * 3000, TICK))
    left = partial_path(path).read_bytes()
    sink.abort()
    copy = tmp_path / f"copy{path.suffix}"
    copy.write_bytes(left)
    assert len(list(decoded(copy))) > 30
    assert not path.exists()


def test_another_extension_is_refused_with_the_ones_that_do(tmp_path):
    with pytest.raises(UsageError, match=r"a\.mp4 is no name for a video with alpha; end it in \.mov or \.webm"):
        alpha_video(tmp_path / "a.mp4", info(4, 4))
    with pytest.raises(UsageError, match=r"a\.mkv is no name for a video of grey levels; end it in \.mp4"):
        grey_video(tmp_path / "a.mkv", replace(info(4, 4)))
