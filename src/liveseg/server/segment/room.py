"""How many decoded pixels there may be at a time, of all requests: what waits for room waits packed, as it came."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Room:
    """Room for pixels, given out in order of arrival; for one event loop.

    Args:
        most: pixels at a time; a picture that has more than all of them comes in alone.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def taken(self) -> int:
        """Pixels that are in."""
        return self._taken

    @asynccontextmanager
    async def of(self, pixels: int) -> AsyncIterator[None]:
        """Room for so many pixels until the block ends; waits for it behind those who came before."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((pixels, place))
        self._let_in()
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                # It was let in at the moment at which it gave up.
                self._taken -= pixels
            self._let_in()
            raise
        try:
            yield
        finally:
            self._taken -= pixels
            self._let_in()

    def _let_in(self) -> None:
        while self._waiting:
            pixels, place = self._waiting[0]
            if not place.cancelled():
                if self._taken and self._taken + pixels > self._most:
                    return
                self._taken += pixels
                place.set_result(None)
            self._waiting.popleft()
