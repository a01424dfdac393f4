"""`GET /metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Response

if TYPE_CHECKING:
    from liveseg.server.service import Service

_EXAMPLE = """# HELP liveseg_requests_total Requests that were answered.
# TYPE liveseg_requests_total counter
liveseg_requests_total{method="POST",route="/v1/segment",status="200"} 1027.0
"""
_TEXT: dict[str, Any] = {"schema": {"type": "string"}, "example": _EXAMPLE}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The metrics.", "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT}}
}


def router(service: Service) -> APIRouter:
    """What Prometheus reads; behind the token where one is set."""
    routes = APIRouter(tags=["service"])

    @routes.get("/metrics", summary="Metrics for Prometheus", response_class=Response, responses=_RESPONSES)
    def metrics(accept: Annotated[str, Header(include_in_schema=False)] = "") -> Response:
        """Counters, histograms and gauges, as Prometheus' text or, where `Accept` prefers it, as OpenMetrics."""
        text, kind = service.metrics.render(accept)
        return Response(text, headers={"Content-Type": kind, "Cache-Control": "no-store"})

    return routes
