"""What runs bundles of tasks: workers of this machine or of a cluster, behind one interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from liveseg.batch.records import Bundle, Record


class Executor(Protocol):
    """Runs bundles on workers; a context manager that ends everything it started.

    Workers commit outputs and log their records under the destination before they report. What `run` yields is for
    counting and for the next step: a record that never arrives (the driver was killed) is still in a log.
    """

    @property
    def workers(self) -> int:
        """How many workers there are at this moment; 0 before the first has started."""

    @property
    def dashboard(self) -> str | None:
        """The address of a page that shows the workers at work, once they are there; `None` where there is none."""

    def run(self, bundles: Iterator[Bundle]) -> Iterator[Record]:
        """Take bundles only a few ahead of the workers and yield the records of their tasks, in any order.

        Each task of each bundle taken leads to one record at least, unless `stop` was called; after a lost machine a
        task may run again and its record may come again, with the same `Task.key`. The iterator may be left early:
        that is `close`. It is called from one thread, and `bundles` is drawn from one thread at a time, which may be
        another than the caller's. After it has ended it may be called again: the workers stay for that until `close`.

        Raises:
            LivesegError: the executor cannot go on: no workers could be started, or none is left.
            Exception: whatever `bundles` raised.
        """

    def stop(self) -> None:
        """Begin no further task; those that run are finished and `run` then ends. From any thread; more than once."""

    def close(self) -> None:
        """End at once: unfinished tasks are given up, and every process that was started here is ended."""

    def __enter__(self) -> Self:
        """Nothing is started before `run`."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
