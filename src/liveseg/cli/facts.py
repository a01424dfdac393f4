"""What `liveseg info` knows of a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from liveseg.maskfile.summary import Presence


@dataclass
class Facts:
    """What is known of a file.

    Args:
        record: for machines.
        rows: for people: what it is called, and what it is.
        classes: those present, where the file is masks or was made from them.
    """

    record: dict[str, Any]
    rows: dict[str, str]
    classes: list[Presence] = field(default_factory=list)


def in_bytes(size: int) -> str:
    """A number of bytes, for people."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
