"""Which videos are cut into pieces, told by their headers alone."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

from av.error import FFmpegError

from liveseg.batch.records import Piece
from liveseg.batch.videos import trust_of
from liveseg.errors import LivesegError
from liveseg.media.video_decoder import VideoDecoder
from liveseg.media.video_open import open_video

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.batch.records import Item
    from liveseg.media.video_decoder import Opener
    from liveseg.settings.batch import BatchSettings

_SEEKABLE = ("mov", "matroska", "avi")
"""Formats with an index, which leads to a time without reading what is before; by the first of their names."""

_WORTH_A_LOOK = 1 << 20
"""Bytes: smaller files are one task, however long they play."""

_LOOKED_AT = 16
"""Packets that are looked at for their times."""


def divide(duration: Fraction | float, seconds: float) -> list[Piece] | None:
    """The pieces of a video so long; `None` for less than twice as long as one, which is not cut.

    Args:
        duration: of the video.
        seconds: of each piece but the last, which is less than twice as long; 0 cuts nothing.
    """
    if seconds <= 0 or duration < 2 * seconds:
        return None
    count = int(duration // seconds)
    last = count - 1
    return [
        Piece(index, count, index * seconds, None if index == last else (index + 1) * seconds) for index in range(count)
    ]


def may_be_cut(item: Item, settings: BatchSettings) -> bool:
    """Whether a file's header is worth a look, by what is known of it without."""
    worth = item.size is None or item.size >= _WORTH_A_LOOK
    return item.kind == "video" and settings.pieces_seconds > 0 and worth


def pieces_of(item: Item, settings: BatchSettings) -> list[Piece] | None:
    """The pieces that a file of a batch is to be cut into; see `pieces_of_file`.

    Args:
        item: the file; of one elsewhere than here a few ranges are read.
        settings: of the batch.

    Returns:
        The pieces; `None` where it is to be taken whole.
    """
    if not may_be_cut(item, settings):
        return None
    trust = trust_of(settings)
    if "://" not in item.location:
        path = Path(item.location)
        return pieces_of_file(lambda: open_video(path, trust), settings.pieces_seconds)
    from liveseg.batch.pieces.ranged import RangedOpener

    opener = RangedOpener(item.location, settings.storage_options, trust)
    try:
        return pieces_of_file(opener, settings.pieces_seconds)
    finally:
        opener.close()


def pieces_of_file(file: Path | Opener, seconds: float) -> list[Piece] | None:
    """The pieces that a video is to be cut into; its header is read, and no picture is decoded.

    Not cut are short ones, those whose header announces no duration or which have no index (a transport stream), those
    with a single key frame, and those whose container does not say when a picture is shown (B-frames in AVI). Nor is
    what cannot be read: whoever reads it whole says why.

    Args:
        file: its path, or what opens it.
        seconds: of a piece; 0 cuts nothing.

    Returns:
        The pieces; `None` where the video is to be taken whole.
    """
    if seconds <= 0:
        return None
    opener = file if callable(file) else (lambda: open_video(file))
    try:
        decoder = VideoDecoder(opener, threads=1)
    except (LivesegError, OSError):
        return None
    try:
        if decoder.announced_duration is None:
            return None
        stream = decoder.stream
        container = cast("InputContainer", stream.container)
        # Matroska counts from 0, wherever its first frame is.
        before = container.start_time or 0 if container.format.name.startswith("matroska") else 0
        pieces = divide(decoder.announced_duration - Fraction(max(before, 0), 1_000_000), seconds)
        return pieces if pieces is not None and _can_be_cut(container, stream) else None
    except (FFmpegError, OSError):
        return None
    finally:
        decoder.close()


def _can_be_cut(container: InputContainer, stream: VideoStream) -> bool:
    if container.format.name.split(",")[0] not in _SEEKABLE:
        return False
    entries = stream.index_entries
    if stream.frames and len(entries) == stream.frames and sum(entry.is_keyframe for entry in entries) < 2:
        return False
    packets = itertools.islice((packet for packet in container.demux(stream) if packet.size), _LOOKED_AT)
    return all(packet.pts is not None for packet in packets)
