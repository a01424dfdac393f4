"""A table of areas over time, for all sources of a run, written while they run."""

from __future__ import annotations

import contextlib
import csv
import io
import json
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.events.event import iso
from liveseg.events.lines import LineFile
from liveseg.exports.areas import rows
from liveseg.files import sink_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from fractions import Fraction
    from pathlib import Path

    from liveseg.exports.areas import Area

COLUMNS = ("source", "frame", "timestamp", "time", "zone", "class_index", "class", "pixels", "share")
"""The columns: those of `liveseg.exports.areas`, without the confidence, which would cost a softmax a frame, and with

`source`: what the source is called, without passwords; `time`: when the frame of a live source arrived, by this
machine's clock, in ISO 8601; `zone`: the zone that the area is part of, empty for the whole picture. `share` is that of
the zone's pixels, where there is a zone.
"""

SUFFIXES = (".csv", ".jsonl")


class AreaFile:
    """Adds the areas of frames to a file, CSV or JSON lines by its extension; several threads may.

    Args:
        path: the file.
        overwrite: replace one that is there.
        resume: go on with one that is there: what it holds of a source that is no live one is not added again.

    Raises:
        UsageError: another extension, or no such table to go on with.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: it cannot be written there.
    """

    def __init__(self, path: Path, *, overwrite: bool = False, resume: bool = False) -> None:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"--areas writes CSV or JSON lines; end {path} in {' or '.join(SUFFIXES)}")
        self._csv = path.suffix.lower() == ".csv"
        self._is_new = not path.exists()
        resume = resume and path.is_file()
        self._done = _last_frames(path, is_csv=self._csv) if resume else {}
        goes_on = resume and path.stat().st_size > 0
        head = ",".join(COLUMNS) + "\n" if self._csv and not goes_on else ""
        self._lines = LineFile(path, head=head, append=resume, overwrite=overwrite)
        self._empty = True

    def add(
        self,
        source: str,
        frame: int,
        timestamp: Fraction | None,
        arrived: datetime | None,
        areas: Mapping[str | None, Sequence[Area]],
    ) -> None:
        """Add the rows of a frame, at once.

        Args:
            source: its source's name.
            frame: its number.
            timestamp: its presentation time in seconds; `None` for a picture.
            arrived: when it arrived; `None` where it was not live.
            areas: those of each zone by its name, and of the whole picture by `None`.

        Raises:
            SinkError: they cannot be written.
        """
        if arrived is None and frame <= self._done.get(source, -1):
            return
        own = {"source": source, "time": None if arrived is None else iso(arrived)}
        records = [
            {**row, **own, "zone": zone} for zone, found in areas.items() for row in rows(found, frame, timestamp)
        ]
        text = io.StringIO()
        if self._csv:
            table = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
            table.writerows(records)
        else:
            for record in records:
                text.write(json.dumps({name: record[name] for name in COLUMNS}, ensure_ascii=False) + "\n")
        self._lines.add(text.getvalue())
        self._empty = False

    def close(self) -> None:
        """Close the file, and remove it where it is new and no row was added; may be called twice."""
        self._lines.close()
        if self._empty and self._is_new:
            # A run that failed before its first frame would be in the way of the next one.
            with contextlib.suppress(OSError):
                self._lines.path.unlink()


def _last_frames(path: Path, *, is_csv: bool) -> dict[str, int]:
    """The number of the last frame of each source in a table; a last line that is not whole is cut off."""
    found: dict[str, int] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = (line for line in file if line.endswith("\n"))
            for row in csv.DictReader(lines) if is_csv else map(json.loads, lines):
                if tuple(row) != COLUMNS:
                    raise KeyError
                found[row["source"]] = max(int(row["frame"]), found.get(row["source"], 0))
        with path.open("r+b") as whole:
            whole.truncate(sum(len(line) for line in whole if line.endswith(b"\n")))
    except OSError as error:
        raise sink_error(path, error) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise UsageError(
            f"--areas with --skip-existing goes on with a table of areas, which {path} is not; name another file"
        ) from error
    return found
