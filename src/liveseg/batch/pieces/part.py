"""What is kept of a piece that is done, beside its files: enough to join it to the others."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

_FORMAT = 1


class SeamError(LivesegError, ValueError):
    """Pieces that do not fit together, so that the video has to be taken whole."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece that is done.

    Args:
        settings: hash of everything that decides the outputs.
        index: of the piece.
        count: of all pieces.
        time_base: seconds a unit of the video's times.
        rate: its frames a second on average; `None` where unknown.
        cuts: when its first frame, and the first after it, are shown; see `PieceSource`.
        broken_off: why reading the video ended before the piece did, if it did.
        pts: when each of its frames is shown, in units of `time_base`.
        pixels: of its frames, at the source's size.
        areas: pixels of each class by its name.
        model: that segmented it.
        files: their names in the piece's folder, one for each thing that is saved; none for a piece without frames.
        notes: what the user should know.
    """

    settings: str
    index: int
    count: int
    time_base: Fraction
    rate: Fraction | None
    cuts: tuple[int | None, int | None]
    pts: tuple[int, ...]
    broken_off: str | None = None
    pixels: int = 0
    areas: Mapping[str, int] = field(default_factory=dict)
    model: str = ""
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """As it is kept."""
        record: dict[str, Any] = {"format": _FORMAT} | asdict(self)
        record |= {"time_base": str(self.time_base), "rate": None if self.rate is None else str(self.rate)}
        return json.dumps(record, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """As it was kept.

        Raises:
            SeamError: it cannot be read.
        """
        try:
            record = json.loads(data)
            if record["format"] != _FORMAT:
                raise SeamError(f"a piece was kept by another liveseg (format {record['format']})")
            own = {each.name: record[each.name] for each in fields(cls)}
            begin, end = own["cuts"]
            own |= {name: tuple(own[name]) for name in ("pts", "files", "notes")}
            own |= {"cuts": (begin, end), "time_base": Fraction(own["time_base"])}
            return cls(**own | {"rate": None if own["rate"] is None else Fraction(own["rate"])})
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            if isinstance(error, SeamError):
                raise
            raise SeamError(f"what was kept of a piece cannot be read: {error!r}") from error


def check_seams(parts: Sequence[Part]) -> None:
    """See that parts are all of one video's, made alike, and that none of its frames is missing or there twice.

    Raises:
        SeamError: they are not.
    """
    if not parts:
        raise SeamError("there are no pieces to join")
    first = parts[0]
    for index, part in enumerate(parts):
        alike = (part.settings, part.count, part.time_base, part.rate, part.model or first.model)
        if alike != (first.settings, first.count, first.time_base, first.rate, first.model) or part.index != index:
            raise SeamError(f"piece {index} was not made as the first one was")
    if len(parts) != first.count:
        raise SeamError(f"there are {len(parts)} of {first.count} pieces")
    _check_cuts(parts)
    pts = [moment for part in parts for moment in part.pts]
    if not pts:
        raise SeamError("not one piece has frames")
    if any(later <= earlier for earlier, later in pairwise(pts)):
        raise SeamError("the pieces overlap, or the video's clock was set back")


def _check_cuts(parts: Sequence[Part]) -> None:
    for part in parts:
        if part.broken_off is not None:
            raise SeamError(f"piece {part.index} could not be read to its end ({part.broken_off})")
    for before, after in pairwise(parts):
        if before.cuts[1] != after.cuts[0]:
            raise SeamError(
                f"piece {before.index} ends at {before.cuts[1]}, but the next one begins at {after.cuts[0]}"
            )
    if parts[-1].cuts[1] is not None:
        raise SeamError("the last piece does not go to the end")
