"""A video cut into files of some seconds each, every one of them whole as soon as it is full."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from fractions import Fraction
from typing import TYPE_CHECKING

from liveseg.errors import OutputExistsError, SinkError
from liveseg.media.frame import Sink

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from liveseg.media.frame import Frame
    from liveseg.media.video_sink import VideoSink

_NUMBER = re.compile(r"%(\d{1,2})d")
_TIME = re.compile(r"%[YymdHMSjf]")


class SegmentSink(Sink):
    """Writes frames into one file after the other; use as a context manager.

    Each begins with a key frame at time 0, plays alone, and ends where the next one begins, so that put together they
    last as long as their source. They begin on a grid of `seconds` from the first frame on, and never drift from it; a
    stretch without frames makes no file. A full file is finished and renamed in a thread of its own, while the next
    one takes frames.

    Args:
        path: the files' name. `%05d` in it is their number, and `%Y %y %m %d %H %M %S %f %j` are the local time at
            which each begins; without any of these the number is put at the end: `NAME_00000.mp4`.
        seconds: how much goes into a file.
        open_file: makes the sink of one file from its path and the seconds that have passed before it.
        overwrite: whether files of such names may be replaced.

    Raises:
        OutputExistsError: a file of such a name is there and `overwrite` is false.
        LivesegError: what `open_file` raises.
    """

    def __init__(
        self,
        path: Path,
        seconds: Fraction,
        open_file: Callable[[Path, Fraction], VideoSink],
        *,
        overwrite: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self._name = SegmentName(path)
        self._seconds = seconds
        self._open_file = open_file
        self._count = 0
        self._place = 0
        self._begin: Fraction | None = None
        self._finishing: Future[None] | None = None
        self._file: VideoSink | None = None
        if not overwrite:
            self._name.refuse_existing()
        # One thread opens and finishes them, as a file's lock belongs to the thread that took it.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="liveseg-segments")
        try:
            self._file = self._opened(Fraction(0))
        except BaseException:
            self._worker.shutdown()
            raise

    def write(self, frame: Frame) -> None:
        """Take a finished frame; see `VideoSink.write`.

        Raises:
            SinkError: as `VideoSink.write`; or a file before this one could not be finished.
        """
        if self._file is None:
            raise SinkError(f"cannot write frame {frame.index} to {self._name}: its files are closed already")
        time = frame.timestamp
        if self._begin is None:
            self._begin = time
        place = int((time - self._begin) // self._seconds)
        if place > self._place:
            self._next(place, time)
        if self._finishing is not None and self._finishing.done():
            self._finishing.result()
        self._file.write(frame)

    def commit(self) -> None:
        """Finish the last file; after a commit or an abort it does nothing.

        Raises:
            MediaError: not one frame was written; then there is no file.
            SinkError: a file could not be finished.
        """
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._worker.submit(file.commit).result()
            self.notes += [note for note in file.notes if note not in self.notes]
            if self._finishing is not None:
                self._finishing.result()
        finally:
            self._worker.shutdown()
        self.notes.append(f"{self._count} files, the last one {self._name.last}")

    def abort(self) -> None:
        """Give up the file that is being written; those that are full stay."""
        file, self._file = self._file, None
        if file is not None:
            self._worker.submit(file.abort)
        self._worker.shutdown()

    def _next(self, place: int, time: Fraction) -> None:
        """Go over to a new file, whose first frame is at `time`."""
        full, begin = self._file, self._begin
        if full is None or begin is None:
            return
        # The last frame lasts until the next one, but not through a stretch without any.
        until = time if place == self._place + 1 else begin + (self._place + 1) * self._seconds
        self._file = None
        try:
            self._file = self._opened(time - begin)
        finally:
            finished, self._finishing = self._finishing, self._worker.submit(full.commit, until)
        self._place = place
        self.notes += [note for note in full.notes if note not in self.notes]
        if finished is not None:
            finished.result()

    def _opened(self, passed: Fraction) -> VideoSink:
        file = self._worker.submit(self._open_file, self._name.of(self._count), passed).result()
        self._count += 1
        return file


class SegmentName:
    """What the files of one pattern are called.

    Args:
        path: with `%05d` for the number or fields of `strftime`, or without either; see `SegmentSink`.
    """

    def __init__(self, path: Path) -> None:
        self.last = path
        self._used: set[Path] = set()
        self._timed = _TIME.search(path.name) is not None
        if _NUMBER.search(path.name) or self._timed:
            self._pattern = path
        else:
            self._pattern = path.with_name(f"{path.stem}_%05d{path.suffix}")

    def __str__(self) -> str:
        return str(self._pattern)

    def of(self, number: int) -> Path:
        """The name of the file of that number, which begins now; never one that this object gave before."""
        name = _NUMBER.sub(lambda found: f"{number:0{found[1]}}", self._pattern.name)
        if self._timed:
            now = datetime.now().astimezone()
            name = _TIME.sub(lambda found: now.strftime(found[0]), name)
        path = wanted = self._pattern.with_name(name)
        again = 1
        # By the clock, two may begin at the same time: in the hour that a clock is set back, or from a fast source.
        while self._timed and (path in self._used or path.exists()):
            again += 1
            path = wanted.with_name(f"{wanted.stem}_{again}{wanted.suffix}")
        self._used.add(path)
        self.last = path
        return path

    def refuse_existing(self) -> None:
        """See that no file has one of these names, before the work that it takes to come to its number.

        Raises:
            OutputExistsError: one has.
        """
        if self._timed or not self._pattern.parent.is_dir():
            return
        parts = [re.escape(part) for part in re.split(r"%\d{1,2}d", self._pattern.name)]
        taken = re.compile(r"\d+".join(parts))
        for path in sorted(self._pattern.parent.iterdir()):
            if taken.fullmatch(path.name):
                raise OutputExistsError(f"{path} exists already; add --overwrite, or choose another name with -o")
