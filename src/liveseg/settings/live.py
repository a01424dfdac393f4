"""How sources are read that come at their own pace."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from liveseg.settings.option import option
from liveseg.settings.parse import parse_frame_size, parse_rate, parse_seconds

_LIVE = "Live sources"


@dataclass(frozen=True, kw_only=True)
class LiveSettings:
    """How sources are read that come at their own pace, and how their pace is kept."""

    realtime: bool = option(
        False, "Leave frames out to keep up with the source's own pace, files too.", shown="live sources", group=_LIVE
    )
    every_frame: bool = option(False, "Process every frame, however late.", shown="files", group=_LIVE)
    target_fps: float | None = option(
        None, "Choose model, size and precision so that this rate is held, and adapt to it.", least=0.1, most=1000,
        group=_LIVE, metavar="FPS",
    )  # fmt: skip
    reconnect: Fraction = option(
        Fraction(60), "Try for so long to get back a live source that is away; 0 gives up at once.",
        parse=parse_seconds, group=_LIVE, metavar="TIME",
    )  # fmt: skip
    timeout: Fraction = option(
        Fraction(5), "Count a live source as away when it is silent for so long.", parse=parse_seconds, group=_LIVE,
        metavar="TIME",
    )  # fmt: skip
    rtsp_transport: Literal["tcp", "udp"] = option("tcp", "How RTSP carries its packets.", group=_LIVE)
    pixel_format: str = option(
        "rgb24", "Layout of raw frames on standard input, by FFmpeg's names.", group=_LIVE, metavar="NAME"
    )
    frame_size: tuple[int, int] | None = option(
        None, "Width and height of raw frames on standard input, or those to ask a camera for.",
        parse=parse_frame_size, group=_LIVE, metavar="WxH",
    )  # fmt: skip
    frame_rate: Fraction | None = option(
        None, "Rate of raw frames on standard input, or the one to ask a camera for.", shown="25 for raw frames",
        parse=parse_rate, group=_LIVE, metavar="FPS",
    )  # fmt: skip
