"""What cameras are asked for, and what is said where there is none: a camera itself is not to be had in a test."""

import errno
import sys
import threading
from fractions import Fraction

import av
import pytest
from av import error as ffmpeg

from liveseg.errors import MediaError, SourceNotFoundError
from liveseg.media.address import Address, parse_address
from liveseg.media.live.camera import device_of, modes, open_camera
from liveseg.media.live.open import open_live
from liveseg.media.live.options import LiveOptions

CAMERA = Address("0", "camera")


def test_a_camera_is_asked_for_compressed_pictures_first_and_then_for_less_and_less():
    options = LiveOptions(frame_size=(1280, 720), frame_rate=Fraction(25))
    wanted = {"framerate": "25", "video_size": "1280x720"}
    assert list(modes("v4l2", options)) == [
        wanted | {"input_format": "mjpeg"}, wanted, {"video_size": "1280x720"}, {},
    ]  # fmt: skip
    assert next(modes("dshow", options)) == wanted | {"vcodec": "mjpeg"}
    assert list(modes("avfoundation", options)) == [wanted, {"video_size": "1280x720"}, {}]


def test_without_wishes_the_size_is_the_cameras_own():
    assert list(modes("v4l2", LiveOptions())) == [{"framerate": "30", "input_format": "mjpeg"}, {"framerate": "30"}, {}]


def test_each_platform_has_its_own_names_for_cameras(monkeypatch):
    assert device_of(Address("007", "camera"), "v4l2") == "/dev/video7"
    assert device_of(Address("/dev/v4l/by-id/x", "camera"), "v4l2") == "/dev/v4l/by-id/x"
    assert device_of(Address("1", "camera"), "avfoundation") == "1:none"
    devices = [av.device.DeviceInfo(name, name, False, [kind]) for name, kind in (("Mic", "audio"), ("Cam", "video"))]
    monkeypatch.setattr(av, "enumerate_input_devices", lambda _kind: devices)
    assert device_of(CAMERA, "dshow") == "video=Cam"
    with pytest.raises(SourceNotFoundError, match="no camera 1; there are Cam"):
        device_of(Address("1", "camera"), "dshow")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="tests cameras as Linux has them")
@pytest.mark.parametrize("text", ["4711", "/dev/video4711"])
def test_a_camera_that_is_not_there_is_told_with_those_that_are(text):
    with pytest.raises(
        SourceNotFoundError, match=r"there is no /dev/video4711; (there are|this machine has no camera)"
    ):
        open_live(parse_address(text))


def failing(monkeypatch, *errors):
    """Let opening fail so, one error each time; gives what is asked for."""
    asked, left = [], list(errors)

    def fail(_device, *_, container_options, **__):
        asked.append(container_options)
        raise left.pop(0)

    monkeypatch.setattr(av, "open", fail)
    return asked


def refused(monkeypatch, *errors, kind=MediaError):
    asked = failing(monkeypatch, *errors)
    with pytest.raises(kind) as caught:
        open_camera(CAMERA, LiveOptions(), threading.Event(), platform="linux")
    return str(caught.value), asked


def test_a_camera_that_may_not_be_used_or_is_in_use_is_tried_once(monkeypatch):
    line, asked = refused(monkeypatch, ffmpeg.PermissionError(errno.EACCES, "Permission denied", "/dev/video0"))
    assert "group video" in line
    assert len(asked) == 1
    line, asked = refused(monkeypatch, ffmpeg.OSError(errno.EBUSY, "Device or resource busy", "/dev/video0"))
    assert "is in use" in line
    assert len(asked) == 1


def test_a_camera_that_has_none_of_the_modes_says_so(monkeypatch):
    wrong = ffmpeg.ArgumentError(errno.EINVAL, "Invalid argument", "/dev/video0")
    line, asked = refused(monkeypatch, wrong, wrong, wrong)
    assert "gives no pictures: Invalid argument; check --frame-size" in line
    assert len(asked) == 3


def test_a_platform_without_cameras_says_what_to_do_instead():
    with pytest.raises(MediaError, match="knows no cameras on plan9"):
        open_camera(CAMERA, LiveOptions(), threading.Event(), platform="plan9")
