"""How long a request may take: to arrive, and to be answered.

A body that comes is given the time of a request, and more for every byte, so that a large one may come over a slow line
while one that drips in does not hold its connection for ever. From its end, the answer has the same time to begin. How
long an answer goes on is not limited here: a stream has no end, and who does not take an answer is cut off by
`connections`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from liveseg.server.problems import Problem, retry

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SLOWEST = 16 * 1024
"""Bytes a second of a body, on average, below which it is given up."""


class Clock:
    """Answers 408 to requests that do not arrive in time, and 504 where the answer does not begin in time.

    Args:
        app: what is behind it.
        seconds: the time of a request.
    """

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 408 or 504."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        now = asyncio.get_running_loop().time
        began = now()
        come = 0
        receiving = arrived = answering = False
        limit = asyncio.timeout_at(began + self._seconds)

        async def timed_receive() -> Message:
            nonlocal come, receiving, arrived
            if answering or arrived:  # who still listens waits for the client to leave
                return await receive()
            receiving = True
            message = await receive()
            come += len(message.get("body", b""))
            if message.get("more_body"):
                limit.reschedule(began + self._seconds + come / SLOWEST)
            else:
                receiving, arrived = False, True
                limit.reschedule(now() + self._seconds)
            return message

        async def timed_send(message: Message) -> None:
            nonlocal answering
            if not answering:
                answering = True
                limit.reschedule(None)
            await send(message)

        try:
            async with limit:
                await self._app(scope, timed_receive, timed_send)
        except TimeoutError:
            if not limit.expired() or answering:
                raise
            await self._late(receiving).answer(scope, receive, send)

    def _late(self, receiving: bool) -> Problem:
        if receiving:
            return Problem(
                408,
                f"the request did not arrive within {self._seconds:g} s and a second for each {SLOWEST} bytes",
                headers={"Connection": "close"},
            )
        return Problem(504, f"the answer was not ready within {self._seconds:g} s; try again later", headers=retry(5))
