"""A model that several use at once: the calls of its network wait in the service's queue, in order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.server.engine.task import Call

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from liveseg.runtimes.base import Runtime
    from liveseg.server.engine.batcher import Batcher
    from liveseg.server.engine.task import Lane


class InTurn:
    """A `Runtime` whose calls are made by the threads of the network; the thread that calls waits meanwhile.

    So a stream brings no threads of networks of its own, and its frames are served no sooner and no later than the
    pictures that came before and after them.

    Args:
        runtime: the network.
        lane: of the model.
        batcher: whose threads make the calls.
    """

    def __init__(self, runtime: Runtime, lane: Lane, batcher: Batcher) -> None:
        self.name = runtime.name
        self.device = runtime.device
        self.precision = runtime.precision
        self.contract = runtime.contract
        self._runtime = runtime
        self._lane = lane
        self._batcher = batcher

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Run the network; see `Runtime`.

        Raises:
            NotReady: the service has stopped.
        """
        call = Call(self._lane, lambda: self._runtime(images))
        self._batcher.put(call)
        logits: NDArray[np.float32] = call.future.result()
        return logits
