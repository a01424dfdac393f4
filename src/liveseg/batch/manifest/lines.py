"""A record as one line of JSON, and back: the form in which workers write down what they did."""

from __future__ import annotations

import json
import re
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, get_args

from liveseg.batch.manifest.errors import ManifestError
from liveseg.batch.manifest.layout import FORMAT
from liveseg.batch.records import Kind, Record, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEFAULTS = {
    own.name: own.default if own.default_factory is MISSING else own.default_factory() for own in fields(Record)
}
_FIELDS = _DEFAULTS.keys()
_IDENTIFIER = re.compile("[0-9a-f]{32}")
_STATUSES = get_args(Status)
_KINDS = get_args(Kind)


def encode(record: Record) -> str:
    """A record as one line without its end: fields that have their default are left out, times end at microseconds."""
    told: dict[str, Any] = {"v": FORMAT}
    for name, default in _DEFAULTS.items():
        value = getattr(record, name)
        if value != default:
            told[name] = value
    told["finished"] = round(record.finished, 6)
    return _ENCODER.encode(told)


def decode(line: str | bytes) -> Record:
    """A record of its line; fields that are not known are left out, so that an older liveseg reads a newer one's.

    Raises:
        ValueError: the line is torn or damaged.
        ManifestError: it was written by a liveseg whose lines cannot be read any more.
    """
    told = json.loads(line)
    if not isinstance(told, dict):
        raise ValueError("not an object")  # noqa: TRY004 - damaged data, not a caller's mistake
    if isinstance(format_ := told.pop("v", FORMAT), int) and format_ > FORMAT:
        raise ManifestError("the manifest was written by a newer liveseg; upgrade this one")
    if not told.keys() <= _FIELDS:
        told = {name: value for name, value in told.items() if name in _FIELDS}
    try:
        # Each number gets the type that the tables give it, so that both ways of reading give equal records.
        told["finished"] = float(told.get("finished", 0.0))
        told["outputs"] = tuple(told.get("outputs", ()))
        told["seconds"] = {name: float(value) for name, value in told.get("seconds", {}).items()}
        told["areas"] = {name: int(value) for name, value in told.get("areas", {}).items()}
        record = Record(**told)
    except (TypeError, AttributeError, OverflowError) as error:
        raise ValueError("damaged") from error
    if not _sound(record):
        raise ValueError("damaged")
    return record


def trusted(line: str) -> Record:
    """A record of a line that `encode` has just made of a decoded one."""
    told = json.loads(line)
    del told["v"]
    told["outputs"] = tuple(told.get("outputs", ()))
    return Record(**told)


def records_of(data: bytes) -> Iterator[Record | None]:
    """The records of a log; `None` for each line that cannot be read, such as the last one of a worker that died."""
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            yield decode(line)
        except ValueError:
            yield None


def settled(record: Record) -> Record:
    """A record as it is after it was written and read."""
    return decode(encode(record))


def _plain(value: Any) -> Any:
    """What JSON has no word for: read-only mappings, and NumPy's numbers."""
    if hasattr(value, "items"):
        return dict(value.items())
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"a record cannot hold {type(value).__name__}")


def _sound(record: Record) -> bool:
    """Whether a line holds what its tables will take."""
    texts = (record.identifier, record.location, record.name, record.version, record.model, record.settings)
    large = (record.bytes_in, record.bytes_out, record.frames, record.pixels, *record.areas.values())
    small = (record.attempts, record.piece or 0, record.pieces or 0)
    maybe = (record.error or "", record.error_kind or "")
    return (
        {*map(type, (*texts, record.worker, *maybe, *record.outputs))} == {str}
        and {*map(type, (*large, *small))} == {int}
        and _IDENTIFIER.fullmatch(record.identifier) is not None
        and record.status in _STATUSES
        and record.kind in _KINDS
        and min(large) >= -(2**63)
        and max(large) < 2**63
        and min(small) >= 0
        and max(small) < 2**31
        and abs(record.finished) < 1e11
    )


# Letters outside of ASCII are escaped: names that are no valid Unicode survive, and no byte but the last is "\n".
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=_plain)
