"""How results are kept steady in time."""

from __future__ import annotations

from dataclasses import dataclass

from liveseg.settings.option import option

_STEADY = "Stability"


@dataclass(frozen=True, kw_only=True)
class SteadySettings:
    """How results are kept steady in time."""

    smooth: bool | None = option(
        None,
        "Steady the masks of videos and live sources over time.",
        shown="on; off where a GPU does the whole line",
        group=_STEADY,
    )
