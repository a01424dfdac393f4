"""Who holds a destination, and whether that process of this machine is alive."""

from __future__ import annotations

import json
import platform
import tempfile
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from filelock import FileLock, Timeout

from liveseg.batch.manifest.layout import FORMAT


@dataclass(frozen=True, kw_only=True)
class Holder:
    """What the lock says of who holds it.

    Args:
        owner: what the run calls itself.
        host: its machine.
        process: its number there.
        nonce: tells it from every other.
        since: seconds since 1970, by its own clock; shown to people, compared with nothing.
        seconds: of silence, after which others may take over.
        beat: counts up while it lives.
        released: whether it has ended in good order.
    """

    owner: str
    host: str
    process: int
    nonce: str
    since: float
    seconds: float
    beat: int = 0
    released: bool = False

    def to_json(self) -> bytes:
        """As the file that says so."""
        return (json.dumps(asdict(self) | {"format": FORMAT}) + "\n").encode()

    @classmethod
    def from_json(cls, data: bytes) -> Holder | None:
        """Read what `to_json` wrote; `None` where it is damaged."""
        try:
            told = json.loads(data)
            return cls(**{own.name: told[own.name] for own in fields(cls)})
        except (ValueError, TypeError, KeyError):
            return None

    def __str__(self) -> str:
        since = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.since))
        return f"{self.owner} (process {self.process} on {self.host}, since {since})"


def this_host() -> str:
    """What this machine is called."""
    return platform.node() or "localhost"


def sign_of_life(nonce: str) -> FileLock:
    """A lock of this machine's own, which the system releases when the process ends, however it ends."""
    return FileLock(_path(nonce), timeout=0, thread_local=False)


def forget(nonce: str) -> None:
    """Remove the sign of life of a run that has ended."""
    _path(nonce).unlink(missing_ok=True)


def alive_here(holder: Holder, host: str) -> bool | None:
    """Whether a holder's process lives, where this machine can tell; else `None`.

    More than its number is asked for, since numbers are given again, and containers with the same name may see others.
    """
    if holder.host != host or not _path(holder.nonce).exists():
        return None
    sign = sign_of_life(holder.nonce)
    try:
        sign.acquire()
    except Timeout:
        return True
    except OSError:
        return None  # another user's: then only its silence tells
    sign.release()
    return False


def _path(nonce: str) -> Path:
    return Path(tempfile.gettempdir()) / f"liveseg-run-{nonce}.lock"
