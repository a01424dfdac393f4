"""Opening a network address with FFmpeg, without waiting longer than asked and without telling its password."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import av
from av.error import FFmpegError, InvalidDataError

from liveseg.media.live.failures import failure
from liveseg.media.live.interrupt import interruptible
from liveseg.media.live.options import ffmpeg_options
from liveseg.media.video_open import LENIENT, with_video

if TYPE_CHECKING:
    import threading

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.media.address import Address
    from liveseg.media.live.options import LiveOptions

PLAYLIST_PATIENCE = 15.0
"""Seconds that a live playlist may take, beyond the time-out of each request, to list a new segment."""


def open_network(address: Address, options: LiveOptions, ended: threading.Event) -> tuple[InputContainer, VideoStream]:
    """Connect to a network address: its container and the video stream that FFmpeg thinks best.

    Args:
        address: of any kind but `camera` and `stdin`.
        options: how it is read.
        ended: once set, the call fails soon.

    Raises:
        MediaError: no connection, or no video in it; the message holds no password.
    """
    reading = options.timeout
    if address.kind == "http":
        # FFmpeg watches the silence of each request itself; between them it may try again, or wait for a segment.
        reading += max(options.reconnect, PLAYLIST_PATIENCE)
    began = time.monotonic()
    try:
        with interruptible(ended):
            opened = av.open(
                address.text,
                "r",
                container_options=ffmpeg_options(address, options),
                timeout=(options.timeout, reading),
                **LENIENT,
            )
    except (FFmpegError, OSError, ValueError) as error:
        # An RTSP server that does not answer is, to FFmpeg, one that answers nonsense.
        silent = isinstance(error, InvalidDataError) and time.monotonic() - began >= options.timeout
        failed = failure(address, TimeoutError() if silent else error, options.timeout)
    else:
        return with_video(cast("InputContainer", opened), address.shown)
    raise failed


def is_live(container: InputContainer) -> bool:
    """Whether what was opened over HTTP comes at its own pace: a playlist without end, or a stream without a length."""
    if container.format.name == "hls":
        return not container.duration
    return container.size <= 0
