"""What is counted and watched over time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class EventSettings:
    """What is counted and watched over time."""
