"""CVAT's exports: "CVAT for images 1.1", an XML file of shapes, and "Segmentation mask 1.1", masks in colours.

Of the shapes, polygons, masks, boxes and ellipses are drawn, as CVAT's own masks have them, by rising `z_order` and
then in the order of the file; lines, points, skeletons and cuboids enclose nothing and are left out. A class's index is
the place of its label in the file, after background (0), and its colour that of the label. In masks a class is what
`labelmap.txt` gives its colour to, in the order of that file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np

from liveseg.datasets import voc
from liveseg.datasets.base import Dataset
from liveseg.datasets.labels_file import background_first, make_labels, with_background
from liveseg.datasets.mask_file import MaskCode
from liveseg.datasets.places import Photos, canonical, chosen, key_of, named_folder, subfolder
from liveseg.datasets.shapes import BoxRuns, DrawnSample, Polygons
from liveseg.errors import DataError
from liveseg.labels import voc_palette
from liveseg.palettes import color_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.datasets.places import Request
    from liveseg.datasets.shapes import Shape
    from liveseg.labels import LabelSet

LOOKED_FOR = "annotations.xml, or labelmap.txt and SegmentationClass/"

_FILE = "annotations.xml"
_LABELMAP = "labelmap.txt"
_ELLIPSE_POINTS = 90
_OTHERS = ("polyline", "points", "skeleton", "cuboid")


def finds(path: Path) -> bool:
    """Whether a folder or file is one of its exports."""
    if path.is_file():
        return path.suffix.lower() == ".xml"
    return (path / _FILE).is_file() or _has_masks(path)


def splits(request: Request) -> tuple[str, ...]:
    """The names of its parts: the subsets of a project."""
    if _has_masks(request.path):
        return tuple(name for name in voc.lists_of(request.path) if name != "default")
    subsets = (image.get("subset", "") for _, image in _images(_xml(request.path)))
    names = {name for name in subsets if name and name.lower() != "default"}
    return tuple(sorted(names, key=lambda name: canonical(name).lower()))


def read(request: Request) -> Dataset:
    """The data set, or the part that was asked for.

    Raises:
        DataError: files that are none of CVAT's, or photos that are not there.
        UsageError: a part that it does not have.
    """
    if _has_masks(request.path):
        labels, code = _labelmap(request.path / _LABELMAP)
        return voc.opened(request, request.path, labels, code, "cvat")
    return _drawn(request, _xml(request.path))


def _has_masks(path: Path) -> bool:
    return (path / _LABELMAP).is_file() and subfolder(path, ("SegmentationClass",)) is not None


def _xml(path: Path) -> Path:
    return path if path.is_file() else path / _FILE


def _drawn(request: Request, file: Path) -> Dataset:
    wanted = None if request.split is None else chosen(request, splits(request))
    root = file.parent
    given = None if request.images is None else named_folder(request.images, root)
    folders = [root / "images", root] if given is None else [given]
    photos = Photos(folders)
    labels: LabelSet | None = None
    left_out = empty = 0
    samples = []
    for shared, image in _images(file):
        if labels is None:
            labels, indices = _labels(shared, file)
        subset = image.get("subset", "")
        if wanted is not None and subset != wanted:
            continue
        name = image.get("name", "")
        try:
            size = (int(image.attrib["height"]), int(image.attrib["width"]))
            shapes = _shapes(image, indices)
            key = key_of(f"{subset}/{name}" if subset and wanted is None else name)
        except (KeyError, ValueError) as error:
            said = f"there is no {error.args[0]!r}" if isinstance(error, KeyError) else str(error)
            raise DataError(f"{file}, at image {name!r}: {said}") from error
        left_out += sum(shape.tag in _OTHERS for shape in image)
        empty += not shapes
        samples.append(DrawnSample(key, photos.find(f"{subset}/{name}" if subset else name, name), file, shapes, size))
    if labels is None or not samples:
        raise DataError(f'{file} names no images; export the task as "CVAT for images 1.1"')
    notes = photos.check(file)
    if left_out:
        notes.append(f"{left_out} lines, points, skeletons and cuboids enclose nothing and are left out")
    if empty:
        notes.append(f"{empty} photos have no shapes; they are background all over")
    return Dataset(request.name, "cvat", request.path, labels, tuple(samples), tuple(notes))


def _images(file: Path) -> Iterator[tuple[ET.Element, ET.Element]]:
    """The element `meta` and each `image`, one after the other; an image is emptied when the next one is read."""
    meta = ET.Element("meta")
    try:
        # Expat refuses entities that grow beyond measure; no others exist here.
        for _, element in ET.iterparse(file, events=("end",)):  # noqa: S314
            if element.tag == "meta":
                meta = element
            elif element.tag == "track":
                raise DataError(f'{file} holds tracks of a video; export the task as "CVAT for images 1.1"')
            elif element.tag == "image":
                yield meta, element
                element.clear()
    except ET.ParseError as error:
        raise DataError(f"{file} cannot be read as CVAT's XML: {error}") from error


def _labels(meta: ET.Element, file: Path) -> tuple[LabelSet, dict[str, int]]:
    """The label set, and the index of each name."""
    found = [
        (str(label.findtext("name", "")).strip(), label.findtext("color", ""))
        for label in meta.findall(".//labels/label")
        if not label.findtext("parent")
    ]
    names = [name for name, _ in found]
    usual = voc_palette(len(names) + 1)[1:]
    try:
        colors = [color_of(color) if color else usual[place] for place, (_, color) in enumerate(found)]
        labels, indices = with_background(names, colors)
    except ValueError as error:
        raise DataError(f"{file}, at its labels: {error}") from error
    return labels, dict(zip(names, indices, strict=True))


def _shapes(image: ET.Element, indices: dict[str, int]) -> tuple[Shape, ...]:
    drawn = [element for element in image if element.tag in _DRAWN]
    drawn.sort(key=lambda element: int(element.get("z_order", 0)))
    found = []
    for element in drawn:
        label = element.get("label", "")
        if label not in indices:
            raise ValueError(f"a {element.tag} has the label {label!r}, which is none of the labels of the file")
        found.append(_DRAWN[element.tag](indices[label], element.attrib))
    return tuple(found)


def _polygon(index: int, given: dict[str, str]) -> Shape:
    points = [[float(number) for number in pair.split(",")] for pair in given["points"].split(";")]
    return Polygons.of(index, [np.array(points).reshape(-1)])


def _mask(index: int, given: dict[str, str]) -> Shape:
    left, top, width, height = (int(float(given[name])) for name in ("left", "top", "width", "height"))
    counts = np.array([int(number) for number in given["rle"].split(",")], np.int64)
    return BoxRuns(index, left, top, (height, width), counts.tobytes())


def _box(index: int, given: dict[str, str]) -> Shape:
    left, top, right, bottom = (float(given[name]) for name in ("xtl", "ytl", "xbr", "ybr"))
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return Polygons.of(index, [_turned(corners, given).reshape(-1)])


def _ellipse(index: int, given: dict[str, str]) -> Shape:
    x, y, x_radius, y_radius = (float(given[name]) for name in ("cx", "cy", "rx", "ry"))
    angles = np.linspace(0, 2 * np.pi, _ELLIPSE_POINTS, endpoint=False)
    border = np.stack((x + x_radius * np.cos(angles), y + y_radius * np.sin(angles)), axis=1)
    return Polygons.of(index, [_turned(border, given).reshape(-1)])


def _turned(points: NDArray[np.float64], given: dict[str, str]) -> NDArray[np.float64]:
    """Points turned clockwise around their middle by what the shape's `rotation` says."""
    angle = np.deg2rad(float(given.get("rotation", 0)))
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned: NDArray[np.float64] = (points - middle) @ turn + middle
    return turned


