"""Which of many photos may be the same picture, by perceptual hashes and without comparing all with all.

A hash is the signs of a photo's 64 lowest frequencies: pHash (Zauner, 2010), but with the signs themselves instead of
the comparison with a median, so that mirroring only turns those of the odd frequencies. Each photo has one hash of all
of it and one for each of five windows, since a crop turns many signs. Pairs of which at most 14 signs differ, and at
most one in some quarter of them, are found by the quarters: multi-index hashing (Norouzi, Punjani and Fleet, 2012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

WINDOWS = (
    (0.0, 0.0, 1.0),
    (0.04, 0.04, 0.92),
    (0.0, 0.0, 0.94),
    (0.0, 0.06, 0.94),
    (0.06, 0.0, 0.94),
    (0.06, 0.06, 0.94),
)
"""Top, left and size of the windows, as shares of the photo: with them, crops by a tenth of each side are found."""

_MOST_APART = 14
_QUARTERS = 4
_BITS = 16
_PROBES = np.array([0, *(1 << bit for bit in range(_BITS))], np.uint64)
_SAMPLES = 32
_FLAT = 2.0
_AT_ONCE = 1 << 22
_CHUNK = 1024

_by_size = sorted((down + across, abs(down - across), down, across) for down in range(11) for across in range(11))
_lowest = [(down, across) for _, _, down, across in _by_size[1:65]]
# Neighbours in frequency go to different quarters, or those of the lowest would hold half the photos in few values.
_FREQUENCIES = np.array([_lowest[bit] for quarter in range(_QUARTERS) for bit in range(quarter, 64, _QUARTERS)])


class Candidates(NamedTuple):
    """Pairs of photos: a window of the `first`, perhaps mirrored, has much the same hash as the whole `second`."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    apart: NDArray[np.uint8]
    window: NDArray[np.uint8]
    mirrored: NDArray[np.bool_]

    def only(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Candidates:
        """Some of them."""
        return Candidates(
            self.first[which], self.second[which], self.apart[which], self.window[which], self.mirrored[which]
        )


def candidates(thumbnails: NDArray[np.uint8]) -> Iterator[Candidates]:
    """The pairs that may be the same picture, some thousands at a time, some of them several times.

    Photos without contrast are left out: their signs are noise.

    Args:
        thumbnails: `(N, S, S)` grey levels.
    """
    rows = np.flatnonzero(_contrast(thumbnails) >= _FLAT)
    if len(rows) < 2:
        return
    turned = _packed((_FREQUENCIES[:, 1] % 2 == 1)[None])[0]
    whole = _hashes(thumbnails, rows, WINDOWS[0])
    tables = [_Table(_quarter(whole, quarter)) for quarter in range(_QUARTERS)]
    for window, place in enumerate(WINDOWS):
        own = whole if window == 0 else _hashes(thumbnails, rows, place)
        for mirrored in (False, True):
            wanted = own ^ turned if mirrored else own
            for quarter, table in enumerate(tables):
                for probe in _PROBES:
                    for first, second in table.pairs(_quarter(wanted, quarter) ^ probe):
                        apart = np.bitwise_count(wanted[first] ^ whole[second])
                        near = (apart <= _MOST_APART) & (first != second)
                        count = int(near.sum())
                        if count:
                            yield Candidates(
                                rows[first[near]],
                                rows[second[near]],
                                apart[near],
                                np.full(count, window, np.uint8),
                                np.full(count, mirrored),
                            )


class _Table:
    """Where each value of one quarter of the hashes is."""

    def __init__(self, values: NDArray[np.uint64]) -> None:
        self._order = np.argsort(values, kind="stable")
        counts = np.bincount(values.astype(np.intp), minlength=1 << _BITS)
        self._start = np.concatenate([[0], np.cumsum(counts)])

    def pairs(self, wanted: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """For each value the places that have it, as pairs of the value's own place and one of those."""
        values = wanted.astype(np.intp)
        start, count = self._start[values], self._start[values + 1] - self._start[values]
        # Many photos with the same hash make very many pairs: so many of them at a time as fit into little memory.
        part = np.cumsum(count) // _AT_ONCE
        for number in np.unique(part[count > 0]):
            asking = np.flatnonzero((part == number) & (count > 0))
            own = count[asking]
            first = np.repeat(asking, own)
            within = np.arange(len(first)) - np.repeat(np.cumsum(own) - own, own)
            yield first, self._order[np.repeat(start[asking], own) + within]


def _quarter(hashes: NDArray[np.uint64], quarter: int) -> NDArray[np.uint64]:
    return (hashes >> np.uint64(_BITS * quarter)) & np.uint64((1 << _BITS) - 1)


def _contrast(thumbnails: NDArray[np.uint8]) -> NDArray[np.float64]:
    return np.array([float(copy.std()) for copy in thumbnails])


def _hashes(
    thumbnails: NDArray[np.uint8], rows: NDArray[np.intp], window: tuple[float, float, float]
) -> NDArray[np.uint64]:
    """The hashes of those thumbnails, as far as they lie in the window."""
    top, left, size = window
    down = _waves(thumbnails.shape[1], top, size)
    across = _waves(thumbnails.shape[2], left, size)
    hashes = [np.zeros(0, np.uint64)]
    for start in range(0, len(rows), _CHUNK):
        grey = thumbnails[rows[start : start + _CHUNK]].astype(np.float32)
        strength = down @ grey @ across.T
        hashes.append(_packed(strength[:, _FREQUENCIES[:, 0], _FREQUENCIES[:, 1]] > 0))
    return np.concatenate(hashes)


def _waves(side: int, start: float, size: float) -> NDArray[np.float32]:
    """The cosines of the lowest frequencies over a part of a row of pixels, `(frequencies, side)`."""
    edges = (start + size * np.linspace(0, 1, _SAMPLES + 1)) * side
    pixel = np.arange(side)
    # The share of each pixel in each of the samples of the part.
    shares = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    frequency = np.arange(_FREQUENCIES.max() + 1)[:, None]
    cosines = np.cos(np.pi * frequency * (np.arange(_SAMPLES) + 0.5) / _SAMPLES)
    return np.asarray(cosines @ np.maximum(shares, 0), np.float32)


def _packed(signs: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """Rows of 64 signs as numbers; the first is the lowest bit."""
    eights = np.ascontiguousarray(np.packbits(signs, axis=1, bitorder="little"))
    return eights.view("<u8")[:, 0].astype(np.uint64)
