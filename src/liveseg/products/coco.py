"""Products in COCO's annotation format: one document for a whole video, which never has to fit into memory."""

from __future__ import annotations

import json
import shutil
import tempfile
from typing import TYPE_CHECKING, Any

from liveseg.exports.coco import header, image
from liveseg.products.file import FileProduct

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.labels import LabelSet
    from liveseg.media.frame import SourceInfo
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation

_IN_MEMORY = 1 << 20
"""Bytes of entries that wait in memory; more wait on disk."""


class CocoDocument(FileProduct):
    """Annotations of all frames: masks as run lengths, one a class and frame, or polygons, one a region.

    Each frame has an entry in `images` with its number and time. Images and annotations grow side by side but follow
    each other in the document, so the images wait in a temporary file.

    Args:
        path: the file, `.json`.
        info: the source's.
        file_name: what the entries in `images` name.
        labels: names and colours of the classes.
        as_polygons: whether regions are annotated by polygons.
        overwrite: whether a file of that name may be replaced.
    """

    def __init__(
        self, path: Path, info: SourceInfo, file_name: str, labels: LabelSet, *, as_polygons: bool, overwrite: bool
    ) -> None:
        head = json.dumps(header(labels, range(int(labels.background), len(labels)))).removesuffix("}")
        super().__init__(path, info.name, overwrite=overwrite, head=f'{head}, "annotations": ['.encode())
        self._video = info.kind == "video"
        self._name = file_name
        self._as_polygons = as_polygons
        self._images = self._annotations = 0
        self._spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed with the file

    def prepare(self, found: Segmentation) -> list[dict[str, Any]]:
        """The annotations, numbered from 0 as if there were no others."""
        if self._as_polygons:
            return found.coco_polygons(image_id=0, first_id=0)
        return found.coco_annotations(image_id=0, first_id=0)

    def write(self, result: Result, prepared: list[dict[str, Any]]) -> None:
        """Append a frame and its annotations."""
        height, width = result.segmentation.mask.shape
        entry = image(
            self._images + 1,
            width,
            height,
            self._name,
            frame=result.frame_index if self._video else None,
            timestamp=result.segmentation.timestamp if self._video else None,
        )
        with self._writing() as file:
            self._spool.write(_item(entry, self._images))
            self._images += 1
            for annotation in prepared:
                own = annotation | {"id": self._annotations + 1, "image_id": self._images}
                file.write(_item(own, self._annotations))
                self._annotations += 1

    def _finish(self) -> None:
        self._file.write(b'\n], "images": [')
        self._spool.seek(0)
        shutil.copyfileobj(self._spool, self._file)
        self._file.write(b"\n]}\n")
        self._spool.close()

    def _drop(self) -> None:
        self._spool.close()


def _item(entry: dict[str, Any], before: int) -> bytes:
    """An entry of a list, after so many others."""
    return (",\n" if before else "\n").encode() + json.dumps(entry).encode()
