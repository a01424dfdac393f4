"""An action: a video of each event, with some seconds before it, which are kept as JPEG until they are needed."""

from __future__ import annotations

import re
import threading
from collections import deque
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from typing import TYPE_CHECKING

import cv2
import numpy as np

from liveseg.errors import LivesegError, SinkError
from liveseg.events.event import iso
from liveseg.files import partial_path
from liveseg.media.video_sink import VideoSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.events.onset import Change
    from liveseg.events.rules import Rule
    from liveseg.media.frame import Frame, SourceInfo

    Pixels = NDArray[np.uint8]

LONGEST = Fraction(60)
"""Seconds of an event that its clip shows at most, beside those before and after."""

LONGEST_HOLD = Fraction(10)
"""Seconds for which a rule's condition has to hold, that are kept at most, beside those before it."""

_QUALITY = 90
"""Of the JPEG pictures; about a tenth of the pixels' bytes, and no loss that the clip's own encoder would show."""

_MOST_BYTES = 192 << 20
"""What the pictures kept of one source may take; and what those that wait for a clip's encoder may."""

_NO_PIXELS = np.empty((0, 0, 3), np.uint8)
"""Stands for the pixels of a frame of which only the time is kept."""


@dataclass(frozen=True)
class _Kept:
    frame: Frame
    jpeg: Pixels

    @property
    def time(self) -> Fraction:
        return self.frame.timestamp


