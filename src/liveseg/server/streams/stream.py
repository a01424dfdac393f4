"""One live source on the server's side: a thread of its own, the service's model, and what became of it so far."""

from __future__ import annotations

import asyncio
import logging
import statistics
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import LivesegError
from liveseg.pipeline import Pipeline
from liveseg.render import Renderer
from liveseg.server.log import tell
from liveseg.server.streams.answers import StreamAnswer, StreamLinks
from liveseg.server.streams.shown import Shown
from liveseg.server.streams.watched import Attention, Watched
from liveseg.streams import Started, Stream
from liveseg.temporal import Smoother

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.job import Outcome
    from liveseg.media.address import Address
    from liveseg.media.frame import Frame, LiveFacts, Source
    from liveseg.pipeline import Result
    from liveseg.segmenter import Segmenter
    from liveseg.server.engine.engine import Engine
    from liveseg.server.metrics import Metrics
    from liveseg.server.streams.answers import State

RECONNECT = 24 * 3600.0
"""Seconds for which a source that is away is tried again."""

TIMEOUT = 5.0
"""Seconds of silence after which it counts as away."""

REST = 30.0
"""Seconds after the last look before nothing is segmented any more."""

_CODEC_THREADS = 2
_MOST_NOTES = 20


@dataclass(frozen=True)
class Wish:
    """What was asked for.

    Args:
        name: what to call the stream.
        source: where it is.
        model: the model's name.
        size: shorter side of the network's input; `None` for the model's own.
        smooth: whether masks are steadied over time.
    """

    name: str
    source: Address | Path
    model: str
    size: int | None
    smooth: bool


