"""How much of the processor a measurement had, and how much others took of it meanwhile."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from liveseg.runtimes.base import available_cores
from liveseg.tuning.machine import IdleCores

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class CpuUse:
    """The cores in use while a block runs: by this process, and by everything else on the same cores."""

    def __enter__(self) -> Self:
        self._idle = IdleCores()
        self._wall, self._own = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.own = (time.process_time() - self._own) / max(time.perf_counter() - self._wall, 1e-9)
        idle = self._idle()
        self.others = None if idle is None else max(available_cores() - idle - self.own, 0.0)

    def to_json(self) -> dict[str, Any]:
        """Cores on average, once the block is over; a result beside many others' is worth little."""
        return {"own_cores": self.own, "other_cores": self.others}
