"""What runs on each worker of a cluster: a ticket, and the tasks that are drawn with it."""

from __future__ import annotations

import platform
import sys
import threading
import time
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import ray

from liveseg._version import __version__
from liveseg.batch.pool import LocalPool
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from liveseg.batch import ray_feeder
    from liveseg.batch.records import Bundle, Record
    from liveseg.settings.batch import BatchSettings

REPORT_SECONDS = 1.0
"""Records go to the driver this often, and with each request for work; a busy worker waits so long for more work."""

BEAT_SECONDS = 5.0
"""A worker shows this often that it lives."""

IDLE_SECONDS = 20.0
"""How long one request waits for work."""


def versions() -> dict[str, str]:
    """What has to be equal on the driver and its workers."""
    return {"liveseg": __version__, "Python": ".".join(platform.python_version_tuple()[:2])}


def differences(there: dict[str, str]) -> str | None:
    """What differs here from the driver, in words; `None` for nothing."""
    for what, version in versions().items():
        if version != there[what]:
            where = ray.util.get_node_ip_address()
            return f"{where} has {what} {version}, this machine {there[what]}; use the same image on all of them"
    return None


@dataclass(frozen=True, kw_only=True)
class Orders:
    """What every worker of a run is told.

    Args:
        settings: of the run.
        run: its name.
        make_replica: what a worker process runs; `None` for a `Replica`.
        versions: of the driver.
        ticket_seconds: how long a ticket is good for.
    """

    settings: BatchSettings
    run: str
    make_replica: Callable[..., Any] | None
    versions: dict[str, str]
    ticket_seconds: float


class Hands:
    """The callable that Ray Data keeps in an actor: a local pool of one process, fed by tickets.

    The actor itself does nothing that could crash: the model runs in the pool's process, whose loss, time limits and
    attempts are the pool's business, as on one machine.

    Args:
        feeder: the handle of the `Feeder`.
        orders: of the run.
    """

    def __init__(self, feeder: Any, orders: Orders) -> None:
        self._feeder = feeder
        self._orders = orders
        # A process that is spawned runs its parent's main program again, up to a guard; Ray's has nothing for it.
        sys.modules["__main__"].__file__ = None
        self._pool = LocalPool(orders.settings, orders.run, 1, make_replica=orders.make_replica)

    def __call__(self, batch: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
        """Use up a ticket; with other versions than the driver's, say so instead."""
        unlike = differences(self._orders.versions)
        if unlike is not None:
            ray.get(self._feeder.fail.remote(unlike, LivesegError.exit_code))
            return batch
        number = int(batch["ticket"][0])
        call = uuid.uuid4().hex
        here = ray.get_runtime_context()
        me = (here.current_actor, here.get_actor_id(), here.get_node_id())
        ray.get(self._feeder.begin.remote(number, call, *me))
        ended = threading.Event()
        beating = threading.Thread(target=self._beat, args=(number, call, ended), daemon=True)
        beating.start()
        try:
            _Shift(self._feeder, self._pool, number, call).work(self._orders.ticket_seconds)
        except LivesegError as error:
            ray.get(self._feeder.fail.remote(str(error), error.exit_code))
        finally:
            ended.set()
            beating.join()
        return {"ticket": np.array([number])}

    def _beat(self, number: int, call: str, ended: threading.Event) -> None:
        while not ended.wait(BEAT_SECONDS):
            self._feeder.beat.remote(number, call)


class _Shift:
    """One ticket, from its first request to its end."""

    def __init__(self, feeder: Any, pool: LocalPool, number: int, call: str) -> None:
        self._feeder = feeder
        self._pool = pool
        self._ticket = (number, call)
        self._records: list[Record] = []
        self._keeping = threading.Lock()
        self._ended = False

    def work(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._ended and time.monotonic() < until:
            work = self._take(IDLE_SECONDS, idle=True)
            match work.what:
                case "bundle":
                    self._run(self._bundles(work.tasks, until))
                case "suspect":
                    self._run(iter([work.tasks]))
                case "lost":
                    self._keep(self._pool.give_up(work.tasks))
        ray.get(self._feeder.end.remote(*self._ticket, self._drain()))

    def _bundles(self, first: Bundle, until: float) -> Iterator[Bundle]:
        """Bundles while more come; with none for a while the pool finishes, so that no record waits for the next."""
        yield first
        while time.monotonic() < until:
            work = self._take(REPORT_SECONDS, idle=False)
            if work.what != "bundle":
                return
            yield work.tasks

    def _run(self, bundles: Iterator[Bundle]) -> None:
        reported = time.monotonic()
        for record in self._pool.run(bundles):
            self._keep([record])
            if time.monotonic() - reported > REPORT_SECONDS:
                ray.get(self._feeder.report.remote(*self._ticket, self._drain()))
                reported = time.monotonic()

    def _take(self, seconds: float, *, idle: bool) -> ray_feeder.Work:
        work: ray_feeder.Work = ray.get(self._feeder.take.remote(*self._ticket, self._drain(), seconds, idle))
        if work.what == "stop":
            self._pool.stop()
        self._ended = self._ended or work.what in {"stop", "end"}
        return work

    def _keep(self, records: list[Record]) -> None:
        with self._keeping:
            self._records += records

    def _drain(self) -> list[Record]:
        # Also called by the pool's thread, which draws bundles.
        with self._keeping:
            records, self._records = self._records, []
            return records
