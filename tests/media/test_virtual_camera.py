"""A virtual camera gets the frames as they are; where there is none, one line says so."""

import sys
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from liveseg.errors import MediaError, MissingExtraError, SinkError
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.open_sink import open_sink
from liveseg.media.virtual_camera import VirtualCameraSink

INFO = SourceInfo("the camera", "video", 97, 63, Fraction(30000, 1001), Fraction(1, 1000), live=True)


class FakeCamera:
    """What pyvirtualcam's camera does, for machines without the device that it needs: it keeps what it is sent."""

    opened = None
    fails = False

    def __init__(self, width, height, fps, *, fmt, device=None):
        if FakeCamera.fails:
            raise RuntimeError("'fake' backend: no device\nDid you load the module?")
        self.asked = (width, height, fps, fmt, device)
        self.device = device or "/dev/video9"
        self.sent, self.closed = [], False
        FakeCamera.opened = self

    def send(self, picture):
        if len(self.sent) == 2:
            raise RuntimeError("the device\nhas gone")
        self.sent.append(picture.copy())

    def close(self):
        self.closed = True


@pytest.fixture
def cameras(monkeypatch):
    monkeypatch.setattr(FakeCamera, "fails", False)
    fake = SimpleNamespace(Camera=FakeCamera, PixelFormat=SimpleNamespace(RGB="rgb"))
    monkeypatch.setitem(sys.modules, "pyvirtualcam", fake)
    return FakeCamera


def picture(number):
    return np.random.default_rng(number).integers(0, 256, (63, 97, 3), np.uint8)


def frame(number):
    return Frame(picture(number), number, 40 * number, Fraction(1, 1000))


@pytest.mark.parametrize(
    ("target", "device"),
    [
        ("camera:", None),
        ("camera:///dev/video2", "/dev/video2"),
        ("camera:/dev/video2", "/dev/video2"),
        ("/dev/video2", "/dev/video2"),
        ("camera:OBS Virtual Camera", "OBS Virtual Camera"),
    ],
)
def test_the_target_names_the_camera(cameras, target, device):
    with open_sink(target, INFO) as sink:
        sink.write(frame(0))
    assert cameras.opened.asked[3:] == ("rgb", device)


def test_frames_are_sent_as_they_are_with_an_even_size(cameras):
    told = []
    with VirtualCameraSink(INFO, tell=told.append) as sink:
        for number in range(2):
            sink.write(frame(number))
    camera = cameras.opened
    assert camera.asked[:3] == (98, 64, pytest.approx(29.97003))
    for number, sent in enumerate(camera.sent):
        assert sent.shape == (64, 98, 3)
        assert sent.flags.c_contiguous
        assert (sent[:63, :97] == picture(number)).all()
        assert (sent[63, :97] == picture(number)[62]).all()
        assert (sent[:63, 97] == picture(number)[:, 96]).all()
    assert camera.closed
    assert told == ["shown by the camera /dev/video9"]


def test_a_camera_that_goes_away_is_one_line_and_is_closed(cameras):
    sink = VirtualCameraSink(INFO)
    sink.write(frame(0))
    sink.write(frame(1))
    with pytest.raises(SinkError, match=r"^the camera /dev/video9 takes no frame: the device has gone$"), sink:
        sink.write(frame(2))
    assert cameras.opened.closed
    with pytest.raises(SinkError, match="closed already"):
        sink.write(frame(3))
    sink.commit()


def test_frames_of_another_size_and_none_at_all_are_one_line(cameras):
    sink = VirtualCameraSink(INFO)
    with pytest.raises(SinkError, match="the camera /dev/video9: it is 96x63, but 97x63 was announced"):
        sink.write(Frame(picture(0)[:, :96]))
    with pytest.raises(MediaError, match="the camera gave no frames, so the camera showed nothing"):
        sink.commit()


def test_no_camera_is_one_line(cameras, monkeypatch):
    monkeypatch.setattr(FakeCamera, "fails", True)
    with pytest.raises(SinkError) as failure:
        open_sink("camera:", INFO)
    assert str(failure.value) == (
        "this machine has no virtual camera: 'fake' backend: no device Did you load the module?"
    )
    with pytest.raises(SinkError, match=r"^the virtual camera /dev/video3 cannot be used: "):
        open_sink("/dev/video3", INFO)


def test_without_pyvirtualcam_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'liveseg\[virtualcam\]'"):
        open_sink("camera:", INFO)


def test_the_real_pyvirtualcam_shows_a_frame_or_says_what_is_missing(require_module):
    require_module("pyvirtualcam", "pyvirtualcam")
    if sys.platform.startswith("linux") and not list(Path("/dev").glob("video*")):
        with pytest.raises(SinkError, match=r"^this machine has no virtual camera: .*modprobe v4l2loopback") as failure:
            open_sink("camera:", INFO)
        assert "\n" not in str(failure.value)
        return
    try:
        sink = open_sink("camera:", INFO)
    except SinkError as error:
        pytest.skip(f"needs a virtual camera: {error}")
    with sink:
        sink.write(frame(0))
