"""`HEAD` wherever there is `GET`: the same headers, without the body."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _Enough(Exception):  # noqa: N818 - goes no further than this module
    pass


class PlainHead:
    """Answers HEAD by what GET would begin with; what makes the body is ended there, be it a stream without end.

    Args:
        app: what is behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"}

        async def head_only(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
                return
            raise _Enough

        try:
            await self._app(inner, receive, head_only)
        except _Enough:
            await send({"type": "http.response.body"})
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]
