"""`liveseg run` with several sources of which some are live: all at once, through one model."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.cli import parts
from liveseg.cli.console import say
from liveseg.report import RunReport, SourceReport

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from liveseg.cli.parts import Named, Target
    from liveseg.media.frame import Sink, Source, SourceInfo
    from liveseg.pipeline import Pipeline
    from liveseg.settings import RunSettings

_GRID = Path("grid")
"""What the one picture of all streams is called in the names of outputs."""


def run_together(sources: Sequence[Named], settings: RunSettings) -> RunReport:
    """Run sources at the same time; one that fails or ends is reported and the others go on.

    Raises:
        LivesegError: nothing could start.
    """
    from liveseg.job import stop_on_signals
    from liveseg.runtimes.base import available_cores
    from liveseg.streams import GridView, Stream, run_streams
    from liveseg.tuning.cost import Line
    from liveseg.tuning.engines import Networks
    from liveseg.turns import Turns

    threads = settings.threads or available_cores()
    segmenter = parts.make_segmenter(settings, parallel=min(threads, len(sources)), live=True)
    first = parts.make_pipeline(segmenter, settings)
    turns = Turns(segmenter.parallel)
    networks = Networks(settings, Line(available_cores(), segmenter.parallel, len(sources), live=True))
    one_at_a_time = threading.Lock()
    targets: list[Target] = [None] * len(sources)
    if not settings.grid:
        targets = parts.targets_of(sources, settings, segmenter.model, ["video"] * len(sources))
    report = RunReport(segmenter, first, together=True)

    def starter(named: Named, target: Target) -> Callable[[], tuple[Source, Sink | None, Pipeline]]:
        def start() -> tuple[Source, Sink | None, Pipeline]:
            source = parts.open_named(named, settings, stop=stop)
            try:
                own = segmenter
                if settings.target_fps is not None:
                    with one_at_a_time:
                        own, source = parts.tuned(
                            settings,
                            source,
                            target=target,
                            streams=len(sources),
                            parallel=segmenter.parallel,
                            networks=networks,
                        )
                parts.warm_up(own, source.info)
                pipeline = parts.make_pipeline(own, settings, turns=turns, beside=first)
                sink = None if target is None else parts.open_target(target, named, source.info, settings)
            except BaseException:
                source.close()
                raise
            return source, sink, pipeline

        return start

    with parts.viewer_of(settings, segmenter.labels) as viewer, stop_on_signals() as stop:
        draw = parts.caption if settings.caption else None
        streams = [
            Stream(named.name if isinstance(named, Path) else str(named), starter(named, target), draw)
            for named, target in zip(sources, targets, strict=True)
        ]
        with GridView(streams, open_sink=_grid_sink(settings, segmenter.model), screen=viewer) as view:
            seen = settings.grid or viewer is not None
            run_streams(streams, stop=stop, on_tick=view.tick if seen else None)
    for named, target, one in zip(sources, targets, streams, strict=True):
        if one.error is not None:
            say(f"liveseg: {one.error}")
        error = None if one.error is None else str(one.error)
        report.sources.append(SourceReport(str(named), "video", parts.shown(target), outcome=one.outcome, error=error))
    return report


def _grid_sink(settings: RunSettings, model: str) -> Callable[[SourceInfo], Sink] | None:
    if not settings.grid or (settings.show and settings.output is None):
        return None
    (target,) = parts.targets_of([_GRID], settings, model, ["video"])
    return None if target is None else lambda info: parts.open_target(target, _GRID, info, settings)
