"""Examples of answers, for the description of the API."""

from __future__ import annotations

from typing import Any

_HERE = "/v1/videos/Zk3vX0pS9qLr2tYb7WcN"

QUEUED: dict[str, Any] = {
    "id": "Zk3vX0pS9qLr2tYb7WcN",
    "state": "queued",
    "place": 1,
    "name": "street.mp4",
    "created": "2026-03-01T10:15:00Z",
    "started": None,
    "finished": None,
    "expires": None,
    "options": {
        "output": "overlay",
        "model": "lite",
        "size": None,
        "smooth": True,
        "alpha": 0.6,
        "palette": "model",
        "classes": None,
        "contours": False,
    },
    "progress": {"share": 0.0, "frames": 0, "expected": None, "rate": 0.0, "remaining_seconds": None},
    "source": {
        "bytes": 354644,
        "format": None,
        "codec": None,
        "width": None,
        "height": None,
        "rate": None,
        "frames": None,
        "seconds": None,
        "sound": None,
    },
    "result": None,
    "labels": [],
    "notes": [],
    "failure": None,
    "links": {"self": _HERE, "result": None, "preview": None, "poster": None, "areas": None},
}
"""A video that was just received."""

DONE: dict[str, Any] = QUEUED | {
    "state": "done",
    "place": None,
    "started": "2026-03-01T10:15:01Z",
    "finished": "2026-03-01T10:15:06Z",
    "expires": "2026-03-01T11:15:06Z",
    "progress": {"share": 1.0, "frames": 150, "expected": 150, "rate": 0.0, "remaining_seconds": None},
    "source": {
        "bytes": 354644,
        "format": "mov",
        "codec": "h264",
        "width": 480,
        "height": 360,
        "rate": 25.0,
        "frames": 150,
        "seconds": 6.0,
        "sound": True,
    },
    "result": {
        "bytes": 370786,
        "media_type": "video/mp4",
        "file_name": "street_overlay.mp4",
        "frames": 150,
        "seconds": 6.0,
        "width": 480,
        "height": 360,
        "sound": True,
    },
    "labels": [
        {"index": 0, "name": "background", "color": [0, 0, 0]},
        {"index": 15, "name": "person", "color": [192, 128, 128]},
    ],
    "links": {
        "self": _HERE,
        "result": f"{_HERE}/result",
        "preview": f"{_HERE}/preview.jpg",
        "poster": f"{_HERE}/poster",
        "areas": f"{_HERE}/areas",
    },
}
"""A video that is done."""
