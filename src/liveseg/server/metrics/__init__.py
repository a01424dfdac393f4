"""What the service tells Prometheus of itself: `Metrics` takes note, and `GET /metrics` reads it out."""

from liveseg.server.metrics.registry import Metrics

__all__ = ["Metrics"]
