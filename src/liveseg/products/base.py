"""The form of a product: something made of every result of a source."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from liveseg.media.frame import Committing

if TYPE_CHECKING:
    from pathlib import Path

    from liveseg.pipeline import Result
    from liveseg.segmentation import Segmentation


class Product(Committing):
    """Something made of every result of a source; a context manager that commits, or aborts.

    Args:
        path: the file that it will be; `None` where it is none.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.notes: list[str] = []

    def prepare(self, found: Segmentation) -> Any:
        """The part of the work that needs no order: run by the line's workers, several frames at the same time."""
        del found

    @abstractmethod
    def write(self, result: Result, prepared: Any) -> None:
        """Take a result and what `prepare` made of it; in the order of the frames, in one thread.

        A live source's placeholders are left out: nothing was looked for in them.
        """
