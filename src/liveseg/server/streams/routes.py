"""`/v1/streams`: start a live source on the server's side, look at it, end it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Response
from starlette.responses import StreamingResponse

from liveseg.server.problems import Problem, retry
from liveseg.server.streams.answers import StreamAnswer, StreamLinks, StreamList, StreamRequest
from liveseg.server.streams.streams import VIEWERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from liveseg.server.service import Service
    from liveseg.server.streams.stream import ServerStream
    from liveseg.server.streams.streams import ServerStreams

BOUNDARY = "liveseg-frame"
_SNAPSHOT_SECONDS = 10.0
_TICKET_SECONDS = 6 * 3600.0
"""For how long an element of a page may begin to look with a ticket."""

_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_UNKNOWN: dict[int | str, dict[str, Any]] = {404: {"description": "No such stream.", **_PROBLEM}}
_STARTED: dict[int | str, dict[str, Any]] = {
    200: {"description": "It runs already.", "model": StreamAnswer},
    201: {"description": "It is being connected to; `Location` is where to ask for it."},
    403: {"description": "This service does not read it.", **_PROBLEM},
    404: {"description": "No source of that name, or no such model.", **_PROBLEM},
    409: {"description": "It runs with other options.", **_PROBLEM},
    422: {"description": "An address or an option that makes no sense.", **_PROBLEM},
    429: {"description": "Too many streams run.", **_PROBLEM},
}
_MJPEG: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JPEG after the other.", "content": {"multipart/x-mixed-replace": {}}},
    410: {"description": "It has ended.", **_PROBLEM},
    429: {"description": "Too many look at it.", **_PROBLEM},
    **_UNKNOWN,
}
_SNAPSHOT: dict[int | str, dict[str, Any]] = {
    200: {"description": "One JPEG.", "content": {"image/jpeg": {}}},
    410: {"description": "It has ended.", **_PROBLEM},
    503: {"description": "There is no picture yet.", **_PROBLEM},
    **_UNKNOWN,
}

Number = Annotated[str, Path(alias="id", pattern=r"^[A-Za-z0-9_.-]{1,64}$", description="The stream's `id`.")]


def router(service: Service) -> APIRouter:
    """The routes of streams."""
    routes = APIRouter(prefix="/v1/streams", tags=["streams"])
    streams = service.streams

    def ticketed(path: str) -> str:
        return f"{path}?ticket={service.tickets.issue(path, _TICKET_SECONDS)}" if service.token.asked else path

    def told(stream: ServerStream) -> StreamAnswer:
        here = f"/v1/streams/{stream.id}"
        links = StreamLinks(self=here, mjpeg=ticketed(f"{here}/mjpeg"), snapshot=ticketed(f"{here}/snapshot.jpg"))
        return stream.answer(links)

    @routes.post("", status_code=201, summary="Start a stream", responses=_STARTED)
    async def start(asked: StreamRequest, response: Response) -> StreamAnswer:
        """By a name that the service was started with, or by an address, where the service lets clients say that."""
        stream, new = await streams.start(asked)
        response.status_code = 201 if new else 200
        response.headers["Location"] = f"/v1/streams/{stream.id}"
        return told(stream)

    @routes.get("", summary="The streams")
    async def all_of_them() -> StreamList:
        """Those that run or have ended, and those that could be started."""
        return StreamList(
            streams=[told(stream) for stream in streams.all],
            available=streams.available,
            any_address=service.settings.allow_any_stream,
            most=service.settings.streams_running,
        )

    @routes.get("/{id}", summary="How it stands with a stream", responses=_UNKNOWN)
    async def status(number: Number) -> StreamAnswer:
        """Its state, its rate, the age of its frames, and who looks."""
        return told(streams.find(number))

    @routes.delete("/{id}", status_code=204, response_class=Response, summary="End a stream", responses=_UNKNOWN)
    async def remove(number: Number) -> None:
        """It is ended, if it runs, and forgotten."""
        await streams.remove(number)

    add_pictures(routes, streams)
    return routes


def add_pictures(routes: APIRouter, streams: ServerStreams) -> None:
    """Add the routes by which streams are looked at."""

    @routes.get("/{id}/mjpeg", response_class=Response, summary="Look at a stream", responses=_MJPEG)
    async def mjpeg(number: Number) -> Response:
        """One JPEG after the other, for `<img src>`: the newest each time, when the one before was taken.

        A slow client skips frames. Each part says its frame's time in seconds, `X-Timestamp`. Where nobody has looked
        for half a minute nothing is segmented; it goes on when somebody does.
        """
        stream = _running(streams.find(number))
        if stream.attention.viewers >= VIEWERS:
            raise Problem(
                429, f"{VIEWERS} look at it already; try again later", headers=retry(10), type="too-many-viewers"
            )
        kind = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        return StreamingResponse(_parts(stream), media_type=kind)

    @routes.get("/{id}/snapshot.jpg", response_class=Response, summary="The newest picture", responses=_SNAPSHOT)
    async def snapshot(number: Number) -> Response:
        """The newest picture as a JPEG; it waits for the first one."""
        stream = _running(streams.find(number))
        # What was segmented before everybody looked away is old.
        before = 0 if stream.attention.paid else stream.shown.number
        stream.attention.look()
        try:
            newest = await asyncio.wait_for(stream.shown.newer_than(before), _SNAPSHOT_SECONDS)
        except TimeoutError:
            raise Problem(503, "there is no picture yet; try again in a moment", headers=retry(2)) from None
        if newest is None:
            raise _ended(stream)
        return Response(newest[1], media_type="image/jpeg", headers={"X-Timestamp": f"{newest[2]:.6f}"})


async def _parts(stream: ServerStream) -> AsyncIterator[bytes]:
    stream.attention.arrive()
    number = 0
    try:
        while (newest := await stream.shown.newer_than(number)) is not None:
            number, jpeg, time = newest
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n"
            yield f"{head}X-Timestamp: {time:.6f}\r\n\r\n".encode() + jpeg + b"\r\n"
        yield f"--{BOUNDARY}--\r\n".encode()
    finally:
        stream.attention.leave()


def _running(stream: ServerStream) -> ServerStream:
    if not stream.runs:
        raise _ended(stream)
    return stream


def _ended(stream: ServerStream) -> Problem:
    return Problem(410, f"the stream has {stream.state}; start it again with POST /v1/streams", state=stream.state)
