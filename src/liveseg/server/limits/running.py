"""What is running: how much of each client, and how it comes to an end when the service stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from liveseg.server.limits.client import client_of
from liveseg.server.problems import Problem, not_ready, retry

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Running:
    """The requests and WebSockets that are being answered.

    Args:
        each: how many a client may have at a time.
        stopping: set when nothing new is taken.
    """

    def __init__(self, each: int, stopping: asyncio.Event) -> None:
        self._most = each
        self._stopping = stopping
        self._each = Counter[str]()
        self._tasks: set[asyncio.Task[object]] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._cut = False

    def __len__(self) -> int:
        return len(self._tasks)

    async def idle(self, seconds: float) -> bool:
        """Wait until nothing runs any more, but not for longer than that; whether it came to that."""
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def cut(self) -> int:
        """End what still runs: requests without an answer get a 503, others are cut off; how many there were."""
        self._cut = True
        left = list(self._tasks)
        for task in left:
            task.cancel()
        await self.idle(1.0)
        return len(left)

    def refusal(self, client: str) -> Problem | None:
        """Why nothing more of a client is taken now."""
        if self._stopping.is_set():
            problem = not_ready("the service is stopping; try again soon, it may be back")
            problem.headers["Connection"] = "close"
            return problem
        if self._each[client] >= self._most:
            return Problem(
                429,
                f"this client has {self._most} requests running; wait for one to end",
                headers=retry(1),
                type="too-many-requests",
            )
        return None

    async def hold(self, client: str, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request and count it while it runs."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("requests are answered by tasks")
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        self._tasks.add(task)
        self._each[client] += 1
        self._idle.clear()
        try:
            await app(scope, receive, noted)
        except asyncio.CancelledError:
            if not self._cut:
                raise
            task.uncancel()
            if not begun:
                await not_ready("the service stopped before this was done").answer(scope, receive, send)
        finally:
            self._tasks.discard(task)
            self._each[client] -= 1
            if not self._each[client]:
                del self._each[client]
            if not self._tasks:
                self._idle.set()


class RunningGate:
    """Lets requests and WebSockets in while there is room, and none but `free` ones once the service is stopping.

    Args:
        app: what is behind it.
        running: counts them.
        free: paths that are answered in any case, and not counted.
    """

    def __init__(self, app: ASGIApp, running: Running, free: Collection[str]) -> None:
        self._app = app
        self._running = running
        self._free = free

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 429 or 503."""
        if scope["type"] not in ("http", "websocket") or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        client = client_of(scope)
        problem = self._running.refusal(client)
        if problem is not None:
            await problem.answer(scope, receive, send)
            return
        await self._running.hold(client, self._app, scope, receive, send)
