"""What Ray Data is asked for: an actor a replica, between bounds, each with a ticket."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import TYPE_CHECKING, Any

import ray
from ray.data import ActorPoolStrategy, DataContext
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from liveseg.batch.ray_actor import Hands, Orders
from liveseg.batch.ray_feeder import Feeder
from liveseg.batch.ray_source import TicketDatasource

if TYPE_CHECKING:
    from liveseg.settings.batch import BatchSettings

_log = logging.getLogger(__name__)

CALLS = 100_000
"""Workers wait in a call of the feeder, each in one of its own."""

CLOSE_SECONDS = 10.0


def start_feeder(settings: BatchSettings, silence: float) -> Any:
    """A `Feeder` as an actor on the driver's machine, or on the head of a cluster that the driver is outside of."""
    here = ray.get_runtime_context().get_node_id()
    actor = ray.remote(Feeder).options(
        num_cpus=0,
        max_concurrency=CALLS,
        max_restarts=0,
        scheduling_strategy=NodeAffinitySchedulingStrategy(here, soft=False),
        name=f"liveseg-feeder-{uuid.uuid4().hex[:8]}",
    )
    return actor.remote(settings.attempts, settings.min_workers, silence)


class Actors:
    """The run of Ray Data that holds the workers; its thread does nothing but wait.

    Ray Data restarts a lost actor, elsewhere if need be, and runs its ticket again, without limit (`max_restarts` and
    `max_task_retries` are -1 there); how often a task may be lost with its worker is the feeder's business, and how
    long to wait for a machine is `RayPool`'s.

    Args:
        feeder: the handle of the `Feeder`.
        settings: how many workers and how big.
        cpus: of each.
        orders: what each is told.
    """

    def __init__(self, feeder: Any, settings: BatchSettings, cpus: float, orders: Orders) -> None:
        self._feeder = feeder
        self._error: Exception | None = None
        with DataContext.current(_context()):
            source = ray.data.read_datasource(TicketDatasource(feeder), num_cpus=0, override_num_blocks=1)
            self._dataset = source.map_batches(
                Hands,
                fn_constructor_args=(feeder, orders),
                batch_size=None,
                batch_format="numpy",
                compute=ActorPoolStrategy(min_size=settings.min_workers, max_size=settings.max_workers),
                num_cpus=cpus,
                num_gpus=settings.gpus_each or None,
            )
        self._thread = threading.Thread(target=self._hold, name="ray-data", daemon=True)
        self._thread.start()

    @property
    def error(self) -> Exception | None:
        """What ended the run of Ray Data before its time."""
        return self._error

    @property
    def alive(self) -> bool:
        """Whether the run of Ray Data goes on."""
        return self._thread.is_alive()

    def close(self) -> None:
        """End the workers at once; those that have nothing under way end by themselves."""
        try:
            for worker in ray.get(self._feeder.close.remote(), timeout=CLOSE_SECONDS):
                ray.kill(worker, no_restart=True)
        except (ray.exceptions.RayError, ValueError) as error:
            _log.debug("the feeder or a worker is gone already", exc_info=error)
        self._thread.join(CLOSE_SECONDS)
        ray.kill(self._feeder)

    def _hold(self) -> None:
        try:
            for _ in self._dataset.iter_batches(batch_size=None, prefetch_batches=0):
                pass
        except Exception as error:  # noqa: BLE001
            # Whatever it is: the thread that draws records raises it.
            self._error = error


def _context() -> DataContext:
    context = DataContext.get_current().copy()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    context.execution_no_progress_timeout_s = -1  # A long video is no standstill; `RayPool` looks after the cluster.
    context.target_max_block_size = 1  # Each ticket is a block, and goes out as it comes.
    context.max_consecutive_actor_init_deaths = 3
    return context
