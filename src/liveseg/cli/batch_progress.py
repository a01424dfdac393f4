"""What `liveseg batch` shows while it runs and at its end: a line on a terminal, or events for machines."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from liveseg.cli.console import err, out, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress, TaskID

    from liveseg.batch.manifest import RunFacts
    from liveseg.batch.progress import Counts, Speed
    from liveseg.batch.records import Record
    from liveseg.batch.report_data import BatchReport
    from liveseg.settings import BatchSettings

_SAID = 5
"""Failures that are said one by one; the report has all of them."""


@contextmanager
def listening(settings: BatchSettings) -> Iterator[Told]:
    """Who is told of a batch, as the settings say."""
    if settings.json:
        yield Events(settings)
    elif settings.quiet or not err.is_terminal:
        yield Told(settings)
    else:
        from rich.progress import BarColumn, Progress, TextColumn

        columns = (BarColumn(bar_width=8), TextColumn("{task.fields[line]}", markup=False))
        with Progress(*columns, console=err, transient=True, refresh_per_second=4) as progress:
            yield Bar(settings, progress)


class Told:
    """Says what goes wrong while it does, and at the end what came of it.

    Args:
        settings: of the run.
    """

    def __init__(self, settings: BatchSettings) -> None:
        self._settings = settings
        self._failures = 0
        self.counts: Counts | None = None
        self.report: BatchReport | None = None

    @property
    def failed(self) -> bool:
        """Whether some file of the input is not done, for it failed in this run or before."""
        return self.counts is not None and bool(self.counts.failed or self.counts.left)

    def notice(self, line: str) -> None:
        """Say it."""
        say(f"liveseg: {line}")

    def started(self, facts: RunFacts, workers: int | None) -> None:
        """Say who does what, where that is wanted."""
        if self._settings.verbose:
            from liveseg.pages.text import count

            how_many = "the cluster's workers" if workers is None else f"up to {count(workers, 'worker')}"
            say(f"run {facts.run} with {facts.model} on {how_many}; settings {facts.settings_hash[:16]}")

    def joined(self, dashboard: str) -> None:
        """Say where the cluster can be looked at."""
        if not self._settings.quiet:
            say(f"Ray's dashboard: {dashboard}")

    def told(self, record: Record) -> None:
        """Say what failed: the first few."""
        if record.status != "failed":
            return
        self._failures += 1
        if self._failures <= _SAID:
            say(f"liveseg: {record.error}")
        elif self._failures == _SAID + 1:
            say("liveseg: more files fail; the report will name them")

    def progress(self, counts: Counts, speed: Speed) -> None:
        """Nothing, where nobody watches."""

    def done(self, counts: Counts, report: BatchReport | None, ended: str) -> None:
        """Keep it, and say it where it ended before its time."""
        self.counts, self.report = counts, report
        if ended != "complete":
            self.tell()

    def tell(self) -> None:
        """What came of it, for people."""
        if self.counts is None or self._settings.quiet:
            return
        for name, line in _summary(self.counts, self._settings).items():
            out.print(f"[bold]{name:<9}[/bold]{escape(line)}")


class Bar(Told):
    """The same with a line that moves.

    Args:
        settings: of the run.
        progress: Rich's.
    """

    def __init__(self, settings: BatchSettings, progress: Progress) -> None:
        super().__init__(settings)
        self._progress = progress
        self._task: TaskID = progress.add_task("", total=None, line="starting")

    def progress(self, counts: Counts, speed: Speed) -> None:
        """Move it."""
        # Until the listing is complete, nobody knows how long the bar is.
        total = counts.listed - counts.before - counts.left if counts.complete else None
        self._progress.update(self._task, completed=counts.finished, total=total, line=progress_line(counts, speed))

    def done(self, counts: Counts, report: BatchReport | None, ended: str) -> None:
        """Take it away first."""
        self._progress.update(self._task, visible=False)
        super().done(counts, report, ended)


class Events(Told):
    """One JSON object a line, on standard output.

    Args:
        settings: of the run.
    """

    def __init__(self, settings: BatchSettings) -> None:
        super().__init__(settings)
        self._lock = threading.Lock()

    def notice(self, line: str) -> None:
        """A `notice`."""
        self._event("notice", text=line)

    def started(self, facts: RunFacts, workers: int | None) -> None:
        """What the run is."""
        self._event(
            "started",
            run=facts.run,
            out=self._settings.destination,
            inputs=list(facts.inputs),
            model=facts.model,
            settings_hash=facts.settings_hash,
            version=facts.version,
            workers=workers,
        )

    def joined(self, dashboard: str) -> None:
        """Where the cluster can be looked at."""
        self._event("joined", dashboard=dashboard)

    def told(self, record: Record) -> None:
        """What a worker did: `item`, `piece` or `failed`."""
        from liveseg.batch.progress import record_event

        self._event(**record_event(record))

    def progress(self, counts: Counts, speed: Speed) -> None:
        """Where it is."""
        remaining = speed.remaining(counts)
        self._event(
            "progress",
            **counts.to_json(),
            files_per_second=round(speed.files, 3),
            megapixels_per_second=round(speed.megapixels, 3),
            remaining_seconds=None if remaining is None else round(remaining, 1),
        )

    def done(self, counts: Counts, report: BatchReport | None, ended: str) -> None:
        """How it ended."""
        self.counts, self.report = counts, report
        told = None if report is None else report.to_json()
        self._event("done", ended=ended, **counts.to_json(), report=told)

    def tell(self) -> None:
        """The events have said it."""

    def _event(self, event: str, **about: Any) -> None:
        line = json.dumps({"event": event, **about}, allow_nan=False)
        with self._lock:
            typer.echo(line)


def progress_line(counts: Counts, speed: Speed) -> str:
    """Where a batch is, in a line."""
    from liveseg.batch.failures import in_words
    from liveseg.batch.words import clock, rate

    found = counts.listed - counts.before - counts.left
    parts = [f"{counts.finished:,} of {found:,}" + ("" if counts.complete else " found so far")]
    if speed.files > 0:
        parts.append(f"{rate(speed.files)} files/s")
    if speed.megapixels > 0:
        parts.append(f"{rate(speed.megapixels)} Mpx/s")
    remaining = speed.remaining(counts)
    if remaining is not None:
        parts.append(f"{clock(remaining)} left")
    if counts.workers:
        parts.append("1 worker" if counts.workers == 1 else f"{counts.workers:,} workers")
    elif not counts.finished:
        parts.append("starting workers")
    if counts.failed:
        parts.append(f"failed: {in_words(counts.failed)}")
    return " · ".join(parts)


def _summary(counts: Counts, settings: BatchSettings) -> dict[str, str]:
    from liveseg.batch.failures import in_words
    from liveseg.batch.words import rate, span
    from liveseg.pages.text import count

    seconds = counts.seconds
    files = [f"{counts.done:,} done"]
    if counts.before:
        files.append(f"{counts.before:,} done before")
    if counts.failed:
        files.append(f"{counts.failed.total():,} failed ({in_words(counts.failed)})")
    if counts.left:
        files.append(f"{counts.left:,} failed before and not tried again (--redo failed does)")
    if counts.to_do:
        files.append(f"{counts.to_do:,} left" if counts.complete else "the rest left")
    lines = {"files": f"{', '.join(files)}, in {span(seconds)}"}
    if counts.done and seconds > 0:
        pixels = f"{rate(counts.pixels / seconds / 1e6)} megapixels"
        lines["speed"] = f"{rate(counts.done / seconds)} files and {pixels} a second"
        lines["frames"] = count(counts.frames, "frame")
    lines["results"] = settings.destination
    lines["report"] = f"{settings.destination.rstrip('/')}/_liveseg/report.html"
    return lines
