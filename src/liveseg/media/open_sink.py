"""From what `-o` says to the sink that it means."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from liveseg.errors import UsageError
from liveseg.media.frame import Selection

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from liveseg.media.frame import Sink, SourceInfo
    from liveseg.media.untrusted import Untrusted
    from liveseg.media.video_sink import VideoSink

TargetKind = Literal["file", "raw", "push", "web", "camera"]

_PUSHED = frozenset({"rtsp", "rtsps", "rtmp", "rtmps", "udp", "srt"})
_SERVED = frozenset({"http", "https"})


@dataclass(frozen=True, kw_only=True)
class SinkOptions:
    """What may be said of an output besides its name; each kind takes what concerns it.

    Args:
        codec: video encoder of a file.
        crf: quality of a file or of what is pushed.
        preset: effort of the encoder, likewise.
        threads: of the encoder, likewise.
        audio_from: the file whose sound goes into a video.
        selection: the source's.
        segment: start a new file every so many seconds.
        overwrite: whether files may be replaced.
        timeout: seconds that a server may be silent.
        untrusted: where `audio_from` came from somebody unknown, how far it is trusted.
        tell: told in one line what the user should know at once: where a stream is to be found, and when it is away.
    """

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None
    threads: int | None = None
    audio_from: Path | None = None
    selection: Selection | None = None
    segment: Fraction | None = None
    overwrite: bool = False
    timeout: float = 5.0
    untrusted: Untrusted | None = None
    tell: Callable[[str], None] = lambda _line: None


def target_kind(target: str) -> TargetKind:
    r"""What an output is: `file`, `raw` for `-`, `push`, `web` for one that is served, or `camera`.

    `C:\clip.mp4` is a file, as is any other name without `://`; `camera:` and `/dev/video2` are cameras.

    Raises:
        UsageError: a scheme that is not written to.
    """
    if target == "-":
        return "raw"
    if target.startswith("camera:") or re.fullmatch(r"/dev/video\d+", target):
        return "camera"
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", target)
    if match is None:
        return "file"
    scheme = match[1].lower()
    if scheme in _PUSHED:
        return "push"
    if scheme in _SERVED:
        return "web"
    known = ", ".join(f"{name}://" for name in sorted(_PUSHED | {"http"}))
    raise UsageError(f"nothing can be sent to {scheme}://; known are {known}, camera: and - for standard output")


def shown_target(target: str) -> str:
    """A target for messages: an address without its secrets, anything else as it is.

    Raises:
        UsageError: an address that cannot be read.
    """
    from liveseg.media.address import parse_address

    kind = target_kind(target)
    address = parse_address(target) if kind == "push" or (kind == "web" and "@" in target) else None
    return target if address is None else address.shown


def open_sink(target: str, info: SourceInfo, options: SinkOptions | None = None) -> Sink:
    """Open what `-o` names for the frames of a source.

    Args:
        target: a file, `-`, `rtsp://`, `rtmp://`, `udp://` or `srt://` to push to, `http://HOST:PORT/PATH` to serve at,
            `camera:` or `camera:///dev/video2` for a virtual camera.
        info: the source's.
        options: what else was said.

    Raises:
        UsageError: a scheme that is not written to, or options that do not go with it.
        SinkError: it cannot be written, reached or served.
        MissingExtraError: what it needs is not installed.
    """
    options = options or SinkOptions()
    kind = target_kind(target)
    if kind == "file":
        return _file(Path(target), info, options)
    if options.segment is not None:
        raise UsageError("--segment cuts files; name one with -o")
    if kind != "push":
        for name in ("codec", "crf", "preset"):
            if getattr(options, name) is not None:
                raise UsageError(f"--{name} is for encoded video; leave it out, or name a file with -o")
    if kind == "raw":
        from liveseg.media.raw_sink import RawSink

        return RawSink(info)
    if info.kind == "image":
        raise UsageError(f"{info.name} is an image, which cannot be streamed; name a file with -o")
    if kind == "camera":
        from liveseg.media.virtual_camera import VirtualCameraSink

        device = target.removeprefix("camera:").removeprefix("//")
        return VirtualCameraSink(info, device or None, tell=options.tell)
    if kind == "web":
        from liveseg.media.mjpeg_sink import MjpegSink

        return MjpegSink(target, info, tell=options.tell)
    return _push(target, info, options)


def _file(path: Path, info: SourceInfo, options: SinkOptions) -> Sink:
    if info.kind == "image":
        from liveseg.media.image_sink import ImageSink

        return ImageSink(path, overwrite=options.overwrite)

    def open_video(name: Path, passed: Fraction | int = 0) -> VideoSink:
        from liveseg.media.video_sink import VideoSink

        selection = options.selection or Selection()
        return VideoSink(
            name,
            replace(info, duration=_left(info.duration, passed)),
            codec=options.codec,
            crf=options.crf,
            preset=options.preset,
            audio_from=options.audio_from,
            selection=replace(selection, duration=_left(selection.duration, passed)),
            threads=options.threads,
            overwrite=options.overwrite,
            untrusted=options.untrusted,
        )

    if options.segment is None:
        return open_video(path)
    from liveseg.media.segment_sink import SegmentSink

    return SegmentSink(path, options.segment, open_video, overwrite=options.overwrite)


def _left(duration: Fraction | None, passed: Fraction | int) -> Fraction | None:
    return None if duration is None else duration - passed


def _push(target: str, info: SourceInfo, options: SinkOptions) -> Sink:
    from liveseg.media.push_sink import PushSink

    if options.codec not in {None, "libx264"}:
        raise UsageError(f"what is pushed is H.264; leave out --codec {options.codec}")
    return PushSink(
        target,
        info,
        shown=shown_target(target),
        crf=options.crf,
        preset=options.preset,
        threads=options.threads,
        timeout=options.timeout,
        tell=options.tell,
    )
