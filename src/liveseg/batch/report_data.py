"""What a report holds: the fields of `report.json`, by their names there."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

VERSION = 1
"""Of the JSON; raised when a field that exists changes its meaning or goes."""

FORMAT = "liveseg-batch-report"


@dataclass(frozen=True, kw_only=True)
class FileCounts:
    """How many files there are of which kind.

    Args:
        done: finished files; a video in pieces counts when it is joined.
        failed: files that failed.
        images: of those that are done.
        videos: of those that are done.
        retried: files and pieces that took more than one attempt.
        listed: files of the input; `None` where nobody counted them.
        outputs: files that were made of them.
        pieces: of long videos that are done.
        failed_pieces: that failed; their videos are not done.
        joined: videos that were put together from pieces.
    """

    done: int
    failed: int
    images: int
    videos: int
    retried: int
    listed: int | None
    outputs: int
    pieces: int
    failed_pieces: int
    joined: int


@dataclass(frozen=True, kw_only=True)
class Times:
    """When it ran, and what the workers did with their time.

    Args:
        began: when the first file was begun, in seconds since 1970; 0 where no record says.
        ended: when the last file was finished.
        active_seconds: during which at least one worker was at work; pauses between runs are left out.
        worker_seconds: from each worker's first file to its last, added up, pauses left out.
        stage_seconds: of all stages of all files. More than `worker_seconds` where stages of several files overlap in
            a worker.
        idle_seconds: of `worker_seconds`, those in which no stage ran; 0 where stages overlap, which hides them.
        untimed: records without a time.
    """

    began: float
    ended: float
    active_seconds: float
    worker_seconds: float
    stage_seconds: float
    idle_seconds: float
    untimed: int


@dataclass(frozen=True, kw_only=True)
class Rates:
    """What was done in each second of `Times.active_seconds`; 0 where nothing was timed."""

    files: float
    frames: float
    megapixels: float
    bytes_in: float
    bytes_out: float


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How some times are spread; percentiles are within `percentile_error` of their value.

    Args:
        count: how many there are.
        mean: seconds; the percentiles and the largest, too.
    """

    count: int
    mean: float
    p50: float
    p90: float
    p95: float
    p99: float
    most: float


@dataclass(frozen=True, kw_only=True)
class StageTime:
    """What a stage took.

    Args:
        name: of the stage; `other` belongs to none.
        seconds: in all.
        share: of the seconds of all stages, from 0 to 1.
        images: of each image.
    """

    name: str
    seconds: float
    share: float
    images: Spread


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A stretch of time.

    Args:
        began: in seconds since 1970.
        files: that were finished in it.
        failed: files and pieces that failed in it.
        pixels: of the frames that were finished in it.
        stage_seconds: that workers spent in it.
    """

    began: float
    files: int
    failed: int
    pixels: int
    stage_seconds: float


@dataclass(frozen=True, kw_only=True)
class WorkerReport:
    """What a worker did.

    Args:
        name: of the worker.
        tasks: files, pieces of videos and joinings that it finished.
        failed: of these, that failed.
        frames: that it segmented.
        pixels: of these.
        stage_seconds: of all stages of its files.
        seconds: from its first file to its last, pauses left out.
    """

    name: str
    tasks: int
    failed: int
    frames: int
    pixels: int
    stage_seconds: float
    seconds: float


@dataclass(frozen=True, kw_only=True)
class SlowFile:
    """A file that took long.

    Args:
        location: of the file.
        name: of its outputs.
        piece: number of the piece, where it is one.
        pieces: of that video.
        seconds: of all its stages.
        frames: that were segmented.
        pixels: of these.
        stage: that took longest.
        stage_seconds: that this one took.
    """

    location: str
    name: str
    piece: int | None
    pieces: int | None
    seconds: float
    frames: int
    pixels: int
    stage: str
    stage_seconds: float


@dataclass(frozen=True, kw_only=True)
class FailedFile:
    """A file that failed, or a piece of one.

    Args:
        location: of the file.
        piece: number of the piece, where it is one.
        attempts: how often it was tried.
        error: what was wrong, in one line.
    """

    location: str
    piece: int | None
    attempts: int
    error: str


@dataclass(frozen=True, kw_only=True)
class FailureKind:
    """Failures of one kind.

    Args:
        kind: as `Record.error_kind` has it.
        count: of files and pieces.
        examples: the first few; `failures.csv` has all.
    """

    kind: str
    count: int
    examples: tuple[FailedFile, ...]


@dataclass(frozen=True, kw_only=True)
class ClassArea:
    """Where a class was found.

    Args:
        name: of the class.
        pixels: of it, in all frames of all files that are done.
        share: of all those pixels, from 0 to 1.
        share_where: of the pixels of the files in which it is, from 0 to 1.
        images: in which it is.
        videos: in which it is.
    """

    name: str
    pixels: int
    share: float
    share_where: float
    images: int
    videos: int


@dataclass(frozen=True, kw_only=True)
class BatchReport:
    """What a batch came to.

    Args:
        destination: its address, without credentials.
        made: when the report was made, in ISO 8601.
        liveseg: version that made it.
        model: that segmented most files.
        models: files by model.
        settings_hashes: files by the hash of the settings that they were made with; one, unless the settings changed.
        settings: the options that decide the outputs.
        about: other facts of the run.
        workers_asked: for; `None` where nobody did.
        files: how many there are.
        frames: that were segmented.
        pixels: of these.
        bytes_in: that were read.
        bytes_out: that were written.
        times: when, and how long.
        rates: how fast.
        durations: how long files took, by `image`, `video` (in one piece), `piece` and `join` (of pieces).
        percentile_error: how far a percentile may be from the true one, as a share of it.
        stages: what took how long, in the order in which a frame passes them.
        timeline_seconds: length of a stretch of the timeline.
        timeline: stretches of time in which something happened, in order.
        workers: by name.
        slowest_images: most seconds first.
        slowest_videos: whole ones and pieces; most seconds first.
        failures: by kind, most first.
        classes: most pixels first.
    """

    destination: str
    made: str
    liveseg: str
    model: str
    models: Mapping[str, int]
    settings_hashes: Mapping[str, int]
    settings: Mapping[str, str]
    about: Mapping[str, str]
    workers_asked: int | None
    files: FileCounts
    frames: int
    pixels: int
    bytes_in: int
    bytes_out: int
    times: Times
    rates: Rates
    durations: Mapping[str, Spread]
    percentile_error: float
    stages: tuple[StageTime, ...]
    timeline_seconds: float
    timeline: tuple[Moment, ...]
    workers: tuple[WorkerReport, ...]
    slowest_images: tuple[SlowFile, ...]
    slowest_videos: tuple[SlowFile, ...]
    failures: tuple[FailureKind, ...]
    classes: tuple[ClassArea, ...]

    def to_json(self) -> dict[str, Any]:
        """As `report.json` has it: these fields, `format` and `version`."""
        return {"format": FORMAT, "version": VERSION, **asdict(self)}
