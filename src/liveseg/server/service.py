"""`Service`: what the routes of one service share."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from liveseg.server.engine.engine import Engine
from liveseg.server.limits.running import Running
from liveseg.server.live.sessions import LiveSessions
from liveseg.server.metrics import Metrics
from liveseg.server.security.tickets import Tickets
from liveseg.server.security.token import Token
from liveseg.server.streams.streams import ServerStreams
from liveseg.server.videos.jobs import VideoJobs

if TYPE_CHECKING:
    from liveseg.settings import ServeSettings

_LAST_SECONDS = 2.0
"""For streams to end in, where they have had no grace, or have not ended in it."""


class Service:
    """One running service.

    Args:
        settings: every option.

    Raises:
        UsageError: a token that cannot be one.
    """

    def __init__(self, settings: ServeSettings) -> None:
        self.settings = settings
        self.token = Token(settings.secret())
        self.tickets = Tickets()
        self.metrics = Metrics()
        self.stopping = asyncio.Event()
        """Set when nothing new is taken; whatever has no end of its own ends then."""
        self.running = Running(settings.connections_each, self.stopping)
        self.engine = Engine(settings, self.metrics)
        self.videos = VideoJobs(settings, self.metrics)
        self.streams = ServerStreams(settings, self.engine, self.metrics)
        self.live = LiveSessions(settings, self.engine, self.metrics, self.token)
        self._stopped = False

    async def start(self) -> None:
        """Begin to load the model and to take jobs; returns before the model is there."""
        await self.engine.start()
        await self.videos.start()

    async def finish(self, grace: float) -> bool:
        """Take nothing new and let what runs come to its end, within a time; whether all of it did.

        Videos that are being worked on are not waited for: nobody could fetch their results.
        """
        self.stopping.set()
        ends = asyncio.get_running_loop().time() + grace
        await asyncio.gather(self.live.stop(), self.streams.stop(grace))
        return await self.running.idle(max(ends - asyncio.get_running_loop().time(), 0.0))

    async def stop(self) -> None:
        """End everything that is left, and give back threads, memory and files; a second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        self.stopping.set()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(self.engine.stop, 0.0)
            stack.push_async_callback(self.videos.stop)
            stack.push_async_callback(self.streams.stop, _LAST_SECONDS)
            stack.push_async_callback(self.live.stop)
            await self.running.cut()
