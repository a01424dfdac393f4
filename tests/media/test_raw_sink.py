"""Raw frames: their bytes and no others, whole, and a reader that goes away ends the work quietly."""

import io
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest

from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.raw_sink import RawSink

INFO = SourceInfo("the clip", "video", 97, 63, Fraction(25), Fraction(1, 25))


def picture(number):
    return np.random.default_rng(number).integers(0, 256, (63, 97, 3), np.uint8)


def test_the_bytes_are_those_of_the_frames_also_of_views():
    stream = io.BytesIO()
    with RawSink(INFO, stream) as sink:
        sink.write(Frame(picture(0), 0, 0, Fraction(1, 25)))
        sink.write(Frame(picture(1)[::-1, ::-1], 1, 1, Fraction(1, 25)))
    assert stream.getvalue() == picture(0).tobytes() + picture(1)[::-1, ::-1].tobytes()


PROGRAM = """
import sys, time
from fractions import Fraction
import numpy as np
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.open_sink import open_sink
with open_sink("-", SourceInfo("x", "video", 640, 480, Fraction(25), Fraction(1, 25))) as sink:
    for number in range(int(sys.argv[1])):
        sink.write(Frame(np.full((480, 640, 3), number, np.uint8), number, number, Fraction(1, 25)))
        if sys.argv[2:]:
            sys.stdin.readline()
"""


def program(*arguments, **how):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, **how)


def test_another_program_gets_whole_frames():
    with program("20") as process:
        data = process.stdout.read()
    assert process.returncode == 0
    frames = np.frombuffer(data, np.uint8).reshape(20, -1)
    assert frames.shape == (20, 640 * 480 * 3)
    assert all((frame == number).all() for number, frame in enumerate(frames))


def test_a_frame_is_there_as_soon_as_it_is_written():
    with program("2", "wait", stdin=subprocess.PIPE) as process:
        # Were it held back, this would wait for the second frame, which waits for this.
        assert len(process.stdout.read(640 * 480 * 3)) == 640 * 480 * 3
        process.stdin.write(b"\n\n")
        process.stdin.close()
        assert len(process.stdout.read()) == 640 * 480 * 3


def test_a_reader_that_goes_away_is_a_broken_pipe():
    with program("1000", stderr=subprocess.PIPE) as process:
        process.stdout.read(100)
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "BrokenPipeError" in said
    assert "SinkError" not in said


def test_no_frames_are_one_line():
    with pytest.raises(MediaError, match="the clip gave no frames, so nothing was written to standard output"):
        RawSink(INFO, io.BytesIO()).commit()


def test_a_frame_of_another_size_is_refused():
    stream = io.BytesIO()
    with pytest.raises(SinkError, match="to standard output: it is 96x63, but 97x63 was announced"):
        RawSink(INFO, stream).write(Frame(picture(0)[:, :96]))
    assert stream.getvalue() == b""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="writes to /dev/full")
def test_a_full_disk_is_one_line():
    with (
        open("/dev/full", "wb", buffering=0) as full,  # noqa: PTH123 - a device
        pytest.raises(SinkError, match="cannot write standard output: no space left there"),
    ):
        RawSink(INFO, full).write(Frame(picture(0)))


class FakeTerminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_is_no_place_for_raw_frames(monkeypatch):
    monkeypatch.setattr(sys, "stdout", FakeTerminal())
    with pytest.raises(UsageError, match="not for a terminal"):
        RawSink(INFO)
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SinkError, match="this process has none"):
        RawSink(INFO)
