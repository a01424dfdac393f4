"""A video in a worker: through the house's own line, into files, as `liveseg run` makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from liveseg.assembly import as_drawn, make_pipeline, open_products, open_sink_for
from liveseg.batch.outputs import file_name
from liveseg.batch.totals import ClassTotals
from liveseg.batch.work import Made
from liveseg.job import convert
from liveseg.maskfile.identity import identity_of
from liveseg.media.untrusted import Untrusted
from liveseg.media.video_open import open_video
from liveseg.media.video_source import VideoSource
from liveseg.settings.save import OVERLAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from liveseg.batch.records import Item
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import Sink, Source
    from liveseg.pipeline import Pipeline
    from liveseg.segmenter import Segmenter
    from liveseg.settings.batch import BatchSettings


def trust_of(settings: BatchSettings) -> Untrusted | None:
    """How far the files of a batch are trusted; `None` where the settings trust them."""
    return None if settings.trust else Untrusted(settings.max_pixels)


def open_whole(path: Path, settings: BatchSettings) -> VideoSource:
    """Open a video's file, within what the settings take.

    Raises:
        MediaError: it is none, cannot be decoded, or has larger frames than are taken.
    """
    trust = trust_of(settings)
    opener = None if trust is None else (lambda: open_video(path, trust))
    return VideoSource(path, threads=settings.threads_each, opener=opener)


def convert_video(
    source: Source,
    path: Path,
    item: Item,
    segmenter: Segmenter,
    settings: BatchSettings,
    files: Sequence[tuple[Path, str]],
    *,
    sound: bool = True,
    ready: Callable[[Pipeline], None] = lambda _pipeline: None,
    identified: Identity | None = None,
) -> Made:
    """Run a video's frames through the line into everything that is saved of it.

    Args:
        source: the frames; closed at the end.
        path: the file that they are from: of the sound, and of the mask file's identity.
        item: what it is to be called.
        segmenter: one for videos.
        settings: of the batch.
        files: for each of the settings' `saves`, in their order, where it is written and what it will be called.
        sound: whether the file's sound goes along, where the settings want sound.
        ready: told of the line before it runs.
        identified: what a mask file is told of the file, instead of what the file says of itself.

    Raises:
        LivesegError: it cannot be read to its end, or written.
    """
    run, saves = settings.for_run(), settings.saves
    totals = ClassTotals(segmenter.labels)
    planned = [(save, here) for save, (here, _) in zip(saves, files, strict=True)]
    overlay = next((here for save, here in planned if save == OVERLAY), None)
    pipeline = make_pipeline(segmenter, run, drawn=overlay is not None)
    ready(pipeline)
    name = file_name(item)

    def identity() -> Identity:
        return identified or replace(identity_of(path), name=name)

    sink: Sink | None = None
    products = []
    try:
        rest = [(save, here) for save, here in planned if save != OVERLAY]
        products = open_products(rest, source.info, segmenter, run, file_name=name, identity=identity)
        if overlay is not None:
            info = as_drawn(source.info, run)
            sink = open_sink_for(str(overlay), info, run, sound=path if sound else None, untrusted=trust_of(settings))
    except BaseException:
        source.close()
        for product in products:
            product.abort()
        raise
    convert(source, sink, pipeline, products=[totals, *products])
    seconds = pipeline.times.seconds()
    return Made(tuple(files), totals.frames, totals.pixels, totals.areas, seconds, segmenter.model)
