"""From a stream's thread to its viewers in the event loop: the newest picture, one JPEG for all of them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from liveseg.media.newest_jpeg import NewestJpeg

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.server.engine.threads import Codecs

    Jpeg = tuple[int, bytes, float]


class Shown:
    """The newest picture of a stream, for coroutines of one event loop; pictures come from another thread.

    Args:
        codecs: the threads that encode.
    """

    def __init__(self, codecs: Codecs) -> None:
        self._loop = asyncio.get_running_loop()
        self._codecs = codecs
        self._newest = NewestJpeg(self._changed)
        self._news = asyncio.Event()
        self._making: asyncio.Task[Jpeg | None] | None = None

    @property
    def number(self) -> int:
        """How many pictures there were."""
        return self._newest.number

    def put(self, draw: Callable[[], NDArray[np.uint8]], time: Fraction) -> None:
        """Take a new picture; see `NewestJpeg.put`. From any thread."""
        self._newest.put(draw, time)

    def close(self) -> None:
        """No more pictures will come. From any thread."""
        self._newest.close()

    async def newer_than(self, number: int) -> Jpeg | None:
        """Number, JPEG and time in seconds of the newest picture after that number; `None` at the end."""
        while self._newest.number <= number:
            if self._newest.closed:
                return None
            await self._news.wait()
        if self._making is None or self._making.done():
            # One for all who wait; who comes while it is made gets it, too, though a newer one may be there by then.
            self._making = asyncio.create_task(self._made())
        made = await asyncio.shield(self._making)
        return made if made is None or made[0] > number else await self.newer_than(number)

    async def _made(self) -> Jpeg | None:
        return await self._codecs(self._newest.newer_than, 0, 0.0)

    def _changed(self) -> None:
        # At the very end the loop may be closed already; then nobody waits.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
