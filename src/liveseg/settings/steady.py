"""How results are kept steady in time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class SteadySettings:
    """How results are kept steady in time."""
