"""What there is to do, seen in one pass over the listing, and a sample of it drawn on the way.

Files are told apart by kind and by size, in steps of twice as large, and of each such group the sample is kept that has
the smallest hashes of seed and location: a simple random one, whatever the order of the listing, and the smallest
hashes of several groups together are one of all these. So the groups can be put together into strata afterwards, when
it is known how many files and bytes each has.
"""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

from liveseg.batch.records import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from liveseg.batch.records import Item

_MOST_EXTENSIONS = 256
_REST = "(others)"

_MOST_STRATA = 4
_LEAST_IN_STRATUM = 10
"""Files that a stratum is worth; with fewer its spread is hardly known."""

_LEAST_OF_KIND = 10
"""Files of each kind that are tried, where there are so many."""

_VIDEO_WEIGHT = 10.0
"""How much more work a byte of a video is than one of a photo, about: what the sample is shared out by."""


@dataclass(frozen=True)
class Stratum:
    """Files of one kind and about one size, and those of them that are tried.

    Args:
        kind: of the files.
        count: of them.
        bytes: of all of them; 0 where their sizes are not known.
        sample: a simple random sample of them.
    """

    kind: Kind
    count: int
    bytes: int
    sample: tuple[Item, ...]


@dataclass(slots=True)
class _Group:
    count: int = 0
    bytes: int = 0
    kept: list[tuple[int, int, Item]] = field(default_factory=list)


class Survey:
    """Counts a listing and keeps a sample of it, in memory that does not grow with the number of files.

    Args:
        sample: files that are to be tried.
        seed: of the draw.
    """

    def __init__(self, sample: int, seed: int) -> None:
        self.sample = sample
        self.count = 0
        self.bytes = 0
        self.unknown_sizes = 0
        self.kinds: Counter[str] = Counter()
        self.kind_bytes: Counter[str] = Counter()
        self.extensions: Counter[str] = Counter()
        self.largest: dict[str, int] = {}
        self._seed = f"{seed}\0".encode()
        self._groups: dict[tuple[Kind, int], _Group] = {}

    def take(self, items: Iterable[Item]) -> None:
        """Add files."""
        for item in items:
            self.add(item)

    def add(self, item: Item) -> None:
        """Add one file."""
        self.count += 1
        self.kinds[item.kind] += 1
        extension = _extension(item.location)
        self.extensions[
            extension if len(self.extensions) < _MOST_EXTENSIONS or extension in self.extensions else _REST
        ] += 1
        if item.size is None:
            self.unknown_sizes += 1
        else:
            self.bytes += item.size
            self.kind_bytes[item.kind] += item.size
            self.largest[item.kind] = max(self.largest.get(item.kind, 0), item.size)
        octave = -1 if item.size is None else item.size.bit_length()
        group = self._groups.get((item.kind, octave)) or self._groups.setdefault((item.kind, octave), _Group())
        group.count += 1
        group.bytes += item.size or 0
        data = self._seed + item.location.encode("utf-8", "surrogateescape")
        # The largest hash stands first in the heap, to be the one that goes.
        entry = (-int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big"), self.count, item)
        if len(group.kept) < self.sample:
            heapq.heappush(group.kept, entry)
        elif entry[0] > group.kept[0][0]:
            heapq.heapreplace(group.kept, entry)

    def strata(self) -> list[Stratum]:
        """The files in strata, with the sample shared out among them."""
        shares = self._shares()
        return [stratum for kind in get_args(Kind) for stratum in self._strata_of(kind, shares[kind])]

    def _shares(self) -> dict[str, int]:
        """How many files of each kind are tried."""
        kinds = [kind for kind in get_args(Kind) if self.kinds[kind]]
        if len(kinds) < 2:
            return {kind: min(self.sample, self.kinds[kind]) for kind in get_args(Kind)}
        images, videos = self.kinds["image"], self.kinds["video"]
        weights = (self.kind_bytes["image"] or images, _VIDEO_WEIGHT * (self.kind_bytes["video"] or videos))
        least = min(_LEAST_OF_KIND, self.sample // 2)
        tried = round(self.sample * weights[1] / sum(weights))
        tried = min(max(tried, least), self.sample - least, videos)
        # What one kind has no files for goes to the other.
        of_images = min(self.sample - tried, images)
        return {"image": of_images, "video": min(self.sample - of_images, videos)}

    def _strata_of(self, kind: Kind, tried: int) -> list[Stratum]:
        groups = [self._groups[key] for key in sorted(key for key in self._groups if key[0] == kind)]
        if not tried:
            return []
        weights = self._weights(groups)
        merged = _merged(groups, weights, max(min(_MOST_STRATA, tried // _LEAST_IN_STRATUM), 1))
        allowed = [sum(group.count for group in own) for own, _ in merged]
        sizes = _shared_out(tried, [weight for _, weight in merged], allowed)
        strata = []
        for (own, _), size in zip(merged, sizes, strict=True):
            kept = sorted((entry for group in own for entry in group.kept), key=lambda entry: (-entry[0], entry[1]))
            known = all(item.size is not None for *_, item in kept)
            total = sum(group.bytes for group in own) if known else 0
            sample = tuple(item for *_, item in kept[:size])
            strata.append(Stratum(kind, sum(group.count for group in own), total, sample))
        return strata

    @staticmethod
    def _weights(groups: Sequence[_Group]) -> list[float]:
        """What share of the work each group is, supposing that half of a file's work goes by its bytes."""
        count, total = sum(group.count for group in groups), sum(group.bytes for group in groups)
        return [
            group.count / count / 2 + (group.bytes / total if total else group.count / count) / 2 for group in groups
        ]


def _merged(groups: Sequence[_Group], weights: Sequence[float], most: int) -> list[tuple[list[_Group], float]]:
    """Neighbouring groups put together until there are few, of about equal weight."""
    merged: list[tuple[list[_Group], float]] = []
    passed, last = 0.0, -1
    for group, weight in zip(groups, weights, strict=True):
        # The middle of a group decides where it belongs.
        place = min(int((passed + weight / 2) * most), most - 1)
        passed += weight
        if place == last:
            own, before = merged[-1]
            merged[-1] = ([*own, group], before + weight)
        else:
            merged.append(([group], weight))
        last = place
    return merged


def _shared_out(tried: int, weights: Sequence[float], allowed: Sequence[int]) -> list[int]:
    """Numbers in proportion to weights, none more than allowed, two at least where there are two."""
    sizes = [min(2, most) for most in allowed]
    while sum(sizes) < tried:
        behind = [place for place, most in enumerate(allowed) if sizes[place] < most]
        if not behind:
            break
        sizes[max(behind, key=lambda place: weights[place] / (sizes[place] + 1))] += 1
    return sizes


def _extension(location: str) -> str:
    name = (
        location.split("?", 1)[0].rpartition("/")[2]
        if "://" in location
        else location.replace("\\", "/").rpartition("/")[2]
    )
    stem, dot, extension = name.rpartition(".")
    return f".{extension.lower()}" if dot and stem else "(none)"
