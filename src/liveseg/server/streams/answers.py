"""What the routes of streams take and answer."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations when it runs
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["connecting", "live", "away", "failed", "stopped"]

EXAMPLE: dict[str, Any] = {
    "id": "door",
    "name": "door",
    "address": "rtsp://camera.local/stream",
    "state": "live",
    "paused": False,
    "created": "2026-03-01T10:15:00Z",
    "model": "lite",
    "size": 321,
    "smooth": True,
    "width": 1280,
    "height": 720,
    "rate": 24.9,
    "age_ms": 41.0,
    "frames": 1523,
    "dropped": 4,
    "reconnects": 0,
    "viewers": 1,
    "failure": None,
    "notes": [],
    "links": {
        "self": "/v1/streams/door",
        "mjpeg": "/v1/streams/door/mjpeg",
        "snapshot": "/v1/streams/door/snapshot.jpg",
    },
}


class StreamRequest(BaseModel):
    """Which live source is to be read, and how."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "door"}, {"name": "door", "size": 225}]}
    )

    name: str | None = Field(
        None,
        description="One that the service was started with; or, with an address, what to call it.",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$",
    )
    address: str | None = Field(
        None, description="Where it is, if this service lets clients say that.", min_length=1, max_length=2000
    )
    model: str | None = Field(None, description="A model of this service; its default one by default.", max_length=64)
    size: int | None = Field(
        None, description="Shorter side of the network's input, in pixels; the model's own by default.", ge=32, le=2048
    )
    smooth: bool = Field(True, description="Steady the masks over time.")


class StreamLinks(BaseModel):
    """Where a stream is to be seen; where a token is set, with tickets, for `<img src>`."""

    self: str
    mjpeg: str
    snapshot: str


class StreamAnswer(BaseModel):
    """How it stands with a stream."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})

    id: str
    name: str
    address: str = Field(description="Without its password and whatever else in it may be secret.")
    state: State = Field(
        description="`away`: the connection broke, and is tried again; `failed`: it is not; `stopped`: it has ended."
    )
    paused: bool = Field(description="Nobody looks, so nothing is segmented; it goes on when somebody does.")
    created: datetime
    model: str
    size: int | None = Field(description="Shorter side of the network's input; null for the model's own.")
    smooth: bool
    width: int | None
    height: int | None
    rate: float = Field(description="Frames a second that are segmented.")
    age_ms: float | None = Field(
        description="From the arrival of a frame at the service to its mask: the median of the last hundred."
    )
    frames: int = Field(description="Segmented so far.")
    dropped: int = Field(description="Left out to keep up.")
    reconnects: int
    viewers: int = Field(description="Open MJPEG answers.")
    failure: str | None = Field(description="Why it failed.")
    notes: list[str]
    links: StreamLinks


class StreamList(BaseModel):
    """The streams, and those that could be started."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"streams": [EXAMPLE], "available": ["yard"], "any_address": False, "most": 4}}
    )

    streams: list[StreamAnswer]
    available: list[str] = Field(
        description="Names of sources that the service was started with, and that are not read."
    )
    any_address: bool = Field(description="Whether clients may name an address.")
    most: int = Field(description="So many may run at a time.")
