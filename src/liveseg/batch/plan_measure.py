"""What a sample of files takes: they are done for real, by one worker, into a folder that goes again."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from liveseg.batch.records import Piece, Task
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from av.container import InputContainer
    from av.video.stream import VideoStream

    from liveseg.batch.plan_survey import Stratum
    from liveseg.batch.records import Bundle, Item, Record
    from liveseg.settings.batch import BatchSettings
    from liveseg.settings.batch_plan import PlanSettings

_WHOLE = 3
"""Videos up to so many times as long as what is tried of one are tried whole."""

_WARM_UP = 1.0
"""Seconds of a video that are enough to have the model loaded."""


class Does(Protocol):
    """A `Replica`, or what stands in for one."""

    def run(self, tasks: Bundle) -> list[Record]:
        """Do tasks; a record each."""

    def close(self) -> None:
        """Release everything."""


@dataclass(frozen=True)
class Cost:
    """What one file takes.

    Args:
        item: the file.
        seconds: of a worker.
        longest: seconds of its longest task: of itself, or of a piece where it is cut.
        stages: seconds by stage; those of several files may run at the same time.
        bytes_in: that are read.
        bytes_out: that are written.
        gets: requests that read.
        puts: requests that write.
        tasks: into which it is cut.
        frames: that it has.
        error: why it failed; `None` where it did not.
    """

    item: Item
    seconds: float
    longest: float
    stages: Mapping[str, float]
    bytes_in: int
    bytes_out: int
    gets: int
    puts: int
    tasks: int = 1
    frames: int = 1
    error: str | None = None


@dataclass(frozen=True)
class Measured:
    """What the sample took.

    Args:
        costs: of the files of each stratum, in the order of the strata.
        start_up: seconds until a worker was ready for its first file.
        seconds: that measuring took in all.
    """

    costs: Sequence[Sequence[Cost]]
    start_up: float
    seconds: float


def measure(
    strata: Sequence[Stratum],
    settings: PlanSettings,
    folder: Path,
    make_replica: Callable[..., Does],
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> Measured:
    """Do the files of a sample.

    Args:
        strata: with the sample.
        settings: of the plan.
        folder: an empty one, for everything that is made.
        make_replica: called with the batch's settings and `worker=`.
        clock: seconds.

    Raises:
        LivesegError: the model cannot be loaded, or the settings name what does not exist.
    """
    began = clock()
    replica = make_replica(settings.for_batch(out=str(folder / "out")), worker="plan")
    try:
        made = clock()
        images = [item for stratum in strata if stratum.kind == "image" for item in stratum.sample]
        videos = [item for stratum in strata if stratum.kind == "video" for item in stratum.sample]
        warmed = sum(_warm_up(replica, items, clock) for items in (images, videos))
        start_up = max(made - began + warmed, 0.0)
        costs = _images(replica, images, clock)
        costs |= {item.location: _Video(replica, item, settings, folder, clock).cost() for item in videos}
    finally:
        replica.close()
    found = [[costs[item.location] for item in stratum.sample] for stratum in strata]
    return Measured(found, start_up, clock() - began)


def _warm_up(replica: Does, items: Sequence[Item], clock: Callable[[], float]) -> float:
    """Seconds that the first file takes more than when it comes again; files that fail may load no model."""
    for item in items:
        piece = Piece(0, 2, 0.0, _WARM_UP) if item.kind == "video" else None
        times = []
        for _ in range(2):
            began = clock()
            (record,) = replica.run((Task(item, piece=piece),))
            times.append(clock() - began)
            if record.status == "failed":
                break
        else:
            return max(times[0] - times[1], 0.0)
    return 0.0


def _images(replica: Does, items: Sequence[Item], clock: Callable[[], float]) -> dict[str, Cost]:
    """All images in one bundle, since their stages overlap; its wall time goes to each by the seconds of its stages."""
    if not items:
        return {}
    began = clock()
    records = replica.run(tuple(Task(item) for item in items))
    wall = clock() - began
    summed = sum(_total(record) for record in records)
    costs = {}
    for item, record in zip(items, records, strict=True):
        seconds = wall * (_total(record) / summed if summed else 1 / len(records))
        costs[item.location] = Cost(
            item, seconds, seconds, _stages(record), record.bytes_in, record.bytes_out, 1, len(record.outputs),
            error=record.error if record.status == "failed" else None,
        )  # fmt: skip
    return costs


class _Video:
    """A video that is tried: all of it where it is short, else its begin, from which the rest is told."""

    def __init__(
        self, replica: Does, item: Item, settings: PlanSettings, folder: Path, clock: Callable[[], float]
    ) -> None:
        self._replica, self._item, self._settings, self._folder, self._clock = replica, item, settings, folder, clock

    def cost(self) -> Cost:
        """What it takes whole, with what it is cut into."""
        began = self._clock()
        try:
            path = self._here()
        except LivesegError as error:
            return self._failed(self._clock() - began, 0, str(error))
        fetched = self._clock() - began if "://" in self._item.location else 0.0
        try:
            return self._of_file(path, fetched)
        finally:
            if "://" in self._item.location:
                path.unlink(missing_ok=True)

    def _here(self) -> Path:
        if "://" not in self._item.location:
            return Path(self._item.location)
        from liveseg.batch.listing import open_item

        place, name = open_item(self._item, self._settings.storage_options)
        target = self._folder / f"video{Path(name).suffix}"
        place.fetch(name, target)
        return target

    def _of_file(self, path: Path, fetched: float) -> Cost:
        duration, frames, cuts = header(path, self._settings)
        local = replace(self._item, location=str(path))
        part = duration is not None and duration > _WHOLE * self._settings.measure
        piece = Piece(0, 2, 0.0, self._settings.measure) if part else None
        record, seconds = self._timed(Task(local, piece=piece))
        if piece is not None and (record.status == "failed" or not record.frames):
            piece = None
            record, seconds = self._timed(Task(local))
        size = self._item.size
        if size is None:
            size = path.stat().st_size if path.is_file() else 0
        if record.status == "failed":
            return self._failed(fetched + seconds, size, record.error or "")
        times = frames / record.frames if piece is not None and frames else 1.0
        written = int(record.bytes_out * times)
        stages = {name: spent * times for name, spent in _stages(record).items()}
        if cuts == 1:
            whole = seconds * times + fetched
            return Cost(
                self._item, whole, whole, stages, size, written, 1, len(self._settings.saves),
                frames=round(record.frames * times),
            )  # fmt: skip
        # Of a video elsewhere each piece reads its part, and who joins them fetches all of it for the sound; here it is
        # read where it lies. What the pieces made, and a note with each, is written, read and written again as one.
        reads, each = 2 if "://" in self._item.location else 1, len(self._settings.saves) + 1
        whole, longest = seconds * times + fetched * reads, max((seconds * times + fetched) / cuts, fetched)
        return Cost(
            self._item, whole, longest, stages, size * reads + written, 2 * written,
            cuts + 1 + cuts * each, cuts * each + each - 1, tasks=cuts + 1, frames=round(record.frames * times),
        )  # fmt: skip

    def _timed(self, task: Task) -> tuple[Record, float]:
        began = self._clock()
        (record,) = self._replica.run((task,))
        return record, self._clock() - began

    def _failed(self, seconds: float, size: int, error: str) -> Cost:
        return Cost(self._item, seconds, seconds, {}, size, 0, 1, 0, frames=0, error=error)


def header(path: Path, settings: BatchSettings) -> tuple[float | None, int | None, int]:
    """A video's seconds and frames as its header announces them, and how many pieces it is cut into.

    Args:
        path: of its file.
        settings: say how long a piece is, and how far files are trusted.

    Returns:
        `None` for what is not announced; 1 where it is not cut, or cannot be read.
    """
    from liveseg.batch.pieces.split import pieces_of_file
    from liveseg.batch.videos import trust_of
    from liveseg.media.video_decoder import VideoDecoder
    from liveseg.media.video_open import open_video

    def opener() -> tuple[InputContainer, VideoStream]:
        return open_video(path, trust_of(settings))

    try:
        decoder = VideoDecoder(opener, threads=1)
    except LivesegError:
        return None, None, 1
    try:
        duration, rate = decoder.announced_duration, decoder.rate
        frames = decoder.stream.frames or (round(Fraction(duration) * rate) if duration and rate else None)
    finally:
        decoder.close()
    pieces = pieces_of_file(opener, settings.pieces_seconds)
    return None if duration is None else float(duration), frames, len(pieces) if pieces else 1


def _total(record: Record) -> float:
    return record.seconds.get("total", 0.0) or sum(record.seconds.values())


def _stages(record: Record) -> dict[str, float]:
    return {name: spent for name, spent in record.seconds.items() if name != "total"}
