"""What a user's own weights file says of itself: class names, palette, contract, beside it or in its header.

A safetensors header is read by the format's own definition (8 bytes little-endian length, then that many
bytes of JSON; https://huggingface.co/docs/safetensors): PyTorch is not needed and nothing is executed. The
metadata of an ONNX file is read by its runtime; a `.pth` file has none.
"""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from liveseg.contract import METADATA_KEY, ModelContract
from liveseg.errors import WeightsError, WeightsUnavailableError
from liveseg.labels import LabelSet

if TYPE_CHECKING:
    from pathlib import Path

HEADER_LIMIT = 100_000_000
"""The longest header in bytes, as in the format's reference implementation."""


def read_labels(path: Path) -> LabelSet | None:
    """The class names and palette of a weights file, `None` where nothing states them.

    The first of `FILE.json`, `<stem>.json` and `labels.json` in its folder counts: labels as
    `LabelSet.from_json` takes them, or a whole contract as `ModelContract.to_json` writes it. Where there is
    none, the header of a `.safetensors` does.

    Raises:
        WeightsUnavailableError: no such weights file.
        WeightsError: labels or a header that cannot be read; the message names the file.
    """
    _must_exist(path)
    beside = _read_beside(path)
    if isinstance(beside, ModelContract):
        return beside.labels
    if beside is not None:
        return beside
    stated = _read_header_contract(path)
    return stated.labels if stated else None


def contract_of(path: Path) -> ModelContract | None:
    """The contract of a weights file, from the same places as its labels; `None` where nothing states it.

    Labels that lie beside the file take the place of those in its header.

    Raises:
        WeightsUnavailableError: no such weights file.
        WeightsError: labels, a contract or a header that cannot be read; the message names the file.
    """
    _must_exist(path)
    beside = _read_beside(path)
    if isinstance(beside, ModelContract):
        return beside
    stated = _read_header_contract(path)
    return replace(stated, labels=beside) if stated and beside else stated


def safetensors_header(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: each tensor's `dtype`, `shape` and `data_offsets`, and the metadata.

    Raises:
        WeightsError: a file that is none, is cut off, or claims a header beyond its own size or 100 MB.
    """
    try:
        with path.open("rb") as file:
            prefix = file.read(8)
            room = path.stat().st_size - 8
            length = struct.unpack("<Q", prefix)[0] if len(prefix) == 8 else 0
            if not 2 <= length <= min(room, HEADER_LIMIT):
                raise WeightsError(f"{path} is no safetensors file, or is cut off in its header")
            text = file.read(length)
        header = json.loads(text.decode("utf-8"))
    except WeightsError:
        raise
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"the safetensors header of {path} is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise WeightsError(f"the safetensors header of {path} is no JSON object")
    return header


def _must_exist(path: Path) -> None:
    if not path.is_file():
        raise WeightsUnavailableError(f"no weights file {path}; check the path given to --weights")


def _read_header_contract(path: Path) -> ModelContract | None:
    if path.suffix.lower() != ".safetensors":
        return None
    metadata = safetensors_header(path).get("__metadata__", {})
    record = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else metadata
    if record is None:
        return None
    if not isinstance(record, str):
        raise WeightsError(f"the safetensors metadata of {path} must be texts, as the format has it")
    return _contract(record, path)


def _read_beside(path: Path) -> LabelSet | ModelContract | None:
    candidates = (
        path.with_name(path.name + ".json"),
        path.with_suffix(".json"),
        path.with_name("labels.json"),
    )
    for file in candidates:
        if not file.is_file():
            continue
        try:
            text = file.read_text(encoding="utf-8-sig")  # some editors begin a file with a byte order mark
            data = json.loads(text)
        except OSError as error:
            raise WeightsError(f"cannot read {file}: {error.strerror or error}") from error
        except (ValueError, RecursionError) as error:
            raise WeightsError(f"{file} is no JSON: {error}") from error
        return _contract(text, file) if isinstance(data, dict) and "labels" in data else _labels(data, file)
    return None


# Beyond what the two readers report themselves, JSON can hold numbers too large and nesting too deep.
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)


def _labels(data: object, file: Path) -> LabelSet:
    try:
        return LabelSet.from_json(data)
    except _UNREADABLE as error:
        raise WeightsError(f"{file}: {error}") from error


def _contract(text: str, file: Path) -> ModelContract:
    try:
        return ModelContract.from_json(text)
    except _UNREADABLE as error:
        raise WeightsError(f"{file}: {error}") from error