_DRAWN: dict[str, Callable[[int, dict[str, str]], Shape]] = {
    "polygon": _polygon,
    "mask": _mask,
    "box": _box,
    "ellipse": _ellipse,
}


def _labelmap(path: Path) -> tuple[LabelSet, MaskCode]:
    """The classes of a `labelmap.txt`, and how masks in its colours are read; lines are `name:r,g,b:parts:actions`."""
    names: list[str] = []
    colors: list[tuple[int, int, int]] = []
    try:
        for line in path.read_text(encoding="utf-8-sig").splitlines():
            if not line.strip() or line.startswith("#"):
                continue
            name, color, *_ = line.split(":")
            red, green, blue = (int(channel) for channel in color.split(","))
            names.append(name.strip())
            colors.append((red, green, blue))
        order = background_first(names)
        labels = make_labels([names[place] for place in order], [colors[place] for place in order])
    except ValueError as error:
        raise DataError(f"{path} is no label map: write lines like leaf:0,128,0:: ({error})") from error
    if len(set(colors)) < len(colors):
        raise DataError(f"{path} gives one colour to two labels; masks do not tell them apart")
    # Masks of one channel hold the places of the lines.
    places = {place: index for index, place in enumerate(order)}
    return labels, MaskCode.of(labels, values=places, by_color=True)
