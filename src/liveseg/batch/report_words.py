"""A report as tables and lines, for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.batch.words import rate, share, shown, size, span
from liveseg.bench.table import Table
from liveseg.pages.text import count

if TYPE_CHECKING:
    from liveseg.batch.report_data import BatchReport

_MOST_CLASSES = 12


def heading(report: BatchReport) -> str:
    """One line: how many files there are, and how fast they went."""
    files, times = report.files, report.times
    words = [f"{count(files.done, 'file')} done"]
    if files.failed:
        words.append(f"{files.failed:,} failed")
    if times.active_seconds:
        words.append(
            f"{rate(report.rates.files)} files and {rate(report.rates.megapixels)} megapixels a second over"
            f" {span(times.active_seconds)} at work"
        )
    words.append(f"{size(report.bytes_in)} read, {size(report.bytes_out)} written")
    return f"{shown(report.destination)}: {', '.join(words)}"


def tables(report: BatchReport) -> list[Table]:
    """Where the time went, what was found and what failed; those that have rows."""
    stages = Table("Stages, seconds of all files together")
    for stage in report.stages:
        images = stage.images
        stages.rows.append(
            {
                "stage": shown(stage.name),
                "seconds": span(stage.seconds),
                "share": share(stage.share, 1),
                "median of an image": span(images.p50) if images.count else "",
                "95 %": span(images.p95) if images.count else "",
            }
        )
    classes = Table("What was found")
    for own in report.classes[:_MOST_CLASSES]:
        classes.rows.append(
            {
                "class": shown(own.name),
                "of all pixels": share(own.share, 1),
                "images": f"{own.images:,}" if report.files.images else "",
                "videos": f"{own.videos:,}" if report.files.videos else "",
            }
        )
    failures = Table("Failures")
    for kind in report.failures:
        first = kind.examples[0].error if kind.examples else ""
        failures.rows.append({"kind": shown(kind.kind), "number": f"{kind.count:,}", "the first": shown(first)})
    return [table for table in (stages, classes, failures) if table.rows]


def remarks(report: BatchReport) -> list[str]:
    """Where the rest of it stands."""
    more = len(report.classes) - _MOST_CLASSES
    lines = [f"{count(more, 'more class') if more == 1 else f'{more} more classes'} in the page"] if more > 0 else []
    folder = f"{shown(report.destination.rstrip('/'))}/_liveseg"
    failed = ", failures.csv" if report.failures else ""
    return [*lines, f"written: {folder}/report.html, report.json{failed}"]
