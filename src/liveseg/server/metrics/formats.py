"""The two texts that Prometheus reads: its own (version 0.0.4) and OpenMetrics 1.0.

prometheus-client's own choice fails on a version that is no number, ignores quality values and repeats the client's
words in its answer, so the choice is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_OPENMETRICS = "application/openmetrics-text"
_OPENMETRICS_TYPE = f"{_OPENMETRICS}; version=1.0.0; charset=utf-8"


def render(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """The registry as text, and the text's content type, by the request's `Accept`."""
    if _prefers_openmetrics(accept):
        return generate_openmetrics(registry), _OPENMETRICS_TYPE  # type: ignore[no-untyped-call]
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4


def _prefers_openmetrics(accept: str) -> bool:
    openmetrics = plain = 0.0
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        told = dict(parameter.split("=", 1) for parameter in parameters if "=" in parameter)
        quality = _quality(told.get("q", "1"))
        if kind == _OPENMETRICS and told.get("version", "1.0.0") == "1.0.0":
            openmetrics = max(openmetrics, quality)
        elif kind in ("text/plain", "text/*"):
            plain = max(plain, quality)
    return openmetrics > 0 and openmetrics >= plain


def _quality(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 0.0
