"""Who may use the processor's cores, so that nobody fights over them.

| what | threads |
|---|---|
| resizing, network and mask of a picture: all by one thread, a slot | `slots`, each with `each` of its runtime |
| decoding and encoding | `codecs`, so that no network waits for a JPEG |
| OpenCV | `each` a call: by itself it starts one a core in each of the threads above |
| event loop | one, with no such work |

Processor milliseconds a picture, from JPEG to JPEG, with 1, 4 and 16 callers on two cores (`lite` in bfloat16,
`benchmarks/serving_threads.py`, all of it in `benchmarks/results/serving_threads.json`):

| slots | milliseconds |
|---|---|
| two, of one thread each: as here | 17.5, 17.5, 17.8 |
| one, of two threads | 21.3, 19.2, 19.7 |
| four, of one thread each | 17.8, 17.8, 17.1 |
| eight, of one thread each | 17.6, 17.8, 17.9 |

More slots than cores gain nothing, and each holds a picture's way through the network in memory.

A stream's frames wait for a slot like everybody's pictures (`liveseg.server.engine.shared`). A video's job is a process
of its own, which takes what the others leave (`CHILD_NICE`).
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.runtimes.base import available_cores
from liveseg.server.engine.errors import stopping

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Made = TypeVar("Made")

MOST_SLOTS = 8
"""Each holds the memory of a picture's way through the network; beyond this, a picture is given more threads."""

CHILD_NICE = 10
"""The priority of a video's process (`nice`): it may have every core that nobody waits for."""


@dataclass(frozen=True)
class Budget:
    """How the cores are shared out.

    Args:
        threads: of networks, in all.
        slots: pictures segmented at the same time on the CPU.
        codecs: threads that decode and encode.
    """

    threads: int
    slots: int
    codecs: int

    @property
    def each(self) -> int:
        """How many threads a slot's runtime has."""
        return max(self.threads // self.slots, 1)

    @classmethod
    def of(cls, threads: int | None) -> Budget:
        """The shares of a number of threads; all available cores by default."""
        count = threads or available_cores()
        return cls(threads=count, slots=min(count, MOST_SLOTS), codecs=max(count, 2))


class Codecs:
    """The threads that decode and encode, in order of arrival.

    Args:
        threads: how many.
    """

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="liveseg-codec")
        self._closed = False

    async def __call__(self, function: Callable[..., Made], *arguments: Any) -> Made:
        """Run a function in one of them; one whose caller is gone before its turn is not run.

        A function that runs cannot be ended: whoever cancels this goes when that is over, and holds till then what he
        has room for.

        Raises:
            NotReady: the service has stopped.
        """
        if self._closed:
            raise stopping()
        doing = self._pool.submit(function, *arguments)
        try:
            return await asyncio.wrap_future(doing)
        except asyncio.CancelledError:
            if not doing.cancel():
                await asyncio.gather(asyncio.wrap_future(doing), return_exceptions=True)
            raise

    def close(self) -> None:
        """Run nothing more; what runs comes to its end by itself."""
        self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
