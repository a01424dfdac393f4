"""All live connections of the service: how many there may be, and how they end together."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

from starlette.websockets import WebSocketDisconnect

from liveseg.server.limits.client import client_of
from liveseg.server.live.ending import DEFECT, GOING_AWAY, TOO_MANY, close_with
from liveseg.server.live.session import Limits, Session
from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from liveseg.server.engine.engine import Engine
    from liveseg.server.metrics import Metrics
    from liveseg.server.security.token import Token
    from liveseg.settings.serve import ServeSettings

LARGEST_FRAME = 8 << 20
"""Bytes of an encoded frame; a still of any camera has fewer."""


class LiveSessions:
    """The live connections of a service.

    Args:
        settings: the limits.
        engine: segments the frames.
        metrics: told how many there are, and of each frame.
        token: the service's.
    """

    def __init__(self, settings: ServeSettings, engine: Engine, metrics: Metrics, token: Token) -> None:
        self._engine = engine
        self._metrics = metrics
        self._token = token
        self._most, self._most_each = settings.live, settings.live_each
        self._limits = Limits(
            frame_bytes=min(settings.max_body, LARGEST_FRAME),
            pixels=settings.max_pixels,
            hello_seconds=min(settings.header_seconds, 5.0),
            idle_seconds=settings.live_idle_seconds,
            grace_seconds=min(settings.grace_seconds, 1.0),
        )
        self._clients: Counter[str] = Counter()
        self._none = asyncio.Event()
        self._none.set()
        self._stopping = asyncio.Event()

    @property
    def count(self) -> int:
        """How many are open."""
        return self._clients.total()

    async def serve(self, socket: WebSocket) -> None:
        """Serve one connection until it ends."""
        await socket.accept()
        client = client_of(socket.scope)
        if self._stopping.is_set():
            await close_with(socket, GOING_AWAY, Problem(503, "the service is stopping"))
            return
        # Said in a message, since a browser does not tell a page how its handshake was refused.
        if self.count >= self._most:
            detail = f"{self._most} live connections are open, as many as this service has; try again later"
            await close_with(socket, TOO_MANY, Problem(429, detail, headers={"Retry-After": "5"}))
            return
        if self._clients[client] >= self._most_each:
            detail = f"{self._most_each} live connections of yours are open; close one first"
            await close_with(socket, TOO_MANY, Problem(429, detail, headers={"Retry-After": "5"}))
            return
        self._add(client, 1)
        session = Session(socket, self._engine, self._metrics, self._limits, token=self._token, stopping=self._stopping)
        try:
            await session.run()
        except Exception:
            # A defect; the client is told so, and whoever runs the service reads the rest in the log.
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):
                await socket.close(DEFECT, "a defect of the service")
            raise
        finally:
            self._add(client, -1)

    async def stop(self) -> None:
        """Take no more, let each finish its frame in work, and close them; returns when all are closed."""
        self._stopping.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self._limits.grace_seconds + 0.5):
                await self._none.wait()

    def _add(self, client: str, change: int) -> None:
        self._clients[client] += change
        # A counter keeps what has come to 0, and there is no end of clients.
        self._clients += Counter()
        self._metrics.live(self.count)
        if self.count:
            self._none.clear()
        else:
            self._none.set()
