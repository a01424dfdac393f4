"""`liveseg run`: segment images and videos into files."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli.console import download_progress, frame_progress, say
from liveseg.cli.options import with_settings
from liveseg.cli.report import print_report
from liveseg.errors import LivesegError
from liveseg.files import refuse_existing
from liveseg.report import RunReport, SourceReport
from liveseg.settings import RunSettings

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator
    from pathlib import Path

    from liveseg.media.frame import Selection, Sink, Source
    from liveseg.media.window import Window
    from liveseg.pipeline import Pipeline, Result
    from liveseg.segmenter import Segmenter

Sources = Annotated[list[str], typer.Argument(metavar="SOURCE...", help="Images, videos, folders, or globs in quotes.")]


@with_settings(RunSettings)
def run(sources: Sources, settings: RunSettings) -> None:
    """Segment images and videos: each gets an overlay of its classes, and the run ends with a report.

    Results go to outputs/ unless -o says otherwise.
    """
    from liveseg.media.paths import expand_sources

    finish(run_sources(expand_sources(sources), settings), settings)


def finish(report: RunReport, settings: RunSettings) -> None:
    """Tell what a run did, and end with exit code 1 where it did not do everything."""
    if settings.json:
        typer.echo(json.dumps(report.to_json(), indent=2))
    elif not settings.quiet:
        print_report(report)
    interrupted = any(outcome.ended_by == "signal" for outcome in report.outcomes)
    if interrupted:
        say("liveseg: stopped by a signal; what was made until then is finished and plays")
    if report.failed or interrupted:
        raise typer.Exit(1)


def make_segmenter(settings: RunSettings, *, has_video: bool) -> Segmenter:
    """The segmenter that the settings describe."""
    from liveseg.segmenter import Segmenter, parallel_for_video

    with download_progress(quiet=settings.quiet) as progress:
        return Segmenter(
            settings.model,
            weights=settings.weights,
            runtime=settings.runtime,
            device=settings.device,
            threads=settings.threads,
            parallel=parallel_for_video(settings.threads) if has_video else 1,
            size=settings.size,  # type: ignore[arg-type]  # a number or `native`, which settings parsed
            progress=progress,
        )


def run_sources(paths: list[Path], settings: RunSettings) -> RunReport:
    """Run sources one after the other; with several, one that fails is reported and the others go on.

    Raises:
        LivesegError: the only source failed, or nothing could start.
    """
    import cv2

    from liveseg.job import stop_on_signals
    from liveseg.media.outputs import plan_masks, plan_outputs
    from liveseg.media.paths import kind_of
    from liveseg.pipeline import Pipeline
    from liveseg.render.overlay import Painter

    kinds = [kind_of(path) for path in paths]
    segmenter = make_segmenter(settings, has_video="video" in kinds)
    cv2.setNumThreads(segmenter.threads_each)
    classes = None if settings.classes is None else segmenter.labels.indices(settings.classes)
    painter = Painter(segmenter.labels, classes)
    pipeline = Pipeline(segmenter, render=lambda found: painter.overlay(found.image, found.mask, settings.alpha))
    outputs = plan_outputs(paths, settings.output, segmenter.model, kinds=kinds)
    masks = plan_masks(paths, outputs, kinds) if settings.mask else [None] * len(paths)
    report = RunReport(segmenter, pipeline)
    if settings.verbose:
        say(f"{segmenter.model} at {segmenter.size} on {segmenter.device} by {segmenter.runtime}")
    with _screen(settings) as screen, stop_on_signals() as stop:
        for path, kind, output, mask in zip(paths, kinds, outputs, masks, strict=True):
            if stop.is_set():
                break
            if settings.skip_existing and output.exists() and (mask is None or mask.exists()):
                report.sources.append(SourceReport(path, kind, output, skipped=True))
                continue
            try:
                done = _run_one(path, output, mask, pipeline, settings, screen, stop)
            except LivesegError as error:
                if len(paths) == 1 and not settings.json:
                    raise
                say(f"liveseg: {error}")
                done = SourceReport(path, kind, error=str(error))
            report.sources.append(done)
            if done.outcome is not None and done.outcome.ended_by == "key":
                break
    return report


def _run_one(
    path: Path,
    output: Path,
    mask: Path | None,
    pipeline: Pipeline,
    settings: RunSettings,
    screen: Window | None,
    stop: threading.Event,
) -> SourceReport:
    from liveseg.job import END_KEYS, convert
    from liveseg.media import open_source

    if mask is not None and settings.skip_existing and mask.exists():
        mask = None
    if mask is not None:
        refuse_existing(mask, overwrite=settings.overwrite)
    selection = _selection(settings)
    source = open_source(path, selection, threads=settings.threads)
    kind = source.info.kind
    only_mask = settings.skip_existing and output.exists()
    try:
        sink = None if only_mask else _sink(path, output, source, selection, settings)
    except BaseException:
        source.close()
        raise

    with frame_progress(path.name, source.info.frame_count, quiet=settings.quiet) as advance:

        def on_result(result: Result) -> None:
            if mask is not None:
                result.segmentation.save_mask(mask, overwrite=settings.overwrite)
            advance(result)

        outcome = convert(source, sink, pipeline, screen=screen, on_result=on_result, stop=stop)
    if settings.mask and kind == "video":
        outcome.notes.append("--mask writes the masks of images; for a video there is none yet")
    if screen is not None and kind == "image" and outcome.ended_by == "end":
        outcome.ended_by = "key" if screen.wait_key() in END_KEYS else "end"
    return SourceReport(path, kind, output, mask, outcome)


def _sink(path: Path, output: Path, source: Source, selection: Selection, settings: RunSettings) -> Sink:
    if source.info.kind == "image":
        from liveseg.media.image_sink import ImageSink

        return ImageSink(output, overwrite=settings.overwrite)
    from liveseg.media.video_sink import VideoSink

    return VideoSink(
        output,
        source.info,
        codec=settings.codec,
        crf=settings.crf,
        preset=settings.preset,
        audio_from=path if settings.audio else None,
        selection=selection,
        threads=settings.threads,
        overwrite=settings.overwrite,
    )


def _selection(settings: RunSettings) -> Selection:
    from liveseg.media.frame import Selection

    return Selection(settings.start, settings.duration, settings.every, settings.limit)


@contextmanager
def _screen(settings: RunSettings) -> Iterator[Window | None]:
    if not settings.show:
        yield None
        return
    from liveseg.media.window import window_if_any

    with window_if_any("liveseg", lambda reason: say(f"liveseg: no window ({reason}); going on without")) as window:
        yield window
