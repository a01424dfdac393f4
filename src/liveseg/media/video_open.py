"""Opening a video file, or saying in one line why that cannot be done."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

import av
from av.error import ArgumentError, ExitError, FFmpegError
from av.stream import Disposition
from av.video.stream import VideoStream

from liveseg.errors import MediaError, SourceNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from av.container import InputContainer
    from av.stream import Stream

    from liveseg.media.untrusted import Untrusted

_NO_VIDEO = ("tty", "image2")
"""Formats that FFmpeg plays as video and nobody means so: text as ANSI art, pictures."""


_MOST_THREADS = 4
"""More than this many threads for decoding or encoding one video gain little, and take them from the network."""


# Titles in another encoding are no reason to refuse a video. PyAV 19 always thinks so, and lacks the option.
LENIENT: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}


def codec_threads(threads: int | None) -> int:
    """How many threads a decoder or encoder gets: those asked for, by default one a processor, up to four."""
    return max(threads, 1) if threads is not None else min(os.cpu_count() or 1, _MOST_THREADS)


def open_container(path: Path, untrusted: Untrusted | None = None) -> InputContainer:
    """Open a media file; it may hold anything.

    Args:
        path: the file.
        untrusted: for a file that came from somebody unknown, how far it is trusted.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a folder, an empty file, one that may not be read, or one that FFmpeg does not know.
    """
    if path.is_dir():
        raise MediaError(f"{path} is a folder; name a video file in it")
    try:
        if path.stat().st_size == 0 and path.is_file():
            raise MediaError(f"{path} is empty (0 bytes)")
        # With its protocol named, no file name is taken for an address; and a playlist in the file opens no others
        # than files.
        local: dict[str, Any] = {"container_options": {"protocol_whitelist": "file"}}
        how = local if untrusted is None else {"options": untrusted.options}
        return cast("InputContainer", av.open(f"file:{path}", "r", **how, **LENIENT))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except PermissionError as error:
        raise MediaError(f"not allowed to read {path}; check its permissions") from error
    except (FFmpegError, OSError, ValueError) as error:
        if isinstance(error, MediaError):
            raise
        raise MediaError(_unreadable(path, error, untrusted)) from error


def _unreadable(path: Path, error: Exception, untrusted: Untrusted | None) -> str:
    """What to say of a file that FFmpeg would not open."""
    if untrusted is not None and isinstance(error, ArgumentError):
        return f"{path} is none of the kinds of video that are taken: {untrusted.kinds}"
    if _lacks_index(path):
        return (
            f"{path} was cut off before its index (the moov box) was written, so nothing can play it; copy it"
            " again, or rebuild the index with a tool such as untrunc"
        )
    if isinstance(error, EOFError):
        return f"{path} ends before its first picture or sound"
    return f"{path} is not a video that can be read: {reason(error)}"


def open_video(path: Path, untrusted: Untrusted | None = None) -> tuple[InputContainer, VideoStream]:
    """Open a video file: its container and the video stream that FFmpeg thinks best, cover pictures aside.

    Args:
        path: the file.
        untrusted: for a file that came from somebody unknown, how far it is trusted.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: not a video, or none that can be decoded here; the message says what it is.
    """
    container, stream = with_video(open_container(path, untrusted), path)
    try:
        if untrusted is not None:
            untrusted.check(stream, path)
    except BaseException:
        container.close()
        raise
    return container, stream


def with_video(container: InputContainer, name: Path | str) -> tuple[InputContainer, VideoStream]:
    """A container and its video stream; one without a stream that can be decoded is closed.

    Raises:
        MediaError: as `video_stream`.
    """
    try:
        return container, video_stream(container, name)
    except BaseException:
        container.close()
        raise


def reason(error: Exception) -> str:
    """What FFmpeg or the operating system said, on one line."""
    if isinstance(error, ExitError):
        return "nothing more came in time"
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())


def video_stream(container: InputContainer, path: Path | str) -> VideoStream:
    """The video stream that FFmpeg thinks best, cover pictures aside.

    Raises:
        MediaError: there is none, or none that can be decoded here; the message begins with `path`.
    """
    if container.format.name in _NO_VIDEO or container.format.name.endswith("_pipe"):
        what = "text" if container.format.name == "tty" else "a picture"
        raise MediaError(f"{path} is not a video but {what}")
    videos = [stream for stream in container.streams.video if not _is_cover(stream)]
    if not videos:
        covers = " and a cover picture" if container.streams.video else ""
        what = f"only sound{covers}" if container.streams.audio else f"no video stream{covers}"
        raise MediaError(f"{path} holds {what}; name a file with a video")
    best = container.streams.best("video")
    stream = best if isinstance(best, VideoStream) and not _is_cover(best) else videos[0]
    if not has_decoder(stream):
        raise MediaError(f"{path} holds a video of a kind that this FFmpeg cannot decode; convert it to H.264")
    return stream


def has_decoder(stream: Stream) -> bool:
    """Whether this FFmpeg can decode a stream; PyAV types it so that this cannot be asked otherwise."""
    return getattr(stream, "codec_context", None) is not None


def _is_cover(stream: Stream) -> bool:
    return bool(Disposition(stream.disposition) & (Disposition.attached_pic | Disposition.timed_thumbnails))


def _lacks_index(path: Path) -> bool:
    """Whether a file begins as MP4 or QuickTime does, and has sample data but no `moov` box at its top level."""
    kinds: list[bytes] = []
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            at = 0
            while at + 8 <= end and len(kinds) < 64:
                file.seek(at)
                head = file.read(16)
                size = int.from_bytes(head[:4], "big")
                if size == 1:
                    size = int.from_bytes(head[8:], "big")
                kinds.append(head[4:8])
                if size < 8:
                    break
                at += size
    except OSError:
        return False
    return kinds[:1] in ([b"ftyp"], [b"wide"], [b"mdat"]) and b"moov" not in kinds
