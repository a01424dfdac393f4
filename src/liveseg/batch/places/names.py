"""Names of files within a place: relative, with `/` between folders, and never leading out of it."""

from __future__ import annotations

import re

from liveseg.errors import UsageError

_DRIVE = re.compile(r"\A[A-Za-z]:")
MARK = ".partial"
"""Stands before the extension of a file that is still being written, as `liveseg.files` has it."""


def checked(name: str) -> str:
    """A name as it is, once it is known to stay within its place.

    Raises:
        UsageError: it is empty, absolute, holds `..`, an empty part, a backslash or a NUL.
    """
    parts = name.split("/")
    if not name or any(part in {"", ".", ".."} for part in parts) or "\\" in name or "\0" in name or _DRIVE.match(name):
        raise UsageError(
            f"{name!r} is no name of a file within its folder; it has to be relative, with / between folders and no .."
        )
    return name


def checked_folder(under: str) -> str:
    """The name of a folder within a place, without a `/` at its end; "" is the place itself.

    Raises:
        UsageError: as `checked`.
    """
    under = under.removesuffix("/")
    return checked(under) if under else ""


def is_unfinished(name: str) -> bool:
    """Whether a name, without its folders, is that of a file which `LocalPlace` had not finished."""
    return name.startswith(".") and MARK in name
