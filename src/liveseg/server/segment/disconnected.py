"""Work for a client that may leave before it is done."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from starlette.requests import ClientDisconnect

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from typing import Any

    from starlette.requests import Request

    Made = TypeVar("Made")


async def unless_gone(request: Request, work: Coroutine[Any, Any, Made]) -> Made:
    """Do some work, but give it up when the client is gone: its picture then leaves the queue.

    Args:
        request: whose body was read to its end.
        work: what is done; it is cancelled with this.

    Raises:
        ClientDisconnect: the client is gone.
    """
    doing = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait((doing, leaving), return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return await doing
    finally:
        # Both have to be over before this is: neither may be left running, nor its failure unseen.
        doing.cancel()
        leaving.cancel()
        await asyncio.gather(doing, leaving, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
