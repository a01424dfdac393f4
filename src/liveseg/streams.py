"""Several live sources at once: one model, a line and an end of its own for each, and one picture of all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError
from liveseg.job import convert
from liveseg.media.frame import Frame, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.job import Decorate, Outcome
    from liveseg.media.frame import Sink, Source
    from liveseg.pipeline import Pipeline

    Pixels = NDArray[np.uint8]

GRID_RATE = Fraction(25)
"""Pictures a second of the grid."""

_TIME_BASE = Fraction(1, 90_000)


@dataclass(eq=False)
class Stream:
    """One of several sources that run at the same time.

    Args:
        name: what to call it.
        open: connects to the source and opens its sink (`None`: no file of its own); runs in the stream's thread,
            since it may wait for a server that is not there.
        pipeline: its own line; the lines share a segmenter and take turns at it.
        decorate: as `convert` takes it.
    """

    name: str
    open: Callable[[], tuple[Source, Sink | None]]
    pipeline: Pipeline
    decorate: Decorate | None = None
    outcome: Outcome | None = None
    error: LivesegError | None = None
    failure: BaseException | None = field(default=None, repr=False)
    picture: Pixels | None = field(default=None, repr=False)
    """The newest picture; `None` before the first and after the last."""

    def run(self, stop: threading.Event) -> None:
        """Run it to its end; what goes wrong is kept in `error` and concerns no other stream."""
        try:
            source, sink = self.open()
            self.outcome = convert(source, sink, self.pipeline, screen=_Newest(self), decorate=self.decorate, stop=stop)
        except LivesegError as error:
            self.error = error
        except BaseException as error:  # noqa: BLE001 - a defect of ours, raised again where it can be seen
            self.failure = error
        finally:
            self.picture = None


class _Newest:
    """A screen that keeps a stream's newest picture for whoever shows all of them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def show(self, rgb: Pixels) -> None:
        self._stream.picture = rgb

    def poll(self) -> str | None:
        return None


def run_streams(
    streams: Sequence[Stream],
    *,
    stop: threading.Event,
    on_tick: Callable[[float], bool] | None = None,
    rate: Fraction = GRID_RATE,
) -> None:
    """Run all streams until each has ended.

    Args:
        streams: their outcomes and errors are filled in.
        stop: ends all of them in good order when set.
        on_tick: called in the calling thread `rate` times a second with the seconds since the begin; `False` ends all.
        rate: ticks a second.

    Raises:
        BaseException: a defect, not a failure of a source: the first one, once all streams have ended.
    """
    threads = [
        threading.Thread(target=stream.run, args=(stop,), name=f"liveseg-stream-{number}", daemon=True)
        for number, stream in enumerate(streams, 1)
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    ticks = 0
    try:
        while any(thread.is_alive() for thread in threads):
            ticks = max(ticks + 1, int((time.monotonic() - began) * rate))
            time.sleep(max(began + float(ticks / rate) - time.monotonic(), 0.0))
            if on_tick is not None and not stop.is_set() and not on_tick(time.monotonic() - began):
                stop.set()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for stream in streams:
        if stream.failure is not None:
            raise stream.failure


def grid_info(name: str, height: int, width: int, rate: Fraction = GRID_RATE) -> SourceInfo:
    """What a sink is told of the one picture that shows all streams."""
    return SourceInfo(name, "video", width, height, rate, _TIME_BASE, live=True)


def grid_frame(picture: Pixels, index: int, seconds: float) -> Frame:
    """The one picture of all streams as a frame at a time."""
    return Frame(picture, index, round(seconds / _TIME_BASE), _TIME_BASE)
