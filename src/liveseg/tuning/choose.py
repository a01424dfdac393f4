"""The best quality that reaches a target, and the ladder of levels around it.

**Quality** is mIoU in per cent on COCO val2017 with the labels of Pascal VOC. For `lite` the registry holds it by size,
measured (how, its card says). For torchvision's models only one number is published, at 520 pixels; their quality at
other sizes is *assumed* to fall as that of `lite` does, relative to each one's default size, and not to rise above it.
Weights of one's own count as 100 at their default size, and fall likewise.

**Precision.** Measured with the first `lite` on 343 photos of COCO and 409 of Pascal VOC at sizes 161, 225 and 289:
bfloat16 loses nothing (between 0.1 points less and 0.15 more), 8-bit integers keep 99.2 to 100.7 per cent of the mIoU.

**Every k-th frame.** Where nothing else reaches the target, the frames in between reuse the last mask, and their
quality counts for less: by as much as the mask of a frame agrees with those of earlier ones, in mIoU over the classes
that occur, averaged over six clips of 10 to 30 frames a second with walkers, riders, a moving camera, a speaker and a
cartoon (`benchmarks/reused_masks.py`). The flicker of the masks is part of it, so the real loss is smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from liveseg.models.registry import MODELS
from liveseg.preprocess import input_size
from liveseg.tuning.cost import rung
from liveseg.tuning.governor import HEADROOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size
    from liveseg.tuning.cache import Measurement
    from liveseg.tuning.cost import EngineCost, Line
    from liveseg.tuning.engines import Engine
    from liveseg.tuning.governor import Rung

PRECISION_SHARE = {"int8": 0.995}
"""What is left of a model's quality in a precision; all of it in those that are not here."""

STEP_SHARE = {1: 1.0, 2: 0.83, 3: 0.77, 4: 0.73}
"""What is left of it when one frame of so many is segmented."""

RUNGS_APART = (1.2, 1.25, 1.3, 1.4, 1.5, 2.0, 3.0)
"""The least ratio of the rates of two levels of a ladder: the first of these that makes few enough of them."""

MOST_RUNGS = 8
"""Runtimes prepare a graph for each size, which takes time and memory."""

_REFERENCE = "lite"
_SHOWN = 3
"""Of the sizes that a network could take, one of so many is shown in the table."""


@dataclass(frozen=True)
class Level:
    """One way of running: what, how large, how often, and what comes of it.

    Args:
        engine: what is loaded.
        model: its name.
        runtime: what really runs it.
        precision: in which arithmetic.
        size: the shorter side of its input.
        every: one frame of so many is segmented, the others reuse its mask.
        quality: mIoU in per cent; of weights of one's own relative to 100 at their default size.
        rung: what it costs, and the rate that follows.
    """

    engine: Engine
    model: str
    runtime: str
    precision: str
    size: Size
    every: int
    quality: float
    rung: Rung

    @property
    def name(self) -> str:
        """It in a few words, like `lite 257 (openvino int8)`."""
        often = f", one frame of {self.every}" if self.every > 1 else ""
        return f"{self.model} {self.size} ({self.runtime} {self.precision}){often}"

    def reaches(self, target: float) -> bool:
        """Whether it holds so many frames a second, a tenth to spare."""
        return self.rung.rate >= HEADROOM * target


def quality_of(contract: ModelContract, size: Size, precision: str, every: int = 1, *, native: int = 0) -> float:
    """The quality of a model at a size, by the module's rules.

    Args:
        contract: of the model; its name says which one it is.
        size: the shorter side of the input.
        precision: the arithmetic.
        every: one frame of so many is segmented.
        native: the shorter side that the size `native` means.
    """
    pixels = native if size == "native" else size
    info = MODELS.get(contract.name)
    if info is not None and info.quality:
        best = _curve(info.quality, pixels)
    else:
        reference = MODELS[_REFERENCE]
        default = reference.contract.default_size
        share = _curve(reference.quality, min(pixels / contract.default_size, 1.0) * default)
        published = info.published_miou if info is not None else None
        best = (published or 100.0) * share / _curve(reference.quality, default)
    return best * PRECISION_SHARE.get(precision, 1.0) * STEP_SHARE[every]


def _curve(points: Sequence[tuple[int, float]], size: float) -> float:
    """Quality between measured sizes on straight lines, below the smallest in proportion, above the largest flat."""
    sizes, values = zip(*points, strict=True)
    if size < sizes[0]:
        return float(values[0] * size / sizes[0])
    return float(np.interp(size, sizes, values))


def sizes_of(contract: ModelContract) -> list[int]:
    """The sizes between which a model's quality is known or assumed, by steps of about 16, rising; or its only one."""
    if contract.fixed_size is not None:
        return [min(contract.fixed_size)]
    info = MODELS.get(contract.name)
    if info is not None and info.quality:
        least, most = info.quality[0][0], info.quality[-1][0]
    else:
        reference = MODELS[_REFERENCE]
        least = round(reference.quality[0][0] / reference.contract.default_size * contract.default_size)
        most = contract.default_size
    return sorted({contract.fit(size) for size in range(least, most + 1, 16)} | {contract.fit(most)})


