"""Answers as the service gives them, for the description of those routes that show none themselves."""

from __future__ import annotations

from typing import Any

from liveseg.server import models
from liveseg.server.streams import answers as streams
from liveseg.server.videos import examples as videos

_STREAM: dict[str, Any] = streams.EXAMPLE | {
    "address": "rtsp://***@camera.local/stream",
    "size": None,
    "rate": 24.8,
    "age_ms": 41.3,
    "frames": 1490,
    "dropped": 12,
}
_CONNECTING = _STREAM | {"state": "connecting", "width": None, "height": None, "rate": 0.0, "age_ms": None}

_MODEL: dict[str, Any] = models.EXAMPLE | {
    "name": "leaves",
    "labels": ["background", "leaf"],
    "palette": [[0, 0, 0], [128, 0, 0]],
    "palettes": {"model": [[0, 0, 0], [128, 0, 0]], "safe": [[0, 0, 0], [75, 85, 254]]},
    "runtime": "onnx",
    "precision": "float32",
    "bytes": 12103841,
    "users": 1,
    "last_used_seconds": 0.4,
}

_AREAS = {
    "frames": 3,
    "times": [0.0, 0.033, 0.067],
    "classes": [{"index": 8, "name": "cat", "color": [64, 0, 0], "share": [0.18124, 0.18285, 0.18453]}],
}

_POLYGONS = (
    '{"type": "Feature", "properties": {"frame": 0, "timestamp": 0.0, "class_index": 8, "class": "cat",'
    ' "pixels": 12831, "share": 0.0835, "mean_confidence": null}, "geometry": {"type": "Polygon", "coordinates":'
    " [[[120, 80], [260, 80], [260, 210], [120, 80]]]}}\n"
)

OF_ANSWERS: dict[tuple[str, str], Any] = {
    ("get", "/v1/videos"): {"videos": [videos.DONE]},
    ("get", "/v1/videos/{id}/result"): _POLYGONS,
    ("get", "/v1/videos/{id}/areas"): _AREAS,
    ("get", "/v1/streams"): {"streams": [_STREAM], "available": ["yard"], "any_address": False, "most": 4},
    ("post", "/v1/streams"): _CONNECTING,
    ("get", "/v1/streams/{id}"): _STREAM,
    ("get", "/v1/models"): {"default": "leaves", "models": [_MODEL]},
    ("get", "/v1/models/{name}"): _MODEL,
}
"""By method and path; each has one kind of JSON."""
