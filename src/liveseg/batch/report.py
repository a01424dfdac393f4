"""What a batch came to: everything that its manifest says, in one pass, as data, as a page and as a list of failures.

A report is of a destination, not of one run: it counts what is done there, by however many runs.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liveseg._version import __version__
from liveseg.batch.quantiles import RELATIVE_ERROR
from liveseg.batch.report_data import (
    BatchReport,
    ClassArea,
    FailedFile,
    FailureKind,
    FileCounts,
    Moment,
    Rates,
    SlowFile,
    Spread,
    StageTime,
    Times,
    WorkerReport,
)
from liveseg.batch.scratch import Scratch
from liveseg.batch.statistics import OTHER, Statistics, what_of
from liveseg.errors import SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Protocol

    from liveseg.batch.manifest import RunFacts
    from liveseg.batch.places import Place
    from liveseg.batch.quantiles import Quantiles
    from liveseg.batch.records import Record

    class Writable(Protocol):
        """Where a report goes: a `Place`, or what stands in for one."""

        @property
        def address(self) -> str:
            """For messages; without credentials."""

        def commit(self, source: Path, name: str) -> int:
            """Put a file there, whole or not at all."""

        def commit_bytes(self, data: bytes, name: str) -> bool:
            """Put some bytes there, whole or not at all."""


FOLDER = "_liveseg"
JSON_NAME = f"{FOLDER}/report.json"
PAGE_NAME = f"{FOLDER}/report.html"
FAILURES_NAME = f"{FOLDER}/failures.csv"

FAILURE_COLUMNS = ("location", "name", "version", "kind", "piece", "attempts", "error_kind", "error", "worker")

_COLUMNS = 120
"""Stretches of time that the JSON's timeline has at most."""


@dataclass(frozen=True, kw_only=True)
class ReportFacts:
    """What a report says besides what the records do.

    Args:
        model: that the settings name.
        settings: the options that decide the outputs, in words.
        about: other facts for the page, such as the version, the machine and the command; in words.
        workers: that were asked for; `None` where the records alone tell.
        listed: files of the input; `None` where nobody counted them.
        palette: colours of the classes by name, 0 to 255 each.
    """

    model: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)
    workers: int | None = None
    listed: int | None = None
    palette: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)


def write_report(
    place: Writable, facts: ReportFacts, records: Iterable[Record], *, with_pieces: bool = False
) -> BatchReport:
    """Write `report.json`, `report.html` and `failures.csv` into a destination's `_liveseg` folder.

    Memory does not grow with the number of records, which are drawn once.

    Args:
        place: the destination.
        facts: what the records do not say.
        records: the latest of each file and piece, in any order.
        with_pieces: whether the pieces of joined videos are among them, too.

    Raises:
        StorageError: one of the files cannot be written.
    """
    from liveseg.batch.report_page import page

    statistics = Statistics(with_pieces=with_pieces)
    with Scratch("report") as folder:
        path = folder / "failures.csv"
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(FAILURE_COLUMNS)
            statistics.take(_noting(records, writer))
        place.commit(path, FAILURES_NAME)
    report = report_of(statistics, facts, place.address)
    text = json.dumps(report.to_json(), indent=1, allow_nan=False)
    place.commit_bytes((text + "\n").encode("ascii"), JSON_NAME)
    place.commit_bytes(page(report, facts.palette).encode("utf-8"), PAGE_NAME)
    return report


def remake(place: Place) -> BatchReport:
    """Write the report of a destination again, from its manifest.

    Raises:
        SourceNotFoundError: no batch was ever run there.
        LivesegError: what is there cannot be read, or the report not be written.
    """
    from liveseg.batch.manifest import Manifest

    manifest = Manifest(place)
    run = manifest.facts()
    if run is None:
        raise SourceNotFoundError(f"{place.address} holds no batch; name the folder or address that --out named")
    return write_report(place, facts_of_run(run), manifest.records(pieces=True), with_pieces=True)


def facts_of_run(run: RunFacts) -> ReportFacts:
    """What the manifest says of a run, in words."""
    about = {"host": run.host, "input": ", ".join(run.inputs), "settings hash": run.settings_hash[:16]}
    settings = {name: _word(value) for name, value in run.settings.items() if value not in (None, [], False)}
    return ReportFacts(model=run.model, settings=settings, about=about)


