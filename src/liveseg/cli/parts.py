"""From what the user said to the parts of a line: its segmenter, sources, pipelines and sinks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from liveseg.assembly import selection
from liveseg.cli.console import download_progress, err, say

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.job import Decorate, Outcome
    from liveseg.labels import LabelSet
    from liveseg.media.address import Address
    from liveseg.media.frame import Sink, Source, SourceInfo
    from liveseg.media.live.options import LiveOptions
    from liveseg.media.paths import Kind
    from liveseg.pipeline import Result
    from liveseg.segmenter import Segmenter
    from liveseg.settings import RunSettings
    from liveseg.tuning.engines import Networks
    from liveseg.viewer import Viewer

    Named = Path | Address
    Target = Path | str | None
    """Where frames go: a file, an address or `-`, or nowhere."""


def make_segmenter(settings: RunSettings, *, parallel: int, live: bool) -> Segmenter:
    """The segmenter that the settings describe; shows what is downloaded for it."""
    from liveseg import assembly

    with download_progress(quiet=settings.quiet) as progress:
        segmenter = assembly.make_segmenter(settings, parallel=parallel, live=live, progress=progress)
    if settings.verbose:
        say(f"{segmenter.model} at {segmenter.size} on {segmenter.device} in {segmenter.precision}; {segmenter.chosen}")
    return segmenter


def tuned(
    settings: RunSettings,
    info: SourceInfo,
    *,
    target: Target,
    streams: int = 1,
    parallel: int | None = None,
    networks: Networks | None = None,
    keep: bool = True,
) -> Segmenter:
    """The segmenter that holds `--target-fps` on a source; shows what was measured and says what was chosen.

    Args:
        settings: what the user said.
        info: the source's.
        target: where its frames go.
        streams: how many sources share the machine.
        parallel: how many frames are segmented at the same time, of all streams.
        networks: those that streams share.
        keep: whether what is measured is kept for later runs; not where other work of this one goes on beside it.
    """
    import cv2
    from rich.table import Table

    from liveseg.media.open_sink import target_kind
    from liveseg.tuning.measure import Encode
    from liveseg.tuning.plan import plan

    encoded = target is not None and target_kind(str(target)) in ("file", "push")
    codec = settings.codec or ("libvpx-vp9" if str(target).lower().endswith(".webm") else None)
    chosen = plan(
        settings.target_fps or 0.0,
        (info.width, info.height),
        settings=settings,
        live=info.live,
        encode=Encode(codec, settings.crf, settings.preset) if encoded else None,
        streams=streams,
        parallel=parallel,
        source_rate=float(info.rate) if info.rate else None,
        tell=_unless_quiet(settings),
        networks=networks,
        keep=keep,
    )
    if not settings.quiet:
        table = Table(*chosen.table[0].HEADINGS, box=None, pad_edge=False)
        for row in chosen.table:
            table.add_row(*row.cells)
        err.print(table)
        for line in chosen.said:
            say(line)
    segmenter = chosen.segmenter(_unless_quiet(settings))
    segmenter.configure(unknown=settings.unknown, palette=settings.palette)
    cv2.setNumThreads(segmenter.threads_each)
    return segmenter


def open_named(named: Named, settings: RunSettings, *, stop: threading.Event | None = None) -> Source:
    """Open a file or connect to an address, as the settings say.

    Raises:
        LivesegError: it cannot be opened or reached.
    """
    from liveseg.media import open_source
    from liveseg.media.address import Address
    from liveseg.media.live.paced import Paced

    if isinstance(named, Address):
        from liveseg.media.live.open import open_live

        return open_live(named, selection=selection(settings), options=_live_options(settings), stop=stop)
    source = open_source(named, selection(settings), threads=settings.threads)
    return Paced(source) if settings.realtime and source.info.kind == "video" else source


def made_ready(source: Source, segmenter: Segmenter, settings: RunSettings) -> Source:
    """A source as the line takes it: one that is live meets a warm network, and is held to the target rate."""
    from liveseg.tuning.thinned import Thinned

    source.notes.extend(segmenter.notes(source.info.width, source.info.height))
    if not source.info.live:
        return source
    if settings.target_fps is not None:
        return Thinned(source, settings.target_fps)
    # A network's first run takes many times as long as others; a tuned segmenter has had its own.
    segmenter.warm_up(source.info.width, source.info.height)
    return source


def open_target(target: Path | str, named: Named, info: SourceInfo, settings: RunSettings) -> Sink:
    """Open what a source's frames go to.

    Raises:
        LivesegError: it cannot be written, reached or served.
    """
    from liveseg.assembly import open_sink_for
    from liveseg.media.address import Address

    sound = None if isinstance(named, Address) else named
    return open_sink_for(str(target), info, settings, sound=sound, tell=_unless_quiet(settings))


def shown(target: Target) -> str | None:
    """A target for messages, without its password."""
    from liveseg.media.open_sink import shown_target

    return None if target is None else shown_target(str(target))


@contextmanager
def viewer_of(settings: RunSettings, labels: LabelSet) -> Iterator[Viewer | None]:
    """What `--show` shows; where there is no display, one line says why."""
    if not settings.show:
        yield None
        return
    from liveseg.render import style_of
    from liveseg.render.background import replacer_of
    from liveseg.viewer import viewer_if_any

    def explain(reason: str) -> None:
        say(f"liveseg: no window ({reason}); going on without")

    style = style_of(settings, labels, replacer_of(settings, labels))
    with viewer_if_any(labels, style=style, tell=say, explain=explain) as viewer:
        yield viewer


def caption_of(settings: RunSettings, kind: Kind) -> Decorate | None:
    """What draws rate, age and time on the frames of a source of a kind, if anything does."""
    if settings.caption is False or kind == "image":
        return None
    from liveseg.render.caption import captioned

    def drawn(picture: NDArray[np.uint8], result: Result, outcome: Outcome) -> NDArray[np.uint8]:
        words = caption(result, outcome, files=settings.caption is True)
        return picture if words is None else captioned(picture, words)

    return drawn


def caption(result: Result, outcome: Outcome, *, files: bool) -> str | None:
    """The rate; of a live source the age of its last hundred frames and the time of day, of a file the frame's time.

    Args:
        result: the frame.
        outcome: what became of its source so far.
        files: whether there are words for frames of files at all.
    """
    import time

    import numpy as np

    words = [f"{outcome.recent_rate:.1f} fps"]
    if result.frame.placeholder:
        return None
    if result.age_ms is not None:
        half, most = np.percentile(outcome.recent_ages, (50, 95)) * 1e3
        words += [f"age p50 {half:.0f} ms, p95 {most:.0f} ms", time.strftime("%H:%M:%S")]
    elif files:
        minutes, tenths = divmod(round(result.timestamp * 10), 600)
        words.append(f"{minutes}:{tenths / 10:04.1f}")
    else:
        return None
    return " · ".join(words)


def _live_options(settings: RunSettings) -> LiveOptions:
    from liveseg.media.live.options import LiveOptions

    return LiveOptions(
        every_frame=True if settings.every_frame else False if settings.realtime else None,
        reconnect=float(settings.reconnect),
        timeout=float(settings.timeout),
        rtsp_transport=settings.rtsp_transport,
        pixel_format=settings.pixel_format,
        frame_size=settings.frame_size,
        frame_rate=settings.frame_rate,
        threads=settings.threads,
    )


def _unless_quiet(settings: RunSettings) -> Callable[[str], None]:
    return (lambda _line: None) if settings.quiet else say
