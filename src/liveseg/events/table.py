"""Reading tables of areas again: those of `--areas` and of `--save areas`."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.events.area_file import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

_NEEDED = ("timestamp", "class", "share")


@dataclass(frozen=True, eq=False)
class Course:
    """How the areas of one source, or of one zone of it, went over time.

    Args:
        source: its name; empty where the table does not say.
        zone: the zone's name; empty for the whole picture.
        times: of the frames, in seconds, ascending, `(N,)`.
        shares: of each class in each frame, `(N,)`, in [0, 1]; 0 where the class was not in the frame.
    """

    source: str
    zone: str
    times: NDArray[np.float64]
    shares: dict[str, NDArray[np.float64]]


def check_table(path: Path) -> None:
    """See that there is a file that may be a table of areas, by its name.

    Raises:
        SourceNotFoundError: there is no such file.
        UsageError: another extension.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"{path} is no table of areas; name a file that ends in {' or '.join(SUFFIXES)}")
    if not path.is_file():
        raise SourceNotFoundError(f"no such file: {path}; write one by liveseg run … --areas {path.name}")


def read_courses(path: Path) -> list[Course]:
    """Read a table of areas; rows of pictures, which have no time, are left out.

    A last line that is not whole, as a killed run may leave it, is left out as well.

    Raises:
        SourceNotFoundError: there is no such file.
        UsageError: another extension.
        MediaError: a file that is no table of areas, or holds no times.
    """
    check_table(path)
    found: dict[tuple[str, str], dict[float, dict[str, float]]] = {}
    pictures = 0
    try:
        for number, row in enumerate(_rows(path), 1):
            if row["timestamp"] in ("", None):
                pictures += 1
                continue
            if row["share"] is None:
                raise MediaError(f"{path} cannot be read as a table of areas: row {number} is not whole")
            time, share = float(row["timestamp"]), float(row["share"])
            if not (math.isfinite(time) and math.isfinite(share)):
                raise MediaError(f"{path} cannot be read as a table of areas: row {number} holds what is no number")
            course = found.setdefault((str(row.get("source") or ""), str(row.get("zone") or "")), {})
            course.setdefault(time, {})[str(row["class"])] = share
    except MediaError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, OSError, csv.Error) as error:
        raise MediaError(f"{path} cannot be read as a table of areas: {error}") from error
    if not found:
        why = "only pictures, which have no time" if pictures else "no rows"
        raise MediaError(f"{path} holds {why}; write a table of a video by liveseg run VIDEO --areas FILE")
    return [_course(*key, frames) for key, frames in found.items()]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    # Spreadsheets put a byte order mark before what they save.
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = _whole(file)
        if path.suffix.lower() == ".jsonl":
            yield from map(json.loads, lines)
            return
        table = csv.DictReader(lines)
        missing = [name for name in _NEEDED if name not in (table.fieldnames or ())]
        if missing:
            raise MediaError(f"{path} is no table of areas: it has no column {missing[0]!r}")
        yield from table


def _whole(lines: Iterable[str]) -> Iterator[str]:
    return (line for line in lines if line.endswith("\n"))


def _course(source: str, zone: str, frames: dict[float, dict[str, float]]) -> Course:
    times = sorted(frames)
    names = dict.fromkeys(name for time in times for name in frames[time])
    shares = {name: np.array([frames[time].get(name, 0.0) for time in times]) for name in names}
    return Course(source, zone, np.array(times), shares)
