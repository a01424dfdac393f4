"""From `--areas`, `--zone`, `--when` and `--then` to what follows the sources of a run."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.cli.console import say
from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from liveseg.cli.parts import Named, Target
    from liveseg.cli.saving import Planned
    from liveseg.events.watch import Watch
    from liveseg.job import Decorate, Outcome
    from liveseg.labels import LabelSet
    from liveseg.media.frame import SourceInfo
    from liveseg.pipeline import Result
    from liveseg.products.base import Product
    from liveseg.settings import RunSettings


@contextmanager
def watch_of(settings: RunSettings) -> Iterator[Watch | None]:
    """What the user wants to be watched, if anything; at the end, what could not be done is said.

    Raises:
        UsageError: a zone, a rule or an action that cannot be read.
        SinkError: a file cannot be written, or is there and nothing was said about such files.
    """
    if settings.areas is None and not (settings.zone or settings.when or settings.then):
        yield None
        return
    from liveseg.events.watch import Watch

    watch = Watch(settings, overwrite=settings.overwrite, resume=settings.skip_existing)
    try:
        yield watch
    finally:
        watch.close()
        for note in watch.notes:
            say(f"liveseg: {note}")


def watchers_of(watch: Watch | None, named: Named, info: SourceInfo, labels: LabelSet) -> list[Product]:
    """What follows a source.

    Raises:
        UsageError: a rule names a class that there is not, or a zone holds no pixel of the source's pictures.
    """
    return [] if watch is None else watch.products(str(named), named.stem, info, labels)


def refuse_shared(watch: Watch | None, plans: Iterable[Planned], grid: Target = None) -> None:
    """See that nothing else is saved to the files that follow all sources.

    Raises:
        UsageError: something is.
    """
    from liveseg.media.paths import path_key

    own = set() if watch is None else {path_key(path) for path in watch.files}
    for path in (grid, *(path for planned in plans for path in planned.paths)):
        if isinstance(path, Path) and path_key(path) in own:
            raise UsageError(f"{path} is named by --areas or --then and is to be saved, too; name another file there")


def clips(watch: Watch | None) -> bool:
    """Whether pictures are needed for clips."""
    return watch is not None and watch.makes_clips


def with_outlines(draw: Decorate | None, watch: Watch | None, settings: RunSettings) -> Decorate | None:
    """What is drawn on each picture: the zones, and then whatever was drawn anyway."""
    if watch is None or not watch.zones or not settings.outlines:
        return draw
    from liveseg.events.draw import Outlines

    outlines = Outlines(watch.zones)

    def drawn(picture: NDArray[np.uint8], result: Result, outcome: Outcome) -> NDArray[np.uint8]:
        height, width = result.segmentation.mask.shape
        # On a canvas of its own, a picture has other places than the zones'.
        if picture.shape[:2] == (height, width):
            picture = outlines(picture)
        elif settings.side_by_side and picture.shape[:2] == (height, 2 * width):
            picture = picture.copy()
            picture[:, width:] = outlines(picture[:, width:])  # the source, to the left, stays as it is
        return picture if draw is None else draw(picture, result, outcome)

    return drawn
