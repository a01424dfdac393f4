"""Places that hold one thing, the newest: nothing queues up in them, whoever is slow."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

T = TypeVar("T")


class Slots(Generic[T]):
    """A few named places, each of which holds the newest thing that was put there, for one that takes them.

    For the tasks of one event loop, of which one waits.

    Args:
        names: of the places; those that stand first are emptied first.
    """

    def __init__(self, *names: str) -> None:
        self._held: dict[str, T | None] = dict.fromkeys(names)
        self._filled = asyncio.Event()

    def put(self, name: str, thing: T) -> T | None:
        """Put something in its place; what was still there is given back."""
        before = self._held[name]
        self._held[name] = thing
        self._filled.set()
        return before

    def clear(self, name: str) -> T | None:
        """Empty a place; what was there is given back."""
        before = self._held[name]
        self._held[name] = None
        return before

    @property
    def empty(self) -> bool:
        """Whether nothing is held."""
        return all(thing is None for thing in self._held.values())

    async def filled(self, name: str | None = None) -> None:
        """Wait until a place holds something; any by default."""
        while self.empty if name is None else self._held[name] is None:
            self._filled.clear()
            await self._filled.wait()

    async def take(self) -> T:
        """Wait for something and take it out of the first place that holds any."""
        await self.filled()
        name, thing = next((name, thing) for name, thing in self._held.items() if thing is not None)
        self._held[name] = None
        return thing
