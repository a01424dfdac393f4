"""`Engine`: what stands between the service's routes and the network."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import cv2

from liveseg.preprocess import scale_of
from liveseg.server.engine.batcher import Batcher
from liveseg.server.engine.errors import DeadlinePassed, InputTooLarge, stopping
from liveseg.server.engine.model import Loader
from liveseg.server.engine.pool import ModelPool
from liveseg.server.engine.shared import InTurn
from liveseg.server.engine.task import Picture
from liveseg.server.engine.threads import Budget, Codecs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.preprocess import Size
    from liveseg.segmentation import Segmentation
    from liveseg.segmenter import Segmenter
    from liveseg.server.engine.model import Loaded, ModelState
    from liveseg.server.metrics.registry import Metrics
    from liveseg.settings.serve import ServedModel, ServeSettings


class Engine:
    """The models, the queue before them, and the threads that they run on.

    Its coroutines may be awaited in any event loop, and in several at once; none of them holds a lock while it waits.

    Args:
        settings: of the service.
        metrics: told of what happens.
        load: loads a model, in a thread; liveseg's own loader by default.
        budget: of the threads; that of the settings' threads by default.
    """

    def __init__(
        self,
        settings: ServeSettings,
        metrics: Metrics,
        *,
        load: Callable[[ServedModel], Loaded] | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.budget = budget or Budget.of(settings.threads)
        self.codecs = Codecs(self.budget.codecs)
        """The threads that decode and encode: `await engine.codecs(function, *arguments)`."""
        self._settings = settings
        self._batcher = Batcher(settings.queue, self.budget.slots, metrics)
        self._pool = ModelPool(
            settings.served, settings.models_in_memory, load or Loader(settings, self.budget), metrics.model
        )
        self._stopping = False
        self._opencv_threads = 0

    async def start(self) -> None:
        """Begin to load the default model, and return at once."""
        self._opencv_threads = cv2.getNumThreads()
        cv2.setNumThreads(self.budget.each)
        self._batcher.start()
        self._pool.start()

    async def stop(self, grace: float) -> None:
        """Refuse what is new, finish what waits and runs, and let go of the models.

        Args:
            grace: seconds that finishing may take; what waits after that is told that the service stops.
        """
        self._stopping = True
        await asyncio.to_thread(self._stop, grace)

    def _stop(self, grace: float) -> None:
        self._batcher.stop(grace)
        self.codecs.close()
        self._pool.stop(seconds=1.0)
        cv2.setNumThreads(self._opencv_threads)

    @property
    def ready(self) -> bool:
        """Whether pictures are taken: the default model was loaded, and the service is not about to stop."""
        # Should it have gone from memory since, it comes back when it is asked for.
        return not self._stopping and self._pool.was_ready

    @property
    def problem(self) -> str | None:
        """Why no pictures are taken, in words; `None` where they are, or will be when the model is loaded."""
        if self._stopping:
            return "the service is stopping"
        state = self._pool.state(self._pool.default)
        if self._pool.was_ready or state.problem is None:
            return None
        return f"model {state.name!r} could not be loaded: {state.problem}"

    @property
    def default(self) -> str:
        """The name of the model that is taken where none is named."""
        return self._pool.default

    @property
    def depth(self) -> int:
        """How many pictures wait."""
        return self._batcher.waiting.depth

    def models(self) -> list[ModelState]:
        """How it stands with each model that clients may ask for, the default first."""
        return self._pool.states()

    def model(self, name: str) -> ModelState:
        """How it stands with one of them.

        Raises:
            UnknownModel: no such model.
        """
        return self._pool.state(name)

    def admit(self, model: str | None = None) -> None:
        """Refuse at once what `segment` would refuse, before a picture is decoded for nothing; it promises no place.

        Raises:
            UnknownModel: no such model.
            NotReady: the model is being loaded from now on, could not be, or the service is stopping.
            QueueFull: too many pictures wait already.
        """
        if self._stopping:
            raise stopping()
        name = model or self._pool.default
        self._pool.take(name)
        self._pool.give(name)
        self._batcher.waiting.check()

    async def segment(
        self,
        image: NDArray[np.uint8],
        *,
        model: str | None = None,
        size: Size | None = None,
        deadline: float | None = None,
    ) -> Segmentation:
        """Segment a picture, in order of arrival; cancelling it while it waits takes it out of the queue.

        Args:
            image: `(H, W, 3)` `uint8` RGB; not to be changed meanwhile.
            model: one of those that the service offers; the default one by default.
            size: shorter side of the network's input, or `native`; the service's or the model's own by default.
            deadline: in the running loop's `time()`; a picture whose turn comes later is not computed.

        Returns:
            The mask; its `speed` also has the milliseconds that it waited, as `wait`.

        Raises:
            UnknownModel: no such model.
            NotReady: the model is being loaded, could not be, or the service is stopping.
            QueueFull: too many pictures wait already.
            DeadlinePassed: it was not done in time.
            InputTooLarge: the network's input would have more pixels than the settings allow.
            UsageError: a size that the network cannot take.
        """
        seconds = None if deadline is None else deadline - asyncio.get_running_loop().time()
        if seconds is not None and seconds <= 0:
            raise DeadlinePassed
        if self._stopping:
            raise stopping()
        name = model or self._pool.default
        loaded = self._pool.take(name)
        try:
            segmenter = loaded.segmenter if size is None else loaded.segmenter.beside(size=size)
            self._check_input(segmenter, image)
            until = None if seconds is None else time.monotonic() + seconds
            task = Picture(loaded.lane, segmenter, image, until)
            self._batcher.put(task)
        except BaseException:
            self._pool.give(name)
            raise
        # Not when this ends but when the work does: the network may still run when its caller is gone.
        task.future.add_done_callback(lambda _: self._pool.give(name))
        try:
            async with asyncio.timeout(seconds):
                found: Segmentation = await asyncio.wrap_future(task.future)
        except TimeoutError as error:
            raise DeadlinePassed from error
        return found

    def _check_input(self, segmenter: Segmenter, image: NDArray[np.uint8]) -> None:
        if segmenter.contract.fixed_size is not None:
            return
        height, width = image.shape[:2]
        pixels = height * width * scale_of(height, width, segmenter.size) ** 2
        if pixels > self._settings.max_input_pixels:
            raise InputTooLarge((height, width), segmenter.size, pixels, self._settings.max_input_pixels)

    @asynccontextmanager
    async def lease(self, model: str | None = None, *, size: Size | None = None) -> AsyncIterator[Segmenter]:
        """A model for the length of the block, for whoever runs a line of its own; it waits until it is loaded.

        The model stays in memory meanwhile. Its calls of the network are made by the service's threads, in order of
        arrival with everybody else's; they may come from any thread but those.

        Args:
            model: one of those that the service offers; the default one by default.
            size: as `segment` takes it.

        Yields:
            A segmenter of its own.

        Raises:
            UnknownModel: no such model.
            NotReady: it could not be loaded, or the service is stopping.
            UsageError: a size that the network cannot take.
        """
        if self._stopping:
            raise stopping()
        name = model or self._pool.default
        coming = self._pool.lease(name)
        try:
            loaded = await asyncio.wrap_future(coming)
        except asyncio.CancelledError:
            # It may have come in the same moment.
            coming.add_done_callback(
                lambda done: None if done.cancelled() or done.exception() else self._pool.release(name)
            )
            raise
        try:
            yield self._shared(loaded, size)
        finally:
            self._pool.release(name)

    def _shared(self, loaded: Loaded, size: Size | None) -> Segmenter:
        return loaded.segmenter.beside(size=size, through=lambda runtime: InTurn(runtime, loaded.lane, self._batcher))
