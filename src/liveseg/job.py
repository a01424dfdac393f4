"""One source through the line into one sink: the loop that the command line and the tutorial's programs share."""

from __future__ import annotations

import signal
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.frame import Sink, Source
    from liveseg.pipeline import Pipeline, Result
    from liveseg.segmentation import Area

    Decorate = Callable[[NDArray[np.uint8], float], NDArray[np.uint8]]

END_KEYS = frozenset({"q", "escape", "quit"})


class Screen(Protocol):
    """Where frames are shown while they are made."""

    def show(self, rgb: NDArray[np.uint8]) -> None:
        """Show a picture `(H, W, 3)` `uint8` RGB."""

    def poll(self) -> str | None:
        """The key pressed since the last call."""


@dataclass
class Outcome:
    """What became of one source.

    Args:
        frames: how many went into the sink.
        seconds: wall time from the first read to the finished file.
        areas: the classes of the last frame; what an image shows.
        notes: what the user should know.
        ended_by: `end` of the source, `key` in the window, or `signal`.
    """

    frames: int = 0
    seconds: float = 0.0
    areas: list[Area] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ended_by: str = "end"

    @property
    def rate(self) -> float:
        """Frames a second of wall time; 0 for none."""
        return self.frames / self.seconds if self.frames and self.seconds > 0 else 0.0


def convert(
    source: Source,
    sink: Sink | None,
    pipeline: Pipeline,
    *,
    screen: Screen | None = None,
    decorate: Decorate | None = None,
    on_result: Callable[[Result], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Run a source to its end, or until stopped, into a sink that then holds a whole file.

    Args:
        source: closed at the end.
        sink: committed at the end, aborted by an exception; `None` to write nothing.
        pipeline: segments and renders.
        screen: shows each picture; `q`, Esc or its close button ends the job.
        decorate: draws on each picture in order, given the frames a second over the last second or so.
        on_result: told of each result, for progress.
        stop: ends the job in good order when set.

    Raises:
        LivesegError: whatever any part raised; the sink then leaves no final file.
    """
    from liveseg.timing import Rate

    outcome = Outcome()
    stop = stop or threading.Event()
    rate = Rate()
    started = time.perf_counter()
    with source, sink if sink is not None else _nowhere():
        for result in pipeline.run(source, stop=stop):
            picture = result.picture
            if decorate is not None:
                picture = decorate(picture, rate.tick(time.perf_counter()))
            if sink is not None:
                with pipeline.times.measure("encode"):
                    sink.write(replace(result.frame, image=picture))
            outcome.frames += 1
            if on_result is not None:
                on_result(result)
            if source.info.kind == "image":
                outcome.areas = result.segmentation.areas()
            if screen is not None and _shown(screen, picture):
                outcome.ended_by = "key"
                break
        if stop.is_set():
            outcome.ended_by = "signal"
    outcome.seconds = time.perf_counter() - started
    outcome.notes = [*source.notes, *(sink.notes if sink is not None else [])]
    return outcome


def _shown(screen: Screen, picture: NDArray[np.uint8]) -> bool:
    screen.show(picture)
    return screen.poll() in END_KEYS


@contextmanager
def _nowhere() -> Iterator[None]:
    yield


@contextmanager
def stop_on_signals() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set, so that work ends in good order; a second Ctrl-C ends it at once.

    Outside the main thread, where Python takes no signal handlers, the event is never set by a signal.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def handle(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGBREAK"):  # Windows: Ctrl-Break, the one that another process can send
        numbers.append(signal.SIGBREAK)
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
