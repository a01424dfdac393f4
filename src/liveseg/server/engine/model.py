"""A model in memory, and how it got there."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from liveseg.segmenter import Segmenter
from liveseg.server.engine import calibrate
from liveseg.server.engine.memory import resident_bytes
from liveseg.server.engine.task import Lane

if TYPE_CHECKING:
    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.server.engine.threads import Budget
    from liveseg.settings.serve import ServedModel, ServeSettings

State = Literal["absent", "loading", "ready", "failed"]

_DEVICE_LANES = 2
"""Calls at a time on a device with memory of its own: while one computes, the other's pictures are copied."""


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model in memory.

    Args:
        segmenter: of the size that the service was told, or the model's own.
        lane: how it may be used.
        bytes: by how much the process grew when it was loaded; 0 where the system does not tell.
        seconds: that loading took.
    """

    segmenter: Segmenter
    lane: Lane
    bytes: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class ModelState:
    """What may be told of a model that the service offers.

    Args:
        name: what clients call it.
        default: whether it is the one that is taken where none is named.
        state: `absent` models are loaded when they are asked for.
        problem: why it could not be loaded, where that failed.
        contract: classes, palette and size rule; of weights of one's own `None` until they were loaded once.
        size: shorter side of the network's input where none is asked for; `None` until it was loaded once.
        runtime: what runs it, while it is in memory.
        device: likewise.
        precision: likewise.
        bytes: by how much the process grew when it was loaded, while it is in memory.
        batch: how many pictures of one shape are taken together while they wait, while it is in memory.
        used: seconds since it was last used; `None`: never.
        users: who holds it for longer, such as streams.
    """

    name: str
    default: bool
    state: State
    problem: str | None = None
    contract: ModelContract | None = field(default=None, repr=False)
    size: Size | None = None
    runtime: str | None = None
    device: str | None = None
    precision: str | None = None
    bytes: int = 0
    batch: int = 1
    used: float | None = None
    users: int = 0


class Loader:
    """Loads the models of a service, and remembers what it measured of each.

    Args:
        settings: of the service.
        budget: of the threads.
    """

    def __init__(self, settings: ServeSettings, budget: Budget) -> None:
        self._settings = settings
        self._budget = budget
        self._batches: dict[str, int] = {}

    def __call__(self, served: ServedModel) -> Loaded:
        """Load a model, run it once, and find out how many pictures it takes best at a time.

        Raises:
            LivesegError: it cannot be had or used.
        """
        settings, budget = self._settings, self._budget
        before, began = resident_bytes(), time.perf_counter()
        segmenter = Segmenter(
            served.name if served.weights is None else None,
            weights=served.weights,
            runtime=settings.runtime,
            device=settings.device,
            precision=settings.precision,
            threads=budget.threads,
            parallel=budget.slots,
            # A service sees frames, and photos of the few shapes that cameras have.
            live=True,
            size=settings.size,  # type: ignore[arg-type]  # `parse_size` gives no other text than native
            tile=settings.tile,  # type: ignore[arg-type]  # likewise
            tta=settings.tta,
        )
        segmenter.warm_up(640, 480)
        lane = Lane(budget.slots if segmenter.device == "cpu" else _DEVICE_LANES)
        lane.batch = self._batch(served.name, segmenter, lane.width)
        grown = max(resident_bytes() - before, 0)
        return Loaded(segmenter, lane, grown, time.perf_counter() - began)

    def _batch(self, name: str, segmenter: Segmenter, width: int) -> int:
        if self._settings.batching != "auto":
            return calibrate.MOST if self._settings.batching == "on" else 1
        if name not in self._batches:
            self._batches[name] = calibrate.best_batch(segmenter, width)
        return self._batches[name]
