"""`GET /healthz`: the process is alive. `GET /readyz`: it can take work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from liveseg._version import __version__
from liveseg.server.problems import not_ready

if TYPE_CHECKING:
    from liveseg.server.service import Service


class Health(BaseModel):
    """The process answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "alive", "version": __version__}]})

    status: Literal["alive"] = "alive"
    version: str = __version__


class Readiness(BaseModel):
    """The service takes work."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"status": "ready", "model": "lite"}]})

    status: Literal["ready"] = "ready"
    model: str = Field(description="The default model.")


def router(service: Service) -> APIRouter:
    """The two routes; neither asks for a token."""
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz", summary="Whether the process is alive")
    async def healthz() -> Health:
        """Answers as soon as the service listens, and until it is gone: restart it where this fails."""
        return Health()

    @routes.get("/readyz", summary="Whether it can take work")
    async def readyz() -> Readiness:
        """503 while the default model is being loaded, where that failed, and once the service is stopping."""
        if service.stopping.is_set():
            raise not_ready("the service is stopping")
        if service.engine.problem is not None:
            # Without a token nobody is told which file of this machine could not be read.
            raise not_ready("the default model could not be loaded; /v1/models says why", 30)
        if not service.engine.ready:
            raise not_ready("the model is being loaded")
        return Readiness(model=service.settings.served[0].name)

    return routes
