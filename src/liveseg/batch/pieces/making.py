"""What a worker does with a piece of a long video, and with the pieces once all are there."""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from contextlib import closing, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.batch.outputs import file_name, output_names
from liveseg.batch.pieces.join import join
from liveseg.batch.pieces.part import Part, SeamError, check_seams
from liveseg.batch.pieces.ranged import RangedOpener
from liveseg.batch.pieces.source import PieceSource
from liveseg.batch.pieces.steadied import warm_up
from liveseg.batch.pieces.store import PieceStore
from liveseg.batch.videos import convert_video, trust_of
from liveseg.batch.work import Made
from liveseg.maskfile.identity import Identity
from liveseg.media.video_open import open_video

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.batch.places import Place
    from liveseg.batch.records import Piece
    from liveseg.batch.work import Work
    from liveseg.segmenter import Segmenter
    from liveseg.settings.batch import BatchSettings

_log = logging.getLogger(__name__)


def make_piece(
    work: Work, piece: Piece, place: Place, segmenter: Segmenter, settings: BatchSettings, settings_hash: str
) -> Made:
    """Segment a piece of a video, without its sound.

    Args:
        work: the task; its file is here, or where its item says.
        piece: which part is wanted.
        place: the destination.
        segmenter: one for videos.
        settings: of the batch.
        settings_hash: of them.

    Returns:
        The files that stand for the piece, the last of which says that it is done.

    Raises:
        LivesegError: as `convert_video`.
    """
    slot = work.slot
    if slot is None:
        raise ValueError("the work has no slot for its files")
    store = PieceStore(place, work.item.identifier, piece.count)
    # Of a file elsewhere only this piece is read: each of a hundred workers would fetch all of it otherwise.
    path, trust = work.path or slot.source(work.item), trust_of(settings)
    ranged = None if work.path is not None else RangedOpener(work.item.location, settings.storage_options, trust)
    with nullcontext() if ranged is None else closing(ranged):
        source = PieceSource(
            path,
            piece,
            warm_up_frames=0 if settings.smooth is False else settings.warm_up_frames,
            threads=settings.threads_each,
            opener=ranged or (lambda: open_video(path, trust)),
        )
        source.info = replace(source.info, name=work.item.location)
        made = Made((), 0, 0, {}, {}, segmenter.model)
        if source.empty:
            source.close()
        else:
            suffixes = [Path(name).suffix for name in output_names(work.item, settings.saves, segmenter.model)]
            names = [f"{number}{suffix}" for number, suffix in enumerate(suffixes)]
            made = convert_video(
                source,
                path,
                work.item,
                segmenter,
                settings,
                [(slot.output(number, name), store.name(piece.index, name)) for number, name in enumerate(names)],
                sound=False,
                ready=lambda pipeline: warm_up(pipeline, source),
                identified=Identity(file_name(work.item)),  # whoever joins the pieces sees the whole file
            )
        if ranged is not None:
            work.bytes_in = ranged.received
            ranged.check()
    kept = slot.output(len(settings.saves), "part.json")
    part = _part(source, made, settings_hash)
    kept.write_bytes(part.to_json())
    return replace(made, files=(*made.files, (kept, store.name(piece.index))))


def _part(source: PieceSource, made: Made, settings_hash: str) -> Part:
    return Part(
        settings=settings_hash,
        index=source.piece.index,
        count=source.piece.count,
        time_base=source.info.time_base,
        rate=source.info.rate,
        cuts=source.cuts,
        broken_off=source.broken_off,
        pts=tuple(source.pts),
        pixels=made.pixels,
        areas=made.areas,
        model=made.model,
        files=tuple(Path(name).name for _, name in made.files),
        notes=tuple(source.notes),
    )


def make_joined(work: Work, place: Place, model: str, settings: BatchSettings, settings_hash: str) -> Made:
    """Put the pieces of a video together.

    Args:
        work: the task; its file is here, for the sound.
        place: the destination.
        model: the model's name.
        settings: of the batch.
        settings_hash: of them.

    Returns:
        The joined files; none where they were committed before, by somebody who was killed before it was told: then
        `work.outputs` has them.

    Raises:
        SeamError: a piece is missing, or they do not fit together: the video is to be taken whole.
        LivesegError: they cannot be read, or written.
    """
    path, slot = work.here()
    store = PieceStore(place, work.item.identifier, work.task.join)
    try:
        parts = store.parts(settings_hash)
        check_seams(parts)
    except SeamError:
        before = store.joined(settings_hash)
        if before is None:
            raise
        work.outputs += before["outputs"]
        work.bytes_out += before["bytes_out"]
        return Made((), before["frames"], before["pixels"], before["areas"], {}, before["model"])
    own = [part for part in parts if part.files]
    names = output_names(work.item, settings.saves, model)
    files = [(slot.output(number, name), name) for number, name in enumerate(names)]
    notes = [note for part in parts for note in part.notes]
    for number, (save, (target, _)) in enumerate(zip(settings.saves, files, strict=True)):
        with tempfile.TemporaryDirectory(dir=slot.folder.parent) as folder:
            with work.measure("fetch"):
                paths = _fetched(store, own, number, Path(folder))
            with work.measure("encode"):
                notes += join(
                    save,
                    own,
                    paths,
                    target,
                    source=path,
                    name=file_name(work.item),
                    sound=settings.audio,
                    untrusted=trust_of(settings),
                )
    for note in dict.fromkeys(notes):
        _log.warning("%s: %s", work.item.location, note)
    areas: Counter[str] = Counter()
    for part in parts:
        areas.update(part.areas)
    frames, pixels = sum(len(part.pts) for part in parts), sum(part.pixels for part in parts)
    # What the pieces took is in their own records.
    return Made(tuple(files), frames, pixels, dict(areas), {}, model)


def end_joining(work: Work, place: Place, settings_hash: str) -> None:
    """Remove the parts of a video whose joined files are committed."""
    made = work.made
    if made is None or not made.files:
        return
    PieceStore(place, work.item.identifier, work.task.join).retire(
        settings_hash,
        work.outputs,
        bytes_out=work.bytes_out,
        frames=made.frames,
        pixels=made.pixels,
        areas=dict(made.areas),
        model=made.model,
    )


def _fetched(store: PieceStore, parts: Sequence[Part], number: int, folder: Path) -> list[Path]:
    paths = []
    for part in parts:
        paths.append(folder / f"{part.index}-{part.files[number]}")
        store.place.fetch(store.name(part.index, part.files[number]), paths[-1])
    return paths
