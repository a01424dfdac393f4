"""The learning rate as a function of the step, and nothing else: a resumed run needs no memory of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from liveseg.settings.train import Schedule

_POWER = 0.9
"""Of the polynomial, as in Chen et al., "DeepLab", 2016, section 4.1."""


def factor(step: int, steps: int, warmup: int, schedule: Schedule) -> float:
    """What the highest learning rate is multiplied by in a step, in (0, 1].

    Args:
        step: from 0 to `steps - 1`.
        steps: of the whole training.
        warmup: steps in which it rises, evenly.
        schedule: `poly`, a straight line but for its end, or `cosine`, half a wave (Loshchilov and Hutter, "SGDR",
            2017).
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    done = min((step - warmup) / max(steps - warmup, 1), 1.0)
    if schedule == "cosine":
        return 0.5 * (1 + math.cos(math.pi * done))
    return float((1 - done) ** _POWER)
