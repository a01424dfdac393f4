"""What is saved of each source."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SaveSettings:
    """What is saved of each source."""
