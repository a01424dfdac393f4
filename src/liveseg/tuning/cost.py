"""What a frame costs on this machine, and the rate of the whole line that follows from it.

The line overlaps its stages: a thread decodes, `parallel` workers segment and draw, the caller's thread encodes, and
each of these may use further threads inside. So it is as fast as its scarcest resource lets it be:

    rate = min(cores / core seconds of all stages, parallel / seconds of a worker, 1 / seconds of decoding,
               1 / seconds of encoding)

where core seconds are processor time, all threads counted, and seconds are wall time, measured with as many networks
side by side as the line will run. Several streams share the result evenly.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from liveseg.contract import ModelContract
from liveseg.tuning.governor import Rung

if TYPE_CHECKING:
    from collections.abc import Sequence

WAITING_PLACES = 3
"""How many frames of a live source wait while one is segmented: in the line's place, at its door, and in the source."""


@dataclass(frozen=True)
class Cost:
    """What one stage does to a frame.

    Args:
        wall: seconds that it takes.
        cores: core seconds, the processor time of all its threads.
    """

    wall: float
    cores: float


NOTHING = Cost(0.0, 0.0)


@dataclass(frozen=True)
class Fit:
    """Seconds as a straight line over the pixels of the network's input: `base + per_pixel * pixels`.

    Args:
        base: seconds, at least 0.
        per_pixel: seconds a pixel, at least 0.
        deviation: the largest distance of a measured value from the line, as a share of the value.
    """

    base: float
    per_pixel: float
    deviation: float

    def __call__(self, pixels: int) -> float:
        """Seconds for an input of so many pixels."""
        return self.base + self.per_pixel * pixels


def fit(points: Sequence[tuple[int, float]]) -> Fit:
    """The straight line nearest to `(pixels, seconds)`, relative distances squared; one point fits through zero."""
    pixels, seconds = np.array(points, np.float64).T
    # Relative distances, so that small inputs are fitted as well as large ones.
    x, one = pixels / seconds, 1 / seconds
    slope, base = np.linalg.lstsq(np.stack((x, one), axis=1), np.ones_like(x))[0] if len(points) > 1 else (0.0, -1.0)
    if slope < 0:
        slope, base = 0.0, one.sum() / (one @ one)
    elif base < 0:
        slope, base = x.sum() / (x @ x), 0.0
    deviation = np.abs(slope * x + base * one - 1).max()
    return Fit(float(base), float(slope), float(deviation))


@dataclass(frozen=True)
class Sample:
    """What one size of input cost a network, resizing and mask included.

    Args:
        size: the shorter side of the input, in pixels.
        pixels: of the input.
        wall: seconds a frame.
        cores: core seconds a frame.
    """

    size: int
    pixels: int
    wall: float
    cores: float


@dataclass(frozen=True)
class EngineCost:
    """What a network costs on a runtime in a precision.

    Args:
        runtime: what really ran it.
        precision: the arithmetic that was really used.
        device: where it really ran.
        contract: how it is fed.
        samples: what was measured, by rising size.
    """

    runtime: str
    precision: str
    device: str
    contract: ModelContract
    samples: tuple[Sample, ...]

    @property
    def wall(self) -> Fit:
        """Seconds a frame over the pixels of the input."""
        return fit([(sample.pixels, sample.wall) for sample in self.samples])

    @property
    def cores(self) -> Fit:
        """Core seconds a frame over the pixels of the input."""
        return fit([(sample.pixels, sample.cores) for sample in self.samples])

    def to_json(self) -> dict[str, Any]:
        """The record as JSON data."""
        return asdict(self) | {
            "contract": self.contract.to_json(),
            "samples": [asdict(sample) for sample in self.samples],
        }

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> EngineCost:
        """Read the record.

        Raises:
            KeyError: something is missing.
            TypeError: something is of another type.
            ValueError: numbers that are no costs; a contract that cannot be read.
        """
        samples = tuple(Sample(**sample) for sample in record["samples"])
        if not samples or not all(min(each.pixels, each.wall, each.cores) > 0 for each in samples):
            raise ValueError("a network without measured times")
        texts = {name: str(record[name]) for name in ("runtime", "precision", "device")}
        return cls(**texts, contract=ModelContract.from_json(record["contract"]), samples=samples)


@dataclass(frozen=True)
class LineCost:
    """What the rest of the line costs, whatever the network.

    Args:
        decode: reading a frame.
        render: drawing its classes.
        encode: writing it; nothing where nothing is written.
    """

    decode: Cost
    render: Cost
    encode: Cost

    @classmethod
    def from_json(cls, record: dict[str, Any]) -> LineCost:
        """Read what `dataclasses.asdict` made; raises as `EngineCost.from_json`."""
        costs = {name: Cost(**{key: float(value) for key, value in record[name].items()}) for name in _STAGES}
        if not all(0 <= cost.wall < 1e4 and 0 <= cost.cores < 1e4 for cost in costs.values()):
            raise ValueError("times that are none")
        return cls(**costs)


_STAGES = ("decode", "render", "encode")


@dataclass(frozen=True)
class Line:
    """How the line is set up.

    Args:
        cores: how many it may use.
        parallel: how many frames are segmented at the same time.
        streams: how many sources share it.
        live: whether a frame not taken in time is lost.
    """

    cores: int
    parallel: int
    streams: int = 1
    live: bool = False


def rung(engine: EngineCost, rest: LineCost, line: Line, pixels: int, every: int = 1) -> Rung:
    """What the line does with a network at an input of `pixels`, one frame of `every` segmented."""
    busy = engine.wall(pixels)
    pace = line.parallel / (busy / every + rest.render.wall)
    if line.live:
        # While one frame is segmented only so many wait; where more are to reuse its mask, the others are lost.
        pace = min(pace, line.parallel * WAITING_PLACES / (busy + rest.render.wall))
    cores = engine.cores(pixels) / every + rest.decode.cores + rest.render.cores + rest.encode.cores
    slowest = max(cores / line.cores, 1 / pace, rest.decode.wall, rest.encode.wall)
    return Rung(busy, pace / line.streams, 1 / slowest / line.streams, cores)
