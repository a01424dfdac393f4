"""How good masks are: scores on labelled photos, and of videos how much they flicker.

The names of the first kind are imported when they are first used: they bring the whole line with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from liveseg.evaluate.flicker import FlickerMeter, FlickerScore, flicker

if TYPE_CHECKING:
    from liveseg.evaluate.engine import evaluate, evaluate_masks, evaluation_of_record
    from liveseg.evaluate.options import EvalOptions
    from liveseg.evaluate.result import Evaluation, load_evaluation

_HOMES = {
    "EvalOptions": "options",
    "Evaluation": "result",
    "evaluate": "engine",
    "evaluate_masks": "engine",
    "evaluation_of_record": "engine",
    "load_evaluation": "result",
}

__all__ = [
    "EvalOptions",
    "Evaluation",
    "FlickerMeter",
    "FlickerScore",
    "evaluate",
    "evaluate_masks",
    "evaluation_of_record",
    "flicker",
    "load_evaluation",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'liveseg.evaluate' has no attribute {name!r}")
    return getattr(import_module(f"liveseg.evaluate.{_HOMES[name]}"), name)
