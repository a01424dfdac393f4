"""One video job: what was asked for, how far it is, and what became of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from liveseg.labels import LabelSet
from liveseg.server.videos.answers import (
    VideoFailure,
    VideoJobAnswer,
    VideoLabel,
    VideoLinks,
    VideoProgress,
    VideoResultFacts,
    VideoSourceFacts,
)
from liveseg.server.videos.outputs import OUTPUTS
from liveseg.server.videos.task import AREAS, POSTER, PREVIEW, UPLOAD

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from liveseg.server.videos.answers import State, VideoOptions

ACTIVE = frozenset({"queued", "running"})
_MOST_NOTES = 20
_LONGEST_NAME = 120
_LONGEST_TEXT = 600


@dataclass(eq=False)
class VideoJob:
    """A video that was sent.

    Args:
        id: chosen by us, not to be guessed; who knows it may see the job.
        client: who sent it.
        name: what the client called it.
        folder: where its files are.
        options: what was asked for.
        size: bytes that were sent.
        kept: seconds that its files are kept after its end.
    """

    id: str
    client: str
    name: str
    folder: Path
    options: VideoOptions
    size: int
    kept: float
    state: State = "queued"
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: datetime | None = None
    finished: datetime | None = None
    expires: datetime | None = None
    frames: int = 0
    rate: float = 0.0
    share: float | None = 0.0
    first: tuple[datetime, float] | None = None
    source: dict[str, Any] = field(default_factory=dict)
    labels: LabelSet | None = None
    made: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failure: VideoFailure | None = None
    ending: State | None = None

    @property
    def upload(self) -> Path:
        """What was sent."""
        return self.folder / UPLOAD

    @property
    def result(self) -> Path:
        """What is made, once it is done."""
        return self.folder / f"result{OUTPUTS[self.options.output].extension}"

    @property
    def preview(self) -> Path:
        """The newest finished frame."""
        return self.folder / PREVIEW

    @property
    def poster(self) -> Path:
        """The frame with most to see."""
        return self.folder / POSTER

    @property
    def areas(self) -> Path:
        """The areas over time."""
        return self.folder / AREAS

    @property
    def download_name(self) -> str:
        """What the result is called on the client's side."""
        stem = PurePosixPath(self.name).stem or "video"
        return f"{stem}_{self.options.output}{OUTPUTS[self.options.output].extension}"

    def begin(self) -> None:
        """It is worked on from now."""
        self.state, self.started = "running", datetime.now(UTC)

    def end(self, state: State, failure: VideoFailure | None = None) -> None:
        """It has come to an end."""
        self.state, self.finished = state, datetime.now(UTC)
        self.failure = failure or self.failure
        self.expires = self.finished + timedelta(seconds=self.kept)

    def told(self, event: str, what: dict[str, Any]) -> None:
        """Take an event of the worker; `done` and `failed` say how the job will end, once the worker has ended, too.

        Raises:
            ValueError, TypeError, KeyError: what was told makes no sense.
        """
        if event == "started":
            self.labels = LabelSet.from_json(what.pop("labels"))
            self.source = VideoSourceFacts(bytes=self.size, **what).model_dump()
        elif event == "progress":
            self.frames = int(what["frames"])
            self.rate = _finite(what["rate"])
            self.share = None if what["share"] is None else min(max(_finite(what["share"]), 0.0), 1.0)
            if self.first is None and self.share is not None:
                self.first = datetime.now(UTC), self.share
        elif event == "done":
            self.notes = [str(note)[:_LONGEST_TEXT] for note in what.pop("notes")][:_MOST_NOTES]
            self.frames = int(what["frames"])
            self.made = VideoResultFacts(
                bytes=self.result.stat().st_size,
                media_type=OUTPUTS[self.options.output].media_type,
                file_name=self.download_name,
                **what,
            ).model_dump()
            self.share = 1.0
            self.ending = "done"
        elif event == "failed":
            title = "This video cannot be segmented"
            self.failure = VideoFailure(title=title, detail=str(what["detail"])[:_LONGEST_TEXT])
            self.ending = "failed"

    def remaining(self) -> float | None:
        """Seconds left, by what it took since the first frames; `None` where that says nothing yet."""
        if self.state != "running" or self.share is None or self.first is None:
            return None
        # The model was loaded before that, once for all frames.
        began, share = self.first
        if self.share <= share:
            return None
        spent = (datetime.now(UTC) - began).total_seconds()
        return spent * (1.0 - self.share) / (self.share - share)

    def answer(self, here: str, place: int | None, ticketed: Callable[[str], str]) -> VideoJobAnswer:
        """The job as JSON.

        Args:
            here: the job's own path.
            place: in the queue, from 1.
            ticketed: adds to a path what lets a browser's elements fetch it.
        """
        # The worker's files may be seen before its word that it has begun; they cannot be asked for till then.
        there = self.state in ("running", "done") and self.labels is not None
        expected = self.source.get("frames")
        return VideoJobAnswer(
            id=self.id,
            state=self.state,
            place=place,
            name=self.name,
            created=self.created,
            started=self.started,
            finished=self.finished,
            expires=self.expires,
            options=self.options,
            progress=VideoProgress(
                share=self.share,
                frames=self.frames,
                expected=expected,
                rate=self.rate if self.state == "running" else 0.0,
                remaining_seconds=self.remaining(),
            ),
            source=VideoSourceFacts(**{"bytes": self.size} | self.source),
            result=VideoResultFacts(**self.made) if self.state == "done" else None,
            labels=self._labels(),
            notes=self.notes,
            failure=self.failure,
            links=VideoLinks(
                self=here,
                result=ticketed(f"{here}/result") if self.state == "done" else None,
                preview=ticketed(f"{here}/preview.jpg") if there and self.preview.exists() else None,
                poster=ticketed(f"{here}/poster") if there and self.poster.exists() else None,
                areas=ticketed(f"{here}/areas") if there and self.areas.exists() else None,
            ),
        )

    def _labels(self) -> list[VideoLabel]:
        if self.labels is None:
            return []
        pairs = zip(self.labels.names, self.labels.palette, strict=True)
        return [VideoLabel(index=index, name=name, color=color) for index, (name, color) in enumerate(pairs)]


def _finite(value: object) -> float:
    """A number that JSON can carry on.

    Raises:
        ValueError, TypeError: it is none.
    """
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"not a number: {value!r}")
    return float(value)


def plain_name(text: str | None) -> str:
    """What a client calls a file, as text to be shown: no folders, no control characters, not too long.

    It is never part of a path here.
    """
    bare = re.split(r"[/\\]", text or "")[-1]
    shown = "".join(character for character in bare if character.isprintable()).strip(" .")
    if len(shown) > _LONGEST_NAME:
        stem, extension = PurePosixPath(shown).stem, PurePosixPath(shown).suffix[:10]
        shown = stem[: _LONGEST_NAME - len(extension)] + extension
    return shown or "video"
