"""Lists of files and manifests with columns, line by line and row group by row group."""

from __future__ import annotations

import csv
import io
import os
import posixpath
import sys
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin

from liveseg.batch.listing.folders import stated
from liveseg.batch.listing.found import Found, is_media
from liveseg.batch.listing.inputs import STDIN
from liveseg.batch.listing.names import given_name, name_of
from liveseg.batch.listing.opening import opened
from liveseg.batch.listing.ordered import in_threads
from liveseg.batch.listing.trees import relative_of
from liveseg.batch.listing.unique import Unique
from liveseg.batch.places import NotStoredError, StorageError
from liveseg.batch.places.address import HTTP, clean, local_path, scheme_of
from liveseg.batch.places.remote import RemotePlace
from liveseg.batch.report import FAILURE_COLUMNS
from liveseg.batch.scratch import Scratch
from liveseg.errors import LivesegError, MissingExtraError, SourceNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from liveseg.batch.listing.inputs import Input

_LOCATIONS = ("location", "path", "url")
_ROWS = 4096
_QUESTIONS = 16
"""Files of a list that stores are asked about at a time."""

Row = tuple[str, str | None, str | None]
"""Location, name and version, as a list has them; no name is "" where there is a column for it, else `None`."""


def listed_in(given: Input, options: Mapping[str, Any] | None) -> Iterator[Found]:
    """The files that a list or manifest names, in its order.

    Paths are relative to the list. One that is missing stays in, for the worker to report it. Versions that the list
    does not have are asked for.

    Raises:
        UsageError: a manifest without a column of locations, a location that cannot be, two names alike.
        SourceNotFoundError: an empty list.
        StorageError: a list that cannot be read.
    """
    return with_facts(_found(given, options), options)


def with_facts(found: Iterable[Found], options: Mapping[str, Any] | None) -> Iterator[Found]:
    """Files with what their stores say of them, where neither a listing nor their names do."""
    return in_threads(found, partial(_asked, options=options), threads=_QUESTIONS, needed=_is_to_be_asked)


def _is_to_be_asked(file: Found) -> bool:
    return scheme_of(file.location) is not None and not (file.version and is_media(file.relative))


def _found(given: Input, options: Mapping[str, Any] | None) -> Iterator[Found]:
    number, unique, before = 0, Unique(), None
    try:
        with _here(given, options) as path:
            for number, row in enumerate(_rows(given, path), 1):
                if row == before:
                    continue  # as in a list of failures, which names a video for each of its pieces that failed
                before = location, name, version = row
                try:
                    file = _located(given.base, location)
                except UsageError as error:
                    raise UsageError(f"entry {number:,} of {given.text}: {error}") from error
                if version:
                    file = replace(file, version=version)
                if name is not None:
                    called = given_name(name) if name else name_of(file.relative)
                    unique.take(called, f"entry {number:,} of {given.text}")
                yield replace(file, name=name) if name else file
    finally:
        unique.close()
    if not number:
        raise SourceNotFoundError(f"{given.text} names no files")


def _located(base: str, location: str) -> Found:
    path = local_path(location)
    if path is None:
        address = clean(location)
        return Found(address, _below(base, address))
    if scheme_of(base) is not None:
        if posixpath.isabs(path):
            raise UsageError(f"{location!r} is a path of this machine, which a list from elsewhere cannot name")
        address = _joined(base, path)
        return Found(address, _below(base, address))
    if "\0" in path:
        raise UsageError(f"{location!r} holds a NUL, which no path does")
    absolute = os.path.normpath(os.path.join(base, os.path.expanduser(path)))  # noqa: PTH111, PTH118
    relative = _below(base, absolute)
    try:
        found = stated(absolute, relative)
    except StorageError:
        found = None  # whoever reads it says what is wrong with it
    return found or Found(absolute, relative)


def _joined(base: str, path: str) -> str:
    """The address of a path relative to that of its list's folder."""
    if scheme_of(base) in HTTP:
        return urljoin(f"{base}/", path)
    scheme, rest = base.split("://", 1)
    parts = rest.split("/")
    for part in path.split("/"):
        if part == "..":
            if len(parts) == 1:
                raise UsageError(f"{path!r} leads out of the bucket of its list")
            parts.pop()
        elif part != ".":
            parts.append(part)
    return f"{scheme}://{'/'.join(parts)}"


def _below(base: str, location: str) -> str:
    """The path of a location relative to its list; elsewhere its whole path in a folder of its own."""
    scheme = scheme_of(location)
    text, before = (
        (location, f"{base}/") if scheme else (location.replace(os.sep, "/"), f"{base}/".replace(os.sep, "/"))
    )
    if text.startswith(before) and scheme_of(base) == scheme:
        relative = _read(text[len(before) :], scheme)
        # So that no path of the list can have the name of one from elsewhere.
        return f"_{relative}" if relative.startswith("_") and "/" in relative else relative
    if scheme is None:
        drive, rest = os.path.splitdrive(text)
        return "/".join(["_file", *filter(None, (drive.strip("/:").replace("/", "_"), rest.strip("/")))])
    return f"_{scheme}/{_read(text.partition('://')[2], scheme)}"


