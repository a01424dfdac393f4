"""How a live connection ends: with a problem that says why, and a close code for programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

from starlette.websockets import WebSocketDisconnect

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from liveseg.server.problems import Problem

GOING_AWAY, DEFECT, TRY_LATER, BAD_MESSAGE = 1001, 1011, 1013, 4400
NO_TOKEN, IDLE, TOO_MANY = 4401, 4408, 4429
"""Close codes: those from 4000 up are this service's own, and end in the HTTP status that says the same."""

_REASON = 120
"""Bytes of a close's reason; WebSocket allows 123."""


class End(Exception):  # noqa: N818 - it is how a connection ends, mostly well
    """The connection is to be closed.

    Args:
        code: of the close.
        problem: what the client is told before, if anything is wrong.
    """

    def __init__(self, code: int, problem: Problem | None = None, reason: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.problem = problem
        self.reason = reason


async def close_with(
    socket: WebSocket, code: int, problem: Problem | None = None, reason: str = "", *, seconds: float = 1.0
) -> None:
    """Tell a client what is wrong, if anything is, and close; one that does not listen is not waited for.

    Args:
        socket: accepted.
        code: of the close.
        problem: sent before, as a text message.
        reason: of the close; the problem's title by default.
        seconds: how long it may take.
    """
    reason = reason or (problem.title if problem else "")
    # Starlette raises a RuntimeError where the client closed it at the same time.
    with contextlib.suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
        async with asyncio.timeout(seconds):
            if problem is not None:
                await socket.send_text(json.dumps(problem_message(problem), ensure_ascii=False))
            await socket.close(code, reason.encode()[:_REASON].decode(errors="ignore"))


def problem_message(problem: Problem) -> dict[str, Any]:
    """Problem details as a text message: `type` says what message it is, `problem` which problem."""
    told = problem.to_json()
    retry = {key.lower(): value for key, value in problem.headers.items()}.get("retry-after")
    again = {} if retry is None else {"retry_after": int(retry)}
    return told | {"type": "problem", "problem": told["type"]} | again
