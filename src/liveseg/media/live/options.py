"""How live sources are read, and what FFmpeg is told for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from fractions import Fraction

    from liveseg.media.address import Address, AddressKind


@dataclass(frozen=True, kw_only=True)
class LiveOptions:
    """How live sources are read.

    Args:
        every_frame: whether each frame is wanted, however late, or only the newest; `None`: the newest of what comes at
            its own pace, and each of files and of raw frames on standard input.
        reconnect: seconds to try for, to get back a source that is away; 0 gives up at once.
        timeout: seconds of silence after which a source counts as away, and those to wait for it at first.
        rtsp_transport: how RTSP carries its packets.
        pixel_format: of raw frames on standard input, by FFmpeg's names.
        frame_size: width and height of raw frames, in pixels; those to ask a camera for.
        frame_rate: of raw frames, 25 by default; the one to ask a camera for, 30 by default.
        threads: at most this many for decoding; by default one a processor, up to four.

    Raises:
        UsageError: a value that makes no sense.
    """

    every_frame: bool | None = None
    reconnect: float = 60.0
    timeout: float = 5.0
    rtsp_transport: Literal["tcp", "udp"] = "tcp"
    pixel_format: str = "rgb24"
    frame_size: tuple[int, int] | None = None
    frame_rate: Fraction | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.reconnect < 0:
            raise UsageError(f"the time to reconnect in is 0 s or more, not {self.reconnect:g} s")
        if self.timeout <= 0:
            raise UsageError(f"the time-out is above 0 s, not {self.timeout:g} s")


_PROTOCOLS: dict[AddressKind, str] = {
    "rtsp": "rtsp,rtsps,rtp,srtp,udp,tcp,tls",
    "rtmp": "rtmp,rtmps,tcp,tls",
    "http": "http,https,httpproxy,tcp,tls,crypto",
    "udp": "udp",
    "tcp": "tcp",
    "srt": "srt",
}
"""What each kind of address may lead to: a playlist from the network opens neither files nor other services."""

_LONGEST_RECONNECT = 4294
"""Seconds; FFmpeg counts them in microseconds, in 32 bits."""

_PROBING = {
    # By default FFmpeg looks at 5 s and 5 MB before the first frame, and at 20 frames to find out their rate; two are
    # enough for that, and without any it takes the rate of H.264 for twice what it is. What it has looked at it gives
    # out afterwards; with `fflags=nobuffer` it would not, and the first key frame were lost.
    "analyzeduration": "1000000",
    "probesize": "1000000",
    "fpsprobesize": "2",
}


def ffmpeg_options(address: Address, options: LiveOptions) -> dict[str, str]:
    """What FFmpeg is told to open a network address with, so that it waits no longer than it has to."""
    told = _PROBING | {"protocol_whitelist": _PROTOCOLS[address.kind]}
    if address.kind == "http":
        # A file is gone on with where a connection breaks. What streams takes no such option: it has no place to go on.
        silence, patience = round(options.timeout * 1e6), min(max(round(options.reconnect), 1), _LONGEST_RECONNECT)
        told |= {"rw_timeout": f"{silence}", "reconnect": "1" if options.reconnect else "0"}
        told |= {"reconnect_delay_max": "4", "reconnect_delay_total_max": f"{patience}"}
        # Of a live playlist, begin with the newest segment rather than with the last but two.
        return told | {"live_start_index": "-1"}
    if address.kind == "rtsp":
        told |= {"rtsp_transport": options.rtsp_transport, "allowed_media_types": "video"}
        # 0.1 s for packets that overtook each other on the way, which they do by UDP only.
        told |= {"max_delay": "100000"}
    if address.kind == "udp" or (address.kind == "rtsp" and options.rtsp_transport == "udp"):
        told |= {"buffer_size": f"{2**21}"}
    if address.kind == "udp":
        told |= {"overrun_nonfatal": "1"}
    if address.kind == "rtmp":
        told |= {"rtmp_live": "live", "rtmp_buffer": "0"}
    return told
