"""A live source: its own reader, the newest frame, and a new connection where the old one breaks."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from av.error import FFmpegError

from liveseg.errors import LivesegError, MediaError
from liveseg.media.color import color_notes
from liveseg.media.conversion import Conversion
from liveseg.media.display import display_of
from liveseg.media.frame import LiveFacts, Selection, SourceInfo
from liveseg.media.live.failures import why
from liveseg.media.live.finisher import Finisher, Item
from liveseg.media.live.pace import Pace
from liveseg.media.live.threaded import ThreadedSource
from liveseg.media.picking import check_selection
from liveseg.media.video_open import codec_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from av.video.frame import VideoFrame

    from liveseg.media.frame import Frame
    from liveseg.media.live.connection import Connection, Received
    from liveseg.media.live.options import LiveOptions

_WAITING_PLACES = 4
"""Decoded frames that wait at most where each is wanted; each takes one and a half bytes a pixel or more."""

_PLACEHOLDER_EVERY = 0.5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0
_STEADY = 5.0
"""A connection that held for so many seconds was a good one: after it, pauses between attempts begin anew."""

_LOOK = 0.05


class LiveSource(ThreadedSource[Item]):
    """Frames of a stream as they come: the newest one each time, or every one; iterate once, then close.

    A thread reads and decodes everything, so that what is taken is new however slowly it is taken; only what is taken
    is converted to RGB. `index` counts all frames that arrived, `dropped_before` those left out; `arrived` is when the
    frame's first packet came. Times are the stream's own (`Timeline` says what happens where its clock leaps). Frames
    of another size than the first are scaled to it, with a note.

    Where the connection breaks or falls silent, a new one is tried after growing pauses, until `options.reconnect`
    seconds have passed; meanwhile there are two placeholders a second. Then it ends, with a note.

    Args:
        name: what to call it in messages.
        dial: connects; it is given the event that ends its waiting, and called again for each new connection. `None`:
            there is nothing more to come.
        options: how it is read.
        selection: which frames are wanted; `every` counts those that arrive.
        every_frame: whether each frame is wanted; then the stream waits for those who take them, if it can.
        returns: whether an end of the stream means that it is away, rather than over.
        paced: whether frames come in bunches, and are to be given out by their own times.
        live: whether it comes at its own pace.
        stop: ends the waiting for the first frame.

    Attributes:
        facts: what became of it so far.

    Raises:
        UsageError: a selection that makes no sense.
        LivesegError: it cannot be had: what `dial` raises, or that no frame came.
    """

    def __init__(
        self,
        name: str,
        dial: Callable[[threading.Event], Connection | None],
        *,
        options: LiveOptions,
        selection: Selection | None = None,
        every_frame: bool = False,
        returns: bool = True,
        paced: bool = False,
        live: bool = True,
        stop: threading.Event | None = None,
    ) -> None:
        super().__init__(_WAITING_PLACES if every_frame else None)
        self.facts = self._facts = LiveFacts()
        self._selection = selection or Selection()
        check_selection(self._selection)
        self._name = name
        self._dial = dial
        self._options = options
        self._returns = returns
        self._pace = Pace() if paced else None
        self._ready = threading.Event()
        self._first: tuple[VideoFrame, Connection] | None = None
        self._connections = 0
        self._away_since: float | None = None
        self._pause = _FIRST_PAUSE
        self._thread.start()
        try:
            frame, connection = self._wait_for_first(stop)
            self.info, self._finisher = self._describe(frame, connection, live=live)
            self._first = None
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[Frame]:
        try:
            while True:
                item = self._handover.take(_PLACEHOLDER_EVERY)
                if item is None and self._handover.over:
                    return
                frame = self._finisher(item) if item is not None else self._stand_in()
                if frame is not None:
                    yield frame
                if self._finisher.over:
                    return
        finally:
            self.close()

    def _stand_in(self) -> Frame | None:
        return None if self._away_since is None else self._finisher.placeholder()

    def _wait_for_first(self, stop: threading.Event | None) -> tuple[VideoFrame, Connection]:
        while not self._ready.wait(_LOOK):
            if stop is not None and stop.is_set():
                raise MediaError(f"stopped while waiting for {self._name}")
        if self._first is None:
            self._handover.take(0.0)  # raises what the reader ended with
            raise MediaError(f"cannot read {self._name}: it ended before its first picture")
        return self._first

    def _describe(self, frame: VideoFrame, connection: Connection, *, live: bool) -> tuple[SourceInfo, Finisher]:
        self.notes += color_notes(frame)
        display = display_of(frame, connection.sample_aspect_ratio, self.notes)
        width, height = display.shown
        every, limit, duration = self._selection.every, self._selection.limit, self._selection.duration
        rate = connection.rate / every if connection.rate else None
        info = SourceInfo(self._name, "video", width, height, rate, connection.time_base, limit, duration, live)
        threads = codec_threads(self._options.threads)
        convert = Conversion(display, connection.time_base, threads, self.notes)
        return info, Finisher(info, convert, self._selection, self._facts)

    # What follows runs in the reader's thread.

    def _work(self) -> None:
        super()._work()
        self._ready.set()

    def _read(self) -> None:
        try:
            connection = self._dial(self._ended)
            while connection is not None:
                broken = self._receive(connection)
                if broken is None or self._ended.is_set():
                    return
                if not self._ready.is_set():
                    raise MediaError(f"cannot read {self._name}: {broken}")
                connection = self._come_back(broken)
        finally:
            self._sum_up()

    def _receive(self, connection: Connection) -> str | None:
        """Take all frames of a connection; returns why it broke, or `None` where the source is over."""
        self._connections += 1
        steady_from: float | None = None
        try:
            for received in connection.frames():
                steady_from = steady_from or received.arrived
                self._pass_on(received, connection)
                if self._ended.is_set():
                    return None
        except (FFmpegError, OSError, MediaError) as error:
            return str(error) if isinstance(error, LivesegError) else why(error, self._options.timeout)
        finally:
            self._facts.damaged += connection.damaged
            if steady_from is not None and time.monotonic() - steady_from > _STEADY:
                self._pause = _FIRST_PAUSE
            connection.close()
        return "it ended" if self._returns else None

    def _pass_on(self, received: Received, connection: Connection) -> None:
        if self._away_since is not None:
            self._facts.away_seconds += time.monotonic() - self._away_since
            self._facts.reconnects += 1
            self._away_since = None
        if not self._ready.is_set():
            self._first = received.frame, connection
            self._ready.set()
        index = self._facts.received + received.skipped
        self._facts.received = index + 1
        if index % self._selection.every:
            return
        if self._pace is not None and received.frame.pts is not None:
            now = time.monotonic()
            due = self._pace.due(float(received.frame.pts * connection.time_base), now)
            self._ended.wait(max(due - now, 0.0))
        item = Item(received.frame, connection.time_base, received.arrived, index, self._connections)
        self._handover.put(item)

    def _come_back(self, broken: str) -> Connection | None:
        """Connect anew, after a pause and as often as it takes; `None` where it is over, or given up."""
        if self._away_since is None:
            self._away_since = time.monotonic()
        until = self._away_since + self._options.reconnect
        while (left := until - time.monotonic()) > 0:
            if self._ended.wait(min(self._pause, left)):
                return None
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            try:
                return self._dial(self._ended)
            except LivesegError as error:
                broken = str(error)
        self._facts.away_seconds += time.monotonic() - self._away_since
        tried = f", and did not come back within {self._options.reconnect:g} s" if self._options.reconnect else ""
        self.notes.append(f"it went away{tried}: {broken}")
        return None

    def _sum_up(self) -> None:
        facts = self._facts
        if facts.reconnects:
            times = "once" if facts.reconnects == 1 else f"{facts.reconnects} times"
            self.notes.append(f"it was away and came back {times}; away for {facts.away_seconds:.1f} s in all")
        if facts.damaged:
            self.notes.append(f"damaged on the way, and left out or shown as far as could be: {facts.damaged} packets")
