"""Which Parquet files make up the manifest: a numbered list, of which the highest holds.

A new list is created under the next number, and only if that is free: so it takes effect with one PUT, and of two that
would both be the next, one is refused, wherever files can be created on the condition that they are new.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from liveseg.batch.manifest.errors import ManifestError
from liveseg.batch.manifest.layout import FORMAT, LISTS, number_of, numbered

if TYPE_CHECKING:
    from liveseg.batch.places import Place


@dataclass(frozen=True)
class Table:
    """One Parquet file: its name in the destination, its rows and bytes, and the first and the last name in it."""

    file: str
    rows: int
    bytes: int
    first: str
    last: str


@dataclass(frozen=True)
class Contents:
    """The files in the order of the names in them, which do not overlap; generation 0 is the empty manifest."""

    generation: int = 0
    tables: tuple[Table, ...] = ()
    by: str = ""

    @property
    def name(self) -> str:
        """The file that says so."""
        return numbered(LISTS, self.generation)

    def after(self, tables: tuple[Table, ...], by: str) -> Contents:
        """What comes next, made `by` a compaction with that identifier."""
        return replace(self, generation=self.generation + 1, tables=tables, by=by)


def contents(place: Place) -> Contents:
    """What holds now.

    Raises:
        ManifestError: the list is damaged, or a newer liveseg wrote it.
    """
    while (newest := newest_number(place, LISTS)) is not None:
        name = numbered(LISTS, newest)
        try:
            data = place.read(name)
        except FileNotFoundError:
            continue  # a newer one has taken its place since the listing
        try:
            told = json.loads(data)
            if told["format"] > FORMAT:
                raise ManifestError("the manifest was written by a newer liveseg; upgrade this one")
            return Contents(newest, tuple(Table(**table) for table in told["tables"]), told["by"])
        except (ValueError, TypeError, KeyError) as error:
            raise ManifestError(f"{place.address}/{name} is damaged; delete it to go on without it") from error
    return Contents()


def publish(place: Place, new: Contents) -> bool:
    """Let a list take effect; false where another has become the next one."""
    told = {"format": FORMAT, "by": new.by, "tables": [asdict(table) for table in new.tables]}
    place.commit_bytes((json.dumps(told, indent=1) + "\n").encode(), new.name, only_new=True)
    # Its answer may have been lost on the way, and an old number may have become free again: only reading it is sure.
    now = contents(place)
    return (now.generation, now.by) == (new.generation, new.by)


def newest_number(place: Place, folder: str) -> int | None:
    """The highest number of the numbered files of a folder; `None` where there is none."""
    return max((number for name, _ in place.names(folder) if (number := number_of(name)) is not None), default=None)
