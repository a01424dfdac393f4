"""Which file a mask file was made from: told by its content, not by its name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import MediaError, SourceNotFoundError

if TYPE_CHECKING:
    from os import PathLike

_PIECE = 1 << 20
"""How many bytes of the begin and of the end are hashed: enough for two files to differ, quick for any size."""


@dataclass(frozen=True)
class Identity:
    """What a source is known by.

    Args:
        name: what it was called; a file of another name may be the same one.
        bytes: its size; `None` where the source was no file.
        sha256: of its first and its last MiB, in hexadecimal; of a file under 2 MiB, of the whole. `None` likewise.
    """

    name: str
    bytes: int | None = None
    sha256: str | None = None

    @property
    def known(self) -> bool:
        """Whether it can be compared: a camera cannot."""
        return self.sha256 is not None

    def same_as(self, other: Identity) -> bool:
        """Whether both are known and the same file, whatever it is called."""
        return self.known and (self.bytes, self.sha256) == (other.bytes, other.sha256)


def identity_of(path: str | PathLike[str]) -> Identity:
    """The identity of a file.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: it cannot be read.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            digest = hashlib.sha256(file.read(_PIECE))
            size = path.stat().st_size
            file.seek(max(size - _PIECE, min(size, _PIECE)))
            digest.update(file.read(_PIECE))
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {path}") from error
    except OSError as error:
        raise MediaError(f"cannot read {path}: {error.strerror}") from error
    return Identity(path.name, size, digest.hexdigest())
