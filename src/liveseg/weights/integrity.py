"""Whether a cached file is the published one, without reading it all at every start.

What was hashed once is noted in `verified.json` with the file's size and time of change; as long as both stay
the same, the noted hash stands.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from liveseg.errors import WeightsError
from liveseg.weights.home import home, weights_folder

if TYPE_CHECKING:
    from liveseg.weights.catalogue import WeightsFile

NOTES = "verified.json"
"""The file in `home()` that remembers hashes; deleting it costs nothing but one more reading of each file."""


def verify(entry: WeightsFile) -> Literal["missing", "ok", "corrupt"]:
    """Whether the cache holds an entry's file, and whether its size and SHA-256 are the published ones.

    Raises:
        WeightsError: a file that is there and cannot be read.
    """
    path = weights_folder() / entry.filename
    try:
        if not path.is_file():
            return "missing"
        fingerprint = _fingerprint(path)
        if entry.size is not None and fingerprint[0] != entry.size:
            return "corrupt"
        digest = _noted(entry.filename, fingerprint)
        if digest is None:
            digest = sha256(path)
            note(path, digest, fingerprint)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}; put its permissions right") from error
    return "ok" if digest.startswith(entry.sha256_prefix) else "corrupt"


def sha256(path: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits in lower case."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def note(path: Path, digest: str, fingerprint: tuple[int, int] | None = None) -> None:
    """Remember the hash of a cached file, as far as the cache can be written."""
    # The notes only save time: where they cannot be kept, the file is hashed again at the next start.
    with contextlib.suppress(OSError):
        size, changed = fingerprint or _fingerprint(path)
        notes = _read_notes()
        notes[path.name] = {"size": size, "mtime_ns": changed, "sha256": digest}
        folder = home()
        handle, draft = tempfile.mkstemp(dir=folder, prefix=NOTES, suffix=".tmp")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(notes, file, indent=1)
            Path(draft).replace(folder / NOTES)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def _fingerprint(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def _noted(filename: str, fingerprint: tuple[int, int]) -> str | None:
    known = _read_notes().get(filename)
    if not isinstance(known, dict) or (known.get("size"), known.get("mtime_ns")) != fingerprint:
        return None
    digest = known.get("sha256")
    return digest if isinstance(digest, str) else None


def _read_notes() -> dict[str, Any]:
    try:
        notes = json.loads((home() / NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return notes if isinstance(notes, dict) else {}
