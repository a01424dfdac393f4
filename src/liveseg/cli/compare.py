"""`liveseg compare`: models, runtimes, precisions and sizes on the same labelled photos."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from liveseg.cli.bench import command_as_typed
from liveseg.cli.console import download_progress, photo_progress
from liveseg.cli.evaluate import check_targets, give_json, labelled, options_of, use_threads, write
from liveseg.cli.options import with_settings
from liveseg.cli.tables import print_tables
from liveseg.errors import UsageError
from liveseg.settings.evaluate import CompareSettings
from liveseg.settings.model import ModelSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from liveseg.datasets import Dataset
    from liveseg.evaluate.compare import Contender
    from liveseg.evaluate.page_photos import Photo
    from liveseg.evaluate.result import Evaluation
    from liveseg.evaluate.specification import Specification

Compared = Annotated[
    list[str],
    typer.Argument(
        metavar="A B...",
        help="What to compare, each as WHAT@SIZE:PRECISION/RUNTIME+LOOKS, of which all but WHAT may be left out: a"
        " model, a weights file, a training run, a folder of masks, or a result of `liveseg eval`."
        " Like lite lite@385 lite:int8/openvino model.onnx runs/leaves before.json",
    ),
]


@with_settings(CompareSettings)
def compare(what: Compared, settings: CompareSettings) -> None:
    """Compare models, runtimes, precisions or sizes on the same labelled photos, each with the first.

    All run in turn on each photo, so that their rates can be compared. Differences have paired 95 % intervals: where
    one holds 0, these photos do not tell the two apart.
    """
    from liveseg.evaluate.specification import parse_specification

    specifications = [parse_specification(text) for text in what]
    _check(specifications, settings)
    use_threads(settings.threads)
    contenders, photos = _compared(specifications, settings)
    typed = command_as_typed(sys.argv)
    if settings.html is not None:
        from liveseg.evaluate.page_compare import comparison_page

        text = comparison_page(contenders, settings.html.parent, photos=photos, command=typed)
        write(settings.html, text, overwrite=settings.overwrite)
    if settings.plot is not None:
        from liveseg.evaluate.plot import plot_contenders

        plot_contenders(contenders, settings.plot, overwrite=settings.overwrite)
    from liveseg.evaluate.compare import to_json

    if not give_json(to_json(contenders, typed), settings):
        from liveseg.evaluate.table import comparison_heading, comparison_remarks, comparison_tables

        print_tables(
            comparison_heading(contenders),
            comparison_tables(contenders),
            comparison_remarks(contenders),
            markdown=settings.markdown,
        )


def _check(specifications: Sequence[Specification], settings: CompareSettings) -> None:
    """Refuse what cannot be, before the work.

    Raises:
        UsageError: nothing to compare with, something or a file named twice, or no photos to run on.
        SinkError: a file cannot be written, or is there, and no `--overwrite`.
    """
    names = [own.text for own in specifications]
    if len(names) < 2:
        raise UsageError(f"{names[0]} alone is compared with nothing; name another, or use liveseg eval")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice; leave one out")
    to_run = [own.text for own in specifications if own.result is None]
    if to_run and settings.data is None:
        raise UsageError(f"{to_run[0]} is to be run on labelled photos; name them by --data DATA")
    check_targets(settings, {"--plot": settings.plot})
    if settings.plot is not None:
        from liveseg.evaluate.plot import check_plot

        check_plot(settings.plot)


def _compared(
    specifications: Sequence[Specification], settings: CompareSettings
) -> tuple[list[Contender], list[Photo]]:
    """Run what is to be run, read what is there, and hold each against the first."""
    from liveseg.evaluate.compare import compare as hold

    names = [own.name for own in specifications]
    if len(set(names)) < len(names):
        names = [own.text for own in specifications]  # what is called alike is told apart by its folders
    given: dict[int, Evaluation] = {
        index: _result(own.result, settings) for index, own in enumerate(specifications) if own.result is not None
    }
    to_run = [index for index in range(len(names)) if index not in given]
    if not to_run or settings.data is None:
        return hold(names, list(given.values())), []
    from liveseg.evaluate.in_turn import evaluate_in_turn

    dataset = labelled(settings.data, settings)
    wanted = [_wanted(specifications[index], settings) for index in to_run]
    with (
        download_progress(quiet=settings.quiet) as download,
        photo_progress(dataset.name, len(dataset), quiet=settings.quiet) as advance,
    ):
        ran = evaluate_in_turn(wanted, dataset, options=options_of(settings), progress=advance, download=download)
    measured = given | dict(zip(to_run, ran.evaluations, strict=True))
    # Masks and rates are held against the first only where it ran along with the others.
    agreements = dict(zip(to_run, ran.agreements, strict=True)) if 0 in to_run else {}
    contenders = hold(
        names,
        [measured[index] for index in range(len(names))],
        [agreements.get(index) for index in range(len(names))],
        in_turn=set(to_run) if 0 in to_run else set(),
    )
    shown = {names[index]: own for index, own in zip(to_run, wanted, strict=True)}
    photos = list(_differing(shown, ran.differing, dataset, settings)) if settings.html and len(shown) > 1 else []
    return contenders, photos


def _result(path: Path, settings: CompareSettings) -> Evaluation:
    """What `liveseg eval` wrote: its JSON, or the record of a run."""
    from liveseg.evaluate.engine import evaluation_of_record
    from liveseg.evaluate.result import load_evaluation

    if path.suffix.lower() == ".jsonl":
        return evaluation_of_record(path, options=options_of(settings))
    return load_evaluation(path)


def _wanted(own: Specification, settings: CompareSettings) -> ModelSettings | Path:
    if own.masks is not None:
        return own.masks
    return ModelSettings(
        model=own.model,
        weights=own.weights,
        runtime=own.runtime,
        device=settings.device,
        precision=own.precision,
        threads=settings.threads,
        size=own.size,
        tta=own.tta,
    )


def _differing(
    shown: dict[str, ModelSettings | Path], differing: dict[str, float], dataset: Dataset, settings: CompareSettings
) -> Iterator[Photo]:
    """The photos whose masks differ most, with the masks of all."""
    from liveseg.evaluate.examples import examples
    from liveseg.evaluate.page_photos import Photo

    paths = {sample.key: sample.image for sample in dataset}
    options = options_of(settings)
    made = [examples(own, dataset, differing, options=options) for own in shown.values()]
    for found in zip(*made, strict=True):
        first = found[0]
        said = f"{100 * differing[first.key]:.1f} % of the pixels were given another class"
        masks = dict(zip(shown, (own.found for own in found), strict=True))
        yield Photo(first.key, paths[first.key], said, first.image, first.truth, masks)
