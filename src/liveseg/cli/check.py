"""`liveseg check`: what is wrong with labelled photos, before anything is learned from them."""

from __future__ import annotations

import json
import math
import os
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from liveseg.cli.console import out, photo_progress, say
from liveseg.cli.options import with_settings
from liveseg.settings.check import CheckSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from liveseg.datasets import Dataset
    from liveseg.datasets.check import Inspection, Problem
    from liveseg.datasets.check_classes import ClassCount

_LISTED = 3
_BAR = 20

Data = Annotated[
    Path,
    typer.Argument(
        metavar="DATA",
        help="Labelled photos: a folder with images/ and masks/, or laid out as Pascal VOC, Cityscapes, Roboflow or"
        " CVAT have it; or the file of COCO, CVAT or Label Studio that lists them.",
    ),
]


@with_settings(CheckSettings)
def check(data: Data, settings: CheckSettings) -> None:
    """Look for what is wrong with labelled photos: masks that do not fit, classes that are missing, copies, leaks.

    Where the data set has parts to train on and to judge by, both are read and photos that are in both are named.
    Ends with exit code 1 where there are errors; warnings do not matter to it.
    """
    from liveseg.datasets.check import inspect, ordered

    dataset, validation = _sides(data, settings)
    others = [] if validation is None else [validation]
    workers = settings.workers or min(os.cpu_count() or 1, 16)
    total = len(dataset) + sum(map(len, others))
    with photo_progress(str(data), total, quiet=settings.quiet or settings.json) as advance:
        found = inspect(
            dataset, *others, workers=workers, progress=lambda done, photos: advance(done, photos, math.nan)
        )
    problems = found.problems
    if validation is not None:
        problems = ordered([*problems, *found.between(dataset, validation)])
    notes = list(dict.fromkeys(note for part in found.parts for note in part.notes))
    if settings.json:
        out.print(json.dumps(_record(found, problems, notes), indent=2), markup=False)
    else:
        _print(found, problems, notes, every=settings.all)
    if any(one.severity == "error" for one in problems):
        raise typer.Exit(1)


def _sides(data: Path, settings: CheckSettings) -> tuple[Dataset, Dataset | None]:
    """The photos, and those to judge by, where they are told apart."""
    from liveseg.datasets.open import find_splits, open_dataset

    chosen = settings.for_data
    if settings.validation is not None:
        shared = {name: chosen[name] for name in ("labels", "mapping")}
        return open_dataset(data, **chosen), open_dataset(settings.validation, **shared)
    if settings.split is None:
        places = {name: chosen[name] for name in ("layout", "images", "masks")}
        parts = find_splits(data, **places)
        kept = next((name for name in ("val", "test") if name in parts), None)
        if "train" in parts and kept is not None:
            if not (settings.quiet or settings.json):
                say(f"checking the photos of train and {kept}; --split takes one part")
            return open_dataset(data, **chosen | {"split": "train"}), open_dataset(data, **chosen | {"split": kept})
    return open_dataset(data, **chosen), None


def _record(found: Inspection, problems: Sequence[Problem], notes: Sequence[str]) -> dict[str, Any]:
    return {
        "data": str(found.parts[0].root),
        "layout": found.parts[0].layout,
        "photos": len(found.photos),
        "errors": _count(problems, "error"),
        "warnings": _count(problems, "warning"),
        "problems": [one.to_json() for one in problems],
        "classes": [one.to_json() for one in found.classes],
        "notes": list(notes),
    }


def _print(found: Inspection, problems: Sequence[Problem], notes: Sequence[str], *, every: bool) -> None:
    _print_classes(found.classes)
    for note in notes:
        out.print(f"note: {note}", markup=False)
    for (severity, kind), group in groupby(problems, key=lambda one: (one.severity, one.kind)):
        same = list(group)
        color = "red" if severity == "error" else "yellow"
        out.print(f"\n[bold {color}]{severity}[/bold {color}] [bold]{kind}[/bold] ({len(same)})")
        listed = same if every else same[:_LISTED]
        for one in listed:
            out.print(f"  {one.message}", markup=False)
        if len(same) > len(listed):
            out.print(f"  … and {len(same) - len(listed)} more; --all lists them", markup=False)
        for remedy in dict.fromkeys(one.remedy for one in listed):
            out.print(f"  -> {remedy}", markup=False)
    photos = f"{len(found.photos):,} photos" if len(found.photos) != 1 else "1 photo"
    told = ", ".join(
        f"{number} {word}{'' if number == 1 else 's'}"
        for word in ("error", "warning")
        if (number := _count(problems, word))
    )
    out.print(f"\n[bold]{photos}[/bold], {len(found.classes)} classes: {told or 'nothing wrong'}")


def _print_classes(classes: Sequence[ClassCount]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("class", "photos", "pixels", "", title_justify="left")
    table.columns[1].justify = table.columns[2].justify = "right"
    most = max((one.share for one in classes), default=0)
    for one in classes:
        # Of a root, so that rare classes are seen beside the background.
        bar = "█" * math.ceil(_BAR * math.sqrt(one.share / most)) if one.pixels else ""
        share = f"{one.share:.2%}" if one.share >= 0.00005 or not one.pixels else "<0.01%"
        table.add_row(escape(one.name), f"{one.photos:,}", share, bar)
    out.print(table)


def _count(problems: Sequence[Problem], severity: str) -> int:
    return sum(one.severity == severity for one in problems)
