"""The queue before the network: bounded, in order of arrival, equal shapes taken together."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from liveseg.server.engine.errors import QueueFull, stopping

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from liveseg.server.engine.task import Lane, Task

_MEMORY = 0.2
"""The weight of the newest measurement in a lane's seconds: the last ten or so decide."""

_LONGEST = 60.0
"""Seconds; nobody is told to come back later than that."""


class Waiting:
    """The tasks that wait, oldest first. Every method may be called from any thread, and none waits but `take`.

    A task leaves at once when its future is cancelled: a client that is gone holds no place.

    Args:
        most: pictures that may wait; calls of those who hold a model do not count.
        threads: how many threads serve it.
        on_depth: told how many pictures wait, whenever that has changed.
    """

    def __init__(self, most: int, threads: int, on_depth: Callable[[int], None]) -> None:
        self._most = most
        self._threads = threads
        self._on_depth = on_depth
        self._lock = threading.Lock()
        self._arrived = threading.Condition(self._lock)
        self._emptied = threading.Condition(self._lock)
        self._tasks: dict[Task, None] = {}
        self._counted = 0
        self._running = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    @property
    def depth(self) -> int:
        """How many pictures wait, of those that count."""
        return self._counted

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        with self._lock:
            return not self._tasks and not self._running

    def put(self, task: Task) -> None:
        """Let a task wait for its turn.

        Raises:
            QueueFull: as many pictures wait as may.
            NotReady: the queue is closed.
        """
        with self._lock:
            if self._closed:
                raise stopping()
            if task.counts:
                self._refuse_more()
            self._tasks[task] = None
            self._counted += task.counts
            self._arrived.notify()
            self._on_depth(self._counted)
        # At the end, since one that is cancelled already calls back at once.
        task.future.add_done_callback(lambda _: self._forget(task))

    def check(self) -> None:
        """Whether there is a place for a picture now.

        Raises:
            QueueFull: as many pictures wait as may.
        """
        with self._lock:
            self._refuse_more()

    def take(self) -> list[Task]:
        """Wait for the oldest task whose lane has room, and take it, with those that may be done together with it.

        Returns:
            Tasks of one lane, to be given back by `done`; none once the queue is closed and empty.
        """
        with self._lock:
            while True:
                taken = next(self._groups(), [])
                if taken:
                    self._remove(taken)
                    taken[0].lane.running += 1
                    self._running += 1
                    return taken
                if self._closed and not self._tasks:
                    return []
                self._arrived.wait()

    def done(self, lane: Lane, pictures: int, seconds: float) -> None:
        """Give back what `take` gave, and tell how many of its pictures were computed, and in how many seconds."""
        with self._lock:
            lane.running -= 1
            self._running -= 1
            if pictures:
                each = seconds / pictures
                lane.seconds = lane.seconds * (1 - _MEMORY) + each * _MEMORY if lane.seconds else each
            # Others may have waited for room in this lane.
            self._arrived.notify_all()
            self._tell_idle()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing waits and nothing runs, up to a time; whether it came to that."""
        with self._lock:
            return self._emptied.wait_for(lambda: not self._tasks and not self._running, timeout=seconds)

    def close(self) -> None:
        """Take nothing more; whatever waits is told so."""
        with self._lock:
            self._closed = True
            left = list(self._tasks)
            self._remove(left)
            self._arrived.notify_all()
            self._tell_idle()
        for task in left:
            if task.future.set_running_or_notify_cancel():
                task.future.set_exception(stopping())

    def _groups(self) -> Iterator[list[Task]]:
        for first in self._tasks:
            lane = first.lane
            if lane.running >= lane.width:
                continue
            group = [first]
            if lane.batch > 1 and first.key is not None:
                alike = (own for own in self._tasks if own is not first and own.lane is lane and own.key == first.key)
                group += [own for own, _ in zip(alike, range(lane.batch - 1), strict=False)]
            yield group

    def _remove(self, tasks: list[Task]) -> None:
        for task in tasks:
            del self._tasks[task]
            self._counted -= task.counts
        self._on_depth(self._counted)

    def _forget(self, task: Task) -> None:
        """Let go of a task that was cancelled while it waited; those that were taken are not here any more."""
        with self._lock:
            if task in self._tasks:
                self._remove([task])
                self._tell_idle()

    def _tell_idle(self) -> None:
        if not self._tasks and not self._running:
            self._emptied.notify_all()

    def _refuse_more(self) -> None:
        if self._counted >= self._most:
            # What the waiting tasks will take, as measured.
            seconds = sum(task.lane.seconds for task in self._tasks) / self._threads
            raise QueueFull(min(max(seconds, 1.0), _LONGEST))
