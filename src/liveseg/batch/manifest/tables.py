"""Records as rows of Parquet files, which any tool for tables reads."""

from __future__ import annotations

import re
from contextlib import contextmanager
from importlib import import_module
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any

from liveseg.batch.manifest.contents import Table
from liveseg.batch.manifest.errors import ManifestError
from liveseg.batch.manifest.latest import Known
from liveseg.batch.manifest.layout import FORMAT
from liveseg.batch.records import Record
from liveseg.batch.scratch import Scratch
from liveseg.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from liveseg.batch.places import Place

GROUP_ROWS = 16_384
BATCH_ROWS = 2_048
"""Rows that are Python's objects at once, which take fifty times the memory of Arrow's."""
FILE_ROWS = 1 << 20
LATEST = "latest"
"""The column that says whether a row holds; the others are kept for what comes later."""

_NOT_UNICODE = re.compile("[\0\ud800-\udfff]")
_ESCAPED = re.compile("\0([0-9a-f]{4})")
_MICROSECONDS = 1_000_000


def arrow() -> Any:
    """PyArrow, and in it `parquet`.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import_module("pyarrow.parquet")
        return import_module("pyarrow")
    except ImportError as error:
        raise MissingExtraError("a batch needs PyArrow: pip install 'liveseg[batch]'") from error


def schema() -> Any:
    """The columns: a record's fields by their names, and `latest`."""
    pa = arrow()
    text, few = pa.string(), pa.dictionary(pa.int32(), pa.string())
    always = {"nullable": False}
    return pa.schema(
        [
            pa.field("name", text, **always),
            pa.field("kind", few, **always),
            pa.field("status", few, **always),
            pa.field(LATEST, pa.bool_(), **always),
            pa.field("identifier", text, **always),
            pa.field("location", text, **always),
            pa.field("version", text, **always),
            pa.field("piece", pa.int32()),
            pa.field("pieces", pa.int32()),
            pa.field("attempts", pa.int32(), **always),
            pa.field("error_kind", few),
            pa.field("error", text),
            pa.field("outputs", pa.list_(text), **always),
            pa.field("bytes_in", pa.int64(), **always),
            pa.field("bytes_out", pa.int64(), **always),
            pa.field("frames", pa.int64(), **always),
            pa.field("pixels", pa.int64(), **always),
            pa.field("seconds", pa.map_(text, pa.float64()), **always),
            pa.field("areas", pa.map_(text, pa.int64()), **always),
            pa.field("model", few, **always),
            pa.field("settings", few, **always),
            pa.field("worker", few, **always),
            pa.field("finished", pa.timestamp("us", tz="UTC"), **always),
        ],
        metadata={"liveseg_manifest": str(FORMAT)},
    )


class TableWriter:
    """Writes rows, sorted by name, into Parquet files of a million rows each and commits every one when it is full.

    Args:
        place: the destination.
        name_of: the name of the n-th file in it.
        committed: told of each file.
    """

    def __init__(self, place: Place, name_of: Callable[[int], str], committed: Callable[[Table], None]) -> None:
        self._place = place
        self._name_of = name_of
        self._committed = committed
        self._schema = schema()
        self._rows: list[tuple[Record, bool]] = []
        self._batches: list[Any] = []
        self._path: Path | None = None
        self._writer: Any = None
        self._made = self._written = 0
        self._first = self._last = ""
        self._folder = Scratch("tables")

    def write(self, rows: Iterable[tuple[Record, bool]]) -> None:
        """Take all that is known of one name, which stays in one file; each row with whether it holds."""
        if self._written >= FILE_ROWS:
            self.flush()
        for record, latest in rows:
            self._first = self._first if self._written else record.name
            self._last = record.name
            self._rows.append((record, latest))
            self._written += 1
        if len(self._rows) >= BATCH_ROWS:
            self._batch()
        if sum(map(len, self._batches)) >= GROUP_ROWS:
            self._write_group()

    def flush(self) -> None:
        """End the file that was begun, if any, and commit it."""
        self._batch()
        self._write_group()
        if self._writer is None or self._path is None:
            return
        self._writer.close()
        name = self._name_of(self._made)
        size = self._place.commit(self._path, name)
        self._path.unlink(missing_ok=True)
        self._committed(Table(name, self._written, size, self._first, self._last))
        self._writer, self._written, self._made = None, 0, self._made + 1

    def close(self) -> None:
        """Leave nothing behind, whether or not all was committed."""
        if self._writer is not None:
            self._writer.close()
        self._folder.cleanup()

    def _batch(self) -> None:
        if self._rows:
            columns = [_column(field, self._rows) for field in self._schema]
            self._batches.append(arrow().record_batch(columns, schema=self._schema))
            self._rows = []

    def _write_group(self) -> None:
        if not self._batches:
            return
        pa = arrow()
        if self._writer is None:
            self._path = self._folder.path / "table.parquet"
            self._writer = pa.parquet.ParquetWriter(self._path, self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_batches(self._batches, self._schema))
        self._batches = []


