"""`liveseg run` with several sources of which some are live: all at once, through one model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.assembly import make_pipeline
from liveseg.cli import parts, saving, watching
from liveseg.cli.console import say
from liveseg.errors import UsageError
from liveseg.files import refuse_existing
from liveseg.labels import PASCAL_VOC
from liveseg.report import RunReport, SourceReport
from liveseg.settings.save import OVERLAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liveseg.cli.parts import Named, Target
    from liveseg.cli.saving import Planned
    from liveseg.events.watch import Watch
    from liveseg.media.frame import Sink, SourceInfo
    from liveseg.media.paths import Kind
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import Segmenter
    from liveseg.settings import RunSettings
    from liveseg.streams import GridView, Started, Stream

_GRID = Path("grid")
"""What the one picture of all streams is called in the names of outputs."""

_TUNED = "tuned"
"""What stands for the model's name in outputs where each stream gets a model of its own."""


def run_together(sources: Sequence[Named], settings: RunSettings, watch: Watch | None = None) -> RunReport:
    """Run sources at the same time; one that fails or ends is reported and the others go on.

    Raises:
        LivesegError: nothing could start.
    """
    from liveseg.job import stop_on_signals
    from liveseg.media.paths import kind_of
    from liveseg.streams import GridView, Stream, run_streams

    if settings.skip_existing:
        raise UsageError("--skip-existing is for files one after the other, not for several sources at once")
    kinds: list[Kind] = [kind_of(named) if isinstance(named, Path) else "video" for named in sources]
    shared = _Shared(len(sources), settings, watch)
    labels = PASCAL_VOC if shared.segmenter is None else shared.segmenter.labels
    if watch is not None:
        watch.check(labels)
    with parts.viewer_of(settings, labels) as viewer, stop_on_signals() as stop:
        watched = viewer is not None
        grid_target: Target = None
        if settings.grid:
            grid_target, plans = saving.plan_grid(_GRID, sources, settings, shared.model, kinds, watched=watched)
            if isinstance(grid_target, Path):
                refuse_existing(grid_target, overwrite=settings.overwrite)
        else:
            plans = saving.plan(sources, settings, shared.model, kinds, watched=watched)
        watching.refuse_shared(watch, plans, grid_target)
        for planned in plans:
            planned.check(overwrite=settings.overwrite)
        if viewer is not None:
            viewer.begin(live=True, stem=Path("outputs") / _GRID, stop=stop)
        streams = [
            Stream(
                named.name if isinstance(named, Path) else str(named),
                shared.starter(named, planned, stop),
                watching.with_outlines(parts.caption_of(settings, kind), watch, settings),
            )
            for named, kind, planned in zip(sources, kinds, plans, strict=True)
        ]

        def open_grid(info: SourceInfo) -> Sink:
            return parts.open_target(str(grid_target), _GRID, info, settings)

        with GridView(streams, open_sink=None if grid_target is None else open_grid, screen=viewer) as view:
            seen = settings.grid or watched
            run_streams(streams, stop=stop, on_tick=view.tick if seen else None)
    report = shared.report(streams)
    for named, kind, planned, one in zip(sources, kinds, plans, streams, strict=True):
        if one.error is not None:
            say(f"liveseg: {one.error}")
        error = None if one.error is None else str(one.error)
        report.sources.append(saving.report_of(named, kind, planned, one.outcome, error=error))
    report.grid = _grid_report(view, grid_target)
    return report


class _Shared:
    """What the streams share: one network and the turns at it, or, tuned, the networks of all levels."""

    def __init__(self, count: int, settings: RunSettings, watch: Watch | None) -> None:
        from liveseg.runtimes.base import available_cores
        from liveseg.tuning.cost import Line
        from liveseg.tuning.engines import Networks
        from liveseg.turns import Turns

        self._count, self._settings, self._watch = count, settings, watch
        self._drawn = settings.show or OVERLAY in settings.saves or watching.clips(watch)
        if not self._drawn:
            saving.tell_undrawn(settings)
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

    def starter(self, named: Named, planned: Planned, stop: threading.Event) -> Callable[[], Started]:
        """What opens a source and what is made of it, in the stream's own thread."""

        def start() -> Started:
            source = parts.open_named(named, self._settings, stop=stop)
            try:
                pipeline = self._line(source.info, planned.overlay)
            except BaseException:
                source.close()
                raise
            return saving.started(named, source, planned, pipeline, self._settings, self._watch)

        return start

    def report(self, streams: Sequence[Stream]) -> RunReport:
        """The report of all of them, their sources still to be added."""
        first = next((stream.pipeline for stream in streams if stream.pipeline is not None), None)
        if first is None:
            # None of them came far enough to have a line; the report still says what would have run.
            segmenter = self.segmenter or parts.make_segmenter(self._settings, parallel=1, live=True)
            first = make_pipeline(segmenter, self._settings)
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
            pipeline = make_pipeline(
                segmenter, self._settings, turns=self._turns, beside=self._first, drawn=self._drawn
            )
            self._first = self._first or pipeline
        return pipeline


def _grid_report(view: GridView, target: Target) -> SourceReport | None:
    from liveseg.job import Outcome

    if target is None or not view.frames:
        return None
    outcome = Outcome(frames=view.frames, seconds=view.seconds, notes=view.notes)
    return SourceReport("the grid", "video", parts.shown(target), outcome=outcome)
