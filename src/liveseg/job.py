"""One source through the line into one sink: the loop that the command line and the tutorial's programs share."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from liveseg.timing import Rate, Samples, ThreadTime
from liveseg.viewer import END_KEYS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.media.frame import Frame, LiveFacts, Sink, Source
    from liveseg.pipeline import Pipeline, Result
    from liveseg.products.base import Product
    from liveseg.segmentation import Area, Segmentation

    Decorate = Callable[[NDArray[np.uint8], "Result", "Outcome"], NDArray[np.uint8]]


class Screen(Protocol):
    """Where frames are shown while they are made: a `liveseg.viewer.Viewer`, for one."""

    def show(
        self,
        rgb: NDArray[np.uint8],
        segmentation: Segmentation | None = None,
        *,
        frame: Frame | None = None,
        draw: Callable[[NDArray[np.uint8]], NDArray[np.uint8]] | None = None,
    ) -> None:
        """Show a picture `(H, W, 3)` `uint8` RGB, or draw what it was made from in another way."""

    def poll(self) -> str | None:
        """The key that was pressed; one of `END_KEYS` ends the job."""


@dataclass
class Outcome:
    """What became of one source.

    Args:
        frames: how many went into the sink.
        seconds: wall time from the first read to the finished file.
        areas: the classes of the last frame; what an image shows.
        notes: what the user should know.
        ended_by: `end` of the source, `key` in the window, or `signal`.
        live: whether the source came at its own pace.
        dropped: frames that were left out to keep up with a live source.
        placeholders: frames that only stood in for a live source while it was away; `frames` counts them, too.
        age: seconds from a live frame's arrival to its delivery.
        recent_rate: frames a second over the last second or so.
        recent_ages: seconds, of the last hundred live frames.
        ran: what segmented it: `model`, `size`, `runtime` and `precision`, at the end.
        threads: what each thread of the line did with its time.
        facts: what became of the connection of a live source; `None` for what has none.
    """

    frames: int = 0
    seconds: float = 0.0
    areas: list[Area] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    ended_by: str = "end"
    live: bool = False
    dropped: int = 0
    placeholders: int = 0
    age: Samples = field(default_factory=Samples)
    recent_rate: float = 0.0
    recent_ages: deque[float] = field(default_factory=lambda: deque(maxlen=100))
    ran: dict[str, str | int] = field(default_factory=dict)
    threads: list[ThreadTime] = field(default_factory=list)
    facts: LiveFacts | None = None

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
    products: Sequence[Product] = (),
    decorate: Decorate | None = None,
    on_result: Callable[[Result], None] | None = None,
    stop: threading.Event | None = None,
) -> Outcome:
    """Run a source to its end, or until stopped, into a sink that then holds a whole file.

    Args:
        source: closed at the end.
        sink: committed at the end, aborted by an exception; `None` to write nothing.
        pipeline: segments and renders.
        products: what else is made of the results; entered, committed and aborted as the sink is.
        screen: shows each picture; `q`, Esc or its close button ends the job.
        decorate: draws on each picture in order, given the result and what became of the source so far.
        on_result: told of each result, for progress.
        stop: ends the job in good order when set.

    Raises:
        LivesegError: whatever any part raised; the sink then leaves no final file.
    """
    outcome = Outcome(live=source.info.live)
    stop = stop or threading.Event()
    rate = Rate()
    started = time.perf_counter()
    with ExitStack() as whole:
        whole.enter_context(source)
        if sink is not None:
            whole.enter_context(sink)
        for product in products:
            whole.enter_context(product)
        for result in pipeline.run(source, stop=stop, prepare=[product.prepare for product in products]):
            outcome.recent_rate = rate.tick(time.perf_counter())
            _count(result, outcome)
            draw = None if decorate is None else partial(_drawn, decorate, result, outcome)
            picture = result.picture if draw is None else draw(result.picture)
            if sink is not None:
                with pipeline.times.measure("encode"):
                    sink.write(replace(result.frame, image=picture))
            _save(result, products, pipeline)
            if on_result is not None:
                on_result(result)
            if source.info.kind == "image":
                outcome.areas = result.segmentation.areas()
            if screen is not None:
                screen.show(picture, result.segmentation, frame=result.frame, draw=draw)
                if screen.poll() in END_KEYS:
                    outcome.ended_by = "key"
                    break
        if stop.is_set():
            outcome.ended_by = "signal"
    outcome.seconds = time.perf_counter() - started
    outcome.threads = pipeline.threads
    outcome.facts = source.facts
    segmenter = pipeline.segmenter
    outcome.ran = {
        "model": segmenter.model,
        "size": segmenter.size,
        "runtime": segmenter.runtime,
        "precision": segmenter.precision,
    }
    outcome.notes = [*source.notes, *(sink.notes if sink is not None else [])]
    outcome.notes += [note for product in products for note in product.notes]
    outcome.notes += pipeline.segmenter.events
    return outcome


def _count(result: Result, outcome: Outcome) -> None:
    outcome.frames += 1
    outcome.dropped += result.dropped_before
    if result.frame.placeholder:
        outcome.placeholders += 1
    elif result.age_ms is not None:
        outcome.age.add(result.age_ms / 1e3)
        outcome.recent_ages.append(result.age_ms / 1e3)


def _save(result: Result, products: Sequence[Product], pipeline: Pipeline) -> None:
    if not products or result.frame.placeholder:
        return
    with pipeline.times.measure("save"):
        for product, prepared in zip(products, result.prepared, strict=True):
            product.write(result, prepared)


def _drawn(decorate: Decorate, result: Result, outcome: Outcome, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return decorate(picture, result, outcome)


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
