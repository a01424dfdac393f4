"""A segmenter that stands on a ladder of levels and is moved along it while it works."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from liveseg.errors import UsageError
from liveseg.segmenter import Segmenter
from liveseg.tuning.choose import size_to_ask
from liveseg.tuning.governor import Governor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from numpy.typing import NDArray

    from liveseg.runtimes.line import Line
    from liveseg.segmentation import Segmentation
    from liveseg.segmenter import Inferred
    from liveseg.tuning.choose import Level
    from liveseg.tuning.engines import Networks
    from liveseg.tuning.governor import Step


_Promise = Future["Inferred"]


class LadderSegmenter(Segmenter):
    """Segments as its current level says; one for each stream, since it remembers the network's last output.

    Everything that it says of itself (`model`, `size`, `runtime`, `precision`, `device`) is the current level's.

    Args:
        levels: from the best quality to the fastest; their classes are the same.
        networks: what loads them; those of one engine share one network.
        home: the level to start from.
        target: frames a second to hold; `None` to stay on `home`.
        threads: threads on the CPU, of all pictures together.
        parallel: how many pictures are segmented at the same time.
        idle: how many cores lay idle since it was last asked, see `Governor`.
        on_step: told of each step, in words, by the thread that segmented the frame before it.
        clock: seconds, from any beginning.

    Raises:
        LivesegError: a level's network cannot be loaded.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        networks: Networks,
        *,
        home: int = 0,
        target: float | None = None,
        threads: int,
        parallel: int = 1,
        idle: Callable[[], float | None] = lambda: None,
        on_step: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.levels = tuple(levels)
        self.events: list[str] = []
        """What was said of each step, for the report."""
        self.threads = threads
        # A frame that waits for another's mask holds a worker of the line, but does not work. A live line has one
        # place to wait in, and frames that wait there longer would only be older.
        self.parallel = parallel if target is not None else parallel * self.levels[home].every
        self._inner = [_segmenter(level, networks, threads, parallel) for level in self.levels]
        if any(inner.labels != self._inner[0].labels for inner in self._inner):
            raise UsageError("the levels of a ladder tell different classes apart; name one of the models with --model")
        rungs = [level.rung for level in self.levels]
        self._governor = None if target is None else Governor(rungs, target, home=home, clock=clock, idle=idle)
        self._on_step = on_step
        self._clock = clock
        self._lock = threading.Lock()
        self._dropped = 0
        self._turn = 0
        self._latest: Future[Inferred] | None = None
        self._stand_on(home)

    def warm_up(self, width: int, height: int) -> None:
        """Run every level once on a picture of the source's size, so that no step waits for preparations."""
        blank = np.zeros((height, width, 3), np.uint8)
        for inner in self._inner:
            inner.segment(blank)

    @property
    def level(self) -> Level:
        """Where it stands now."""
        return self.levels[self._place]

    @property
    def steps(self) -> list[Step]:
        """The steps so far."""
        return [] if self._governor is None else list(self._governor.steps)

    def device_line(self, table: NDArray[np.uint8]) -> Line | None:
        """As of any segmenter, where it stays on one level that segments every frame; else there is none."""
        return None if self._governor is not None or self.level.every > 1 else super().device_line(table)

    def dropped(self, count: int) -> None:
        """Take note of frames that the line left out because it was busy; from any thread."""
        with self._lock:
            self._dropped += count

    def infer(self, image: NDArray[np.uint8]) -> Inferred:
        """Run the current level's network on a picture `(H, W, 3)` `uint8` RGB, or give it the last one's output."""
        with self._lock:
            inner, level = self._inner[self._place], self.level
            latest, own = self._latest, _Promise()
            reuses = latest is not None and self._turn % level.every != 0
            self._turn += 1
            if not reuses:
                self._latest = own
        if reuses and latest is not None:
            found = latest.result()
            if found.image.shape == image.shape:
                return replace(found, image=image, speed=dict.fromkeys(found.speed, 0.0), repeated=True)
        try:
            found = inner.infer(image)
            own.set_result(found)
        except BaseException as error:
            own.set_exception(error)
            raise
        return found

    def finish(self, inferred: Inferred, timestamp: Fraction | None = None) -> Segmentation:
        """As of any segmenter; takes note of what the frame cost."""
        found = super().finish(inferred, timestamp)
        self._observe(None if inferred.repeated else sum(found.speed.values()) / 1e3)
        return found

    def _observe(self, busy: float | None) -> None:
        if self._governor is None:
            return
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            before = self._place
            after = self._governor.observe(busy, dropped)
            if after == before:
                return
            self._stand_on(after)
            said = _told(self._governor.steps[-1], self.levels)
            self.events.append(said)
        if self._on_step is not None:
            self._on_step(said)

    def _stand_on(self, place: int) -> None:
        self._place = place
        # The next frame is segmented on the new level, whatever its turn was on the old one.
        self._turn, self._latest = 0, None
        inner = self._inner[place]
        runtime = inner._runtime  # noqa: SLF001 - it is a Segmenter, too
        self._adopt(runtime, size_to_ask(runtime.contract, inner.size))
        self.chosen = f"{self.runtime}: {self.level.name} is what the target rate takes"


def _segmenter(level: Level, networks: Networks, threads: int, parallel: int) -> Segmenter:
    network = networks.get(level.engine)
    size = size_to_ask(network.contract, level.size)
    segmenter = Segmenter.from_runtime(network, size=size, parallel=parallel)
    segmenter.threads = threads
    return segmenter


def _told(step: Step, levels: Sequence[Level]) -> str:
    before, after = levels[step.before].name, levels[step.after].name
    way = "down" if step.after > step.before else "up"
    return f"stepped {way} from {before} to {after} at {step.at:.1f} s: {step.reason}"
