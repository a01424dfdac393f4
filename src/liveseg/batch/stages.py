"""Tasks through a worker's stages, each stage in its own threads, so that none of them waits for a slow storage.

Fetching and committing wait for others most of the time: several tasks do that at once. Decoding and encoding are done
for one task each, beside the network, which runs in the calling thread. Everything is bounded: tasks by the slots of
the worker's folder, pictures in memory by their number.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol

from liveseg.batch.failure import DeviceLostError, must_end
from liveseg.batch.work import Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from types import TracebackType
    from typing import Self

    from liveseg.batch.records import Task

AT_A_TIME = 8
"""Tasks between the begin of their reading and the end of their writing."""

FETCHES = COMMITS = 4
"""Tasks whose files are fetched, and committed, at the same time."""

PICTURES = 4
"""Decoded pictures in memory: one being read, one waiting, one in the network, one being encoded."""

_PATIENCE = 0.05
"""Seconds between looks at whether the work was given up, or more has come, for a thread that waits."""


class Steps(Protocol):
    """What is done with a task; each is called from another thread, `ready` and `infer` from the caller's."""

    def place(self, work: Work) -> None:
        """Give it a slot for its files; may wait for one."""

    def fetch(self, work: Work) -> None:
        """Bring its file here."""

    def decode(self, work: Work) -> None:
        """Read its picture."""

    def ready(self, work: Work) -> None:
        """See that there is a network for it; what this raises is no file's fault."""

    def infer(self, work: Work) -> None:
        """The network's part."""

    def finish(self, work: Work) -> None:
        """From the network's output to files here."""

    def commit(self, work: Work) -> None:
        """Bring these to the destination."""

    def end(self, work: Work) -> None:
        """Let go of all that it holds; called once for each work that was placed."""


class Stages:
    """The threads of one worker; a context manager that ends them.

    Args:
        steps: what they do.
    """

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._given_up = threading.Event()
        self._pictures = threading.Semaphore(PICTURES)
        self._fetchers = ThreadPoolExecutor(FETCHES, "liveseg-fetch")
        self._decoder = ThreadPoolExecutor(1, "liveseg-decode")
        self._finisher = ThreadPoolExecutor(1, "liveseg-finish")
        self._committers = ThreadPoolExecutor(COMMITS, "liveseg-commit")

    def through(self, draw: Callable[[], Task | None]) -> Iterator[Work]:
        """Do tasks; each comes out, in order, when it is done or failed.

        Args:
            draw: the next task; `None` while there is none, which is the end once nothing is under way any more.

        Raises:
            DeviceLostError: the device is lost: nothing more can be done here.
            Exception: whatever `ready` raised.
        """
        read: deque[tuple[Work, Future[None]]] = deque()
        written: deque[tuple[Work, Future[None]]] = deque()
        try:
            while True:
                while len(read) + len(written) < AT_A_TIME and (task := draw()) is not None:
                    work = Work(task)
                    self._steps.place(work)
                    read.append((work, self._read(work)))
                if not read and not written:
                    return
                # While the storage keeps it waiting, more tasks may come.
                wait([line[0][1] for line in (read, written) if line], _PATIENCE, FIRST_COMPLETED)
                if read and read[0][1].done():
                    work, reading = read.popleft()
                    written.append((work, self._through_network(work, reading)))
                while written and written[0][1].done():
                    work, writing = written.popleft()
                    try:
                        writing.result()
                        _raise_lost(work)
                    finally:
                        self._steps.end(work)
                    yield work
        finally:
            self._give_up([*read, *written])

    def close(self) -> None:
        """End the threads; what they are at is finished first."""
        self._given_up.set()
        for pool in (self._fetchers, self._decoder, self._finisher, self._committers):
            pool.shutdown(wait=True, cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, work: Work) -> Future[None]:
        fetched = self._fetchers.submit(self._do, self._steps.fetch, work)
        return self._decoder.submit(self._decode, fetched, work)

    def _decode(self, fetched: Future[None], work: Work) -> None:
        fetched.result()
        while not self._pictures.acquire(timeout=_PATIENCE):
            if self._given_up.is_set():
                return
        work.holds_picture = True
        self._do(self._steps.decode, work)

    def _through_network(self, work: Work, reading: Future[None]) -> Future[None]:
        """Segment what was read, and have the rest done."""
        try:
            reading.result()
            if work.error is None:
                self._steps.ready(work)
            self._do(self._steps.infer, work)
            _raise_lost(work)
        except BaseException:
            self._let_go(work)
            self._steps.end(work)
            raise
        finished = self._finisher.submit(self._finish, work)
        return self._committers.submit(self._commit, finished, work)

    def _finish(self, work: Work) -> None:
        self._do(self._steps.finish, work)
        self._let_go(work)

    def _commit(self, finished: Future[None], work: Work) -> None:
        finished.result()
        self._do(self._steps.commit, work)

    def _do(self, step: Callable[[Work], None], work: Work) -> None:
        if work.error is not None or self._given_up.is_set():
            return
        began = time.perf_counter()
        try:
            step(work)
        except BaseException as error:  # noqa: BLE001 - carried over to the caller's thread, whatever it is
            work.error = error
        work.total += time.perf_counter() - began

    def _let_go(self, work: Work) -> None:
        """Its picture makes room for another."""
        work.decoded = work.inferred = None
        if work.holds_picture:
            work.holds_picture = False
            self._pictures.release()

    def _give_up(self, left: Iterable[tuple[Work, Future[None]]]) -> None:
        """Wait for what is still under way, of which nothing more comes; nothing, where all came to its end."""
        left = list(left)
        if not left:
            return
        self._given_up.set()
        for work, going in left:
            going.result()
            self._let_go(work)
            self._steps.end(work)
        self._given_up.clear()


def _raise_lost(work: Work) -> None:
    error = work.error
    if error is None or not must_end(error):
        return
    if isinstance(error, DeviceLostError) or not isinstance(error, Exception):
        raise error
    line = " ".join(str(error).split())
    raise DeviceLostError(f"the network's device failed at {work.item.location}: {line}") from error
