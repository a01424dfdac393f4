"""From settings to the parts of a line: its segmenter, its pipeline, its sink and its products.

Whoever runs files with the same settings through these gets the same files: `liveseg run`, and each worker of
`liveseg batch`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import Selection, Sink, SourceInfo
    from liveseg.media.untrusted import Untrusted
    from liveseg.pipeline import Pipeline
    from liveseg.products.base import Product
    from liveseg.segmenter import Segmenter
    from liveseg.settings import RunSettings
    from liveseg.settings.save import Save
    from liveseg.turns import Turns
    from liveseg.weights.patience import Progress


def make_segmenter(settings: RunSettings, *, parallel: int, live: bool, progress: Progress | None = None) -> Segmenter:
    """The segmenter that the settings describe; see `Segmenter` for what the other arguments are.

    Raises:
        LivesegError: as `Segmenter`.
    """
    import cv2

    from liveseg.segmenter import Segmenter

    segmenter = Segmenter(
        settings.model,
        weights=settings.weights,
        runtime=settings.runtime,
        device=settings.device,
        precision=settings.precision,
        threads=settings.threads,
        parallel=parallel,
        live=live,
        size=settings.size,  # type: ignore[arg-type]  # a number or `native`, which settings parsed
        tile=settings.tile,  # type: ignore[arg-type]  # likewise
        tta=settings.tta,
        unknown=settings.unknown,
        palette=settings.palette,
        progress=progress,
    )
    cv2.setNumThreads(segmenter.threads_each)
    return segmenter


def make_pipeline(
    segmenter: Segmenter,
    settings: RunSettings,
    *,
    turns: Turns | None = None,
    beside: Pipeline | None = None,
    drawn: bool = True,
) -> Pipeline:
    """A line that draws as the settings say, or not at all where nobody is to see it."""
    from liveseg.pipeline import Pipeline
    from liveseg.render import Renderer, style_of
    from liveseg.render.background import replacer_of
    from liveseg.temporal import Smoother

    background = replacer_of(settings, segmenter.labels) if drawn else None
    renderer = Renderer(segmenter.labels, style_of(settings, segmenter.labels, background))
    table = renderer.table()
    device_line = None if table is None else segmenter.device_line(table)
    smooth = device_line is None if settings.smooth is None else settings.smooth
    return Pipeline(
        segmenter,
        render=renderer if drawn else None,
        untouched=renderer.untouched if drawn else None,
        workers=1 if turns is not None else None,
        turns=turns,
        beside=beside,
        device_line=device_line,
        smooth=Smoother if smooth else None,
    )


def open_sink_for(
    target: str,
    info: SourceInfo,
    settings: RunSettings,
    *,
    sound: Path | None,
    untrusted: Untrusted | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Sink:
    """Open what the frames of a source go to.

    Args:
        target: a file or an address; see `liveseg.media.open_sink.open_sink`.
        info: the source's; of a source drawn side by side, with the size of what is drawn.
        settings: what the user said.
        sound: the file whose sound goes along, where the settings want sound.
        untrusted: where that file came from somebody unknown, how far it is trusted.
        tell: told in one line what the user should know at once.

    Raises:
        LivesegError: it cannot be written, reached or served.
    """
    from liveseg.media.open_sink import SinkOptions, open_sink

    has_sound = settings.audio and info.kind == "video" and not info.live
    options = SinkOptions(
        codec=settings.codec,
        crf=settings.crf,
        preset=settings.preset,
        threads=settings.threads,
        audio_from=sound if has_sound else None,
        selection=selection(settings),
        segment=settings.segment,
        overwrite=settings.overwrite,
        timeout=float(settings.timeout),
        untrusted=untrusted,
        tell=tell,
    )
    return open_sink(target, info, options)


def selection(settings: RunSettings) -> Selection:
    """Which frames of a video are wanted."""
    from liveseg.media.frame import Selection

    return Selection(settings.start, settings.duration, settings.every, settings.limit)


def as_drawn(info: SourceInfo, settings: RunSettings) -> SourceInfo:
    """What is known of a source, with the size of what is drawn of it."""
    return replace(info, width=2 * info.width) if settings.side_by_side else info


def open_products(
    files: Sequence[tuple[Save, Path]],
    info: SourceInfo,
    segmenter: Segmenter,
    settings: RunSettings,
    *,
    file_name: str,
    identity: Callable[[], Identity],
) -> list[Product]:
    """Open what is made of a source besides its drawing.

    Args:
        files: what, and where it goes.
        info: the source's.
        segmenter: what segments it.
        settings: what the user said.
        file_name: the source's, without its folders.
        identity: tells a mask file what it is made from; called only where one is made.

    Raises:
        LivesegError: one cannot be written; the others are given up.
    """
    if not files:
        return []
    from liveseg.products.make import Making, make_all
    from liveseg.render import Renderer, style_of

    labels = segmenter.labels
    renderer = Renderer(labels, style_of(settings, labels))
    if settings.foreground is not None:
        labels.indices(settings.foreground)  # a class that is not there is told before the first frame
    making = Making(
        labels=labels,
        info=info,
        file_name=file_name,
        identity=identity,
        ran=ran_by(segmenter),
        color=lambda found: renderer.color(found.mask),
        cutout=lambda found: found.cutout(settings.foreground),
        codec=settings.codec,
        crf=settings.crf,
        preset=settings.preset,
        threads=settings.threads,
        overwrite=settings.overwrite,
    )
    return make_all(files, making)


def ran_by(segmenter: Segmenter) -> dict[str, str | int]:
    """What makes the masks: `model`, `size`, `runtime` and `precision`."""
    return {
        "model": segmenter.model,
        "size": segmenter.size,
        "runtime": segmenter.runtime,
        "precision": segmenter.precision,
    }
