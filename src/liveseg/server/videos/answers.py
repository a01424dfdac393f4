"""What the routes of videos answer: the JSON of a job."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - pydantic reads the annotations when it runs
from typing import Literal

from pydantic import BaseModel, Field

from liveseg.server.videos.outputs import OutputName  # noqa: TC001 - likewise

State = Literal["queued", "running", "done", "failed", "cancelled", "expired"]


class VideoProgress(BaseModel):
    """How far a job has come."""

    share: float | None = Field(description="Of the whole, from 0 to 1; null where the length is not known.")
    frames: int = Field(description="Frames done.")
    expected: int | None = Field(description="Frames to expect, as far as the file says.")
    rate: float = Field(description="Frames a second, over the last seconds.")
    remaining_seconds: float | None = Field(description="Time left, as far as it can be told.")


class VideoSourceFacts(BaseModel):
    """What was sent."""

    bytes: int
    format: str | None = Field(None, description="The container, as FFmpeg names it.")
    codec: str | None = Field(None, description="The codec of the pictures.")
    width: int | None = Field(None, description="As shown, rotation and pixel shape applied.")
    height: int | None = None
    rate: float | None = Field(None, description="Frames a second, on average.")
    frames: int | None = Field(None, description="As far as the file says.")
    seconds: float | None = Field(None, description="As far as the file says.")
    sound: bool | None = None


class VideoResultFacts(BaseModel):
    """What was made."""

    bytes: int
    media_type: str
    file_name: str = Field(description="What the result is called when it is downloaded.")
    frames: int
    seconds: float | None = Field(None, description="Of a video, its length.")
    width: int | None = None
    height: int | None = None
    sound: bool | None = None


class VideoOptions(BaseModel):
    """What was asked for."""

    output: OutputName
    model: str
    size: int | None = Field(description="Shorter side of the network's input; null for the model's own.")
    smooth: bool
    alpha: float
    palette: str
    classes: list[str] | None
    contours: bool


class VideoLabel(BaseModel):
    """A class of the model that runs, in the colour that it is drawn in."""

    index: int
    name: str
    color: tuple[int, int, int]


class VideoFailure(BaseModel):
    """Why a job failed."""

    title: str
    detail: str


class VideoLinks(BaseModel):
    """Where everything of a job is; where a token is set, each link but `self` carries a ticket that ends with it."""

    self: str
    result: str | None = Field(None, description="Once it is done.")
    preview: str | None = Field(None, description="The newest finished frame, once there is one.")
    poster: str | None = Field(None, description="The frame with most to see so far.")
    areas: str | None = Field(None, description="The areas over time, also while it runs.")


class VideoJobAnswer(BaseModel):
    """One job."""

    id: str
    state: State
    place: int | None = Field(description="In the queue, from 1; null for a job that does not wait.")
    name: str = Field(description="What the client called the file.")
    created: datetime
    started: datetime | None
    finished: datetime | None
    expires: datetime | None = Field(description="When its files are removed.")
    options: VideoOptions
    progress: VideoProgress
    source: VideoSourceFacts
    result: VideoResultFacts | None
    labels: list[VideoLabel] = Field(description="The classes, once the model runs.")
    notes: list[str] = Field(description="What is worth knowing: a truncated file, sound that was left out.")
    failure: VideoFailure | None
    links: VideoLinks


class VideoList(BaseModel):
    """The jobs of the client that asks, the newest first."""

    videos: list[VideoJobAnswer]


class ClassOverTime(BaseModel):
    """A class's share of the picture over time."""

    index: int
    name: str
    color: tuple[int, int, int]
    share: list[float] = Field(description="In [0, 1], one for each of the times.")


class AreasOverTime(BaseModel):
    """How much of the picture each class covers, over time."""

    frames: int = Field(description="Frames measured so far.")
    times: list[float] = Field(description="Seconds from the first frame, of the first frame of each point.")
    classes: list[ClassOverTime] = Field(description="Those seen in any frame, by falling mean share.")
