"""What can be wrong with a set of labelled photos: each kind with what it means for training and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from os import PathLike

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Problem:
    """Something wrong with a data set.

    Args:
        kind: a name for it, one of `KINDS`.
        severity: `error` where it would spoil what is trained or measured, which then does not start.
        file: the file that it is about, or the data set where it is about all of it.
        message: what is wrong.
        remedy: what to do.
    """

    kind: str
    severity: Severity
    file: str
    message: str
    remedy: str

    def to_json(self) -> dict[str, Any]:
        """The problem as JSON data."""
        return asdict(self)


KINDS: dict[str, tuple[Severity, str]] = {
    "no-mask": ("error", "add the mask, or take the photo out"),
    "no-photo": ("warning", "add the photo, or take the mask out"),
    "unreadable-photo": ("error", "save the photo again, or take it out"),
    "unreadable-mask": ("error", "save the mask again, or take it out with its photo"),
    "jpeg-mask": ("error", "save the masks anew as PNG from where they were made; JPEG has blurred their values"),
    "unknown-index": ("error", "name the classes by --labels, translate them by --mapping, or mend the mask"),
    "unknown-colour": ("error", "give the colours as the palette of --labels, or save masks of class numbers"),
    "other-size": ("error", "make the mask of its photo's own size, without blending colours"),
    "all-ignored": ("warning", "label something in it, or take it out: nothing is learned from it"),
    "mask-in-colours": ("warning", "save masks with class numbers, as palette PNG; colours are read by the palette"),
    "turned-photo": ("warning", "see that its mask lies on it as viewers show it"),
    "huge-photo": ("warning", "scale it down with its mask: it is read anew in every epoch"),
    "tiny-photo": ("warning", "take it out, unless what is segmented later is as small"),
    "empty-class": ("warning", "add photos with it, or take it out of the labels"),
    "rare-class": ("warning", "add photos with it, or do not trust its scores"),
    "nothing-to-learn": ("error", "label more than one class"),
    "nothing-to-measure": ("error", "label something in them, or keep other photos to measure on"),
    "only-in-training": ("warning", "move photos with it to validation: its quality cannot be told"),
    "only-in-validation": ("warning", "move photos with it to training: it cannot be learned"),
    "other-classes": ("error", "give both the same classes by --labels or --mapping"),
    "same-photo": ("warning", "keep one of them: together they count several times"),
    "contradiction": ("warning", "keep the photo with the better mask"),
    "leak": ("error", "take it out of one of them: what was learned by heart looks like quality"),
    "near-leak": ("warning", "look at them and keep such photos on one side, or scores are too good"),
}
"""Each kind of problem: how bad it is, and what to do."""


def problem(kind: str, file: str | PathLike[str], message: str, remedy: str | None = None) -> Problem:
    """A problem of a known kind, with the remedy of its kind unless there is a better one."""
    severity, usual = KINDS[kind]
    return Problem(kind, severity, str(file), message, remedy or usual)
