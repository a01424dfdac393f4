"""Products of lines: the areas as a table, the polygons as one GeoJSON feature a line."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

from liveseg.exports.areas import COLUMNS, rows
from liveseg.exports.polygons import features
from liveseg.products.file import FileProduct

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from typing import Any

    from liveseg.exports.areas import Area
    from liveseg.exports.polygons import Polygon
    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation


class AreasTable(FileProduct):
    """The area of each class in each frame: CSV, or JSON Lines where the name ends in `.jsonl`.

    One row a class and frame; the columns are those of `liveseg.exports.areas.COLUMNS`. Whole lines are in the file as
    soon as `write` returns.
    """

    def __init__(self, path: Path, source: str, *, overwrite: bool) -> None:
        self._csv = path.suffix.lower() == ".csv"
        super().__init__(path, source, overwrite=overwrite, head=_csv([COLUMNS]) if self._csv else b"")

    def prepare(self, found: Segmentation) -> list[Area]:
        """The areas, with the mean confidences where there are confidences."""
        return found.areas(confidence=has_confidence(found))

    def write(self, result: Result, prepared: list[Area]) -> None:
        """Append the rows of a frame."""
        table = rows(prepared, result.frame_index, result.segmentation.timestamp)
        with self._writing() as file:
            file.write(_csv(row.values() for row in table) if self._csv else json_lines(table))


class PolygonLines(FileProduct):
    """The regions of each frame as GeoJSON features, one a line: newline-delimited GeoJSON, as GDAL reads it.

    Each feature's properties say its frame and time. Whole lines are in the file as soon as `write` returns.
    """

    def prepare(self, found: Segmentation) -> list[Polygon]:
        """The regions."""
        return found.polygons()

    def write(self, result: Result, prepared: list[Polygon]) -> None:
        """Append the features of a frame."""
        with self._writing() as file:
            file.write(json_lines(features(prepared, result.frame_index, result.segmentation.timestamp)))


def has_confidence(found: Segmentation) -> bool:
    """Whether it is known how sure the network was: not where the mask came from a file without confidences."""
    return found.logits is not None or found.stored_confidence is not None


def json_lines(records: Iterable[dict[str, Any]]) -> bytes:
    """Records as JSON, one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _csv(table: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue().encode()
