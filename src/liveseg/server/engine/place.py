"""How it stands with one model of the service."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from liveseg.models.registry import MODELS
from liveseg.server.engine.model import ModelState

if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Self

    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.server.engine.model import Loaded, State
    from liveseg.settings.serve import ServedModel

USUAL_LOAD = 3.0
"""Seconds; what a client is told while nothing was measured."""


@dataclass(eq=False)
class Place:
    """A model that the service offers, and how it stands with it; guarded by the pool's lock.

    Args:
        served: its name and weights.
        loaded: the model itself, while it is in memory.
        state: what is told of it.
        problem: why its last load failed.
        contract: how it is fed and read, once that is known.
        size: shorter side of the network's input, once that is known.
        seconds: that its last load took.
        wanted: when its load was asked for or begun.
        loads: how often it was loaded.
        failures: how many loads failed since.
        retry_at: before which no other load is tried after a failure.
        used: when it was last asked for.
        works: how many tasks use it.
        leases: how many hold it for longer.
        leaving: whether it takes no new work, since it has to go.
        waiters: those who wait for a lease of it.
    """

    served: ServedModel
    loaded: Loaded | None = None
    state: State = "absent"
    problem: str | None = None
    contract: ModelContract | None = None
    size: Size | None = None
    seconds: float = USUAL_LOAD
    wanted: float = 0.0
    loads: int = 0
    failures: int = 0
    retry_at: float = 0.0
    used: float = -math.inf
    works: int = 0
    leases: int = 0
    leaving: bool = False
    waiters: list[Future[Loaded]] = field(default_factory=list)

    @classmethod
    def of(cls, served: ServedModel) -> Self:
        """A model that was never loaded; of those of the registry, what they take and give is known before."""
        info = None if served.weights is not None else MODELS.get(served.name)
        return cls(served, contract=None if info is None else info.contract)

    def told(self, default: str, now: float) -> ModelState:
        """What may be told of it.

        Args:
            default: the name of the model that is taken where none is named.
            now: in the pool's seconds.
        """
        loaded = self.loaded
        segmenter = None if loaded is None else loaded.segmenter
        return ModelState(
            name=self.served.name,
            default=self.served.name == default,
            state=self.state,
            problem=self.problem,
            contract=self.contract,
            size=self.size,
            runtime=None if segmenter is None else segmenter.runtime,
            device=None if segmenter is None else segmenter.device,
            precision=None if segmenter is None else segmenter.precision,
            bytes=0 if loaded is None else loaded.bytes,
            batch=1 if loaded is None else loaded.lane.batch,
            used=None if self.used == -math.inf else now - self.used,
            users=self.leases,
        )
