"""Frames as they are to standard output, for another program to take."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from liveseg.errors import MediaError, SinkError, UsageError
from liveseg.files import sink_error
from liveseg.media.frame import Sink
from liveseg.media.frame_check import FrameCheck

if TYPE_CHECKING:
    from liveseg.media.frame import Frame, SourceInfo

_NAME = "standard output"


class RawSink(Sink):
    """Writes the bytes of each frame, `rgb24` row by row, and nothing else; use as a context manager.

    A frame of `info.width` x `info.height` is `width * height * 3` bytes; times are not written. Whoever uses it keeps
    everything else off standard output.

    Args:
        info: the source's.
        stream: takes the bytes; standard output by default. It is flushed after each frame, and never closed.

    Raises:
        UsageError: standard output is a terminal.
        SinkError: there is no standard output.
    """

    def __init__(self, info: SourceInfo, stream: BinaryIO | None = None) -> None:
        self.notes: list[str] = []
        self._info = info
        self._stream = stream if stream is not None else _standard_output()
        self._check = FrameCheck(_NAME, info)
        self._written = False

    def write(self, frame: Frame) -> None:
        """Write all of a frame, and wait for whoever takes it.

        Raises:
            SinkError: a frame of another size than announced, or not later than the last one; a full disk.
            BrokenPipeError: whoever took the frames has gone.
        """
        self._check(frame)
        try:
            self._stream.write(np.ascontiguousarray(frame.image).data)
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise sink_error(_NAME, error) from error
        self._written = True

    def commit(self) -> None:
        """See that there were frames.

        Raises:
            MediaError: there was none.
        """
        if not self._written:
            raise MediaError(f"{self._info.name} gave no frames, so nothing was written to {_NAME}")

    def abort(self) -> None:
        """Nothing to undo: what was written has been taken."""


def _standard_output() -> BinaryIO:
    if sys.stdout is None:
        raise SinkError(f"cannot write to {_NAME}: this process has none")
    if sys.stdout.isatty():
        raise UsageError("raw frames are not for a terminal; pipe them into a program, or name a file with -o")
    return sys.stdout.buffer
