"""Writing a mask file: each frame is in the file when `write` returns, and stays there whatever happens next."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.error import FFmpegError
from av.video.frame import VideoFrame

from liveseg import files
from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.maskfile.header import MaskHeader
from liveseg.media.frame import Committing
from liveseg.media.frame_check import FrameCheck
from liveseg.media.video_track import encoder_errors_named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from av.container import OutputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

    from liveseg.labels import LabelSet
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import Frame, SourceInfo

    Plane = NDArray[np.uint8]

EXTENSION = ".nut"
"""What the name of a mask file ends in."""

CODEC: Final = "jpegls"
FORMAT = "nut"


class MaskWriter(Committing):
    """Writes the masks of a video, one a frame, without loss and with the source's own times.

    While it grows, the file is called `NAME.partial.nut` and can be read to its last frame, whenever the run is killed.

    Args:
        path: ends in `.nut`.
        labels: what the class indices mean.
        info: the source's.
        identity: of what the masks are made from.
        confidence: whether each mask comes with the confidence of its pixels, a second track.
        ran: what makes the masks: `model`, `size`, `runtime`, `precision`.
        overwrite: whether a file of that name may be replaced.

    Raises:
        UsageError: another extension.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        labels: LabelSet,
        info: SourceInfo,
        *,
        identity: Identity,
        confidence: bool = False,
        ran: Mapping[str, str | int] | None = None,
        overwrite: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self.path = Path(path)
        if self.path.suffix.lower() != EXTENSION:
            raise UsageError(f"the masks of a video are written as {EXTENSION}, not as {self.path.name!r}")
        self._header = MaskHeader(
            labels=labels,
            width=info.width,
            height=info.height,
            time_base=info.time_base,
            source=identity,
            rate=info.rate,
            duration=info.duration,
            confidence=confidence,
            ran=dict(ran or {}),
        )
        self._check = FrameCheck(self.path, info)
        self._overwrite = overwrite
        self._output: OutputContainer | None = None
        self._tracks: list[VideoStream] = []
        self._partial: Path | None = files.prepare(self.path, overwrite=overwrite)

    def write(
        self, frame: Frame, mask: Plane, confidence: Plane | None = None, *, grid: tuple[int, int] | None = None
    ) -> None:
        """Take the mask of a frame; it is in the file when this returns.

        Args:
            frame: whose mask it is; its `pts` and `time_base` are kept.
            mask: `(H, W)` `uint8` class indices.
            confidence: `(H, W)` `uint8`, 255 times the probability of each pixel's class, where the file is to have it.
            grid: rows and columns of the network's output, if known; that of the first frame is kept.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a full disk; a writer
                that was committed or aborted.
            UsageError: a mask of another size or type than its frame, or a confidence that is missing or not wanted.
        """
        if self._partial is None:
            raise SinkError(f"cannot write the mask of frame {frame.index} to {self.path}: the file is closed already")
        if self._header.confidence != (confidence is not None):
            wanted = "needs" if confidence is None else "was not opened for"
            raise UsageError(f"{self.path} {wanted} the confidences of its masks")
        planes = [mask] if confidence is None else [mask, confidence]
        for plane in planes:
            if plane.shape != frame.image.shape[:2] or plane.dtype != np.uint8:
                raise UsageError(
                    f"a mask is {frame.image.shape[:2]} uint8 as its frame, not {plane.shape} {plane.dtype}"
                )
        self._check(frame)
        # A whole number already, unless the frame's clock is another than the one that was announced.
        pts = round(frame.timestamp / self._header.time_base)
        with encoder_errors_named(self.path, CODEC):
            if self._output is None:
                self._open(self._partial, pts, grid)
            for track, plane in zip(self._tracks, planes, strict=True):
                self._encode(track, plane, pts - self._header.offset)

    def commit(self) -> None:
        """Finish the file and give it its final name; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one mask was written; then there is no file.
            SinkError: the disk is full, or the name is taken by now; then there is no file of that name.
        """
        if self._partial is None:
            return
        try:
            if self._output is None:
                raise MediaError(f"{self._header.source.name} gave no frames, so {self.path} was not written")
            with encoder_errors_named(self.path, CODEC):
                self._close()
            files.commit(self._partial, self.path, overwrite=self._overwrite)
            self._partial = None
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Give up: neither the file nor its partial one remains; after a commit or an abort it does nothing."""
        # FFmpeg writes the end of the file, which is removed anyway: whether it can does not matter.
        with contextlib.suppress(FFmpegError, OSError, ValueError):
            self._close()
        if self._partial is not None:
            files.discard(self._partial)
            self._partial = None

    def _open(self, partial: Path, first: int, grid: tuple[int, int] | None) -> None:
        # NUT has no times below 0.
        header = self._header = replace(self._header, offset=min(first, 0), grid=grid)
        # What a killed run leaves behind is what had been handed to the system.
        self._output = av.open(f"file:{partial}", "w", format=FORMAT, container_options={"flush_packets": "1"})
        self._output.metadata.update(header.to_tags())
        titles = ("classes", "confidence") if header.confidence else ("classes",)
        self._tracks = [self._add_track(self._output, title) for title in titles]

    def _add_track(self, output: OutputContainer, title: str) -> VideoStream:
        header = self._header
        track = output.add_stream(
            CODEC,
            rate=(header.rate or Fraction(25)).limit_denominator(1_000_000),
            width=header.width,
            height=header.height,
            pix_fmt="gray",
            time_base=header.time_base,
        )
        track.metadata["title"] = title
        # One picture in, one out: more threads would hold some back.
        track.codec_context.thread_count = 1
        track.codec_context.open()
        return track

    def _encode(self, track: VideoStream, plane: Plane, pts: int) -> None:
        picture = VideoFrame.from_ndarray(np.ascontiguousarray(plane), "gray")
        picture.pts = pts
        picture.time_base = self._header.time_base
        if self._output is not None:
            self._output.mux(track.encode(picture))

    def _close(self) -> None:
        output, self._output, tracks, self._tracks = self._output, None, self._tracks, []
        if output is None:
            return
        try:
            for track in tracks:
                output.mux(track.encode(None))
        finally:
            output.close()
