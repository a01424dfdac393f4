"""`liveseg run`: segment images, videos and live sources."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.assembly import make_pipeline
from liveseg.cli import parts, saving, watching
from liveseg.cli.console import err, frame_progress, out, say
from liveseg.cli.options import with_settings
from liveseg.cli.report import print_report
from liveseg.errors import LivesegError, UsageError
from liveseg.report import RunReport, SourceReport
from liveseg.settings import RunSettings

if TYPE_CHECKING:
    import threading
    from collections.abc import Mapping, Sequence

    from liveseg.cli.parts import Named
    from liveseg.cli.saving import Planned
    from liveseg.events.watch import Watch
    from liveseg.media.frame import Source
    from liveseg.media.paths import Kind
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import Segmenter
    from liveseg.viewer import Viewer

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Images, videos, folders, globs in quotes; a camera's number, an address like rtsp://…, - for raw frames.",
    ),
]


@with_settings(RunSettings)
def run(sources: Sources, settings: RunSettings) -> None:
    """Segment images, videos and live sources: each gets an overlay of its classes, and the run ends with a report.

    --save makes masks, cut-outs, polygons and tables besides or instead. Results go to outputs/ unless -o says
    otherwise. Several sources of which one is live run at the same time.
    """
    from liveseg.cli.together import run_together
    from liveseg.media.address import Address
    from liveseg.media.paths import expand_sources

    named = expand_sources(sources)
    if settings.grid and len(named) == 1:
        raise UsageError("--grid shows several sources in one picture; name more than one, or leave it out")
    several = len(named) > 1 and (settings.grid or any(isinstance(one, Address) for one in named))
    with watching.watch_of(settings) as watch:
        report = (run_together if several else run_sources)(named, settings, watch)
    finish(report, settings)


def finish(report: RunReport, settings: RunSettings) -> None:
    """Tell what a run did, and end with exit code 1 where it did not do everything."""
    # Where the frames go to standard output, words do not.
    to_console = err if settings.output == "-" else out
    if settings.json:
        to_console.print(json.dumps(report.to_json(), indent=2), markup=False)
    elif not settings.quiet:
        print_report(report, to_console)
    # A live source has no end of its own: to stop it is to be done with it.
    interrupted = any(outcome.ended_by == "signal" and not outcome.live for outcome in report.outcomes)
    if interrupted:
        say("liveseg: stopped by a signal; what was made until then is finished and plays")
    if report.failed or interrupted:
        raise typer.Exit(1)


def run_sources(sources: Sequence[Named], settings: RunSettings, watch: Watch | None = None) -> RunReport:
    """Run sources one after the other; with several, one that fails is reported and the others go on.

    Raises:
        LivesegError: the only source failed, or nothing could start.
    """
    from liveseg.job import stop_on_signals
    from liveseg.media.paths import kind_of

    kinds: list[Kind] = [kind_of(named) if isinstance(named, Path) else "video" for named in sources]
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        segmenter, opened = _segmenter(sources, kinds, settings, stop)
        for source in opened.values():
            stack.callback(source.close)
        return run_through(segmenter, sources, kinds, opened, settings, watch, stop)


def run_through(
    segmenter: Segmenter,
    sources: Sequence[Named],
    kinds: Sequence[Kind],
    opened: Mapping[Named, Source],
    settings: RunSettings,
    watch: Watch | None,
    stop: threading.Event,
) -> RunReport:
    """Run sources one after the other through a segmenter, or what stands in for one.

    Args:
        segmenter: the one for all of them.
        sources: what they are called.
        kinds: what each is.
        opened: those of them that are open already.
        settings: what the user said.
        watch: what follows them.
        stop: ends the run in good order when set.

    Raises:
        LivesegError: the only source failed.
    """
    with parts.viewer_of(settings, segmenter.labels) as viewer:
        if watch is not None:
            watch.check(segmenter.labels)
        plans = saving.plan(sources, settings, segmenter.model, kinds, watched=viewer is not None)
        watching.refuse_shared(watch, plans)
        drawn = viewer is not None or any(planned.overlay is not None for planned in plans) or watching.clips(watch)
        if not drawn:
            saving.tell_undrawn(settings)
        pipeline = make_pipeline(segmenter, settings, drawn=drawn)
        report = RunReport(segmenter, pipeline)
        for named, kind, planned in zip(sources, kinds, plans, strict=True):
            if stop.is_set():
                break
            if settings.skip_existing and not planned.empty and planned.missing().empty:
                report.sources.append(saving.report_of(named, kind, planned, skipped=True))
                continue
            try:
                done = _run_one(named, planned, pipeline, settings, viewer, stop, opened.get(named), watch)
            except LivesegError as error:
                if len(sources) == 1 and (not settings.json or isinstance(error, UsageError)):
                    raise
                say(f"liveseg: {error}")
                done = SourceReport(str(named), kind, error=str(error))
            report.sources.append(done)
            if done.outcome is not None and done.outcome.ended_by == "key":
                break
    return report


def _segmenter(
    sources: Sequence[Named], kinds: Sequence[Kind], settings: RunSettings, stop: threading.Event
) -> tuple[Segmenter, dict[Named, Source]]:
    """The segmenter for all sources, and the one that had to be opened for that."""
    from liveseg.segmenter import parallel_for_video

    if settings.target_fps is None:
        live = not isinstance(sources[0], Path) or settings.realtime
        frames = "video" in kinds
        parallel = parallel_for_video(settings.threads) if frames and not live else 1
        return parts.make_segmenter(settings, parallel=parallel, live=frames), {}
    named, source = _first_that_opens(sources, settings, stop)
    try:
        # Where exactly it goes depends on the model that is chosen here, whether and how it is encoded does not.
        (planned,) = saving.plan([named], settings, "model", kinds[:1], watched=settings.show)
        return parts.tuned(settings, source.info, target=planned.overlay), {named: source}
    except BaseException:
        source.close()
        raise


def _first_that_opens(sources: Sequence[Named], settings: RunSettings, stop: threading.Event) -> tuple[Named, Source]:
    *others, last = sources
    for named in others:
        try:
            return named, parts.open_named(named, settings, stop=stop)
        except LivesegError:
            continue  # it is told when its turn comes
    return last, parts.open_named(last, settings, stop=stop)


def _run_one(
    named: Named,
    planned: Planned,
    pipeline: Pipeline,
    settings: RunSettings,
    viewer: Viewer | None,
    stop: threading.Event,
    opened: Source | None,
    watch: Watch | None = None,
) -> SourceReport:
    from liveseg.job import convert
    from liveseg.viewer import END_KEYS

    if settings.skip_existing:
        planned = planned.missing()
    planned.check(overwrite=settings.overwrite)
    source = opened or parts.open_named(named, settings, stop=stop)
    source, sink, _, products = saving.started(named, source, planned, pipeline, settings, watch)
    kind = source.info.kind
    if viewer is not None:
        stem = planned.overlay if isinstance(planned.overlay, Path) else Path("outputs") / named.stem
        viewer.begin(live=source.info.live, stem=stem.with_suffix(""), stop=stop)
    with frame_progress(str(named), source.info.frame_count, quiet=settings.quiet) as advance:
        draw = watching.with_outlines(parts.caption_of(settings, kind), watch, settings)
        outcome = convert(
            source, sink, pipeline, screen=viewer, products=products, decorate=draw, on_result=advance, stop=stop
        )
    if viewer is not None and kind == "image" and outcome.ended_by == "end":
        outcome.ended_by = "key" if viewer.wait_key() in END_KEYS else "end"
    return saving.report_of(named, kind, planned, outcome)
