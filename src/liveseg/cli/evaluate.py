"""`liveseg eval`: how good the masks are on labelled photos."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liveseg.cli.bench import command_as_typed
from liveseg.cli.console import download_progress, photo_progress, say
from liveseg.cli.options import with_settings
from liveseg.cli.tables import print_tables
from liveseg.errors import UsageError
from liveseg.files import atomic_write, check_writable
from liveseg.settings.evaluate import EvalSettings, ScoreSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from liveseg.datasets import Dataset
    from liveseg.evaluate.options import EvalOptions
    from liveseg.evaluate.page_photos import Photo
    from liveseg.evaluate.result import Evaluation

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Labelled photos: a folder with images/ and masks/, or laid out as Pascal VOC, Cityscapes, Roboflow or"
        " CVAT have it; or the file of COCO, CVAT or Label Studio that lists them.",
    ),
]


@with_settings(EvalSettings)
def evaluate(data: Data, settings: EvalSettings) -> None:
    """Measure how good a model's masks are on labelled photos: every class, each number with its interval.

    Each photo is scored at its own size. Pixels that the true mask leaves open (255) do not count.
    """
    check_targets(settings, {"--record": settings.record})
    use_threads(settings.threads)
    dataset = labelled(data, settings)
    evaluation, scores = _measured(dataset, settings)
    if settings.html is not None:
        from liveseg.evaluate.page import Extras, page

        photos = tuple(_worst(evaluation, dataset, settings))
        extras = Extras(photos, scores, command_as_typed(sys.argv))
        write(settings.html, page(evaluation, settings.html.parent, extras), overwrite=settings.overwrite)
    if not give_json(evaluation.to_json(), settings):
        from liveseg.evaluate.table import heading, remarks, tables

        print_tables(heading(evaluation), tables(evaluation), remarks(evaluation), markdown=settings.markdown)


def check_targets(settings: ScoreSettings, others: Mapping[str, Path | None]) -> None:
    """See that what is to be written can be, before the work that it takes.

    Args:
        settings: name the files.
        others: files that go by options of one command alone.

    Raises:
        UsageError: two options name one file.
        OutputExistsError: a file is there, and no `--overwrite`.
        SinkError: one cannot be written.
    """
    seen: dict[Path, str] = {}
    for option, target in {"--html": settings.html, "--json": _json_file(settings), **others}.items():
        if target is None:
            continue
        before = seen.setdefault(target.resolve(), option)
        if before != option:
            raise UsageError(f"{before} and {option} name one file, {target}; give each its own")
        if option != "--record":  # which is gone on with
            check_writable(target, overwrite=settings.overwrite)


def use_threads(count: int | None) -> None:
    """Let OpenCV have as many threads as the network."""
    import cv2

    from liveseg.runtimes.base import available_cores

    cv2.setNumThreads(count or available_cores())


def labelled(data: Path, settings: ScoreSettings) -> Dataset:
    """The photos that the settings choose: those kept for measuring, where the data set has such.

    Raises:
        LivesegError: they cannot be found or read.
    """
    from liveseg.datasets.open import find_splits, open_dataset

    chosen = settings.for_data
    if chosen["split"] is None:
        places = {name: chosen[name] for name in ("layout", "images", "masks")}
        kept = [name for name in ("val", "test") if name in find_splits(data, **places)]
        chosen["split"] = kept[0] if kept else None
        if kept and not settings.quiet:
            say(f"measuring on the photos of {kept[0]}; --split takes others")
    dataset = open_dataset(data, **chosen).every(settings.every)
    return dataset if settings.limit is None else dataset.limit(settings.limit)


def options_of(settings: ScoreSettings, **more: Any) -> EvalOptions:
    """How the photos are scored."""
    from liveseg.evaluate.options import EvalOptions

    about: dict[str, Any] = {
        name: getattr(settings, name) for name in ("unknown", "boundary", "skip_bad", "worst", "seed", "threads")
    }
    return EvalOptions(**about | more)


def give_json(record: dict[str, Any], settings: ScoreSettings) -> bool:
    """Write a result as JSON where that is asked for; returns whether it went to standard output."""
    text = json.dumps(record, indent=None, ensure_ascii=False, allow_nan=False)
    file = _json_file(settings)
    if file is not None:
        write(file, text + "\n", overwrite=settings.overwrite)
    elif settings.json is not None:
        typer.echo(text)
        return True
    return False


def write(target: Path, text: str, *, overwrite: bool) -> None:
    """Write a text file that appears whole under its name."""
    with atomic_write(target, overwrite=overwrite) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def _json_file(settings: ScoreSettings) -> Path | None:
    return None if settings.json in (None, "-") else Path(str(settings.json))


def _measured(dataset: Dataset, settings: EvalSettings) -> tuple[Evaluation, list[float]]:
    """The evaluation, and the mIoU of every photo, which the page draws."""
    from liveseg.evaluate.engine import evaluate as measure
    from liveseg.evaluate.engine import evaluate_masks

    # Only the page wants to know all photos; the record for it names as many of the worst as others.
    options = options_of(settings, workers=settings.workers, worst=len(dataset) if settings.html else settings.worst)
    with photo_progress(dataset.name, len(dataset), quiet=settings.quiet) as advance:
        if settings.predictions is not None:
            found = evaluate_masks(
                dataset, settings.predictions, options=options, record=settings.record, progress=advance
            )
        else:
            with download_progress(quiet=settings.quiet) as download:
                found = measure(
                    settings, dataset, options=options, record=settings.record, progress=advance, download=download
                )
    scores = [image.miou for image in found.worst] if settings.html else []
    return dataclasses.replace(found, worst=found.worst[: settings.worst]), scores


def _worst(evaluation: Evaluation, dataset: Dataset, settings: EvalSettings) -> Iterator[Photo]:
    from liveseg.evaluate.examples import examples
    from liveseg.evaluate.page_photos import Photo

    said = {
        image.key: f"mIoU {100 * image.miou:.1f} %, {100 * image.pixel_accuracy:.1f} % of the pixels are right"
        for image in evaluation.worst
    }
    paths = {sample.key: sample.image for sample in dataset}
    source = settings if settings.predictions is None else settings.predictions
    for own in examples(source, dataset, said, options=options_of(settings)):
        yield Photo(own.key, paths[own.key], said[own.key], own.image, own.truth, {"prediction": own.found})
