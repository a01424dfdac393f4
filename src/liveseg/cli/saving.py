"""From `--save` and `-o` to files: where what is saved of each source goes, and the products that make it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.assembly import as_drawn, open_products
from liveseg.cli.console import say
from liveseg.cli.parts import made_ready, open_target, shown
from liveseg.cli.watching import watchers_of
from liveseg.errors import UsageError
from liveseg.files import refuse_existing
from liveseg.report import SourceReport
from liveseg.settings.save import OVERLAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.cli.parts import Named, Target
    from liveseg.events.watch import Watch
    from liveseg.job import Outcome
    from liveseg.maskfile.identity import Identity
    from liveseg.media.frame import Source, SourceInfo
    from liveseg.media.paths import Kind
    from liveseg.pipeline import Pipeline
    from liveseg.products.base import Product
    from liveseg.segmenter import Segmenter
    from liveseg.settings import RunSettings
    from liveseg.settings.save import Save
    from liveseg.streams import Started

_DRAWING = ("alpha", "contours", "labels", "legend", "side_by_side", "caption", "background")
_COLORING = ("classes", "hide")
"""What also says how `--save color` looks."""


@dataclass(frozen=True)
class Planned:
    """Where what is saved of one source goes.

    Args:
        overlay: a file, an address or `-`; `None` where no overlay is wanted.
        files: everything else.
    """

    overlay: Target = None
    files: tuple[tuple[Save, Path], ...] = ()

    def missing(self) -> Planned:
        """Of it, what is not there yet."""
        there = isinstance(self.overlay, Path) and self.overlay.exists()
        files = tuple((save, path) for save, path in self.files if not path.exists())
        return Planned(None if there else self.overlay, files)

    @property
    def paths(self) -> list[Path]:
        """The files, that of the overlay among them."""
        return [path for _, path in self.files] + ([self.overlay] if isinstance(self.overlay, Path) else [])

    @property
    def empty(self) -> bool:
        """Whether there is nothing to save."""
        return self.overlay is None and not self.files

    def check(self, *, overwrite: bool) -> None:
        """See that the files may be written, before a source is opened.

        Raises:
            OutputExistsError: one is there and `overwrite` is false.
            SinkError: one is a folder or a device.
        """
        for _, path in self.files:
            refuse_existing(path, overwrite=overwrite)


def plan(
    sources: Sequence[Named],
    settings: RunSettings,
    model: str,
    kinds: Sequence[Kind],
    *,
    watched: bool = False,
) -> list[Planned]:
    """Where what is saved of each source goes.

    What is streamed, or goes to standard output, is the overlay; everything else goes to `outputs` then. A live source
    that somebody watches is not recorded, unless `-o` or `--save` says so.

    Raises:
        UsageError: as `plan_outputs`; several sources for one stream; a stream of nothing.
    """
    from liveseg.media.address import Address

    stream, others = _stream_of(settings), [save for save in settings.saves if save != OVERLAY]
    if stream is not None:
        if len(sources) > 1:
            raise UsageError(f"{len(sources)} sources cannot all go to one stream; name one source, or --grid")
        (files,) = plan_files(sources, others, None, model, kinds)
        return [Planned(stream, files)]
    planned = []
    for named, files in zip(sources, plan_files(sources, settings.saves, settings.output, model, kinds), strict=True):
        unwanted = _only_watched(settings, watched) and isinstance(named, Address)
        overlay = next((path for save, path in files if save == OVERLAY), None)
        rest = tuple((save, path) for save, path in files if save != OVERLAY)
        planned.append(Planned(None if unwanted else overlay, rest))
    return planned


def plan_files(
    sources: Sequence[Named], saves: Sequence[Save], output: str | None, model: str, kinds: Sequence[Kind]
) -> list[tuple[tuple[Save, Path], ...]]:
    """For each source what is saved of it, with the paths; see `liveseg.products.kinds.plan`."""
    from liveseg.products import kinds as products

    paths = products.plan(sources, saves, output, model, kinds=kinds)
    return [tuple(zip(saves, own, strict=True)) for own in paths]


def plan_grid(
    grid: Path,
    sources: Sequence[Named],
    settings: RunSettings,
    model: str,
    kinds: Sequence[Kind],
    *,
    watched: bool = False,
) -> tuple[Target, list[Planned]]:
    """Where the one picture of all sources goes, which is the overlay, and what else is saved of each source.

    Where `-o` names a folder, that is for everything; else it is for the grid, and the rest goes to `outputs`.

    Raises:
        UsageError: as `plan`.
    """
    from liveseg.media.outputs import is_folder, plan_outputs

    target: Target = _stream_of(settings)
    folder = settings.output if target is None and is_folder(settings.output) else None
    if target is None and OVERLAY in settings.saves and not _only_watched(settings, watched):
        ((target,),) = plan_outputs([grid], settings.output, model, kinds=["video"])
    others = [save for save in settings.saves if save != OVERLAY]
    return target, [Planned(None, files) for files in plan_files(sources, others, folder, model, kinds)]


def _stream_of(settings: RunSettings) -> str | None:
    """Where the overlay goes, if that is no file; an error where there is no overlay for what the settings say."""
    from liveseg.media.open_sink import target_kind

    stream = None if settings.output is None or target_kind(settings.output) == "file" else settings.output
    if OVERLAY not in settings.saves:
        if settings.segment is not None:
            raise UsageError("--segment cuts the overlay into files; add overlay to --save, or leave --segment out")
        if stream is not None:
            raise UsageError(f"what goes to {shown(stream)} is the overlay; add overlay to --save")
    return stream


def tell_undrawn(settings: RunSettings) -> None:
    """Where nothing is drawn, say which options are without effect for that."""
    names = _DRAWING if any(save.kind == "color" for save in settings.saves) else _DRAWING + _COLORING
    usual = {own.name: own.default for own in fields(settings)}
    given = [name for name in names if getattr(settings, name) not in (usual[name], False)]
    if given and not settings.quiet:
        flags = " and ".join("--" + name.replace("_", "-") for name in given)
        them = "it" if len(given) == 1 else "them"
        say(f"liveseg: nothing is drawn, so {flags} did nothing; add overlay to --save, or leave {them} out")


def _only_watched(settings: RunSettings, watched: bool) -> bool:
    return watched and settings.output is None and not settings.save


def started(
    named: Named,
    source: Source,
    planned: Planned,
    pipeline: Pipeline,
    settings: RunSettings,
    watch: Watch | None = None,
) -> Started:
    """What is run for a source that was opened: it as the line takes it, and all that is made of it, open.

    Raises:
        LivesegError: something cannot be written; nothing is left open then, nor is the source.
    """
    from liveseg.streams import Started

    with ExitStack() as opened:
        opened.callback(source.close)
        source = made_ready(source, pipeline.segmenter, settings)
        products = make_products(planned, named, source.info, pipeline.segmenter, settings)
        for product in products:
            opened.callback(product.abort)
        products += watchers_of(watch, named, source.info, pipeline.segmenter.labels)
        info = as_drawn(source.info, settings)
        sink = None if planned.overlay is None else open_target(planned.overlay, named, info, settings)
        opened.pop_all()
    return Started(source, sink, pipeline, products)


def make_products(
    planned: Planned, named: Named, info: SourceInfo, segmenter: Segmenter, settings: RunSettings
) -> list[Product]:
    """Open the products of a source.

    Raises:
        LivesegError: one cannot be written; the others are given up.
    """
    file_name = named.name if isinstance(named, Path) else str(named)
    return open_products(
        planned.files, info, segmenter, settings, file_name=file_name, identity=lambda: _identity(named)
    )


def report_of(
    named: Named,
    kind: str,
    planned: Planned,
    outcome: Outcome | None = None,
    *,
    error: str | None = None,
    skipped: bool = False,
) -> SourceReport:
    """What became of a source whose results went where they were planned."""
    files = tuple((str(save), path) for save, path in planned.files)
    return SourceReport(
        str(named), kind, shown(planned.overlay), files=files, outcome=outcome, error=error, skipped=skipped
    )


def _identity(named: Named) -> Identity:
    from liveseg.maskfile.identity import Identity, identity_of

    return identity_of(named) if isinstance(named, Path) else Identity(str(named))