def _read(rest: str, scheme: str | None) -> str:
    if scheme not in HTTP:
        return rest
    folder, slash, _ = rest.partition("?")[0].rpartition("/")
    return f"{unquote(folder)}{slash}{relative_of(f'http://{rest}')}"


def _asked(file: Found, options: Mapping[str, Any] | None) -> Found:
    place, name = opened(file.location, options)
    if not isinstance(place, RemotePlace):
        return file
    try:
        facts = place.facts(name)
    except LivesegError:
        return file  # whoever reads it says what is wrong with it
    return replace(file, version=file.version or facts.version, size=facts.size, media_type=facts.media_type)


def asked_outright(file: Found, options: Mapping[str, Any] | None) -> Found:
    """What a store says of a file that was named by itself.

    Raises:
        SourceNotFoundError: there is none.
        StorageError: it cannot be had.
        UsageError: neither its address nor the server says what it is.
    """
    place, name = opened(file.location, options)
    if not isinstance(place, RemotePlace):
        return file
    try:
        facts = place.facts(name)
    except NotStoredError as error:
        raise SourceNotFoundError(str(error)) from error
    kind = (facts.media_type or "").partition("/")[0]
    if not is_media(file.relative) and kind not in {"image", "video"}:
        raise UsageError(
            f"{file.location} has no extension that says whether it is an image or a video; the server says"
            f" {facts.media_type or 'nothing'}. Name it in a list (@list.txt) to have it taken for an image"
        )
    return replace(file, version=facts.version, size=facts.size, media_type=facts.media_type)


@contextmanager
def _here(given: Input, options: Mapping[str, Any] | None) -> Iterator[Path | None]:
    """A list as a file of this machine; one from elsewhere is fetched whole, for it is read during the run."""
    if given.path == STDIN:
        yield None
    elif not given.is_remote:
        yield Path(given.path)
    else:
        place, name = opened(given.path, options)
        with Scratch("list") as folder:
            path = folder / "list"
            place.fetch(name, path)
            yield path


def _rows(given: Input, path: Path | None) -> Iterator[Row]:
    try:
        if given.shape == "parquet" and path is not None:
            yield from _parquet(given, path)
        elif given.shape == "csv" and path is not None:
            as_written = _is_of_failures(path)
            errors = "surrogateescape" if as_written else "strict"
            with path.open(encoding="utf-8-sig", errors=errors, newline="") as file:
                yield from _csv(given, file, as_written=as_written)
        elif path is None:
            yield from _lines(io.TextIOWrapper(sys.stdin.buffer, "utf-8-sig", "surrogateescape"))
        else:
            with path.open(encoding="utf-8-sig", errors="surrogateescape") as file:
                yield from _lines(file)
    except UnicodeDecodeError as error:
        raise UsageError(f"{given.text} is not UTF-8; save it as UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{given.text} cannot be read as CSV: {error}") from error
    except LivesegError:
        raise
    except OSError as error:
        raise StorageError(f"cannot read {given.text}: {error.strerror or error}") from error


def _lines(file: io.TextIOBase) -> Iterator[Row]:
    for line in file:
        if location := line.rstrip("\r\n"):
            yield location, None, None


def _is_of_failures(path: Path) -> bool:
    """Whether it is a list of failures as a run writes it: with names as they are, whatever bytes they are made of."""
    head = f"{','.join(FAILURE_COLUMNS)}\r\n".encode("ascii")
    with path.open("rb") as file:
        return file.read(len(head)) == head


def _csv(given: Input, file: io.TextIOBase, *, as_written: bool) -> Iterator[Row]:
    head = file.readline()
    separator = max(",;\t", key=head.count)
    columns = next(csv.reader([head], delimiter=separator), [])
    chosen = _columns(given, columns)
    for row in csv.reader(file, delimiter=separator):
        if row:
            cells = row if as_written else [cell.strip() for cell in row]
            location, name, version = (
                (cells[columns.index(column)] if columns.index(column) < len(cells) else "") if column else None
                for column in chosen
            )
            if location:
                yield location, name, version or None


def _parquet(given: Input, path: Path) -> Iterator[Row]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise MissingExtraError("Parquet needs another package: pip install 'liveseg[batch]'") from error
    try:
        with pq.ParquetFile(path, memory_map=True, pre_buffer=False) as table:
            chosen = _columns(given, table.schema_arrow.names)
            for batch in table.iter_batches(_ROWS, columns=[column for column in chosen if column]):
                values = [batch.column(column).to_pylist() if column else [None] * len(batch) for column in chosen]
                for location, name, version in zip(*values, strict=True):
                    if location:
                        named = None if chosen[1] is None else str(name or "")
                        yield str(location), named, None if version is None else str(version)
    except pa.ArrowException as error:
        raise UsageError(f"{given.text} cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from error


def _columns(given: Input, columns: list[str]) -> tuple[str, str | None, str | None]:
    """The columns of locations, names and versions; the last two may be missing."""
    known = {column.strip().lower(): column for column in columns}
    location = next((known[name] for name in _LOCATIONS if name in known), None)
    if location is None:
        shown = ", ".join(columns[:10]) or "none"
        raise UsageError(
            f"{given.text} has no column called location, path or url (it has {shown}); name the one with the files so"
        )
    return location, known.get("name"), known.get("version")
