"""Parts of a NumPy archive joined: each mask's compressed bytes as they are, under the frame's number in the video."""

from __future__ import annotations

import copy
import zipfile
from array import array
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.batch.pieces.part import SeamError
from liveseg.files import atomic_write

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

_LOCAL_HEADER = 30
"""Bytes of a member's own header before its name (APPNOTE.TXT 4.3.7)."""

_LEVEL = 6
_LAST = ("classes", "palette", "background")


def join_archive(parts: Sequence[tuple[Path, int]], target: Path) -> None:
    """Join archives that `MaskArchive` wrote.

    Args:
        parts: each with the number of its first frame.
        target: the archive.

    Raises:
        SeamError: one holds other masks than it lists.
        SinkError: it cannot be written.
    """
    frames, times = array("q"), array("q")
    with atomic_write(target, overwrite=True) as partial, ExitStack() as stack:
        file = stack.enter_context(partial.open("w+b"))
        joined = stack.enter_context(zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL))
        for path, first in parts:
            with path.open("rb") as raw, zipfile.ZipFile(raw) as part:
                own = _read(part, "frames")
                if list(own) != list(range(len(own))):
                    raise SeamError(f"{path.name} holds other masks than those of its own frames")
                for number in own.tolist():
                    member = part.getinfo(f"mask_{number:06}.npy")
                    _copy(raw, member, joined, file, f"mask_{first + number:06}.npy")
                frames.extend((own + first).tolist())
                times.extend(_read(part, "timestamps").reshape(-1).tolist())
                last = {name: _read(part, name) for name in _LAST}
        _add(joined, "frames", np.array(frames, np.int64))
        _add(joined, "timestamps", np.array(times, np.int64).reshape(-1, 2))
        for name, values in last.items():
            _add(joined, name, values)


def _copy(raw: BinaryIO, member: zipfile.ZipInfo, joined: zipfile.ZipFile, file: BinaryIO, name: str) -> None:
    """Copy a member without unpacking it."""
    raw.seek(member.header_offset)
    header = raw.read(_LOCAL_HEADER)
    raw.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    own = copy.copy(member)
    own.filename = own.orig_filename = name
    own.extra = b""
    file.seek(joined.start_dir)
    own.header_offset = file.tell()
    file.write(own.FileHeader(zip64=True))
    _copy_bytes(raw, file, member.compress_size)
    joined.filelist.append(own)
    joined.NameToInfo[name] = own
    joined.start_dir = file.tell()


def _copy_bytes(raw: BinaryIO, file: BinaryIO, size: int) -> None:
    for start in count(0, 1 << 20):
        if start >= size:
            return
        file.write(raw.read(min(size - start, 1 << 20)))


def _read(part: zipfile.ZipFile, name: str) -> np.ndarray[Any, Any]:
    with part.open(f"{name}.npy") as member:
        return np.asarray(np.lib.format.read_array(member, allow_pickle=False))


def _add(joined: zipfile.ZipFile, name: str, values: np.ndarray[Any, Any]) -> None:
    with joined.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array(member, values, allow_pickle=False)
