"""Answers that pages of other origins may read: none but those of `--allow-origin`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_METHODS = b"GET, HEAD, POST, DELETE"
_SENT = b"Accept, Authorization, Content-Type, Range"
_READ = b"Accept-Ranges, Content-Disposition, Content-Range, ETag, Location, Retry-After, Server-Timing, X-Request-Id"


class Cors:
    """Tells browsers which pages may read an answer, and answers their questions beforehand.

    Requests of other origins do not come this far: `Hosts` refuses them.

    Args:
        app: what is behind it.
        origins: origins of pages elsewhere that may use the service; `*` for all.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = set(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass the request on."""
        if scope["type"] != "http" or not self._origins:
            await self._app(scope, receive, send)
            return
        told = dict(scope["headers"])
        origin = told.get(b"origin", b"")
        allowed = "*" in self._origins or origin.decode("latin-1").lower() in self._origins
        own = [(b"vary", b"Origin")]
        if origin and allowed:
            own.append((b"access-control-allow-origin", origin))
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in told:
            own += [
                (b"access-control-allow-methods", _METHODS),
                (b"access-control-allow-headers", _SENT),
                (b"access-control-max-age", b"600"),
            ]
            await send({"type": "http.response.start", "status": 204, "headers": own})
            await send({"type": "http.response.body"})
            return
        own.append((b"access-control-expose-headers", _READ))

        async def readable(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *own]}
            await send(message)

        await self._app(scope, receive, readable)
