"""What a mask file says of itself, and how that is kept in the container's tags."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from liveseg.errors import MediaError, WeightsError
from liveseg.labels import LabelSet
from liveseg.maskfile.identity import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FORMAT = 1
"""The version of the record; a reader refuses a newer one."""

TAG = "liveseg"
"""The container's tag that the record begins in."""

_MOST = 1000
"""Bytes of one tag's value: FFmpeg's reader of NUT gives up at 1024."""


@dataclass(frozen=True, kw_only=True)
class MaskHeader:
    """What a mask file says of itself.

    Args:
        labels: what its class indices mean.
        width: of the masks in pixels, as the source is shown: rotation and sample aspect ratio applied.
        height: likewise.
        time_base: seconds a unit of the source's `pts`.
        source: what the masks were made from.
        rate: masks a second on average; `None` where unknown.
        duration: seconds that the source announced; `None` where unknown.
        confidence: whether the file has a confidence for each pixel.
        offset: what was taken from the source's `pts`, in units of `time_base`: 0 but where they begin below 0.
        grid: rows and columns of the network's output that the first mask was made from, which say how coarse its
            borders are; `None` where unknown.
        ran: what made the masks: `model`, `size`, `runtime` and `precision`.
    """

    labels: LabelSet
    width: int
    height: int
    time_base: Fraction
    source: Identity
    rate: Fraction | None = None
    duration: Fraction | None = None
    confidence: bool = False
    offset: int = 0
    grid: tuple[int, int] | None = None
    ran: Mapping[str, str | int] = field(default_factory=dict)

    def to_tags(self) -> dict[str, str]:
        """The record as tags: a title for people and JSON for programs, in pieces that every reader takes."""
        record = {
            "format": FORMAT,
            **{name: getattr(self, name) for name in ("width", "height", "confidence", "offset")},
            **{name: _text(getattr(self, name)) for name in ("time_base", "rate", "duration")},
            "grid": self.grid,
            "source": asdict(self.source),
            "ran": dict(self.ran),
            "labels": self.labels.to_json(),
        }
        text = json.dumps(record, separators=(",", ":"))  # ASCII, so that pieces are as long as their bytes
        pieces = [text[start : start + _MOST] for start in range(0, len(text), _MOST)]
        model = f" by {self.ran['model']}" if "model" in self.ran else ""
        title = f"Masks of {self.source.name}{model}: grey levels are {len(self.labels)} classes"
        return {"title": title[:250]} | dict(zip(_tag_names(), pieces, strict=False))

    @classmethod
    def from_tags(cls, tags: Mapping[str, str], name: str) -> MaskHeader:
        """Read the record.

        Args:
            tags: of the container.
            name: of the file, for messages.

        Raises:
            MediaError: there is none, or one that cannot be read.
        """
        pieces = []
        for tag in _tag_names():
            if tag not in tags:
                break
            pieces.append(tags[tag])
        if not pieces:
            raise MediaError(f"{name} is no mask file; `liveseg run VIDEO --save mask` makes one")
        try:
            record: dict[str, Any] = json.loads("".join(pieces))
            if record["format"] > FORMAT:
                raise MediaError(f"{name} was made by a newer liveseg (format {record['format']}); upgrade liveseg")
            header = cls(
                labels=LabelSet.from_json(record["labels"]),
                source=Identity(**record["source"]),
                time_base=Fraction(record["time_base"]),
                rate=_fraction(record["rate"]),
                duration=_fraction(record["duration"]),
                grid=_grid(record["grid"]),
                ran=dict(record["ran"]),
                **{own: record[own] for own in ("width", "height", "confidence", "offset")},
            )
        except MediaError:
            raise
        except (KeyError, TypeError, ValueError, ArithmeticError, WeightsError) as error:
            raise MediaError(f"{name} is a mask file whose metadata cannot be read: {error!r}") from error
        whole = all(type(number) is int for number in (header.width, header.height, header.offset))
        if not whole or min(header.width, header.height) < 1 or header.time_base <= 0:
            raise MediaError(f"{name} is a mask file whose metadata makes no sense: {header.width}x{header.height}")
        return header


def _tag_names() -> Iterator[str]:
    yield TAG
    number = 1
    while True:
        number += 1
        yield f"{TAG}_{number}"


def _text(number: Fraction | None) -> str | None:
    return None if number is None else str(number)


def _grid(numbers: list[int] | None) -> tuple[int, int] | None:
    if numbers is None:
        return None
    rows, columns = numbers
    if not all(type(number) is int and number > 0 for number in (rows, columns)):
        raise ValueError(f"a grid of {rows} x {columns}")
    return rows, columns


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)
