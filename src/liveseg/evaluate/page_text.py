"""What the pages of an evaluation say of it in more than one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liveseg.pages.text import cell

if TYPE_CHECKING:
    from liveseg.evaluate.result import Evaluation, Interval


def scored(text: str, score: Interval | None) -> str:
    """A cell of a table that is sorted by a score."""
    return cell(text, None if score is None else score.value)


def on_machine(evaluation: Evaluation) -> dict[str, str]:
    """Where and when it ran, and with what: for `pairs`."""
    machine = dict(evaluation.machine)
    versions = machine.pop("versions", {})
    told = {str(name): str(value) for name, value in machine.items() if isinstance(value, str | int | float)}
    return told | {"date": evaluation.date} | {str(name): str(value) for name, value in versions.items()}
