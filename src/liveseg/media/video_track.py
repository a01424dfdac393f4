"""A track of video in a container that is written: its encoder set up, and its errors told, in one way everywhere."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from av.error import FFmpegError
from av.video.reformatter import ColorRange
from av.video.stream import VideoStream

from liveseg import files
from liveseg.errors import LivesegError, SinkError
from liveseg.media.color import BT709
from liveseg.media.priority import ordinary_threads
from liveseg.media.remux import TAGS
from liveseg.media.video_open import reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from fractions import Fraction
    from pathlib import Path

    from av.container import OutputContainer

_MOST_FRAMES_BETWEEN_KEYS = 600


def add_video(
    output: OutputContainer,
    codec: str,
    options: Mapping[str, str],
    *,
    size: tuple[int, int],
    rate: Fraction,
    time_base: Fraction,
    threads: int,
    key_seconds: int,
    pixels: str = "yuv420p",
) -> VideoStream:
    """Add a track of BT.709, limited range, or of grey in full range; its encoder is open.

    Args:
        output: a container that is not begun yet.
        codec: an encoder of FFmpeg.
        options: its own, quality and effort among them.
        size: width and height in pixels, both even where the pixels are 4:2:0.
        rate: frames a second, about; times are those of the frames.
        time_base: seconds a unit of the frames' `pts`.
        threads: of the encoder.
        key_seconds: at least one key frame in so many seconds.
        pixels: FFmpeg's name of what the encoder is given: `yuv420p`, one with alpha, or `gray`.

    Raises:
        av.FFmpegError: the encoder does not take such pictures or options.
    """
    if codec == "libsvtav1":
        os.environ.setdefault("SVT_LOG", "1")  # errors only: it knows no other way to be quiet
    stream = output.add_stream(
        codec,
        rate=rate.limit_denominator(1_000_000),
        # Chroma where swscale puts it, so that a player puts each sample where it came from.
        options={"chroma_sample_location": "center", **options},
        width=size[0],
        height=size[1],
        time_base=time_base,
        pix_fmt=pixels,
    )
    if not isinstance(stream, VideoStream):
        raise TypeError(f"{codec} is no encoder of video")
    context = stream.codec_context
    context.thread_count = threads
    context.gop_size = min(max(round(key_seconds * rate), 1), _MOST_FRAMES_BETWEEN_KEYS)
    context.colorspace = context.color_primaries = context.color_trc = BT709
    context.color_range = ColorRange.JPEG if pixels == "gray" else ColorRange.MPEG
    if context.codec.canonical_name in TAGS:
        context.codec_tag = TAGS[context.codec.canonical_name]
    if pixels == "yuva420p":
        # WebM keeps alpha as a second picture beside each frame; by this players know that it is there.
        stream.metadata["alpha_mode"] = "1"
    # Here rather than at the first frame, so that what it does not take is known before the work begins.
    with ordinary_threads():
        context.open()
    return stream


@contextmanager
def encoder_errors_named(path: Path, codec: str) -> Iterator[None]:
    """What FFmpeg or the operating system raises within, as a `SinkError` of one line that names the file."""
    with files.errors_named(path):
        try:
            yield
        except (FFmpegError, ValueError) as error:
            if isinstance(error, LivesegError | OSError):
                raise
            raise SinkError(f"cannot write {path}: {codec} says {reason(error)}") from error
