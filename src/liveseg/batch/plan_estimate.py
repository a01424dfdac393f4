"""From what a sample took to what everything takes, with an interval.

In each stratum the total is estimated by a ratio: what the sample took, divided by the size of the sample, times the
size of all. A file's size is its bytes plus the mean of the stratum, since a file costs something however small it is.
Intervals are those of a rescaling bootstrap that knows how much of each stratum was tried (Rao, Wu and Yue, "Some
recent work on resampling methods for complex surveys", Survey Methodology 18, 1992), studentised in the logarithm: a
few files of a skewed distribution would otherwise give intervals that are too short (Davison and Hinkley, "Bootstrap
Methods and their Application", 1997, section 5.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LEVEL = 0.9
"""How often an interval holds the truth."""

REPLICATES = 2000


@dataclass(frozen=True)
class Estimate:
    """A total.

    Args:
        value: the estimate.
        low: lower end of its 90 % interval; the value itself where everything was tried.
        high: upper end.
    """

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        return Estimate(self.value * factor, self.low * factor, self.high * factor)

    @property
    def wide(self) -> bool:
        """Whether the upper end is half as much again as the lower one, or more."""
        return self.high > 1.5 * self.low


@dataclass(frozen=True, eq=False)
class Tried:
    """What a stratum has, and what its sample took.

    Args:
        count: files in it.
        size: of all of them together, in the units of `sizes`.
        sizes: of the sample, `(n,)`.
        values: what each of the sample took, `(n,)`.
    """

    count: int
    size: float
    sizes: Floats
    values: Floats


def ratio_sizes(count: int, total: int, sizes: Sequence[int | None]) -> tuple[float, Floats]:
    """The size of a stratum and of the files of its sample, for ratios.

    Args:
        count: files of the stratum.
        total: their bytes; 0 where these are not known.
        sizes: bytes of the files that were tried.
    """
    known = [each for each in sizes if each is not None]
    if not total or len(known) < len(sizes):
        return float(count), np.ones(len(sizes))
    mean = total / count
    return total + count * mean, np.array(known, np.float64) + mean


def estimate(strata: Sequence[Tried], seed: int = 0) -> Estimate:
    """The total over all strata, with its 90 % interval.

    Args:
        strata: that have files; each with a sample of at least one.
        seed: of the bootstrap.
    """
    value, error = _total([np.ones(len(own.values)) for own in strata], strata)
    if value <= 0 or error <= 0:
        return Estimate(max(value, 0.0), max(value, 0.0), max(value, 0.0))
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(REPLICATES):
        again, its_error = _total([_weights(own, random) for own in strata], strata)
        if again > 0 and its_error > 0:
            drawn.append(math.log(again / value) / (its_error / again))
    # With samples this small the studentised replicates have tails without an end; the normal limit keeps the least.
    below, above = np.percentile(drawn, [50 * (1 - LEVEL), 50 * (1 + LEVEL)]) if drawn else (-_NORMAL, _NORMAL)
    relative = error / value
    low = value * math.exp(-relative * min(max(float(above), _NORMAL), _MOST))
    high = value * math.exp(-relative * max(min(float(below), -_NORMAL), -_MOST))
    return Estimate(value, low, high)


_NORMAL = 1.645
_MOST = 6.0


def _weights(own: Tried, random: np.random.Generator) -> Floats:
    """How much each file of a sample counts in a replicate: 1 on average, closer to it the more of all was tried."""
    tried = len(own.values)
    if tried < 2:
        return np.ones(tried)
    times = random.multinomial(tried - 1, np.full(tried, 1 / tried))
    spread = math.sqrt(max(1 - tried / own.count, 0.0))
    weights: Floats = np.asarray(1 - spread + spread * tried / (tried - 1) * times, np.float64)
    return weights


def _total(weights: Sequence[Floats], strata: Sequence[Tried]) -> tuple[float, float]:
    """The estimate with some weights, and its standard error by linearisation."""
    total = variance = 0.0
    for own, weight in zip(strata, weights, strict=True):
        size, tried = float(weight @ own.sizes), len(own.values)
        if size <= 0:
            continue
        ratio = float(weight @ own.values) / size
        total += own.size * ratio
        if tried > 1:
            left = own.values - ratio * own.sizes
            scale = own.size * weight.sum() / size / tried
            mean_square = float(weight @ (left * left)) / max(weight.sum(), 1e-12) * tried / (tried - 1)
            variance += scale * scale * tried * mean_square * max(1 - tried / own.count, 0.0)
    return total, math.sqrt(variance)
