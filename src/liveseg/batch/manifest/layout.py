"""Where everything about a run stands in its destination, beside the outputs."""

from __future__ import annotations

import re
from urllib.parse import quote

STATE = "_liveseg"
"""The folder of a destination that holds no outputs."""

RUN = f"{STATE}/run.json"
RUNS = f"{STATE}/runs"
LOCK = f"{STATE}/lock"
SHARES = f"{STATE}/shares"
LOGS = f"{STATE}/logs"
LISTS = f"{STATE}/lists"
TABLES = f"{STATE}/manifest"
"""A folder of Parquet files and nothing else, so that tools take it as one table."""

FORMAT = 1
"""Raised when an older liveseg could no longer read what is written."""

_SHARE = re.compile(rf"{SHARES}/(\d+)/\d+")
_NUMBERED = re.compile(r"(?:^|/)(\d{6,})\.json$")


def share_folder(index: int, count: int) -> str:
    """Where a run on one share of the files keeps its lock."""
    return f"{SHARES}/{count}/{index}"


def share_of(name: str) -> tuple[str, int] | None:
    """The folder of a share's lock, and how many shares there are, by the name of a file in it."""
    found = _SHARE.search(name)
    return (found[0], int(found[1])) if found else None


def run_of(run: str) -> str:
    """The file that keeps the facts of one run."""
    return f"{RUNS}/{plain(run)}.json"


def log_folder(run: str, worker: str, nonce: str) -> str:
    """The folder that one worker, since it was started, writes its records to."""
    return f"{LOGS}/{plain(run)}/{plain(worker)}-{nonce}"


def numbered(folder: str, number: int) -> str:
    """A file whose number says what it comes after."""
    return f"{folder}/{number:06}.json"


def number_of(name: str) -> int | None:
    """The number of such a file; `None` for any other."""
    found = _NUMBERED.search(name)
    return int(found[1]) if found else None


def plain(word: str) -> str:
    """A word as a part of a name that every file system and every store takes."""
    return quote(word, safe="").replace("%", "=").replace(".", "=2E")
