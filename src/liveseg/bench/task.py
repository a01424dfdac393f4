"""One measurement, as the process that makes it is told of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal

from liveseg.bench.combination import Combination

Kind = Literal["probe", "line", "network", "agreement", "flicker", "drawing", "streams", "limit"]


@dataclass(frozen=True, kw_only=True)
class Task:
    """One measurement.

    Args:
        do: which one.
        combination: what runs; of `limit` only its threads count.
        video: the source, a path.
        frames: how many count.
        warmup: how many come before them.
        encode: whether the frames are encoded into a file.
        reference: what masks are compared with; of `agreement`.
        streams: how many at the same time; of `streams`.
        seconds: how long; of `streams`.
        products: runtimes, precisions and devices whose matrix products are timed; of `limit`.
        begun: when the process was started, in seconds of `time.time`.
    """

    do: Kind
    combination: Combination
    video: str = ""
    frames: int = 0
    warmup: int = 0
    encode: bool = True
    reference: Combination | None = None
    streams: int = 0
    seconds: float = 0.0
    products: tuple[tuple[str, str, str], ...] = ()
    begun: float = 0.0

    def to_json(self) -> str:
        """The record as JSON text."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Task:
        """Read the record."""
        record = json.loads(text)
        record["combination"] = Combination(**record["combination"])
        if record["reference"] is not None:
            record["reference"] = Combination(**record["reference"])
        record["products"] = tuple((name, precision, device) for name, precision, device in record["products"])
        return cls(**record)