class ServerStream:
    """A live source that is read, segmented while somebody looks, and shown.

    Args:
        number: its id.
        wish: what was asked for.
        engine: whose model it uses.
        metrics: told of its frames and states.
    """

    def __init__(self, number: str, wish: Wish, engine: Engine, metrics: Metrics) -> None:
        self.id = number
        self.wish = wish
        self.shown = Shown(engine.codecs)
        self.attention = Attention(REST)
        self.failure: str | None = None
        self.created = datetime.now(UTC)
        self._engine = engine
        self._metrics = metrics
        self._stop = threading.Event()
        self._state: State = "connecting"
        self._facts: LiveFacts | None = None
        self._size: tuple[int, int] | None = None
        self._notes: list[str] = []
        self._outcome: Outcome | None = None
        self._last_frame = 0.0
        self._has_thread = False
        self._task = asyncio.create_task(self._run())
        self._set("connecting")

    @property
    def state(self) -> State:
        """How it stands with it."""
        return self._state

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return not self._task.done()

    async def stop(self, seconds: float | None = None) -> None:
        """End it in good order; a second call waits with the first, but not for longer than that."""
        self._stop.set()
        self.attention.call()
        self.shown.close()
        if not self._has_thread:
            # It waits for its model. A thread ends by itself, also one that waits for its source.
            self._task.cancel()
        await asyncio.wait([self._task], timeout=seconds)

    def answer(self, links: StreamLinks) -> StreamAnswer:
        """How it stands with it, as JSON."""
        width, height = self._size or (None, None)
        outcome, facts = self._outcome, self._facts
        ages = [] if outcome is None else list(outcome.recent_ages)
        frames = 0 if outcome is None else outcome.frames - outcome.placeholders
        # A rate is of frames that come; where none has come for a while there is none.
        fresh = self._state == "live" and time.monotonic() - self._last_frame < 2.0
        return StreamAnswer(
            id=self.id,
            name=self.wish.name,
            address=str(self.wish.source) if not isinstance(self.wish.source, Path) else self.wish.source.name,
            state=self._state,
            paused=self._state == "live" and not self.attention.paid,
            created=self.created,
            model=self.wish.model,
            size=self.wish.size,
            smooth=self.wish.smooth,
            width=width,
            height=height,
            rate=round(outcome.recent_rate, 2) if outcome is not None and fresh else 0.0,
            age_ms=round(statistics.median(ages) * 1e3, 1) if ages and fresh else None,
            frames=frames,
            dropped=0 if outcome is None else outcome.dropped,
            reconnects=0 if facts is None else facts.reconnects,
            viewers=self.attention.viewers,
            failure=self.failure,
            notes=self._notes[:_MOST_NOTES],
            links=links,
        )

    def _set(self, state: State) -> None:
        self._state = state
        self._metrics.stream(self.id, state)

    async def _run(self) -> None:
        """Have a model, and a thread for the line, until it ends."""
        try:
            async with self._engine.lease(self.wish.model, size=self.wish.size) as segmenter:
                self._has_thread = True
                await _in_thread(lambda: self._line(segmenter), f"liveseg-stream-{self.id}")
        except asyncio.CancelledError:
            # Only `stop` cancels it, and only before there is a thread.
            self._set("stopped")
        except LivesegError as error:
            self._fail(str(error))
        except Exception as error:  # noqa: BLE001 - told in the log, and no concern of other streams
            tell("defect", level=logging.ERROR, error=error, stream=self.id)
            self._fail("this is a bug in liveseg; the service's log has more")
        finally:
            self.shown.close()

    def _fail(self, reason: str) -> None:
        if isinstance(self.wish.source, Path):
            # Where files lie here is nobody's business.
            reason = reason.replace(str(self.wish.source), self.wish.source.name)
        self.failure = reason
        self._set("failed")

    # What follows runs in the stream's thread.

    def _line(self, segmenter: Segmenter) -> None:
        renderer = Renderer(segmenter.labels)
        last: list[Frame] = []

        def start() -> Started:
            source = self._open(segmenter)
            self._set("live")
            return Started(source, None, Pipeline(segmenter, workers=1, smooth=Smoother if self.wish.smooth else None))

        def take(picture: NDArray[np.uint8], result: Result, outcome: Outcome) -> NDArray[np.uint8]:
            self._outcome = outcome
            last[:] = [result.frame]
            self._take(result, renderer)
            return picture

        stream = Stream(self.wish.name, start, take)
        stream.run(self._stop)
        if stream.failure is not None:
            raise stream.failure
        if stream.outcome is not None:
            self._outcome, self._notes = stream.outcome, stream.outcome.notes
        gave_up = bool(last) and last[0].placeholder and not self._stop.is_set()
        if stream.error is not None and not self._stop.is_set():
            self._fail(str(stream.error))
        elif gave_up:
            self._fail(next((note for note in self._notes if "went away" in note), "it went away"))
        else:
            self._set("stopped")

    def _open(self, segmenter: Segmenter) -> Source:
        with ExitStack() as opened:
            source = _opened(self.wish.source, self._stop)
            opened.callback(source.close)
            self._facts = source.facts
            self._size = source.info.width, source.info.height
            self._notes = source.notes
            # A network's first run takes many times as long as others.
            segmenter.warm_up(*self._size)
            watched = Watched(source, self.attention, self._resting)
            opened.pop_all()
        return watched

    def _take(self, result: Result, renderer: Renderer) -> None:
        frame = result.frame
        if frame.placeholder:
            if self._state != "away":
                self._set("away")
            self.shown.put(lambda: frame.image, frame.timestamp)
            return
        if self._state != "live":
            self._set("live")
        self._last_frame = time.monotonic()
        self._metrics.frame("stream", (result.age_ms or 0.0) / 1e3)
        if frame.dropped_before:
            self._metrics.dropped("stream", frame.dropped_before)
        # Drawn when somebody looks, once for all.
        self.shown.put(_drawer(renderer, result), frame.timestamp)

    def _resting(self) -> None:
        if self._state != "live":
            self._set("live")


def _drawer(renderer: Renderer, result: Result) -> Callable[[], NDArray[np.uint8]]:
    return lambda: renderer(result.segmentation)


def _opened(source: Address | Path, stop: threading.Event) -> Source:
    """Open a live source, or a file as if it were one.

    Raises:
        LivesegError: it cannot be had; the message holds no password.
    """
    from liveseg.media import open_source
    from liveseg.media.live.paced import Paced
    from liveseg.media.pyav import import_pyav

    import_pyav()
    if isinstance(source, Path):
        return Paced(open_source(source, threads=_CODEC_THREADS))
    from liveseg.media.live.open import open_live
    from liveseg.media.live.options import LiveOptions

    options = LiveOptions(every_frame=False, reconnect=RECONNECT, timeout=TIMEOUT, threads=_CODEC_THREADS)
    return open_live(source, options=options, stop=stop)


async def _in_thread(work: Callable[[], None], name: str) -> None:
    """Do something in a thread of its own, however long it takes, and wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def finish(error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        failed: BaseException | None = None
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            failed = error
        # Who was not waited for at the end may find the loop closed.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(finish, failed)

    threading.Thread(target=run, name=name, daemon=True).start()
    await done
