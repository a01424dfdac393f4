"""`POST /v1/tickets`: an address that works without the token, for a while, for one thing to read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from liveseg.server.security.tickets import LONGEST

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from liveseg.server.service import Service

_PATH = r"^/v1/[A-Za-z0-9_./-]{1,200}$"

_TICKET = "1785348000.3f6c0d9a1be2c5a17d0e8f94b3a6c2d5e7f8091a2b3c4d5e6f708192a3b4c5d6"
_ISSUED: JsonDict = {
    "url": f"/v1/streams/door/mjpeg?ticket={_TICKET}",
    "ticket": _TICKET,
    "expires": "2026-07-29T18:00:00Z",
}


class TicketRequest(BaseModel):
    """What is to be read, and for how long."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"path": "/v1/streams/door/mjpeg", "seconds": 3600}]}
    )

    path: Annotated[str, Field(pattern=_PATH, description="Its path, without a query.")]
    seconds: Annotated[float, Field(ge=1, le=LONGEST, description="How long the ticket is good.")] = 3600


class Ticket(BaseModel):
    """An address with a ticket."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ISSUED]})

    url: str = Field(description="The path with its ticket, for `src` and `href`.")
    ticket: str
    expires: datetime


def router(service: Service) -> APIRouter:
    """The route."""
    routes = APIRouter(prefix="/v1/tickets", tags=["service"])

    @routes.post("", status_code=201, summary="An address that works without the token")
    async def issue(asked: TicketRequest) -> Ticket:
        """For `<img>`, `<video>` and downloads, which cannot send the token. GET only; for that path only."""
        ticket = service.tickets.issue(asked.path, asked.seconds)
        expires = datetime.now(UTC) + timedelta(seconds=asked.seconds)
        return Ticket(url=f"{asked.path}?ticket={ticket}", ticket=ticket, expires=expires)

    return routes