def _word(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "yes" if value is True else str(value)


def _noting(records: Iterable[Record], writer: Any) -> Iterator[Record]:
    """The records as they come; those of failures are written into a table, which `liveseg batch` takes as input."""
    for record in records:
        if record.status == "failed":
            piece = "" if record.piece is None else record.piece
            about = (record.kind, piece, record.attempts, record.error_kind or "unknown", record.error or "")
            writer.writerow((record.location, record.name, record.version, *about, record.worker))
        yield record


def report_of(statistics: Statistics, facts: ReportFacts, destination: str) -> BatchReport:
    """The report of what was gathered.

    Args:
        statistics: of all records.
        facts: what these do not say.
        destination: its address, without credentials.
    """
    present, active = statistics.worker_seconds(), statistics.timeline.active_seconds
    timed = active > 0
    worker_seconds = sum(present.values())
    done = statistics.files["done"]
    length, columns = statistics.timeline.columns(_COLUMNS)
    most = statistics.models.most_common(1)
    return BatchReport(
        destination=destination,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
        liveseg=__version__,
        model=most[0][0] if most else facts.model,
        models=dict(statistics.models.most_common()),
        settings_hashes=dict(statistics.settings.most_common()),
        settings=dict(facts.settings),
        about=dict(facts.about),
        workers_asked=facts.workers,
        files=FileCounts(
            done=done,
            failed=statistics.files["failed"],
            images=statistics.files["image"],
            videos=statistics.files["video"],
            retried=statistics.retried,
            listed=facts.listed,
            outputs=statistics.outputs,
            pieces=statistics.pieces["done"],
            failed_pieces=statistics.pieces["failed"],
            joined=statistics.pieces["joined"],
        ),
        frames=statistics.frames,
        pixels=statistics.pixels,
        bytes_in=statistics.bytes_in,
        bytes_out=statistics.bytes_out,
        times=Times(
            began=statistics.timeline.began if timed else 0.0,
            ended=statistics.timeline.ended,
            active_seconds=active,
            worker_seconds=worker_seconds,
            stage_seconds=statistics.work,
            idle_seconds=max(worker_seconds - statistics.work, 0.0),
            untimed=statistics.untimed,
        ),
        rates=Rates(
            files=done / active if timed else 0.0,
            frames=statistics.frames / active if timed else 0.0,
            megapixels=statistics.pixels / 1e6 / active if timed else 0.0,
            bytes_in=statistics.bytes_in / active if timed else 0.0,
            bytes_out=statistics.bytes_out / active if timed else 0.0,
        ),
        durations={kind: _spread(own) for kind, own in statistics.durations.items() if own.count},
        percentile_error=RELATIVE_ERROR,
        stages=tuple(_stages(statistics)),
        timeline_seconds=length,
        timeline=tuple(
            Moment(began=began, files=own.files, failed=own.failed, pixels=own.pixels, stage_seconds=own.busy)
            for began, own in columns
        ),
        workers=tuple(_workers(statistics, present)),
        slowest_images=tuple(_slow(statistics.slowest("image"))),
        slowest_videos=tuple(_slow(statistics.slowest("video"))),
        failures=tuple(_failures(statistics)),
        classes=tuple(_classes(statistics)),
    )


def _spread(times: Quantiles) -> Spread:
    p50, p90, p95, p99 = (times.at(share) for share in (0.5, 0.9, 0.95, 0.99))
    return Spread(count=times.count, mean=times.mean, p50=p50, p90=p90, p95=p95, p99=p99, most=times.most)


def _stages(statistics: Statistics) -> Iterator[StageTime]:
    for name in statistics.stage_names():
        own = statistics.stages[name]
        share = own.seconds / statistics.work if statistics.work else 0.0
        yield StageTime(name=name, seconds=own.seconds, share=share, images=_spread(own.images))


def _workers(statistics: Statistics, present: Mapping[str, float]) -> Iterator[WorkerReport]:
    for name in sorted(statistics.workers):
        own = statistics.workers[name]
        yield WorkerReport(
            name=name,
            tasks=own.files,
            failed=own.failed,
            frames=own.frames,
            pixels=own.pixels,
            stage_seconds=own.work,
            seconds=present.get(name, 0.0),
        )


def _slow(ranked: Sequence[tuple[float, Record]]) -> Iterator[SlowFile]:
    for total, record in ranked:
        stages = {name: spent for name, spent in record.seconds.items() if name != "total"}
        stage = max(stages, key=stages.__getitem__, default=OTHER)
        yield SlowFile(
            location=record.location,
            name=record.name,
            piece=record.piece,
            pieces=record.pieces if what_of(record) == "piece" else None,
            seconds=total,
            frames=record.frames,
            pixels=record.pixels,
            stage=stage,
            stage_seconds=stages.get(stage, total),
        )


def _failures(statistics: Statistics) -> Iterator[FailureKind]:
    for kind, own in sorted(statistics.failures.items(), key=lambda item: (-item[1].count, item[0])):
        examples = tuple(
            FailedFile(location=each.location, piece=each.piece, attempts=each.attempts, error=each.error or "")
            for each in own.examples
        )
        yield FailureKind(kind=kind, count=own.count, examples=examples)


def _classes(statistics: Statistics) -> Iterator[ClassArea]:
    for name, own in sorted(statistics.classes.items(), key=lambda item: (-item[1].pixels, item[0])):
        yield ClassArea(
            name=name,
            pixels=own.pixels,
            share=own.pixels / statistics.class_pixels,
            share_where=own.pixels / own.around,
            images=own.images,
            videos=own.videos,
        )
