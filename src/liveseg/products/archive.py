"""The masks of a video as a NumPy archive, written frame by frame."""

from __future__ import annotations

import contextlib
import zipfile
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.products.file import FileProduct

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.labels import LabelSet
    from liveseg.pipeline import Result

_LEVEL = 6
"""Effort of the compression: a third of the size that the least one makes, for a quarter more time."""


class MaskArchive(FileProduct):
    """`.npz` with an array `mask_000123` for each frame, `(H, W)` `uint8`, which `numpy.load` reads one at a time.

    Besides it holds `frames` (the frames' numbers, as in the names, `(N,)` `int64`), `timestamps` (in seconds, as exact
    numerators and denominators, `(N, 2)` `int64`), and `classes`, `palette` and `background` as that of an image does.

    A zip's directory stands at its end: it takes half a kilobyte of memory a frame until then, and of a killed run only
    a tool that repairs zip files gets the masks back.
    """

    def __init__(self, path: Path, source: str, labels: LabelSet, *, overwrite: bool) -> None:
        super().__init__(path, source, overwrite=overwrite)
        self._labels = labels
        self._frames = array("q")
        self._timestamps = array("q")
        self._zip = zipfile.ZipFile(self._file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL)

    def write(self, result: Result, prepared: Any) -> None:
        """Append the mask of a frame."""
        del prepared
        with self._writing():
            self._add(f"mask_{result.frame_index:06}", result.segmentation.mask)
        self._frames.append(result.frame_index)
        self._timestamps.extend(result.timestamp.as_integer_ratio())

    def _add(self, name: str, values: np.ndarray[Any, Any]) -> None:
        # A zip of 64 bits from the start, since nobody knows how long it gets.
        with self._zip.open(f"{name}.npy", "w", force_zip64=True) as member:
            np.lib.format.write_array(member, values, allow_pickle=False)

    def _finish(self) -> None:
        self._add("frames", np.array(self._frames, np.int64))
        self._add("timestamps", np.array(self._timestamps, np.int64).reshape(-1, 2))
        self._add("classes", np.array(self._labels.names))
        self._add("palette", np.array(self._labels.palette, np.uint8))
        self._add("background", np.array(self._labels.background))
        self._zip.close()

    def _drop(self) -> None:
        # It would write its directory: left to itself, it does so when it is collected, into a closed file.
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()
