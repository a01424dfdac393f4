"""Workers of a Ray cluster: Ray Data keeps them, one actor a model; tasks and records pass by a mailbox.

```
driver ── bundles ──► Feeder ◄── take, records ── Hands (actor) ── LocalPool of one ── worker process, model
       ◄── records ──    │                          ▲
                         └─ tickets ─► read task ─► map_batches (Ray Data: placement, scaling, replacement)
```

Ray Data does what it is good at: it places one actor a replica by CPUs and fractions of GPUs, scales their number
between bounds with the cluster, replaces what is lost and runs its ticket again. What flows through `map_batches` is
tickets, a number each, good for a minute of work, and not the bundles themselves, for these reasons:

- Ray Data keeps statistics of each block until the end, about a kilobyte; ten million files in blocks of sixteen would
  be a gigabyte on the driver. A minute of work a block makes it thousandths of that.
- A block is bound to an actor while it still waits behind another, so that the last ones wait for the slowest worker.
  Bundles leave the feeder when somebody is free.
- A lost actor's block would run again as a whole, forever if it is what kills the actor. The feeder knows what was in
  hand, task by task, tries each alone, and gives up after `attempts`.
- Between blocks a worker stands still for the driver's turn-around. A ticket's bundles reach the local pool as one
  stream, so that the next is there before the last is done.

Back-pressure: the feeder holds two bundles a worker and asks the driver for no more; tickets wait one behind each
worker. All of these are a few kilobytes, which Ray sends within its messages; the object store may be full of others'
data. Media never goes through Ray.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from liveseg.batch.drawing import Drawing
from liveseg.batch.ray_cluster import Cluster, ClusterError, in_words
from liveseg.batch.ray_feeder import SILENCE
from liveseg.errors import LivesegError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType
    from typing import Self

    from liveseg.batch.ray_data import Actors
    from liveseg.batch.ray_feeder import News
    from liveseg.batch.records import Bundle, Record
    from liveseg.settings.batch import BatchSettings

NEWS_SECONDS = 1.0
"""How long the driver waits for news at a time."""

PATIENCE = 300.0
"""Seconds without a machine that could hold a worker; as long as a cluster may take to start one."""

AT_ONCE = 256
"""Tasks that go to the feeder in one call: below the 100 kB from which Ray would use the object store."""

LOOK_SECONDS = 2.0
"""How often the driver looks after the cluster's machines."""

DRAW_SECONDS = 0.1
"""The same while bundles are still being drawn, which may be there at any moment."""


