"""Raw frames on standard input: nothing is lost, nothing is made up, and nobody waits for ever."""

import contextlib
import os
import statistics
import subprocess
import sys
import threading
import time
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

from liveseg.errors import MediaError, UsageError
from liveseg.media.frame import Selection
from liveseg.media.live.options import LiveOptions
from liveseg.media.live.raw import RawSource, frame_bytes

SIZE = (96, 64)


@pytest.fixture
def pipe():
    """The two ends of a pipe; the test closes the one to write to, or `send` does."""
    ends = os.pipe()
    yield ends
    os.close(ends[0])


def send(end, pieces, pause=0.0):
    """Write in a thread, then close."""

    def run():
        with os.fdopen(end, "wb", buffering=0) as file, contextlib.suppress(BrokenPipeError):
            for piece in pieces:
                file.write(piece)
                time.sleep(pause)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def stored(picture, pixel_format):
    """A picture as bytes in a pixel format, rows without padding."""
    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=pixel_format)
    encoder = av.CodecContext.create("rawvideo", "w")
    encoder.width, encoder.height, encoder.pix_fmt = frame.width, frame.height, pixel_format
    encoder.time_base = Fraction(1, 25)
    return b"".join(bytes(packet) for packet in encoder.encode(frame))


def source_of(pipe, selection=None, **options):
    return RawSource(LiveOptions(**{"frame_size": SIZE, **options}), selection, descriptor=pipe[0])


@pytest.mark.parametrize(
    "pixel_format", ["rgb24", "bgr24", "rgba", "gray", "yuv420p", "nv12", "yuyv422", "yuv444p10le"]
)
def test_every_frame_comes_in_the_layouts_that_ffmpeg_names(pipe, clips, pixel_format):
    send(pipe[1], [stored(clips.numbered(number), pixel_format) for number in range(30)])
    with source_of(pipe, pixel_format=pixel_format) as source:
        frames = list(source)
    assert [clips.number_of(frame.image) for frame in frames] == list(range(30))
    assert [frame.timestamp for frame in frames] == [Fraction(number, 25) for number in range(30)]
    assert (source.info.width, source.info.height, source.info.rate) == (*SIZE, 25)
    assert source.info.name == "standard input"
    assert not source.info.live
    assert all(frame.arrived is None for frame in frames)
    assert source.notes == []


def test_the_channels_are_where_the_name_says(pipe):
    red = np.zeros((64, 96, 3), np.uint8)
    red[..., 0] = 200
    send(pipe[1], [red[..., ::-1].tobytes()])
    with source_of(pipe, pixel_format="bgr24") as source:
        assert (next(iter(source)).image == red).all()


def test_a_rate_is_kept_exactly(pipe, clips):
    send(pipe[1], [clips.numbered(number).tobytes() for number in range(3)])
    with source_of(pipe, frame_rate=Fraction(30000, 1001)) as source:
        assert [frame.timestamp for frame in source] == [number * Fraction(1001, 30000) for number in range(3)]


def test_a_last_frame_that_is_not_whole_is_left_out_and_told(pipe, clips):
    whole = clips.numbered(5).tobytes()
    send(pipe[1], [whole, whole[:1000]])
    with source_of(pipe) as source:
        assert len(list(source)) == 1
    assert source.notes == ["its last frame was cut off (1000 of 18432 bytes), and is left out"]


@pytest.mark.parametrize(("held", "told"), [(b"", "nothing"), (b"abc", "3 of 18432 bytes")])
def test_less_than_one_frame_is_an_error(pipe, held, told):
    send(pipe[1], [held] if held else [])
    with pytest.raises(MediaError, match=f"cannot read standard input: it held {told}"):
        source_of(pipe)


def test_a_slow_consumer_makes_the_writer_wait_and_loses_nothing(pipe, clips):
    send(pipe[1], [clips.numbered(number).tobytes() for number in range(40)])
    numbers = []
    with source_of(pipe) as source:
        for frame in source:
            numbers.append(clips.number_of(frame.image))
            time.sleep(0.01)
    assert numbers == list(range(40))


def test_in_real_time_the_newest_frame_comes(pipe, clips):
    send(pipe[1], [clips.numbered(number).tobytes() for number in range(40)], pause=0.02)
    frames, ages = [], []
    with source_of(pipe, every_frame=False) as source:
        assert source.info.live
        for frame in source:
            ages.append(time.monotonic() - frame.arrived)
            frames.append(frame)
            time.sleep(0.1)
    assert statistics.median(ages) < 0.5
    assert len(frames) < 30
    assert [clips.number_of(frame.image) for frame in frames] == [frame.index for frame in frames]
    for before, after in pairwise(frames):
        assert after.index - before.index == after.dropped_before + 1


def test_a_selection_counts(pipe, clips):
    send(pipe[1], [clips.numbered(number).tobytes() for number in range(40)])
    with source_of(pipe, Selection(start=Fraction(10, 25), every=5, limit=3)) as source:
        assert [clips.number_of(frame.image) for frame in source] == [10, 15, 20]


def test_a_writer_that_pauses_for_ever_does_not_keep_the_source_from_ending(pipe, clips):
    os.write(pipe[1], clips.numbered(0).tobytes())
    before = set(threading.enumerate())
    with source_of(pipe) as source:
        frames = iter(source)
        next(frames)
        threading.Timer(0.2, source.end).start()
        began = time.monotonic()
        assert list(frames) == []
    assert time.monotonic() - began < 10
    os.close(pipe[1])
    assert not [thread for thread in set(threading.enumerate()) - before if thread.name == "liveseg-source"]


def test_frames_of_unknown_size_or_layout_are_wrong_usage(pipe):
    os.close(pipe[1])
    with pytest.raises(UsageError, match="give --frame-size"):
        source_of(pipe, frame_size=None)
    for wrong in ("nonsense", "rgb", "vaapi", ""):
        with pytest.raises(UsageError, match="like rgb24"):
            source_of(pipe, pixel_format=wrong)


def test_the_size_of_a_frame_is_that_of_its_planes_together():
    assert frame_bytes("rgb24", 97, 65) == 97 * 65 * 3
    assert frame_bytes("yuv420p", 97, 65) == 97 * 65 + 2 * 49 * 33


COMMAND = """
from liveseg.media.address import parse_address
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions
with open_live(parse_address("-"), options=LiveOptions(frame_size=(96, 64))) as source:
    print(len(list(source)))
"""


def test_standard_input_itself_is_read_from_a_pipe_and_from_a_file(tmp_path, clips):
    data = b"".join(clips.numbered(number).tobytes() for number in range(4))
    command = [sys.executable, "-c", COMMAND]
    answer = subprocess.run(command, input=data, capture_output=True, timeout=60, check=True)
    assert answer.stdout.split() == [b"4"]
    (tmp_path / "frames.raw").write_bytes(data)
    with (tmp_path / "frames.raw").open("rb") as file:
        answer = subprocess.run(command, stdin=file, capture_output=True, timeout=60, check=True)
    assert answer.stdout.split() == [b"4"]


def test_a_terminal_or_no_standard_input_is_told(monkeypatch):
    options = LiveOptions(frame_size=SIZE)
    primary, secondary = os.openpty() if hasattr(os, "openpty") else pytest.skip("needs a terminal of its own")
    with os.fdopen(primary), os.fdopen(secondary) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with pytest.raises(UsageError, match="is a terminal"):
            RawSource(options)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(MediaError, match="there is no standard input"):
        RawSource(options)
