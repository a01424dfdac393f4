"""The areas of a video's classes over time: written frame by frame, read while they grow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from liveseg.products.base import Product

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from liveseg.exports.areas import Area
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation


def record(classes: int) -> np.dtype[np.void]:
    """A frame in the file: its time in seconds from the first one, and each class's share of the picture."""
    return np.dtype([("time", "<f8"), ("share", "<f4", (classes,))])


class AreaSeries(Product):
    """Appends each frame's areas to a file of `record`s; what was written is the system's when `write` returns.

    Args:
        path: the file; it bears its name from the start, since it is read while it grows.
        classes: of the model.
    """

    path: Path

    def __init__(self, path: Path, classes: int) -> None:
        super().__init__(path)
        self._record = record(classes)
        self._first: float | None = None
        self._file = path.open("wb", buffering=0)

    def prepare(self, found: Segmentation) -> list[Area]:
        """The areas."""
        return found.areas()

    def write(self, result: Result, prepared: list[Area]) -> None:
        """Append a frame."""
        row = np.zeros(1, self._record)
        time = float(result.timestamp)
        self._first = time if self._first is None else self._first
        row["time"] = time - self._first
        for area in prepared:
            row["share"][0, area.index] = area.share
        self._file.write(row.tobytes())

    def commit(self) -> None:
        """Nothing more will come."""
        self._file.close()

    def abort(self) -> None:
        """As `commit`; its folder is removed by whoever made it."""
        self._file.close()


def read_areas(path: Path, classes: int) -> NDArray[np.void]:
    """The `record`s that are whole by now; none where there is no file yet."""
    form = record(classes)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return np.empty(0, form)
    return np.frombuffer(data, form, count=len(data) // form.itemsize)


def thinned(series: NDArray[np.void], most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most so many points of a series: each stands for as many frames, with their mean shares.

    Args:
        series: of `record`s.
        most: points.

    Returns:
        `(points,)` seconds of each point's first frame, and `(points, classes)` shares.
    """
    if not len(series):
        return np.empty(0), np.empty((0, series.dtype["share"].shape[0]))
    each = -(-len(series) // most)
    begins = np.arange(0, len(series), each)
    counts = np.diff(np.append(begins, len(series)))
    sums = np.add.reduceat(series["share"].astype(np.float64), begins, axis=0)
    return series["time"][begins].astype(np.float64), sums / counts[:, None]