def sizes_measured(contract: ModelContract) -> list[int]:
    """Three of these sizes, as far as there are so many: the smallest, one between, the largest."""
    sizes = sizes_of(contract)
    return sorted({sizes[0], sizes[len(sizes) // 2], sizes[-1]})


def size_to_ask(contract: ModelContract, size: Size) -> Size | None:
    """What to ask of a `Segmenter` for a size: nothing where it is the only one that the model has."""
    return None if contract.fixed_size is not None and size == min(contract.fixed_size) else size


def levels_of(
    measurement: Measurement,
    engines: Iterable[Engine],
    line: Line,
    frame: tuple[int, int],
    size: Size | None = None,
) -> list[Level]:
    """Every way of running that was measured, at every size and frame step; one that equals another only once.

    Args:
        measurement: of this machine.
        engines: those in question.
        line: how the line is set up.
        frame: width and height of the source.
        size: the one that the user asked for, if any.
    """
    found: dict[tuple[str, str, str], list[Level]] = {}
    for engine in engines:
        cost = measurement.engines.get(engine.key)
        if cost is not None:
            which = cost.contract.name, cost.runtime, cost.precision
            found.setdefault(which, list(_of_engine(engine, cost, measurement, line, frame, size)))
    return [level for levels in found.values() for level in levels]


def _of_engine(
    engine: Engine, cost: EngineCost, measurement: Measurement, line: Line, frame: tuple[int, int], size: Size | None
) -> Iterator[Level]:
    contract = cost.contract
    sizes: Sequence[Size] = sizes_of(contract) if size is None else [size]
    for each in sizes:
        height, width = input_size(frame[1], frame[0], each, contract)
        for every in STEP_SHARE:
            yield Level(
                engine,
                contract.name,
                cost.runtime,
                cost.precision,
                each,
                every,
                quality_of(contract, each, cost.precision, every, native=min(frame)),
                rung(cost, measurement.rest, line, height * width, every),
            )


def choose(levels: Iterable[Level], target: float) -> Level:
    """The best quality that reaches the target, or else the fastest.

    Leaving frames out comes last: only where no level that segments every frame reaches it.
    """
    levels = list(levels)
    whole = [level for level in levels if level.every == 1]
    for group in (whole, levels):
        enough = [level for level in group if level.reaches(target)]
        if enough:
            return max(enough, key=lambda level: (level.quality, level.rung.rate))
    # Where the rest of the line sets the rate, many levels share it.
    return max(levels, key=lambda level: (level.rung.rate, level.every == 1, level.quality))


def ladder(levels: Iterable[Level], home: Level) -> list[Level]:
    """The levels to move on while running, from the best quality to the fastest, `home` among them.

    Each gives up quality for a rate at least a fifth above that of the one before. Levels that segment every frame
    come first, those that do not come after the fastest of them.
    """
    levels = list(levels)
    front = _front(level for level in levels if level.every == 1)
    fastest = front[-1].rung.rate
    front += [level for level in _front(levels) if level.every > 1 and level.rung.rate > fastest]
    place = front.index(home)
    for apart in RUNGS_APART:
        above, below = [home], [home]
        for level in reversed(front[:place]):
            if level.rung.rate * apart <= above[-1].rung.rate:
                above.append(level)
        for level in front[place + 1 :]:
            if level.rung.rate >= apart * below[-1].rung.rate:
                below.append(level)
        rungs = [*reversed(above), *below[1:]]
        if len(rungs) <= MOST_RUNGS:
            break
    return rungs


def _front(levels: Iterable[Level]) -> list[Level]:
    """Those that no other beats in both quality and rate, by falling quality and rising rate."""
    front: list[Level] = []
    for level in sorted(levels, key=lambda level: (-level.quality, -level.rung.rate)):
        if not front or (level.rung.rate > front[-1].rung.rate and level.quality < front[-1].quality):
            front.append(level)
    return front


Verdict = Literal["chosen", "reaches", ""]


@dataclass(frozen=True)
class Row:
    """One line of the table that the user is shown."""

    level: Level
    verdict: Verdict

    HEADINGS = ("model", "size", "runtime", "precision", "frames", "mIoU", "ms a frame", "frames a second", "")

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts under `HEADINGS`."""
        level = self.level
        return (
            level.model,
            str(level.size),
            level.runtime,
            level.precision,
            "every" if level.every == 1 else f"one of {level.every}",
            f"{level.quality:.1f}",
            f"{level.rung.busy * 1e3:.1f}",
            f"{level.rung.rate:.1f}",
            self.verdict,
        )


def table(levels: Iterable[Level], chosen: Level, target: float) -> list[Row]:
    """What to show: each network at some of its sizes, every frame segmented, and the level that was chosen."""
    rows: list[Row] = []
    places: dict[tuple[str, str, str], int] = {}
    for level in levels:
        which = level.model, level.runtime, level.precision
        if level.every == 1:
            place = places[which] = places.get(which, -1) + 1
            shown = place % _SHOWN == 0
        else:
            shown = False
        if level == chosen or shown:
            verdict: Verdict = "chosen" if level == chosen else "reaches" if level.reaches(target) else ""
            rows.append(Row(level, verdict))
    return rows
