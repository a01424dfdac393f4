"""What the scores are called, what each means, and how numbers with their intervals are written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from liveseg.pages.text import count

if TYPE_CHECKING:
    from liveseg.evaluate.result import Evaluation, Interval


@dataclass(frozen=True)
class Word:
    """A score for people.

    Args:
        title: what it is called.
        meaning: what it is, in two sentences.
    """

    title: str
    meaning: str


WORDS = {
    "miou": Word(
        "mIoU",
        "Of all pixels that are a class or were taken for it, the share that is both is its IoU; the mIoU is the mean"
        " over the classes. A class that is in no true mask and in no predicted one is left out of the mean.",
    ),
    "pixel_accuracy": Word(
        "pixel accuracy",
        "The share of all pixels whose class is right. Large classes, mostly the background, decide it.",
    ),
    "class_accuracy": Word(
        "mean class accuracy",
        "Of each class's true pixels the share that was recognised, and of these shares the mean. It counts a small"
        " class as much as a large one, and does not mind what was wrongly taken for a class.",
    ),
    "boundary_f": Word(
        "boundary F",
        "How well the borders of classes lie: the share of predicted border pixels near a true one and of true ones"
        " near a predicted one, as their harmonic mean. Near is within 0.75 % of the photo's diagonal.",
    ),
    "ece": Word(
        "calibration error",
        "How far the network's confidence is from how often it is right, on average over all pixels (expected"
        " calibration error, 15 bins). At 0 the pixels it is 80 % sure of are right in 80 % of the cases.",
    ),
}
"""By the names of `Evaluation.scores`."""

INTERVAL = (
    "The interval says where the number would lie, 19 times of 20, with other photos of the same kind: the photos"
    " are drawn anew many times, with repetition, and the number computed each time (bootstrap). It does not cover"
    " photos of another kind, nor mistakes in the true masks."
)

PAIRED = (
    "Each is held against the first, photo by photo: the same photos are drawn anew for both, so that what is hard for"
    " both cancels out. Where the interval of the difference holds 0, these photos do not tell the two apart."
)


def percent(score: Interval | None, digits: int = 1) -> str:
    """A share in per cent with its interval, as `36.0 (33.1 to 38.9)`; a dash for none."""
    if score is None:
        return "-"
    return f"{100 * score.value:.{digits}f}{interval(score, digits)}"


def interval(score: Interval, digits: int = 1) -> str:
    """The interval alone, as ` (33.1 to 38.9)`; nothing where there is none."""
    if score.low is None or score.high is None:
        return ""
    return f" ({100 * score.low:.{digits}f} to {100 * score.high:.{digits}f})"


def points(difference: Interval, digits: int = 1) -> str:
    """A difference in percentage points with its interval, as `+1.2 (-0.3 to +2.6)`."""
    alone = f"{100 * difference.value:+.{digits}f}"
    if difference.low is None or difference.high is None:
        return alone
    return f"{alone} ({100 * difference.low:+.{digits}f} to {100 * difference.high:+.{digits}f})"


def how_run(evaluation: Evaluation) -> str:
    """What ran, and how, in a few words."""
    if evaluation.size is None:
        return "masks from files"
    words = [f"{evaluation.model} at {evaluation.size} by {evaluation.runtime} in {evaluation.precision}"]
    if evaluation.device != "cpu":
        words.append(f"on {evaluation.device}")
    settings = evaluation.settings
    if settings.get("tta", "off") != "off":
        words.append(f"looking several times ({settings['tta']})")
    if settings.get("tile", "auto") not in ("auto", "off"):
        words.append(f"in tiles ({settings['tile']})")
    if settings.get("unknown") is not None:
        words.append(f"unknown below {settings['unknown']:.0%}")
    workers = f"{evaluation.workers} processes of " if evaluation.workers > 1 else ""
    words.append(f"{workers}{count(evaluation.threads, 'thread')}")
    return ", ".join(words)
