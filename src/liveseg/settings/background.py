"""What stands behind the foreground."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class BackgroundSettings:
    """What stands behind the foreground."""
