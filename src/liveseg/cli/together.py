"""`liveseg run` with several sources of which some are live: all at once, through one model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.cli import parts
from liveseg.cli.console import say
from liveseg.errors import UsageError
from liveseg.files import refuse_existing
from liveseg.labels import PASCAL_VOC
from liveseg.report import RunReport, SourceReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liveseg.cli.parts import Named, Target
    from liveseg.media.frame import Sink, Source, SourceInfo
    from liveseg.media.paths import Kind
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import Segmenter
    from liveseg.settings import RunSettings
    from liveseg.streams import GridView, Stream

_GRID = Path("grid")
"""What the one picture of all streams is called in the names of outputs."""

_TUNED = "tuned"
"""What stands for the model's name in outputs where each stream gets a model of its own."""


def run_together(sources: Sequence[Named], settings: RunSettings) -> RunReport:
    """Run sources at the same time; one that fails or ends is reported and the others go on.

    Raises:
        LivesegError: nothing could start.
    """
    from liveseg.job import stop_on_signals
    from liveseg.media.paths import kind_of
    from liveseg.streams import GridView, Stream, run_streams

    for option, given in {"--mask": settings.mask, "--skip-existing": settings.skip_existing}.items():
        if given:
            raise UsageError(f"{option} is for files one after the other, not for several sources at once")
    kinds: list[Kind] = [kind_of(named) if isinstance(named, Path) else "video" for named in sources]
    shared = _Shared(len(sources), settings)
    labels = PASCAL_VOC if shared.segmenter is None else shared.segmenter.labels
    with parts.viewer_of(settings, labels) as viewer, stop_on_signals() as stop:
        targets: list[Target] = [None] * len(sources)
        grid_target: Target = None
        if settings.grid:
            (grid_target,) = parts.targets_of([_GRID], settings, shared.model, ["video"])
            if viewer is not None and settings.output is None:
                grid_target = None
            if isinstance(grid_target, Path):
                refuse_existing(grid_target, overwrite=settings.overwrite)
        else:
            targets = parts.targets_of(sources, settings, shared.model, kinds, watched=viewer is not None)
        if viewer is not None:
            viewer.begin(live=True, stem=Path("outputs") / _GRID, stop=stop)
        draw = parts.caption if settings.caption else None
        streams = [
            Stream(named.name if isinstance(named, Path) else str(named), shared.starter(named, target, stop), draw)
            for named, target in zip(sources, targets, strict=True)
        ]

        def open_grid(info: SourceInfo) -> Sink:
            return parts.open_target(str(grid_target), _GRID, info, settings)

        with GridView(streams, open_sink=None if grid_target is None else open_grid, screen=viewer) as view:
            seen = settings.grid or viewer is not None
            run_streams(streams, stop=stop, on_tick=view.tick if seen else None)
    report = shared.report(streams)
    for named, kind, target, one in zip(sources, kinds, targets, streams, strict=True):
        if one.error is not None:
            say(f"liveseg: {one.error}")
        error = None if one.error is None else str(one.error)
        report.sources.append(SourceReport(str(named), kind, parts.shown(target), outcome=one.outcome, error=error))
    report.grid = _grid_report(view, grid_target)
    return report


class _Shared:
    """What the streams share: one network and the turns at it, or, tuned, the networks of all levels."""

    def __init__(self, count: int, settings: RunSettings) -> None:
        from liveseg.runtimes.base import available_cores
        from liveseg.tuning.cost import Line
        from liveseg.tuning.engines import Networks
        from liveseg.turns import Turns

        self._count, self._settings = count, settings
        self._parallel = min(settings.threads or available_cores(), count)
        self._turns = Turns(self._parallel)
        self._tuning = threading.Lock()
        self._networks = Networks(settings, Line(available_cores(), self._parallel, count, live=True))
        self._first: Pipeline | None = None
        self.segmenter: Segmenter | None = None
        if settings.target_fps is None:
            self.segmenter = parts.make_segmenter(settings, parallel=self._parallel, live=True)

    @property
    def model(self) -> str:
        """The model's name in those of outputs."""
        return _TUNED if self.segmenter is None else self.segmenter.model

    def starter(
        self, named: Named, target: Target, stop: threading.Event
    ) -> Callable[[], tuple[Source, Sink | None, Pipeline]]:
        """What opens a source, its sink and its line, in the stream's own thread."""

        def start() -> tuple[Source, Sink | None, Pipeline]:
            source = parts.open_named(named, self._settings, stop=stop)
            try:
                pipeline = self._line(source.info, target)
                source = parts.made_ready(source, pipeline.segmenter, self._settings)
                sink = None if target is None else parts.open_target(target, named, source.info, self._settings)
            except BaseException:
                source.close()
                raise
            return source, sink, pipeline

        return start

    def report(self, streams: Sequence[Stream]) -> RunReport:
        """The report of all of them, their sources still to be added."""
        first = next((stream.pipeline for stream in streams if stream.pipeline is not None), None)
        if first is None:
            # None of them came far enough to have a line; the report still says what would have run.
            segmenter = self.segmenter or parts.make_segmenter(self._settings, parallel=1, live=True)
            first = parts.make_pipeline(segmenter, self._settings)
        return RunReport(first.segmenter, first, together=True)

    def _line(self, info: SourceInfo, target: Target) -> Pipeline:
        # One after the other: two that measure the machine at the same time would measure each other.
        with self._tuning:
            segmenter = self.segmenter or parts.tuned(
                self._settings,
                info,
                target=target,
                streams=self._count,
                parallel=self._parallel,
                networks=self._networks,
                keep=self._first is None,
            )
            pipeline = parts.make_pipeline(segmenter, self._settings, turns=self._turns, beside=self._first)
            self._first = self._first or pipeline
        return pipeline


def _grid_report(view: GridView, target: Target) -> SourceReport | None:
    from liveseg.job import Outcome

    if target is None or not view.frames:
        return None
    outcome = Outcome(frames=view.frames, seconds=view.seconds, notes=view.notes)
    return SourceReport("the grid", "video", parts.shown(target), outcome=outcome)
