"""`WS /v1/live`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, WebSocket

if TYPE_CHECKING:
    from liveseg.server.service import Service

PATH = "/v1/live"


def router(service: Service) -> APIRouter:
    """The route of live pictures; the OpenAPI document has no place for sockets, `docs/serve.md` describes it."""
    routes = APIRouter()

    async def live(socket: WebSocket) -> None:
        """Frames in, masks or overlays out."""
        await service.live.serve(socket)

    routes.add_api_websocket_route(PATH, live, name="live")
    return routes
