"""Frames to a media server or player while they are made, by RTSP, RTMP, UDP or SRT."""

from __future__ import annotations

import shutil
import threading
import time
from fractions import Fraction
from typing import TYPE_CHECKING

from liveseg.errors import MediaError, SinkError
from liveseg.media.encoding import encoder_options, usable_time_base
from liveseg.media.frame import Sink
from liveseg.media.frame_check import FrameCheck
from liveseg.media.playback import Playback
from liveseg.media.push_process import Push, PushProcess
from liveseg.media.video_open import codec_threads

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.frame import Frame, SourceInfo

FORMATS = {"rtsp": "rtsp", "rtsps": "rtsp", "rtmp": "flv", "rtmps": "flv", "udp": "mpegts", "srt": "mpegts"}
"""The schemes of addresses that can be pushed to, and FFmpeg's name of what is sent there."""

_MUXER = {
    "rtsp": {"rtsp_transport": "tcp"},
    "flv": {"flvflags": "no_duration_filesize"},
    "mpegts": {"flush_packets": "1"},
}
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0
"""Seconds between attempts to get back to a server: doubled each time."""
_TRIAL = 5.0
"""Seconds that another program has to take frames until it counts as connected: SRT gives up connecting after three."""


class PushSink(Sink):
    """Sends frames as H.264 without delay: no B-frames, a key frame a second; use as a context manager.

    Frames keep their times' distances, from the first one of a connection on. A live source never waits: the newest
    frame is sent, and those that come while another is being sent, or while the server is away, are left out and
    counted. Frames of a file are all sent, at the file's own pace, as long as the server is there.

    The first connection is made here, and must succeed; only SRT connects later, with the first frames. A server that
    goes away, or takes nothing for `timeout` seconds, is asked again after growing pauses, without end.

    Args:
        address: `rtsp[s]://`, `rtmp[s]://`, `udp://` (MPEG-TS) or `srt://`.
        info: the source's.
        shown: the address without its credentials, for messages.
        crf: the quality, lower is better; 20 by default.
        preset: the effort, by x264's names; `veryfast` by default.
        threads: at most this many for encoding; by default one a processor, up to four.
        timeout: seconds that connecting and sending a frame may take.
        tell: told in one line when the server goes away and when it is back.

    Raises:
        UsageError: a quality or preset that is not known.
        SinkError: no connection.
    """

    def __init__(
        self,
        address: str,
        info: SourceInfo,
        *,
        shown: str,
        crf: float | None = None,
        preset: str | None = None,
        threads: int | None = None,
        timeout: float = 5.0,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.notes: list[str] = []
        self._info = info
        self._shown = shown
        self._timeout = timeout
        self._tell = tell
        self._time_base = usable_time_base(info.time_base)
        self._push = _push(address, info, self._time_base, encoder_options("libx264", crf, preset), threads, timeout)
        self._check = FrameCheck(shown, info)
        self._playback = Playback(info)
        self._changed = threading.Condition()
        self._waiting: tuple[int, NDArray[np.uint8]] | None = None
        self._connected = True
        self._closing = False
        self._count = self._left_out = self._losses = 0
        self._lost: float | None = None
        self._ready_at = 0.0
        self._pause = _FIRST_PAUSE
        self._process = PushProcess(self._push)
        try:
            self._process.wait_ready()
        except SinkError as error:
            raise SinkError(f"cannot send to {shown}: {error}; is its server there, and does it take this?") from error
        self._thread = threading.Thread(target=self._run, name="liveseg-push", daemon=True)
        self._thread.start()

    def write(self, frame: Frame) -> None:
        """Take a finished frame.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a sink that was
                committed or aborted.
        """
        if self._closing:
            raise SinkError(f"cannot send frame {frame.index} to {self._shown}: the connection is closed already")
        self._check(frame)
        self._playback.wait(frame)
        pts, image = round(frame.timestamp / self._time_base), frame.image.copy()
        with self._changed:
            if not self._info.live:
                self._changed.wait_for(lambda: self._waiting is None or not self._connected, self._timeout)
            self._count += 1
            self._left_out += self._waiting is not None
            self._waiting = pts, image
            self._changed.notify_all()

    def commit(self) -> None:
        """Send the last frame and end the connection; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one frame was written.
        """
        if self._closing:
            return
        self._close(drop=False)
        if not self._count:
            raise MediaError(f"{self._info.name} gave no frames, so nothing was sent to {self._shown}")
        if self._left_out:
            times = "once" if self._losses == 1 else f"{self._losses} times"
            away = f", which was away {times}" if self._losses else ""
            self.notes.append(f"{self._left_out} of {self._count} frames were not sent to {self._shown}{away}")

    def abort(self) -> None:
        """End the connection; after a commit or an abort it does nothing."""
        if not self._closing:
            self._close(drop=True)

    def _close(self, *, drop: bool) -> None:
        with self._changed:
            self._closing = True
            if self._waiting is not None and (drop or not self._connected):
                self._waiting = None
                self._left_out += 1
            if not self._connected:
                self._process.kill()
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while (reason := self._send()) is not None:
            if self._lost is None:
                self._lost = time.monotonic()
                self._losses += 1
                self._tell(f"{self._shown} is away ({reason}); trying again")
            if not self._reconnect():
                break
            if self._push.program is None:
                self._back()

    def _back(self) -> None:
        if self._lost is not None:
            self._tell(f"{self._shown} is back after {self._ready_at - self._lost:.0f} s")
        self._lost = None
        self._pause = _FIRST_PAUSE

    def _send(self) -> str | None:
        """Send the frames that come; gives the reason when the connection is lost, and `None` at the end."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting is not None or self._closing)
                if self._waiting is None:
                    break
                (pts, image), self._waiting = self._waiting, None
                self._changed.notify_all()
            try:
                self._process.send(pts, image)
            except SinkError as error:
                with self._changed:
                    self._left_out += 1
                    self._connected = False
                    self._changed.notify_all()
                return str(error)
            if self._lost is not None and time.monotonic() - self._ready_at > _TRIAL:
                self._back()
        self._process.finish()
        return None

    def _reconnect(self) -> bool:
        """Ask again and again; false where the sink was closed before there was an answer."""
        while True:
            with self._changed:
                if self._changed.wait_for(lambda: self._closing, self._pause):
                    return False
                process = self._process = PushProcess(self._push)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            try:
                process.wait_ready()
            except SinkError:
                continue
            self._ready_at = time.monotonic()
            with self._changed:
                self._connected = True
            return True


def _push(
    address: str,
    info: SourceInfo,
    time_base: Fraction,
    quality: dict[str, str],
    threads: int | None,
    timeout: float,
) -> Push:
    scheme = address.partition("://")[0].lower()
    kind = FORMATS[scheme]
    if scheme == "udp" and "?" not in address:
        address += "?pkt_size=1316"  # seven packets of MPEG-TS: what fits into one of Ethernet's
    program = None
    if scheme == "srt":
        # PyAV's FFmpeg is built without it.
        program = shutil.which("ffmpeg")
        if program is None:
            raise SinkError("srt:// is sent by the program ffmpeg, which is not there; install it, or use rtsp://")
    return Push(
        address=address,
        format=kind,
        options=_MUXER[kind],
        encoder=quality | {"tune": "zerolatency", "bf": "0", "forced-idr": "1"},
        width=info.width,
        height=info.height,
        rate=str(info.rate or Fraction(25)),
        time_base=str(time_base),
        threads=codec_threads(threads),
        timeout=timeout,
        program=program,
    )
