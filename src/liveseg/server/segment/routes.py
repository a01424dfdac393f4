"""`POST /v1/segment`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from liveseg.server.segment.answers import Form, answer
from liveseg.server.segment.description import DESCRIBED
from liveseg.server.segment.disconnected import unless_gone
from liveseg.server.segment.fetch import SECONDS, Fetcher, switched_off
from liveseg.server.segment.options import SegmentOptions, wrong
from liveseg.server.segment.reading import OpenedUpload
from liveseg.server.segment.room import Room
from liveseg.server.segment.upload import FILE_FIELD, read_body

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from liveseg.server.service import Service

_PICTURES_AT_ONCE = 4
"""Of the largest size, decoded at a time; of smaller ones more."""

_GONE = 499
"""nginx's number for a client that left; nobody gets it, but the log has it."""

_ON_TIME = 0.98
"""The share of a request's time that its picture has: a little before the clock of all requests ends it, which does not
know what it waits for."""


@dataclass(frozen=True)
class _Asked:
    """What a request asks for.

    Args:
        options: how it is segmented and drawn.
        form: what is answered with.
        url: where the picture is, if it is not in the body.
    """

    options: SegmentOptions
    form: Form
    url: str | None

    @classmethod
    def of(cls, given: Iterable[tuple[str, str]], accept: str) -> _Asked:
        rest, own = [], {}
        for name, text in given:
            if name not in ("output", "url"):
                rest.append((name, text))
            elif name in own:
                raise wrong(name, f"{name} is given twice; leave one out")
            else:
                own[name] = text
        return cls(SegmentOptions.of(rest), Form.negotiated(own.get("output"), accept), own.get("url"))


class _Pictures:
    """What becomes of a request for one picture.

    Args:
        service: what the routes share.
        fetch: fetches what `url` names; `None` where nobody may name one.
    """

    def __init__(self, service: Service, fetch: Fetcher | None) -> None:
        self._engine = service.engine
        self._metrics = service.metrics
        self._settings = service.settings
        self._fetch = fetch
        self._room = Room(_PICTURES_AT_ONCE * service.settings.max_pixels)

    async def answer(self, request: Request) -> Response:
        """Answer a request.

        Raises:
            Problem: it cannot be taken.
            LivesegError: it could not be answered, or there is no such model.
            ClientDisconnect: the client is gone.
        """
        asked, data = await self._asked(request)
        deadline = asyncio.get_running_loop().time() + _ON_TIME * self._settings.request_seconds
        coming = self._segmented(asked, data, deadline)
        # Held by nobody but the work, which lets go of it as soon as it is decoded.
        del data
        return await unless_gone(request, coming)

    async def _asked(self, request: Request) -> tuple[_Asked, bytes]:
        accept = request.headers.get("accept", "")
        given = list(request.query_params.multi_items())
        # What is wrong with the query is told before a large body is on its way.
        asked = _Asked.of(given, accept)
        self._engine.model(asked.options.model or self._engine.default)
        if asked.url is not None and self._fetch is None:
            raise switched_off()
        upload = await read_body(request)
        if upload.options:
            asked = _Asked.of([*given, *upload.options], accept)
        if asked.url is not None and upload.image:
            raise wrong("url", f"the picture is named by url and sent as well; leave out url or {FILE_FIELD}")
        return asked, upload.image

    async def _segmented(self, asked: _Asked, data: bytes, deadline: float) -> Response:
        if asked.url is not None:
            if self._fetch is None:
                raise switched_off()
            data = await self._fetch(asked.url)
        engine, options = self._engine, asked.options
        engine.admit(options.model)
        began = time.perf_counter()
        opened = await engine.codecs(_open, data, self._settings.max_pixels)
        del data
        async with self._room.of(opened.pixels):
            started = time.perf_counter()
            image = await engine.codecs(opened.read)
            decoding = time.perf_counter() - started
            found = await engine.segment(image, model=options.model, size=options.size, deadline=deadline)
            made = await engine.codecs(answer, found, asked.form, options, options.model or engine.default)
        for stage, seconds in {"decode": decoding, **made.seconds}.items():
            self._metrics.stage(stage, seconds)
        speed = dict(found.speed)
        times = {"wait": speed.pop("wait", 0.0), "decode": decoding * 1e3, **speed}
        times |= {stage: seconds * 1e3 for stage, seconds in made.seconds.items()}
        times["total"] = (time.perf_counter() - began) * 1e3
        headers = {
            "Server-Timing": _server_timing(times),
            "Content-Disposition": f'inline; filename="{asked.form.file_name}"',
            "Cache-Control": "no-store",
            "Vary": "Accept",
        }
        return Response(made.body, media_type=asked.form.media_type, headers=headers)


def router(service: Service, *, fetch: Fetcher | None = None) -> APIRouter:
    """The route of single pictures.

    Args:
        service: what the routes share.
        fetch: fetches what `url` names; by default as the service's settings say.
    """
    settings = service.settings
    if fetch is None and settings.allow_url:
        seconds = min(SECONDS, settings.request_seconds)
        fetch = Fetcher(schemes=settings.url_schemes, most_bytes=settings.max_body, seconds=seconds)
    pictures = _Pictures(service, fetch)
    routes = APIRouter(prefix="/v1", tags=["pictures"])

    @routes.post("/segment", **DESCRIBED)
    async def segment(request: Request) -> Response:
        """Find the classes in one picture. What comes back is asked for by `output`, or by the header `Accept`."""
        try:
            return await pictures.answer(request)
        except ClientDisconnect:
            return Response(status_code=_GONE)

    return routes


def _open(data: bytes, max_pixels: int) -> OpenedUpload:
    return OpenedUpload(data, max_pixels=max_pixels)


def _server_timing(times: Mapping[str, float]) -> str:
    """The times of stages in milliseconds, as the header says them (W3C Server Timing)."""
    names = {"infer": "network"}
    return ", ".join(f"{names.get(stage, stage)};dur={spent:.2f}" for stage, spent in times.items())
