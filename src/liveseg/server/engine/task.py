"""What waits for the network: a picture of a request, or a call of somebody who holds a model."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from liveseg.server.engine.errors import DeadlinePassed

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.segmentation import Segmentation
    from liveseg.segmenter import Segmenter

MOST_PIXELS_TOGETHER = 1 << 20
"""A network's input beyond this goes alone: it keeps any device busy by itself, and several would take much memory."""


@dataclass(eq=False)
class Lane:
    """How one model may be used, and how long that takes; what changes is guarded by the queue's lock.

    Args:
        width: how many calls of its network run at the same time.
        batch: how many pictures of one shape go into a call; 1 is one by one.
        seconds: of a thread's time that a picture takes, as measured lately; 0 before the first.
        running: how many calls of its network run now.
    """

    width: int
    batch: int = 1
    seconds: float = 0.0
    running: int = 0


class Task:
    """One thing to be done by a thread of the network, in order of arrival.

    Args:
        lane: of the model that it uses.
        key: tasks of one lane whose keys are equal may be done together; `None` is alone.
        deadline: in `time.monotonic`; it is not begun after that. `None`: it always is.
        counts: whether it takes a place in the bounded queue.
    """

    def __init__(self, lane: Lane, *, key: Hashable = None, deadline: float | None = None, counts: bool = True) -> None:
        self.lane = lane
        self.key = key
        self.deadline = deadline
        self.counts = counts
        self.arrived = time.monotonic()
        self.waited = 0.0
        self.future: Future[Any] = Future()

    def begin(self) -> bool:
        """Whether it is still wanted: not cancelled, and its time not over, of which its caller is told."""
        now = time.monotonic()
        self.waited = now - self.arrived
        if not self.future.set_running_or_notify_cancel():
            return False
        if self.deadline is not None and now >= self.deadline:
            self.future.set_exception(DeadlinePassed())
            return False
        return True

    def alone(self) -> Any:
        """Do it."""
        raise NotImplementedError

    def together(self, tasks: Sequence[Task]) -> Sequence[Any]:
        """Do it and others of the same key at once; the results in their order."""
        return [task.alone() for task in tasks]


class Call(Task):
    """A call of the network by somebody who holds the model, such as a stream; it never counts as a waiting picture."""

    def __init__(self, lane: Lane, work: Callable[[], Any]) -> None:
        super().__init__(lane, counts=False)
        self._work = work

    def alone(self) -> Any:
        """Do it."""
        return self._work()


class Picture(Task):
    """A picture to be segmented.

    Args:
        lane: of the model.
        segmenter: of the size that was asked for.
        image: `(H, W, 3)` `uint8` RGB.
        deadline: in `time.monotonic`; `None`: no end.

    Raises:
        UsageError: a network input of more pixels than memory is likely to hold.
    """

    def __init__(
        self, lane: Lane, segmenter: Segmenter, image: NDArray[np.uint8], deadline: float | None = None
    ) -> None:
        fed = segmenter.batched(*image.shape[:2])
        alone = fed is None or fed[0] * fed[1] > MOST_PIXELS_TOGETHER
        super().__init__(lane, key=None if alone else (fed, segmenter.size), deadline=deadline)
        self._segmenter = segmenter
        self._image = image

    def alone(self) -> Segmentation:
        """Segment it."""
        return self._told(self._segmenter.segment(self._image))

    def together(self, tasks: Sequence[Task]) -> list[Segmentation]:
        """Segment it and other pictures in one batch."""
        pictures = [task for task in tasks if isinstance(task, Picture)]
        segmenter = self._segmenter
        found = segmenter.infer_many([picture._image for picture in pictures])  # noqa: SLF001 - its own class
        return [
            picture._told(segmenter.finish(own))  # noqa: SLF001
            for picture, own in zip(pictures, found, strict=True)
        ]

    def _told(self, found: Segmentation) -> Segmentation:
        """With the milliseconds that it waited."""
        return replace(found, speed={"wait": self.waited * 1e3, **found.speed})
