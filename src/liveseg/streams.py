"""Several live sources at once: one model, a line and an end of its own for each, and one picture of all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from liveseg.errors import LivesegError
from liveseg.job import convert
from liveseg.media.frame import Frame, SourceInfo
from liveseg.media.pyav import import_pyav
from liveseg.render.grid import grid, grid_shape
from liveseg.viewer import END_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType
    from typing import Self

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.job import Decorate, Outcome, Screen
    from liveseg.media.frame import Sink, Source
    from liveseg.pipeline import Pipeline
    from liveseg.products.base import Product

    Pixels = NDArray[np.uint8]

GRID_RATE = Fraction(25)
"""Pictures a second of the grid."""

_TIME_BASE = Fraction(1, 90_000)


class Started(NamedTuple):
    """What a stream runs: its source, its sink (`None`: no file of its own), its own line, and what else is made."""

    source: Source
    sink: Sink | None
    pipeline: Pipeline
    products: Sequence[Product] = ()


@dataclass(eq=False)
class Stream:
    """One of several sources that run at the same time.

    Args:
        name: what to call it.
        start: connects to the source and opens what its frames go to; the lines of all streams share a segmenter and
            take turns at it. It runs in the stream's thread, since it may wait for a server that is not there.
        decorate: as `convert` takes it.
    """

    name: str
    start: Callable[[], Started]
    decorate: Decorate | None = None
    outcome: Outcome | None = None
    error: LivesegError | None = None
    failure: BaseException | None = field(default=None, repr=False)
    picture: Pixels | None = field(default=None, repr=False)
    """The newest picture; `None` before the first and after the last."""
    pipeline: Pipeline | None = field(default=None, repr=False)
    """Its line, once it has started."""
    _stands: bool = field(default=False, repr=False)

    def run(self, stop: threading.Event) -> None:
        """Run it to its end; what goes wrong is kept in `error` and concerns no other stream."""
        try:
            source, sink, pipeline, products = self.start()
            self.pipeline, self._stands = pipeline, source.info.kind == "image"
            self.outcome = convert(
                source, sink, pipeline, screen=_Newest(self), products=products, decorate=self.decorate, stop=stop
            )
        except LivesegError as error:
            self.error = error
        except BaseException as error:  # noqa: BLE001 - a defect of ours, raised again where it can be seen
            self.failure = error
        finally:
            # A picture without time stays to be looked at; a stream that has ended has none.
            if not self._stands:
                self.picture = None


class _Newest:
    """A screen that keeps a stream's newest picture for whoever shows all of them."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def show(self, rgb: Pixels, *_: object, **__: object) -> None:
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
    import_pyav()
    threads = [
        threading.Thread(target=stream.run, args=(stop,), name=f"liveseg-stream-{number}", daemon=True)
        for number, stream in enumerate(streams, 1)
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    ticks = 0
    by_key = False
    try:
        while any(thread.is_alive() for thread in threads):
            ticks = max(ticks + 1, int((time.monotonic() - began) * rate))
            time.sleep(max(began + float(ticks / rate) - time.monotonic(), 0.0))
            if on_tick is not None and not stop.is_set() and not on_tick(time.monotonic() - began):
                by_key = True
                stop.set()
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    for stream in streams:
        if stream.failure is not None:
            raise stream.failure
        if by_key and stream.outcome is not None and stream.outcome.ended_by == "signal":
            stream.outcome.ended_by = "key"


class GridView:
    """All streams in one picture: on a screen, into a sink, or both; a context manager that commits the sink.

    Args:
        streams: whose newest pictures are shown.
        open_sink: opens where the picture goes, given what it will be; `None` for nowhere.
        screen: shows it; `q`, Esc or its close button ends all streams.
        cell_width: pixels of a cell; its height is that of the first picture to come, scaled.
    """

    def __init__(
        self,
        streams: Sequence[Stream],
        *,
        open_sink: Callable[[SourceInfo], Sink] | None = None,
        screen: Screen | None = None,
        cell_width: int = 640,
    ) -> None:
        self._streams = streams
        self._open_sink = open_sink
        self._screen = screen
        self._cell_width = cell_width
        self._cell: tuple[int, int] | None = None
        self._sink: Sink | None = None
        self.frames = 0
        self.seconds = 0.0
        self.notes: list[str] = []

    def tick(self, seconds: float) -> bool:
        """Show what there is at a time; whether to go on. Nothing is shown before the first picture of any stream."""
        pictures = [stream.picture for stream in self._streams]
        first = next((picture for picture in pictures if picture is not None), None)
        if self._cell is None:
            if first is None:
                return True
            self._begin(first)
        if self._cell is None:
            return True
        whole = grid(pictures, [stream.name for stream in self._streams], self._cell)
        if self._sink is not None:
            self._sink.write(Frame(whole, self.frames, round(seconds / _TIME_BASE), _TIME_BASE))
        self.frames += 1
        self.seconds = seconds
        if self._screen is None:
            return True
        self._screen.show(whole)
        return self._screen.poll() not in END_KEYS

    def _begin(self, picture: Pixels) -> None:
        height, width = picture.shape[:2]
        self._cell = (max(round(self._cell_width * height / width / 2) * 2, 2), self._cell_width)
        rows, columns = grid_shape(len(self._streams))
        size = columns * self._cell[1], rows * self._cell[0]
        if self._open_sink is not None:
            self._sink = self._open_sink(SourceInfo("the grid", "video", *size, GRID_RATE, _TIME_BASE, live=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink is not None:
            self._sink.__exit__(kind, error, trace)
            self.notes = self._sink.notes
