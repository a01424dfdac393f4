"""Globs over paths below a folder: `*`, `?`, `[…]` within a part, and `**` for folders of any depth."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from fnmatch import translate
from functools import lru_cache

_MAGIC = re.compile(r"[*?\[]")
_MAGIC_IN_HTTP = re.compile(r"\*")


def has_magic(text: str, *, http: bool = False) -> bool:
    """Whether a text is a glob; in the address of a web server only `*` is special."""
    return (_MAGIC_IN_HTTP if http else _MAGIC).search(text) is not None


@dataclass(frozen=True)
class Pattern:
    """A glob for paths relative to a folder.

    Args:
        parts: what stands between the `/`.
    """

    parts: tuple[str, ...]

    def matches(self, relative: str) -> bool:
        """Whether a path is one that it stands for."""
        return _matches(self.parts, tuple(relative.split("/")), whole=True)

    def may_hold(self, folder: str) -> bool:
        """Whether a folder can have matches below it."""
        return _matches(self.parts, tuple(folder.split("/")), whole=False)

    @property
    def spells_extension(self) -> bool:
        """Whether it says which extension it wants."""
        extension = os.path.splitext(self.parts[-1])[1]  # noqa: PTH122 - a part of a pattern is no path
        return bool(extension) and not has_magic(extension)


def _matches(pattern: tuple[str, ...], path: tuple[str, ...], *, whole: bool) -> bool:
    if not path:
        return all(part == "**" for part in pattern) if whole else bool(pattern)
    if not pattern:
        return False
    first = pattern[0]
    if first == "**":
        if _matches(pattern[1:], path, whole=whole):
            return True
        # A last `**` stands for all below; no `**` stands for hidden folders.
        return not path[0].startswith(".") and _matches(pattern, path[1:], whole=whole)
    return _part_matches(first, path[0]) and _matches(pattern[1:], path[1:], whole=whole)


def _part_matches(pattern: str, part: str) -> bool:
    if part.startswith(".") and not pattern.startswith("."):
        return False
    return _compiled(pattern).match(os.path.normcase(part) if os.name == "nt" else part) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(os.path.normcase(pattern) if os.name == "nt" else pattern))
