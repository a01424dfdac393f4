"""`liveseg render`: any picture or table of a source from its masks, without the model."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli import parts, saving, watching
from liveseg.cli.options import with_settings
from liveseg.cli.run import finish, run_through
from liveseg.errors import UsageError
from liveseg.files import partial_path
from liveseg.settings.render import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from fractions import Fraction

    from liveseg.cli.saving import Planned
    from liveseg.events.watch import Watch
    from liveseg.maskfile.reader import MaskReader, StoredMask
    from liveseg.media.frame import Source
    from liveseg.recall import Recalled
    from liveseg.report import RunReport
    from liveseg.settings import RunSettings

Footage = Annotated[str, typer.Argument(metavar="SOURCE", help="The video or the image that the masks were made from.")]
Masks = Annotated[
    Path, typer.Argument(metavar="MASKS", help="What `liveseg run SOURCE --save mask` wrote: a .nut, or a .png.")
]


@with_settings(RenderSettings)
def render(source: Footage, masks: Masks, settings: RenderSettings) -> None:
    """Make pictures and tables of a source from its masks, without the model and faster than real time.

    Takes the options of `run` that say how results look, what is saved and where. Frames without a mask are left out.
    """
    from liveseg.media.paths import expand_sources

    named, *others = expand_sources([source])
    if others or not isinstance(named, Path):
        raise UsageError(f"masks belong to one file; {source} is {'several' if others else 'a live source'}")
    chosen = settings.for_run()
    with watching.watch_of(chosen) as watch:
        report = render_source(named, masks, chosen, watch, force=settings.force)
    finish(report, chosen)


def render_source(
    named: Path, masks: Path, settings: RunSettings, watch: Watch | None = None, *, force: bool = False
) -> RunReport:
    """Run a source and its masks through the line.

    Args:
        named: the source.
        masks: what `--save mask` wrote of it.
        settings: how the results look, what is saved and where.
        watch: what follows the source.
        force: whether masks of another file are taken.

    Raises:
        UsageError: masks of another file, and no `force`; masks that would be written over.
        LivesegError: something cannot be read or written.
    """
    import cv2

    from liveseg.job import stop_on_signals

    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signals())
        source = parts.open_named(named, settings, stop=stop)
        stack.callback(source.close)
        opened, recalled = _recalled(stack, named, masks, source, force=force)
        recalled.configure(unknown=settings.unknown, palette=settings.palette)
        kinds = [source.info.kind]
        (planned,) = saving.plan([named], settings, recalled.model, kinds)
        _spare(masks, planned)
        cv2.setNumThreads(recalled.threads_each)
        return run_through(recalled, [named], kinds, {named: opened}, settings, watch, stop)


def _recalled(stack: ExitStack, named: Path, masks: Path, source: Source, *, force: bool) -> tuple[Source, Recalled]:
    """The source with its masks, and what stands in for a network."""
    from liveseg.maskfile.masked import MaskedSource
    from liveseg.recall import Recalled

    read: Callable[[], Iterable[StoredMask]]
    rate: Fraction | None = None
    if source.info.kind == "image":
        from liveseg.maskfile.picture import read_mask_picture

        stored, labels = read_mask_picture(masks)
        recalled = Recalled(labels, {}, str(masks))
        read, count = (lambda: [stored]), 1
    else:
        from liveseg.maskfile.reader import MaskReader

        reader = stack.enter_context(MaskReader(masks))
        reader.notes = source.notes
        if not force:
            _check_identity(reader, named)
        if not reader.complete:
            source.notes.append(f"{masks} is incomplete: its writer was stopped; the masks up to there are used")
        recalled = Recalled(reader.labels, reader.header.ran, str(masks), grid=reader.header.grid)
        read, count, rate = reader.frames, len(reader), reader.header.rate
    return MaskedSource(source, read, str(masks), rate=rate, count=count), recalled


def _check_identity(reader: MaskReader, named: Path) -> None:
    """Refuse masks of another file.

    Raises:
        UsageError: they are; or they were made from no file, so that nobody can tell.
    """
    from liveseg.maskfile.identity import identity_of

    made_from = reader.header.source
    if not made_from.known:
        raise UsageError(
            f"{reader.path} was made from {made_from.name}, which is no file; --force takes it for {named}"
        )
    if not made_from.same_as(identity_of(named)):
        raise UsageError(
            f"{reader.path} was made from another file than {named}: {made_from.name}, {made_from.bytes:,} bytes;"
            " --force takes it all the same"
        )


def _spare(masks: Path, planned: Planned) -> None:
    """Refuse to write over the masks that are read.

    Raises:
        UsageError: an output, or the partial file that it begins as, is the mask file.
    """
    for target in planned.paths:
        for path in (target, partial_path(target)):
            if path.exists() and path.samefile(masks):
                raise UsageError(f"the output {target} would be written over the masks {masks}; choose another -o")