class RayPool:
    """An executor whose workers are actors of a Ray cluster.

    Args:
        settings: of the run; `ray` is the cluster's address, `min_workers`, `max_workers`, `cpus_each` and `gpus_each`
            say how many workers and how big.
        run: its name.
        make_replica: what a worker process runs, as `LocalPool` takes it; picklable by name, from a module that is
            installed on all machines. By default a `Replica`.
        patience: seconds to wait while no machine of the cluster could hold a worker.
        silence: seconds without a sign of life, after which a worker counts as lost.
        ticket_seconds: how long a worker works before Ray Data hears of it again.
    """

    def __init__(
        self,
        settings: BatchSettings,
        run: str,
        *,
        make_replica: Callable[..., Any] | None = None,
        patience: float = PATIENCE,
        silence: float = SILENCE,
        ticket_seconds: float = 60.0,
    ) -> None:
        self._settings = settings
        self._name = run
        self._make_replica = make_replica
        self._patience = patience
        self._silence = silence
        self._ticket_seconds = ticket_seconds
        self._cpus = float(settings.threads_each if settings.cpus_each is None else settings.cpus_each)
        self._cluster: Cluster | None = None
        self._feeder: Any = None
        self._actors: Actors | None = None
        self._workers = 0
        self._stop = threading.Event()
        self._lost: frozenset[str] = frozenset()
        self._looked = 0.0
        self._missing_since: float | None = None

    @property
    def workers(self) -> int:
        """How many workers have a ticket at this moment."""
        return self._workers

    @property
    def dashboard(self) -> str | None:
        """The address of Ray's dashboard, once the cluster was joined; `None` where there is none."""
        return None if self._cluster is None else self._cluster.dashboard

    def run(self, bundles: Iterator[Bundle]) -> Iterator[Record]:
        """Draw bundles in a thread of the pool as the workers need them, and yield records as they come.

        Raises:
            MissingExtraError: Ray is not installed.
            ClusterError: the cluster cannot be joined, differs in its versions, or holds no machine for a worker.
            LivesegError: what a worker raised.
            Exception: what `bundles` raised.
        """
        self._begin()
        drawing = Drawing(bundles, lambda: None)
        try:
            wanted = 0
            while True:
                fresh = list(_drawn(drawing, wanted))
                news = self._exchange(fresh, complete=drawing.ended, more=drawing.first is not None)
                yield from news.records
                if news.finished:
                    return
                wanted = news.wanted
                drawing.want(max(1, wanted))
        except GeneratorExit:
            self.close()
            raise
        finally:
            drawing.close()

    def stop(self) -> None:
        """Begin no further task; those that run are finished and `run` then ends."""
        self._stop.set()

    def close(self) -> None:
        """End the workers, leave the cluster, and end it if it was started here."""
        actors, self._actors, self._feeder = self._actors, None, None
        cluster, self._cluster = self._cluster, None
        self._workers = 0
        try:
            if actors is not None:
                actors.close()
        finally:
            if cluster is not None:
                cluster.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _begin(self) -> None:
        if self._cluster is not None:
            return
        settings = self._settings
        self._cluster = Cluster(settings.ray or "auto", cpus=self._cpus * settings.min_workers)
        from liveseg.batch.ray_actor import Orders, versions
        from liveseg.batch.ray_data import Actors, start_feeder

        orders = Orders(
            settings=settings.absolute(),
            run=self._name,
            make_replica=self._make_replica,
            versions=versions(),
            ticket_seconds=self._ticket_seconds,
        )
        self._feeder = start_feeder(settings, self._silence)
        self._actors = Actors(self._feeder, settings, self._cpus, orders)

    def _exchange(self, bundles: list[Bundle], *, complete: bool, more: bool) -> News:
        """Give bundles and hear what is new; looks after the cluster meanwhile."""
        import ray

        assert self._cluster is not None  # noqa: S101
        assert self._actors is not None  # noqa: S101
        try:
            if self._stop.is_set():
                ray.get(self._feeder.stop.remote())
            news: News = ray.get(
                self._feeder.exchange.remote(
                    bundles, complete, more, NEWS_SECONDS if more or complete else DRAW_SECONDS
                )
            )
        except ray.exceptions.RayError as error:
            raise ClusterError(f"{in_words(error)}; the same command goes on where this one ended") from error
        self._workers = news.workers
        if news.error is not None:
            raise _raised(*news.error)
        if self._actors.error is not None:
            raise ClusterError(in_words(self._actors.error)) from self._actors.error
        if not news.finished and not self._actors.alive:
            raise ClusterError("Ray gave up without a word; the same command goes on where this one ended")
        if not news.finished and time.monotonic() - self._looked > LOOK_SECONDS:
            self._look_after(self._cluster)
            self._looked = time.monotonic()
        return news

    def _look_after(self, cluster: Cluster) -> None:
        """Say which machines are lost; give up once none could hold a worker for as long as starting one may take."""
        machines = cluster.machines()
        lost = frozenset(machine.name for machine in machines if not machine.alive)
        if lost - self._lost:
            self._feeder.lose.remote(sorted(lost))
            self._lost = lost
        gpus = self._settings.gpus_each
        if any(machine.holds(self._cpus, gpus) for machine in machines):
            self._missing_since = None
            return
        now = time.monotonic()
        self._missing_since = self._missing_since or now
        if now - self._missing_since > self._patience:
            wanted = f"{self._cpus:g} CPUs" + (f" and {gpus:g} GPUs" if gpus else "")
            raise ClusterError(
                f"for {self._patience:g} seconds no machine of the Ray cluster had the {wanted} of a worker; add "
                "machines or ask for less with --cpus-each, then run the same command to go on"
            )


def _drawn(drawing: Drawing, count: int) -> Iterator[Bundle]:
    """As many bundles as are wanted and there, and no more tasks than go well into a message."""
    tasks = 0
    while count > 0 and tasks < AT_ONCE and (bundle := drawing.first) is not None:
        drawing.take()
        yield bundle
        count -= 1
        tasks += len(bundle)


def _raised(message: str, exit_code: int) -> LivesegError:
    """What a worker raised, with the exit code that it had there."""
    return UsageError(message) if exit_code == UsageError.exit_code else ClusterError(message)
