"""How many bytes a request may bring: as it says beforehand, and counted as they come."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DRAINED = 8 << 20
_PATIENCE = 2.0
"""How much of a refused body is still read, in bytes and seconds: who gets an answer while sending may not see it if
the connection is cut under the bytes that are on their way."""


class _TooLarge(Exception):  # noqa: N818 - goes no further than this module
    pass


class BodyLimit:
    """Refuses bodies that are too large, before or while they are read.

    Args:
        app: what is behind it.
        most: bytes of a body.
        paths: bytes of a body for paths of their own.
    """

    def __init__(self, app: ASGIApp, most: int, paths: Mapping[str, int]) -> None:
        self._app = app
        self._most = most
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 413."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = self._paths.get(scope["path"], self._most)
        announced = _length(scope)
        if announced is not None and announced > most:
            await _refuse(most, scope, receive, send)
            return
        body = _Counted(most, receive, send)
        try:
            await self._app(scope, body.receive, body.send)
        except _TooLarge:
            if body.answered:
                raise
        if body.over and not body.answered:
            await _refuse(most, scope, receive, send)


class _Counted:
    """One body on its way in; an answer that was made after it became too large is not sent."""

    def __init__(self, most: int, receive: Receive, send: Send) -> None:
        self._most = most
        self._receive = receive
        self._send = send
        self._come = 0
        self.over = False
        self.answered = False

    async def receive(self) -> Message:
        if self.over:
            raise _TooLarge
        message = await self._receive()
        self._come += len(message.get("body", b""))
        if self._come > self._most:
            self.over = True
            raise _TooLarge
        return message

    async def send(self, message: Message) -> None:
        # Whoever reads the body may take the failure for one of its own and answer something else.
        if self.over and not self.answered:
            return
        self.answered = True
        await self._send(message)


async def _refuse(most: int, scope: Scope, receive: Receive, send: Send) -> None:
    problem = Problem(
        413,
        f"a request to this path brings at most {most} bytes; send less, or start the service with a higher limit",
        headers={"Connection": "close"},
        most_bytes=most,
    )

    async def unfinished(message: Message) -> None:
        await send({**message, "more_body": True} if message["type"] == "http.response.body" else message)

    await problem.answer(scope, receive, unfinished)
    if not _waits_to_be_asked(scope):
        await _drain(receive)
    await send({"type": "http.response.body"})


async def _drain(receive: Receive) -> None:
    import asyncio

    ends, left = time.monotonic() + _PATIENCE, _DRAINED
    while left > 0:
        try:
            message = await asyncio.wait_for(receive(), max(ends - time.monotonic(), 0.01))
        except TimeoutError:
            return
        left -= len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body"):
            return


def _waits_to_be_asked(scope: Scope) -> bool:
    return any(name == b"expect" and value.lower() == b"100-continue" for name, value in scope["headers"])


def _length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return None