class Recorder:
    """Keeps the last seconds of one source, and makes clips of its events.

    A clip begins some seconds before the condition began to hold and ends some seconds after it ended, or after it has
    been shown for `LONGEST`. Events that overlap share a clip, which bears the name of the first. Each clip is written
    in a thread of its own and appears when it is whole.

    Args:
        folder: where the clips go; made when the first one is.
        name: what their names begin with: that of the source.
        info: the source's.
        before: seconds shown before an event.
        after: seconds shown after it.
        hold: seconds for which the rules' conditions have to hold; kept in addition.
        overwrite: replace clips of the same name; otherwise the new one gets a number.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        info: SourceInfo,
        *,
        before: Fraction,
        after: Fraction,
        hold: Fraction = Fraction(0),
        overwrite: bool = False,
    ) -> None:
        self.notes: list[str] = []
        self._folder, self._name, self._info = folder, name, info
        self._before, self._after = before, after
        self._keep = before + min(hold, LONGEST_HOLD)
        self._overwrite = overwrite
        self._kept: deque[_Kept] = deque()
        self._bytes = 0
        self._shortened = False
        self._left_out = 0
        self._clip: _Clip | None = None
        self._holders: set[Rule] = set()
        self._until: Fraction | None = None
        self._latest = Fraction(0)
        self._written: list[_Clip] = []

    def add(self, frame: Frame, picture: Pixels) -> None:
        """Take a frame and its picture `(H, W, 3)` `uint8` RGB, as the output shows it."""
        jpeg = _packed(picture)
        if jpeg is None:
            self._left_out += 1
            return
        own = _Kept(replace(frame, image=_NO_PIXELS), jpeg)
        self._kept.append(own)
        self._bytes += jpeg.nbytes
        while own.time - self._kept[0].time > self._keep:
            self._bytes -= self._kept.popleft().jpeg.nbytes
        while self._bytes > _MOST_BYTES:
            self._bytes -= self._kept.popleft().jpeg.nbytes
            self._shortened = True
        if self._clip is None:
            return
        if own.time > (self._latest if self._until is None else min(self._until, self._latest)):
            self._finish_clip()
        else:
            self._clip.add(own)

    def take(self, rule: Rule, change: Change, wall: datetime) -> str | None:
        """Take what became of a rule at the frame that was added last; the path of the clip that shows it, if any."""
        if change.kind == "ended":
            self._holders.discard(rule)
            if self._clip is not None and not self._holders:
                self._until = change.time + self._after
        else:
            if self._clip is None:
                self._begin_clip(rule, change, wall)
            self._holders.add(rule)
            self._until = None
        return None if self._clip is None else str(self._clip.path)

    def close(self) -> None:
        """Finish the clip that is being made, and wait until all are written."""
        self._finish_clip()
        for clip in self._written:
            clip.join()
            if clip.failure is not None:
                self.notes.append(f"a clip was not written: {clip.failure}")
        self._written.clear()
        if self._left_out:
            self.notes.append(f"{self._left_out} pictures are missing in clips: they are too large for JPEG")
            self._left_out = 0
        if self._shortened:
            self.notes.append(
                f"clips show less than {float(self._before):g} s before their events: as many pictures do not fit into"
                f" {_MOST_BYTES >> 20} MiB of memory"
            )
            self._shortened = False

    def _begin_clip(self, rule: Rule, change: Change, wall: datetime) -> None:
        self._clip = _Clip(self._path(rule, change, wall), self._info, overwrite=self._overwrite)
        self._written = [clip for clip in self._written if clip.failure is not None or clip.running]
        self._written.append(self._clip)
        self._latest = change.time + LONGEST + self._after
        for kept in self._kept:
            if kept.time >= change.began - self._before:
                self._clip.add(kept)

    def _finish_clip(self) -> None:
        if self._clip is not None:
            self._clip.finish()
        self._clip, self._until = None, None
        self._holders.clear()

    def _path(self, rule: Rule, change: Change, wall: datetime) -> Path:
        if self._info.live:
            when = re.sub(r"[-:]", "", iso(wall)).replace("T", "-").partition(".")[0]
        else:
            when = f"{float(change.time):010.3f}s"
        stem = f"{self._name}_{_plain(rule.name)}_{when}"
        path = self._folder / f"{stem}.mp4"
        taken = {clip.path for clip in self._written}
        number = 1
        while path in taken or (not self._overwrite and _is_there(path)):
            number += 1
            path = self._folder / f"{stem}-{number}.mp4"
        return path


class _Clip:
    """A video that a thread of its own writes; what goes wrong is kept in `failure`, and nobody waits for it."""

    def __init__(self, path: Path, info: SourceInfo, *, overwrite: bool) -> None:
        self.path = path
        self.failure: LivesegError | None = None
        self._info = info
        self._overwrite = overwrite
        self._waiting: deque[_Kept | None] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="liveseg-clip", daemon=True)
        self._thread.start()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def add(self, kept: _Kept) -> None:
        """Take the next picture; where too many wait for the encoder, wait with them."""
        with self._changed:
            while self._bytes > _MOST_BYTES:
                self._changed.wait()
            self._waiting.append(kept)
            self._bytes += kept.jpeg.nbytes
            self._changed.notify_all()

    def finish(self) -> None:
        with self._changed:
            self._waiting.append(None)
            self._changed.notify_all()

    def join(self) -> None:
        self._thread.join()

    def _next(self) -> _Kept | None:
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            kept = self._waiting.popleft()
            if kept is not None:
                self._bytes -= kept.jpeg.nbytes
            self._changed.notify_all()
            return kept

    def _run(self) -> None:
        coming = iter(self._next, None)
        try:
            self._write(coming)
        except LivesegError as error:
            self.failure = error
        except Exception as error:  # noqa: BLE001 - a clip that fails, in whatever way, is no reason to end the run
            self.failure = SinkError(f"cannot write {self.path}: {type(error).__name__}: {error}")
        for _ in coming:
            pass  # whoever adds pictures does not wait for a clip that failed

    def _write(self, coming: Iterator[_Kept]) -> None:
        first = next(coming)
        height, width = _unpacked(first.jpeg).shape[:2]
        # The output's pictures may be larger than the source's, such as with both beside each other.
        info = replace(self._info, width=width, height=height, duration=None)
        with VideoSink(self.path, info, threads=1, overwrite=self._overwrite) as sink:
            for kept in chain([first], coming):
                sink.write(replace(kept.frame, image=_unpacked(kept.jpeg)))


def _packed(picture: Pixels) -> Pixels | None:
    """The picture as JPEG; `None` where it is too large for that."""
    try:
        done, packed = cv2.imencode(
            ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
        )
    except cv2.error:
        return None
    return np.asarray(packed, np.uint8) if done else None


def _unpacked(jpeg: Pixels) -> Pixels:
    decoded = cv2.imdecode(jpeg, cv2.IMREAD_COLOR_RGB)
    if decoded is None:
        raise SinkError("a picture that was kept for a clip cannot be read")
    return np.asarray(decoded, np.uint8)


def _is_there(path: Path) -> bool:
    try:
        return path.exists() or partial_path(path).exists()
    except OSError:
        return False  # what is wrong with the folder is told by whoever writes to it


def _plain(text: str) -> str:
    """A text as a part of a file name."""
    words = text.replace(">=", " at least ").replace("<=", " at most ").replace(">", " over ").replace("<", " under ")
    return re.sub(r"[^\w.-]+", "_", words.replace("%", "")).strip("._-")[:60] or "event"
