"""What the record of every measurement says of where it comes from, and where it goes."""

from __future__ import annotations

import json
import re
import shlex
import sys
from typing import TYPE_CHECKING, Any

from liveseg.bench.machine import commit, describe_machine
from liveseg.tuning.machine import versions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_FOLDERS = re.compile(r"(?<![^=,:\s])(?:[A-Za-z]:)?[\\/](?:[^=,\\/]+[\\/](?!$))*")
"""Those of the absolute paths in a word, but for one that a path ends with."""


def command_line(program: str, arguments: Iterable[str]) -> str:
    """The command line for the record; of absolute paths only the last part, as folders are nobody else's business.

    Args:
        program: what stands before the arguments, as it is shown.
        arguments: as they were typed.
    """
    return " ".join([program, *(shlex.quote(_FOLDERS.sub("", word)) for word in arguments)])


def surroundings(also: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The machine with its load at this moment, the versions and the commit: call it before anything is measured.

    Args:
        also: further versions, by name.
    """
    return {"machine": describe_machine(), "versions": {**versions(), **(also or {})}, "commit": commit()}


def write_record(record: Mapping[str, Any], path: Path | None = None) -> None:
    """Write a record as JSON into a file, whose folder is made; without one to standard output."""
    text = json.dumps(record, indent=2) + "\n"
    if path is None:
        sys.stdout.write(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