def _column(field: Any, rows: list[tuple[Record, bool]]) -> Any:
    pa = arrow()
    if field.name == LATEST:
        return pa.array([latest for _, latest in rows], field.type)
    cells = list(map(attrgetter(field.name), map(itemgetter(0), rows)))
    if field.name == "finished":
        cells = [round(seconds * _MICROSECONDS) for seconds in cells]
    elif pa.types.is_list(field.type):
        cells = [[escaped(text) for text in texts] for texts in cells]
    elif pa.types.is_map(field.type):
        cells = [[(escaped(name), value) for name, value in mapping.items()] for mapping in cells]
    elif pa.types.is_string(field.type) or pa.types.is_dictionary(field.type):
        cells = [text and escaped(text) for text in cells]
    return pa.array(cells, field.type)


@contextmanager
def opened(place: Place, table: Table) -> Iterator[Any]:
    """A Parquet file of a destination, fetched to a temporary folder while it is read.

    Raises:
        FileNotFoundError: it is not there any more.
        ManifestError: it is damaged.
    """
    pa = arrow()
    with Scratch("tables") as folder:
        path = folder / "table.parquet"
        place.fetch(table.file, path)
        try:
            with pa.parquet.ParquetFile(path) as file:
                yield file
        except pa.ArrowInvalid as error:
            raise ManifestError(f"{place.address}/{table.file} is damaged: {error}") from error


_OUTCOME = ("piece", "pieces", "identifier", "settings", "status", "attempts", "error_kind")


def outcomes(place: Place, table: Table) -> Iterator[tuple[str, Known]]:
    """What decides of the records of one Parquet file, with their names."""
    pa = arrow()
    with opened(place, table) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["name", *_OUTCOME, "finished"]):
            finished = batch.column("finished").cast(pa.int64()).to_pylist()
            values = (batch.column(name).to_pylist() for name in ("name", *_OUTCOME))
            for name, *row, moment in zip(*values, finished, strict=True):
                piece, pieces, identifier, settings, status, attempts, kind = row
                seconds = moment / _MICROSECONDS
                yield unescaped(name), Known(piece, pieces, identifier, settings, status, seconds, attempts, kind)


_COLUMNS = tuple(name for name in Record.__dataclass_fields__ if name != "finished")


def rows(place: Place, table: Table) -> Iterator[Record]:
    """The records of one Parquet file, in its order."""
    pa = arrow()
    with opened(place, table) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=[*_COLUMNS, "finished"]):
            finished = batch.column("finished").cast(pa.int64()).to_pylist()
            values = (batch.column(name).to_pylist() for name in _COLUMNS)
            for *row, moment in zip(*values, finished, strict=True):
                yield _record(dict(zip(_COLUMNS, row, strict=True)), moment / _MICROSECONDS)


def _record(told: dict[str, Any], finished: float) -> Record:
    for name, value in told.items():
        if isinstance(value, str):
            told[name] = unescaped(value)
    told["outputs"] = tuple(map(unescaped, told["outputs"]))
    for name in ("seconds", "areas"):
        told[name] = {unescaped(key): value for key, value in told[name]}
    return Record(**told, finished=finished)


def escaped(text: str) -> str:
    """Text that is valid Unicode: what is not, in the names of some files, as NUL and four hexadecimal digits."""
    return text if text.isprintable() else _NOT_UNICODE.sub(lambda found: f"\0{ord(found[0]):04x}", text)


def unescaped(text: str) -> str:
    """What `escaped` was given."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\0" in text else text
