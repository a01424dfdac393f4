"""Places where files are kept: local folders and object stores, where a file is whole or not there.

>>> place = Place.at("s3://bucket/results", {"endpoint_url": "http://127.0.0.1:9000"})
>>> place.commit(Path("mask.png"), "rome/mask.png")
"""

from __future__ import annotations

from liveseg.batch.places.errors import (
    AccessError,
    BusyError,
    DamagedError,
    NoBucketError,
    NotStoredError,
    ReplacedError,
    StorageError,
)
from liveseg.batch.places.place import Place
from liveseg.batch.places.retry import PATIENCE, Patience

__all__ = [
    "PATIENCE",
    "AccessError",
    "BusyError",
    "DamagedError",
    "NoBucketError",
    "NotStoredError",
    "Patience",
    "Place",
    "ReplacedError",
    "StorageError",
]
