"""Each thing that is saved of a video, put together from those of its pieces."""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

from liveseg.batch.pieces.join_archive import join_archive
from liveseg.batch.pieces.join_masks import join_masks
from liveseg.batch.pieces.join_tables import join_coco, join_csv, join_lines
from liveseg.batch.pieces.join_video import join_videos
from liveseg.maskfile.identity import identity_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from liveseg.batch.pieces.part import Part
    from liveseg.media.untrusted import Untrusted
    from liveseg.settings.save import Save

_TABLES = {".csv": join_csv, ".jsonl": join_lines, ".geojsonl": join_lines, ".json": join_coco, ".npz": join_archive}
"""By extension what joins files that number their frames."""


def join(
    save: Save,
    parts: Sequence[Part],
    paths: Sequence[Path],
    target: Path,
    *,
    source: Path,
    name: str,
    sound: bool = True,
    untrusted: Untrusted | None = None,
) -> list[str]:
    """Put one thing that is saved together, as if it had been made of the whole video.

    Masks, archives, tables and documents come out with the bytes that they have then; videos with other bytes, as each
    part was encoded by itself, with the same frames at the same times.

    Args:
        save: what it is.
        parts: those pieces that have frames, in their order; `check_seams` held.
        paths: their files.
        target: what it becomes; replaced where it is there.
        source: the video.
        name: what it is called.
        sound: whether its sound goes into the overlay.
        untrusted: where it came from somebody unknown, how far it is trusted.

    Returns:
        What the user should know of it.

    Raises:
        SeamError: they do not fit together.
        SinkError: it cannot be written.
    """
    suffix = target.suffix.lower()
    if suffix in _TABLES:
        counts = accumulate((len(part.pts) for part in parts), initial=0)
        _TABLES[suffix](list(zip(paths, counts, strict=False)), target)
        return []
    timed = [(path, part.pts) for path, part in zip(paths, parts, strict=True)]
    if save.kind == "mask":
        join_masks(timed, target, replace(identity_of(source), name=name))
        return []
    voice = source if sound and save.kind == "overlay" else None
    first = parts[0]
    return join_videos(timed, target, time_base=first.time_base, rate=first.rate, sound=voice, untrusted=untrusted)
