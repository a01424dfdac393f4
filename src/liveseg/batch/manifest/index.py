"""What is known of ten million files, asked for one at a time: an SQLite file that lives as long as the run."""

from __future__ import annotations

import hashlib
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, cast

from liveseg.batch.manifest.latest import RANKS, Known, current, part, weight
from liveseg.batch.scratch import Scratch

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from liveseg.batch.manifest.latest import Outcome
    from liveseg.batch.records import Identifier, Item, Record, Status

_BATCH = 50_000
_CACHE_KIB = 64 << 10
_STATUSES = cast("tuple[Status, ...]", tuple(RANKS))

_TABLE = """
CREATE TABLE outcomes (
    name BLOB, piece INTEGER, count INTEGER, identifier BLOB, settings INTEGER,
    rank INTEGER, finished REAL, attempts INTEGER, kind TEXT,
    PRIMARY KEY (name, piece, count, identifier, settings)
) WITHOUT ROWID
"""
_KEEP_HEAVIER = """
INSERT INTO outcomes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    rank = excluded.rank, finished = excluded.finished, attempts = excluded.attempts, kind = excluded.kind
WHERE (excluded.rank, excluded.finished, excluded.attempts, excluded.kind) > (rank, finished, attempts, kind)
"""


@dataclass(frozen=True)
class Found:
    """What is known of one file as it is now, under the settings that were asked about; all of it, or nothing.

    Args:
        whole: of the file, or of the joining of its pieces.
        parts: of its pieces, where it is not done yet, in their order.
    """

    whole: Known | None = None
    parts: tuple[Known, ...] = ()

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.whole is not None and self.whole.status == "done"

    @property
    def failed(self) -> bool:
        """Whether it, or a piece of it, failed the last time."""
        return any(each.status == "failed" for each in (*([self.whole] if self.whole else []), *self.parts))

    @property
    def pieces_there(self) -> frozenset[int]:
        """The pieces that are done and wait to be joined."""
        return frozenset(each.piece for each in self.parts if each.status == "part" and each.piece is not None)

    @property
    def count(self) -> int | None:
        """How many pieces it was divided into."""
        return self.parts[0].pieces if self.parts else None


class Index:
    """What holds for each name; made by `Manifest.index`, a context manager that removes its file.

    For one thread at a time. `add` takes what workers report, so that it stays true during a run.

    Args:
        folder: where its temporary file goes; the system's folder for such if left out.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = Scratch("index", folder)
        self.damaged = 0
        """Lines of the logs that could not be read."""
        self._database = sqlite3.connect(
            self._folder.path / "index.sqlite", isolation_level=None, check_same_thread=False
        )
        # If the process ends, the file is worth nothing: it is made again. So nothing is spent on keeping it whole.
        for setting in ("journal_mode=OFF", "synchronous=OFF", "locking_mode=EXCLUSIVE", f"cache_size=-{_CACHE_KIB}"):
            self._database.execute(f"PRAGMA {setting}")
        self._database.execute(_TABLE)
        if sys.platform != "win32":
            # Without a name it is gone with the process, even with one that is killed.
            self._folder.cleanup()
        self._numbers: dict[str, int] = {}
        self._hashes: list[str] = []
        self._waiting: list[tuple[object, ...]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove it."""
        self._database.close()
        self._folder.cleanup()

    @property
    def size(self) -> int:
        """Bytes of its file."""
        self._flush()
        (pages,), (each,) = (
            self._database.execute(f"PRAGMA {name}").fetchone() for name in ("page_count", "page_size")
        )
        return int(pages) * int(each)

    def add(self, records: Iterable[Record]) -> None:
        """Take records, in any order and any number of times."""
        for record in records:
            self.add_outcome(record.name, record)

    def add_outcome(self, name: str, outcome: Outcome) -> None:
        """Take what decides of a record."""
        piece, count = part(outcome)
        rank, finished, attempts, kind = weight(outcome)
        identifier = bytes.fromhex(outcome.identifier)
        settings = self._number(outcome.settings)
        # As it is after it was written and read, so that a report and its log are the same outcome.
        finished = round(finished, 6)
        self._waiting.append((_digest(name), piece, count, identifier, settings, rank, finished, attempts, kind))
        if len(self._waiting) >= _BATCH:
            self._flush()

    def find(self, item: Item | Record, settings: str) -> Found:
        """What is known of a file under some settings.

        Nothing, where what stands under its name was made from another version of it or with other settings.
        """
        self._flush()
        rows = self._database.execute("SELECT * FROM outcomes WHERE name = ?", (_digest(item.name),))
        now = current(map(self._known, rows))
        if not now or (now[0].identifier, now[0].settings) != (item.identifier, settings):
            return Found()
        whole = now[0] if now[0].piece is None else None
        return Found(whole, tuple(each for each in now if each.piece is not None))

    def status(self, item: Item | Record, piece: int | None = None, *, settings: str) -> Status | None:
        """The status of a file, or of one of its pieces; `None` where there is none under these settings."""
        found = self.find(item, settings)
        if piece is None:
            return found.whole.status if found.whole else None
        return next((each.status for each in found.parts if each.piece == piece), None)

    def made(self, name: str) -> bool:
        """Whether the outputs of that name are there, whatever version of the file and settings made them."""
        self._flush()
        wanted = (_digest(name), RANKS["done"])
        return (
            self._database.execute("SELECT 1 FROM outcomes WHERE name = ? AND rank = ?", wanted).fetchone() is not None
        )

    def parts(self, item: Item | Record, settings: str) -> frozenset[int]:
        """The pieces of a file that are done and wait to be joined."""
        return self.find(item, settings).pieces_there

    def counts(self, settings: str | None = None) -> Counter[Status]:
        """How many outcomes of each status hold: files, and pieces of files that are not joined yet.

        Args:
            settings: only those under these; all if left out.
        """
        return Counter(each.status for each in self.everything() if settings in (None, each.settings))

    def failures(self, settings: str | None = None) -> Counter[str]:
        """How many outcomes that hold are failures, by their kind."""
        return Counter(
            each.error_kind or "unknown"
            for each in self.everything()
            if each.status == "failed" and settings in (None, each.settings)
        )

    def everything(self) -> Iterator[Known]:
        """All that holds, in no order that means anything."""
        self._flush()
        with closing(self._database.execute("SELECT * FROM outcomes ORDER BY name")) as rows:
            for _, same in groupby(rows, itemgetter(0)):
                yield from current(map(self._known, same))

    def _flush(self) -> None:
        if not self._waiting:
            return
        # In the order of the tree's keys, which writes each of its pages once a batch.
        self._waiting.sort(key=itemgetter(0))
        self._database.execute("BEGIN")
        self._database.executemany(_KEEP_HEAVIER, self._waiting)
        self._database.execute("COMMIT")
        self._waiting = []

    def _known(self, row: tuple[bytes, int, int, bytes, int, int, float, int, str]) -> Known:
        _, piece, count, identifier, settings, rank, finished, attempts, kind = row
        whole = piece < 0
        return Known(
            None if whole else piece,
            None if whole else count,
            cast("Identifier", identifier.hex()),
            self._hashes[settings],
            _STATUSES[rank],
            finished,
            attempts,
            kind or None,
        )

    def _number(self, settings: str) -> int:
        """A small number for a hash that millions of rows share."""
        number = self._numbers.setdefault(settings, len(self._hashes))
        if number == len(self._hashes):
            self._hashes.append(settings)
        return number


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()
