"""Label Studio's JSON export: polygons in per cent of the photo, and brush strokes in run lengths of its own.

Of a task's annotations, that which is marked as ground truth counts, else the one that was changed last; tasks without
one are left out. Regions are drawn in the order of the file, later ones on top. The export does not list the classes:
they are those that occur in it, by name, after background (0), unless labels are given. Its COCO export is read as
`coco`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from liveseg.datasets.base import Dataset
from liveseg.datasets.labels_file import begins_with, read_json, with_background
from liveseg.datasets.places import Photos, chosen, key_of, named_folder
from liveseg.datasets.shapes import Brush, DrawnSample, Polygons
from liveseg.errors import DataError
from liveseg.media.paths import IMAGE_EXTENSIONS

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.datasets.places import Request
    from liveseg.datasets.shapes import Shape

LOOKED_FOR = "a .json file of tasks"

_KINDS = ("polygonlabels", "brushlabels", "labels")
_HEAD = 1 << 16


class _Labelled(NamedTuple):
    """A task that is labelled: its photo under the names it may have, its regions, and how many others it has."""

    names: list[str]
    regions: list[tuple[str, Shape]]
    size: tuple[int, int] | None
    others: int


def finds(path: Path) -> bool:
    """Whether a file is such an export, or a folder holds one."""
    return _file(path) is not None


def splits(request: Request) -> tuple[str, ...]:  # noqa: ARG001 - what every layout is asked
    """It has no parts."""
    return ()


def read(request: Request) -> Dataset:
    """The data set.

    Raises:
        DataError: a file that is none, or photos that are not there.
        UsageError: a part is asked for.
    """
    if request.split is not None:
        chosen(request, ())
    file = _file(request.path)
    if file is None:
        raise DataError(f"{request.path} is no JSON export of Label Studio: there is no list of tasks with annotations")
    tasks = read_json(file)
    found = [_task(task, file) for task in tasks]
    labelled = [one for one in found if one is not None]
    if not labelled:
        raise DataError(f"{file} has no task that is labelled")
    names = sorted({label for one in labelled for label, _ in one.regions})
    try:
        labels, numbers = with_background(names)
    except ValueError as error:
        raise DataError(f"{file}: {error}") from error
    indices = dict(zip(names, numbers, strict=True))
    given = None if request.images is None else named_folder(request.images, file.parent)
    photos = Photos([file.parent / "images", file.parent] if given is None else [given])
    samples = []
    for own, regions, size, _ in labelled:
        shapes = tuple(replace(shape, index=indices[label]) for label, shape in regions)
        samples.append(DrawnSample(key_of(own[0]), photos.find(*own), file, shapes, size))
    notes = [*photos.check(file), f"the export does not list its classes; in it occur {', '.join(names) or 'none'}"]
    if len(labelled) < len(tasks):
        notes.append(f"{len(tasks) - len(labelled)} tasks are not labelled and left out")
    others = sum(one.others for one in labelled)
    if others:
        notes.append(f"{others} regions are neither polygons nor brush strokes and left out")
    return Dataset(request.name, "labelstudio", request.path, labels, tuple(samples), tuple(notes))


def _file(path: Path) -> Path | None:
    """The export that a path names, or the first one in a folder."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    return next((file for file in files if begins_with(file, "[") and _has_tasks(file)), None)


def _has_tasks(file: Path) -> bool:
    with file.open(encoding="utf-8-sig", errors="replace") as opened:
        head = opened.read(_HEAD)
    return '"annotations"' in head or '"completions"' in head


def _task(task: Any, file: Path) -> _Labelled | None:
    """What a task says; `None` where nobody labelled it."""
    if not isinstance(task, dict):
        raise DataError(f"{file} is no JSON export of Label Studio: an entry of its list is no task")
    try:
        given = task.get("annotations") or task.get("completions") or []
        made = [one for one in given if not one.get("was_cancelled")]
        marked = [one for one in made if one.get("ground_truth")]
        if not made:
            return None
        # Of equal times the last one counts.
        times = [str(one.get("updated_at") or one.get("created_at") or "") for one in marked or made]
        result = (marked or made)[max(range(len(times)), key=lambda place: (times[place], place))]["result"]
        return _Labelled(_names(task["data"]), *_regions(result))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        said = f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{file}, at task {task.get('id', '?')}: {said}") from error


def _names(data: dict[str, Any]) -> list[str]:
    """The names under which a task's photo may lie on this machine, the likeliest first."""
    for value in [data["image"]] if "image" in data else data.values():
        parts = urlsplit(str(value))
        # Local files are named by a query: /data/local-files/?d=folder/photo.jpg
        local = parse_qs(parts.query).get("d", [])
        name = re.split(r"[/\\]", local[0] if local else unquote(parts.path))[-1]
        if any(name.lower().endswith(ending) for ending in IMAGE_EXTENSIONS):
            # What was uploaded has eight digits before its own name.
            return [*local, name, re.sub(r"^[0-9a-f]{8}-", "", name)]
    raise ValueError("its data names no photo")


def _regions(result: list[Any]) -> tuple[list[tuple[str, Shape]], tuple[int, int] | None, int]:
    """The class and the shape of each region that is read, the photo's size, and how many other regions there are."""
    regions: list[tuple[str, Shape]] = []
    sizes = set()
    others = 0
    for one in result:
        value = one.get("value", {})
        labels = next((value[kind] for kind in _KINDS if value.get(kind)), None)
        if labels is None or not ("points" in value or "rle" in value):
            # A shape and its class may be two entries, of which only the second names it.
            others += any(key.endswith("labels") for key in value)
            continue
        if one.get("image_rotation"):
            raise ValueError(f"its photo was turned by {one['image_rotation']} degrees there; turn the file instead")
        height, width = size = int(one["original_height"]), int(one["original_width"])
        sizes.add(size)
        shape: Shape
        if "rle" in value:
            shape = Brush(0, size, bytes(value["rle"]))
        else:
            points = np.asarray(value["points"], np.float64) * (width / 100, height / 100)
            shape = Polygons.of(0, [points.reshape(-1)])
        regions.append((str(labels[0]), shape))
    if len(sizes) > 1:
        raise ValueError("its regions are for photos of several sizes")
    return regions, next(iter(sizes), None), others
