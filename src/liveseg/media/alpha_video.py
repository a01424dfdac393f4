"""Video files of other pictures than RGB: with alpha, for editors and browsers, and of exact grey levels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.media.encoding import CONTAINERS, Encoding, encoder_options
from liveseg.media.video_sink import VideoSink

if TYPE_CHECKING:
    from os import PathLike

    from liveseg.media.frame import SourceInfo

_QUANTISER = 4
_FF_QP2LAMBDA = 118

# With a quantiser of its own ProRes needs a quarter of the time that it takes to meet a bit rate; at 4 a photo is off
# by half a level on average. Alpha is lossless at any.
_PRORES = Encoding(
    CONTAINERS[".mov"],
    "prores_ks",
    {"profile": "4444", "vendor": "apl0", "flags": "+qscale", "global_quality": str(_QUANTISER * _FF_QP2LAMBDA)},
    "yuva444p10le",
)
_VP9_CRF = 20
_ALPHA = {
    ".mov": _PRORES,
    ".webm": Encoding(
        CONTAINERS[".webm"],
        "libvpx-vp9",
        # libvpx cannot keep frames for later references together with their alpha.
        encoder_options("libvpx-vp9", _VP9_CRF) | {"auto-alt-ref": "0"},
        "yuva420p",
    ),
}
ALPHA_EXTENSIONS = tuple(_ALPHA)
"""The kinds of file that hold a video with alpha, the better one first."""

# Lossless H.264 keeps a frame's time to the tick, takes about half the time of FFV1 at a similar size, and opens in
# FFmpeg, OpenCV and VLC alike; Matroska, where FFV1 is at home, rounds times to milliseconds.
_GREY = Encoding(CONTAINERS[".mp4"], "libx264", {"qp": "0", "preset": "ultrafast"}, "gray")
GREY_EXTENSIONS = (".mp4", ".m4v")
"""The kinds of file that hold a video of exact grey levels."""


def alpha_video(
    path: str | PathLike[str], info: SourceInfo, *, threads: int | None = None, overwrite: bool = False
) -> VideoSink:
    """A sink of frames whose `image` is `(H, W, 4)` `uint8` RGBA with straight alpha.

    `.mov` is ProRes 4444, for editors: alpha is exact, times are, and an odd size stays. `.webm` is VP9 with alpha, for
    browsers: a fiftieth of the size, alpha close to what it was, times in milliseconds. FFmpeg's own decoder of VP9
    drops alpha; its `libvpx-vp9` reads it.

    Raises:
        UsageError: another extension.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there.
    """
    encoding = _ALPHA.get(Path(path).suffix.lower())
    if encoding is None:
        raise UsageError(f"{path} is no name for a video with alpha; end it in {' or '.join(_ALPHA)}")
    return VideoSink(path, info, threads=threads, overwrite=overwrite, encoding=encoding)


def grey_video(
    path: str | PathLike[str], info: SourceInfo, *, threads: int | None = None, overwrite: bool = False
) -> VideoSink:
    """A sink of frames whose `image` is `(H, W)` `uint8`, which come back exactly as they were, at exact times.

    It is lossless H.264 (High 4:4:4 Predictive) in full range.

    Raises:
        UsageError: another extension than `.mp4` or `.m4v`.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there.
    """
    if Path(path).suffix.lower() not in GREY_EXTENSIONS:
        raise UsageError(f"{path} is no name for a video of grey levels; end it in {GREY_EXTENSIONS[0]}")
    return VideoSink(path, info, threads=threads, overwrite=overwrite, encoding=_GREY)
