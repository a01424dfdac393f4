"""`create_app`: the middleware and the routers of a service, put together."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from liveseg._version import __version__
from liveseg.server import description, failures, health, models, page, tickets
from liveseg.server.limits.body import BodyLimit
from liveseg.server.limits.clock import Clock
from liveseg.server.limits.running import RunningGate
from liveseg.server.live import routes as live
from liveseg.server.log import RequestLog
from liveseg.server.metrics import routes as metrics
from liveseg.server.plain import PlainHead
from liveseg.server.security.cors import Cors
from liveseg.server.security.headers import SecurityHeaders
from liveseg.server.security.hosts import Hosts
from liveseg.server.security.token import TokenGate
from liveseg.server.segment import routes as segment
from liveseg.server.service import Service
from liveseg.server.streams import routes as streams
from liveseg.server.videos import routes as videos

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from liveseg.settings import ServeSettings

ROUTERS = (segment, videos, streams, live, models, tickets, health, metrics)
HEALTH = ("/healthz", "/readyz")


def create_app(settings: ServeSettings) -> FastAPI:
    """The application of a service, for any ASGI server; `app.state.service` is the service.

    Requests meet, from the outside: the log, the headers that every answer gets, names and origins, CORS, the places
    of what runs, the token, the clock, the count of their bytes; then their route. All of it is plain ASGI, so that
    streams and WebSockets pass without being copied into queues.

    Args:
        settings: every option.

    Raises:
        UsageError: a token that cannot be one.
    """
    service = Service(settings)
    found = page.files() | page.samples()
    app = FastAPI(
        title="liveseg",
        version=__version__,
        description=description.ABOUT,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        openapi_tags=description.TAGS,
        openapi_url="/openapi.json" if settings.docs else None,
        # Their pages come from another host.
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=description.operation_id,
        lifespan=_lifespan,
    )
    app.state.service = service
    for module in ROUTERS:
        app.include_router(module.router(service))
    app.router.routes.extend(page.routes(found))
    failures.handle(app)
    description.describe(app, token=service.token.asked)

    open_to_all = {*HEALTH, "/openapi.json", *found}
    # The last one added is the first that a request meets.
    app.add_middleware(PlainHead)
    app.add_middleware(BodyLimit, most=settings.max_body, paths={"/v1/videos": settings.max_video_body})
    app.add_middleware(Clock, seconds=settings.request_seconds)
    app.add_middleware(TokenGate, token=service.token, tickets=service.tickets, free=open_to_all)
    app.add_middleware(RunningGate, running=service.running, free={*HEALTH, "/metrics"})
    app.add_middleware(Cors, origins=settings.allow_origin)
    app.add_middleware(Hosts, bound=settings.host, hosts=settings.allow_host, origins=settings.allow_origin)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(RequestLog, metrics=service.metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    service: Service = app.state.service
    await service.start()
    try:
        yield
    finally:
        await service.stop()
