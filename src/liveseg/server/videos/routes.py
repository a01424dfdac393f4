"""`/v1/videos`: send a video, watch it being made, cancel or forget it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from starlette.requests import ClientDisconnect

from liveseg.errors import LivesegError
from liveseg.server.limits.client import client_of
from liveseg.server.problems import Problem
from liveseg.server.videos import examples
from liveseg.server.videos.answers import VideoJobAnswer, VideoList
from liveseg.server.videos.asked import Asked  # noqa: TC001 - FastAPI reads the annotations when it runs
from liveseg.server.videos.job import plain_name
from liveseg.server.videos.receive import FIELD, receive
from liveseg.server.videos.results import PROBLEM, UNKNOWN, Number, add_results
from liveseg.server.videos.task import UPLOAD

if TYPE_CHECKING:
    from typing import Any

    from liveseg.server.service import Service
    from liveseg.server.videos.answers import VideoOptions
    from liveseg.server.videos.job import VideoJob

_TICKET_SECONDS = 6 * 3600.0
"""For how long an element of a page may fetch with a ticket: a player asks for ranges as long as it plays."""

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": [FIELD],
                    "properties": {FIELD: {"type": "string", "format": "binary"}},
                }
            },
            "video/*": {"schema": {"type": "string", "format": "binary"}},
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}
_SENT: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "It was received and waits; `Location` is where to ask for it.",
        "content": {"application/json": {"example": examples.QUEUED}},
    },
    404: {"description": "No such model.", **PROBLEM},
    413: {"description": "It has more bytes than are taken.", **PROBLEM},
    415: {"description": "It is no video.", **PROBLEM},
    422: {"description": "A form or an option that makes no sense.", **PROBLEM},
    429: {"description": "Too many videos of this client, or of all, wait.", **PROBLEM},
    507: {"description": "There is no room for it now.", **PROBLEM},
}


def router(service: Service) -> APIRouter:
    """The routes of videos."""
    routes = APIRouter(prefix="/v1/videos", tags=["videos"])
    videos = service.videos

    def ticketed(path: str) -> str:
        return f"{path}?ticket={service.tickets.issue(path, _TICKET_SECONDS)}" if service.token.asked else path

    def told(job: VideoJob) -> VideoJobAnswer:
        return job.answer(f"/v1/videos/{job.id}", videos.place(job), ticketed)

    @routes.post(
        "",
        status_code=202,
        summary="Send a video",
        responses=_SENT,
        openapi_extra=_BODY,
    )
    async def send(request: Request, response: Response, asked: Annotated[Asked, Query()]) -> VideoJobAnswer:
        """The video is the form's field `video`, or the body itself; options stand in the query, or in the form.

        It is written to the service's disk as it comes, and worked on when its turn comes.
        """
        client = client_of(request.scope)
        model = videos.served(asked.model)
        with videos.admitted(client) as number:
            if videos.store is None or not videos.store.has_room(_announced(request)):
                raise Problem(507, "the service has no room for this video now; try again later")
            try:
                got = await receive(request, videos.store.folder / number / UPLOAD)
            except ClientDisconnect:
                # Nobody reads the answer; the log says that it was given.
                raise Problem(400, "the client has gone before the video was there") from None
            if got.fields:
                asked = asked.with_fields(got.fields)
                model = videos.served(asked.model)
            options = asked.options(model)
            _check_classes(service, options)
            job = videos.submit(number, client, plain_name(asked.name or got.name), options, got.size)
        response.headers["Location"] = f"/v1/videos/{job.id}"
        return told(job)

    @routes.get("", summary="Your videos")
    async def jobs(request: Request) -> VideoList:
        """The videos that came from the address that asks, the newest first."""
        return VideoList(videos=[told(job) for job in videos.of(client_of(request.scope))])

    @routes.get(
        "/{id}",
        summary="How it stands with a video",
        responses={200: {"content": {"application/json": {"example": examples.DONE}}}, **UNKNOWN},
    )
    async def status(number: Number) -> VideoJobAnswer:
        """Its state, how far it is, what was sent and what was made, and where that is."""
        return told(videos.find(number))

    @routes.delete(
        "/{id}", status_code=204, response_class=Response, summary="Cancel or forget a video", responses=UNKNOWN
    )
    async def remove(number: Number) -> None:
        """One that waits or is worked on is cancelled, one that has ended is forgotten; its files are gone then."""
        await videos.remove(number)

    add_results(routes, videos)
    return routes


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else 0


def _check_classes(service: Service, options: VideoOptions) -> None:
    """Refuse classes that the model does not have, where they are known already; the worker does it anyway."""
    contract = service.engine.model(options.model).contract
    if options.classes is not None and contract is not None:
        try:
            contract.labels.indices(options.classes)
        except LivesegError as error:
            raise Problem(422, str(error), parameter="classes") from None
