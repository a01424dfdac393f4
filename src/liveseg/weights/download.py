"""Download of published weights: resumed, verified, atomic, and one process at a time.

This module imports the HTTP client; what only asks whether a file is here takes `integrity` instead.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from liveseg.errors import UsageError, WeightsUnavailableError
from liveseg.weights.home import OFFLINE_VARIABLE, offline, weights_folder
from liveseg.weights.integrity import note, sha256, verify
from liveseg.weights.patience import PATIENCE, Patience, Progress
from liveseg.weights.transfer import (
    BrokenOffError,
    FailedDownloadError,
    RefusedError,
    StaleError,
    discard,
    fetch,
    held,
    storing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from liveseg.weights.catalogue import WeightsFile

__all__ = ["MIRROR_VARIABLE", "FailedDownloadError", "address", "download", "verify"]

MIRROR_VARIABLE = "LIVESEG_WEIGHTS_URL"
"""The address of a mirror: an http or https folder that holds the catalogue's files under their own names."""

_OTHER_ADDRESS = f"{MIRROR_VARIABLE} names the address of a mirror, if there is a better one"

_HEADWAY = 1 << 20
"""Bytes that a failed attempt must bring beyond all earlier ones to be forgiven."""


def address(entry: WeightsFile) -> str:
    """Where an entry is fetched from: its published address, or the mirror of `LIVESEG_WEIGHTS_URL`.

    Raises:
        UsageError: a mirror that is no http or https address.
    """
    mirror = os.environ.get(MIRROR_VARIABLE, "").strip()
    if not mirror:
        return entry.url
    try:
        parts = urlsplit(mirror)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        shown = mirror.rpartition("@")[2]  # without a password
        raise UsageError(f"{MIRROR_VARIABLE} is a mirror's http or https address, not {shown!r}")
    return f"{mirror.rstrip('/')}/{entry.filename}"


def download(entry: WeightsFile, *, progress: Progress | None = None, patience: Patience = PATIENCE) -> Path:
    """Make sure that the cache holds an entry's file, whole and verified, and give its path.

    What has arrived lies in `NAME.partial` beside the target until it is whole; an interrupted download
    leaves it there, and the next call goes on from it. Of several processes one downloads, the others wait.

    Args:
        entry: what to fetch.
        progress: called with the bytes that are here and the whole size, as far as known.
        patience: how often and how long to try.

    Raises:
        UsageError: `LIVESEG_WEIGHTS_URL` is no http or https address.
        WeightsUnavailableError: `LIVESEG_OFFLINE` forbids it.
        DownloadError: refused, failed after its retries, not the published bytes, or no room on the disk.
    """
    target = weights_folder() / entry.filename
    state = verify(entry)
    if state == "ok":
        return target
    if offline():
        found = "is not in the cache" if state == "missing" else "is corrupt in the cache"
        raise WeightsUnavailableError(f"{entry.filename} {found} and {OFFLINE_VARIABLE} forbids the network")
    url = address(entry)

    with _alone(target):
        if verify(entry) == "ok":
            return target
        partial = target.with_name(target.name + ".partial")
        digest = _complete(entry, url, partial, progress, patience)
        with storing(target):
            # Without it a power cut could leave the final name on a file of zeros.
            with partial.open("rb+") as file:
                os.fsync(file.fileno())
            partial.replace(target)
        discard(partial)
        note(target, digest)
    return target


@contextlib.contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Wait until no other process or thread downloads the same file."""
    lock = FileLock(target.with_name(target.name + ".lock"))
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _complete(entry: WeightsFile, url: str, partial: Path, progress: Progress | None, patience: Patience) -> str:
    """Bring the partial file to its full length, see that it is the published file, and give its SHA-256."""
    with requests.Session() as session:
        # Wrong bytes may stem from what an earlier call left, so the second round begins afresh.
        for _round in range(2):
            _fill(entry, url, partial, progress=progress, patience=patience, session=session)
            digest, length = _digest(partial), held(partial)
            if digest.startswith(entry.sha256_prefix):
                return digest
            discard(partial)
    raise FailedDownloadError.because(
        f"{_failed(entry, url)}: the {length:,} bytes that came are not the published ones"
        f" (sha256 {digest[:8]}…, published {entry.sha256_prefix[:8]}…)",
        _OTHER_ADDRESS,
    )


def _fill(
    entry: WeightsFile,
    url: str,
    partial: Path,
    *,
    session: requests.Session,
    progress: Progress | None,
    patience: Patience,
) -> None:
    """Request, and go on requesting, until the partial file has its full length."""
    failures, farthest, answered = 0, held(partial), False
    timeout = (patience.connect_timeout, patience.read_timeout)
    while entry.size is None or held(partial) < entry.size:
        try:
            fetch(session, url, partial, size=entry.size, timeout=timeout, progress=progress)
        except RefusedError as error:
            raise FailedDownloadError.because(f"{_failed(entry, url)}: {error}", _OTHER_ADDRESS) from error
        except BrokenOffError as error:
            length = held(partial)
            # A kill can come between the last byte and the renaming, and a server can state too great a
            # length: where the size is unknown, the hash alone says whether anything is wanting.
            if entry.size is None and length and _digest(partial).startswith(entry.sha256_prefix):
                return
            if isinstance(error, StaleError):
                discard(partial)
            answered = answered or error.answered
            failures = 1 if length - farthest >= _HEADWAY else failures + 1
            farthest = max(farthest, length)
            if failures >= (patience.attempts if answered else min(patience.attempts, patience.unreachable)):
                kept = held(partial)
                remedy = f"the next try goes on from {kept:,} bytes" if kept else "check the connection"
                raise FailedDownloadError.because(f"{_failed(entry, url)}: {error}", remedy) from error
            patience.wait(failures, error.wait)
        else:
            return


def _digest(partial: Path) -> str:
    with storing(partial):
        return sha256(partial)


def _failed(entry: WeightsFile, url: str) -> str:
    # The host alone: a mirror's address may hold a password.
    return f"cannot download {entry.filename} from {urlsplit(url).hostname}"
