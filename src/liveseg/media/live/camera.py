"""Cameras of this machine, through FFmpeg: Video4Linux, AVFoundation on macOS, DirectShow on Windows."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
from av.error import FFmpegError

from liveseg.errors import LivesegError, MediaError, SourceNotFoundError
from liveseg.media.live.interrupt import interruptible
from liveseg.media.video_open import LENIENT, reason, with_video

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.media.address import Address
    from liveseg.media.live.options import LiveOptions

_FORMATS = {"linux": "v4l2", "darwin": "avfoundation", "win32": "dshow"}
_DEFAULT_RATE = 30
_COMPRESSED = {"v4l2": {"input_format": "mjpeg"}, "dshow": {"vcodec": "mjpeg"}}
"""How to ask for JPEG pictures: by USB 2, a camera sends raw ones of 1280x720 only ten times a second."""


def open_camera(
    address: Address, options: LiveOptions, ended: threading.Event, *, platform: str = sys.platform
) -> tuple[InputContainer, VideoStream]:
    """Open a camera by its number or, on Linux, by its device file.

    It is asked for the size (its own by default) and rate (30 by default) that the options name, compressed; where it
    has no such mode, for that size and rate in any form, and then for whatever it gives.

    Raises:
        SourceNotFoundError: there is no such camera.
        MediaError: it may not be used, is in use, or gives no pictures.
    """
    kind = _FORMATS.get(platform)
    if kind is None:
        raise MediaError(f"liveseg knows no cameras on {platform}; stream its pictures to an address and name that")
    device = device_of(address, kind)
    failed: LivesegError | None = None
    for asked in modes(kind, options):
        try:
            with interruptible(ended):
                opened = av.open(device, "r", format=kind, container_options=asked, timeout=options.timeout, **LENIENT)
        except (FFmpegError, OSError, ValueError) as error:
            failed = camera_failure(address, device, error)
            if isinstance(error, FileNotFoundError | PermissionError) or getattr(error, "errno", 0) == errno.EBUSY:
                raise failed from error
        else:
            return with_video(cast("InputContainer", opened), address.shown)
    raise failed or MediaError(f"cannot read {address}")


def modes(kind: str, options: LiveOptions) -> Iterator[dict[str, str]]:
    """What to ask a camera for, the best first.

    Args:
        kind: FFmpeg's name of what reads it.
        options: size and rate are in it.
    """
    size = {} if options.frame_size is None else {"video_size": "{}x{}".format(*options.frame_size)}
    wanted = {"framerate": str(options.frame_rate or _DEFAULT_RATE)} | size
    if kind in _COMPRESSED:
        yield wanted | _COMPRESSED[kind]
    yield wanted
    yield size
    if size:
        yield {}


def device_of(address: Address, kind: str) -> str:
    """What FFmpeg calls a camera.

    Raises:
        SourceNotFoundError: there is none of that number.
    """
    if not address.text.isdecimal():
        return address.text
    if kind == "v4l2":
        return f"/dev/video{int(address.text)}"
    if kind == "avfoundation":
        return f"{int(address.text)}:none"
    names = [device.name for device in av.enumerate_input_devices(kind) if "video" in device.media_types]
    if int(address.text) >= len(names):
        raise SourceNotFoundError(f"no {address}; {_known(names)}")
    return f"video={names[int(address.text)]}"


def camera_failure(address: Address, device: str, error: Exception) -> LivesegError:
    """What to tell the user of a camera that could not be opened."""
    if isinstance(error, FileNotFoundError) or getattr(error, "errno", 0) == errno.ENODEV:
        names = sorted(str(path) for path in Path("/dev").glob("video*")) if device.startswith("/dev/") else []
        return SourceNotFoundError(f"no {address}: there is no {device}; {_known(names)}")
    if isinstance(error, PermissionError):
        return MediaError(
            f"not allowed to use {address} ({device}); on Linux become a member of the group video, on macOS allow it"
            " in the settings under Privacy"
        )
    if getattr(error, "errno", 0) == errno.EBUSY:
        return MediaError(f"{address} ({device}) is in use; end the program that uses it")
    return MediaError(f"{address} ({device}) gives no pictures: {reason(error)}; check --frame-size and --frame-rate")


def _known(names: list[str]) -> str:
    return f"there are {', '.join(names)}" if names else "this machine has no camera that liveseg can see"
