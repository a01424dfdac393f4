"""The client of a service that `liveseg serve` runs: pictures, videos, live frames and streams; sync and async.

    >>> from liveseg.client import Client
    >>> with Client("http://127.0.0.1:8000") as client:
    ...     found = client.segment("photo.jpg")
    >>> found.mask, found.confidence, found.labels.names

Needs `pip install 'liveseg[client]'`.
"""

from liveseg.client import transport as _transport  # noqa: F401 - says what is missing before anything else misses it
from liveseg.client.answers import (
    Archive,
    ClassArea,
    ClassAreas,
    Document,
    FoundLayers,
    Health,
    MaskPicture,
    ModelInfo,
    Picture,
)
from liveseg.client.asynchronous import AsyncClient, AsyncVideoJob
from liveseg.client.errors import NoAnswerError, ProblemError, UnreachableError, VideoFailedError
from liveseg.client.live import LiveMask, LivePicture
from liveseg.client.live_async import AsyncLive
from liveseg.client.live_sync import Live
from liveseg.client.streams import Streams, StreamStatus
from liveseg.client.sync import Client, VideoJob
from liveseg.client.videos import ClassOverTime, VideoAreas, VideoStatus

__all__ = [
    "Archive",
    "AsyncClient",
    "AsyncLive",
    "AsyncVideoJob",
    "ClassArea",
    "ClassAreas",
    "ClassOverTime",
    "Client",
    "Document",
    "FoundLayers",
    "Health",
    "Live",
    "LiveMask",
    "LivePicture",
    "MaskPicture",
    "ModelInfo",
    "NoAnswerError",
    "Picture",
    "ProblemError",
    "StreamStatus",
    "Streams",
    "UnreachableError",
    "VideoAreas",
    "VideoFailedError",
    "VideoJob",
    "VideoStatus",
]
