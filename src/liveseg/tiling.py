"""Pictures of any size: overlapping tiles whose probabilities blend into the logits of the whole picture.

The picture is brought to the network's scale, and its tiles begin on the network's output grid: the low-resolution
logits of each then lie on whole positions of one grid for the whole picture. There the probabilities of overlapping
tiles are averaged, each tile's weight falling towards its inner edges; the logarithm of the average takes the place of
the logits. Their softmax and argmax, interpolated or not, are those of logits, since a number added to all classes of a
position changes neither.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from liveseg.errors import UsageError
from liveseg.postprocess import check_finite
from liveseg.preprocess import scale_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from liveseg.contract import ModelContract
    from liveseg.preprocess import Size

    Floats = NDArray[np.float32]
    Network = Callable[[NDArray[np.uint8]], Floats]

Tile = int | Literal["auto", "on", "off"]
"""The side of a tile in pixels of the network's input, or when to cut tiles of the model's own size."""

LEAST_TILE = 64
MOST_TILE = 2048

WHOLE_PIXELS = 1 << 22
"""`auto` cuts what makes a network input of more than 4 megapixels: `lite` takes about 200 bytes a pixel, so that this
is 1 GB, and the larger networks take up to 800."""

MOST_PIXELS = 1 << 28
"""A picture is brought to at most 268 megapixels, of which each takes three bytes."""

MOST_LOGITS = 1 << 31
"""Bytes of the logits of a whole picture; 100 megapixels of 21 classes at stride 8 take 131 MB."""

OVERLAP = 0.25
"""The share of a tile's side that it has in common with its neighbour."""

FAR_SCALE = 2.5
"""How much larger than in training pictures may be before it is worth a warning: where `lite` has 57 % mIoU on photos
that fill its default size, it has 50 % at twice that size, in tiles, 31 % at three times and 19 % at four."""

_SIDE = 4 / 3
"""The side of a tile in units of the model's own size: about as many pixels as a photo of 16:9 has at that size. Of the
sides and overlaps that `benchmarks/tiling.py` tries, this and `OVERLAP` find most."""

_GRID = 16
"""Tiles begin on multiples of the deepest stride of the networks, so that what each sees has the phase of the whole."""


@dataclass(frozen=True)
class Cut:
    """How a picture is cut, in pixels of the network's input.

    Args:
        height: of the whole picture at the network's scale.
        width: likewise.
        tile: height and width of each tile; of a network that takes one size only, possibly more than the picture's.
        tops: where the rows of tiles begin, rising: the first at 0, the last ending with the picture.
        lefts: likewise of the columns.
    """

    height: int
    width: int
    tile: tuple[int, int]
    tops: tuple[int, ...]
    lefts: tuple[int, ...]


def checked(tile: Tile) -> Tile:
    """A `Tile` as it is.

    Raises:
        UsageError: it is none.
    """
    if tile in ("auto", "on", "off") or (type(tile) is int and LEAST_TILE <= tile <= MOST_TILE):
        return tile
    raise UsageError(f"tile is auto, on, off or a number of pixels from {LEAST_TILE} to {MOST_TILE}, not {tile!r}")


def cut(
    height: int, width: int, size: Size, tile: Tile, contract: ModelContract, *, most_pixels: int = WHOLE_PIXELS
) -> Cut | None:
    """How to cut a picture, or `None` where the network takes it whole.

    Args:
        height: of the picture, in pixels.
        width: likewise.
        size: the scale: what the picture's shorter side becomes, or `native`.
        tile: the side of a tile, or `on`, `off` or `auto`.
        contract: the model's.
        most_pixels: what `auto` lets the network take whole.

    Raises:
        UsageError: the picture would be brought to more than 268 megapixels.
    """
    fixed = contract.fixed_size
    if tile == "off" or (tile == "auto" and fixed is not None):
        return None
    scale = scale_of(height, width, size)
    wanted = height * scale, width * scale
    if tile == "auto" and wanted[0] * wanted[1] <= most_pixels:
        return None
    step = math.lcm(contract.multiple, _GRID)
    # Where any size will do, corners still fall on a grid only at one pixel more than whole steps.
    offset = 1 if contract.align_corners and contract.multiple == 1 else contract.offset
    side = _fit(_SIDE * contract.default_size if isinstance(tile, str) else tile, offset, step)
    offsets = (offset, offset) if fixed is None else (fixed[0] % step, fixed[1] % step)
    whole = _fit(wanted[0], offsets[0], step), _fit(wanted[1], offsets[1], step)
    if whole[0] * whole[1] > MOST_PIXELS:
        raise UsageError(
            f"a picture of {width}x{height} would be brought to {whole[1]}x{whole[0]} pixels, more than memory is"
            " likely to hold; choose a smaller --size"
        )
    sides = fixed or (min(side, whole[0]), min(side, whole[1]))
    if whole == sides:
        return None
    return Cut(*whole, sides, _starts(whole[0], sides[0], step), _starts(whole[1], sides[1], step))


def notes(cut: Cut, tile: Tile, contract: ModelContract) -> list[str]:
    """What the user should know of a picture that is cut: that it is, where nobody asked for it, and a scale far off.

    Args:
        cut: how it is cut.
        tile: what was asked for.
        contract: the model's.
    """
    said = []
    if tile == "auto":
        said.append(
            f"as a whole it is too much for the network, {cut.width}x{cut.height} pixels; it was given"
            f" {len(cut.lefts)}x{len(cut.tops)} overlapping tiles of {cut.tile[1]}x{cut.tile[0]}"
        )
    times = min(cut.height, cut.width) / contract.default_size
    if times > FAR_SCALE:
        said.append(
            f"the network saw it {times:.0f} times as large as the pictures it was trained on, and may miss what is"
            f" large in it; --size {2 * contract.default_size} is nearer to them"
        )
    return said


def blended(pixels: NDArray[np.uint8], cut: Cut, network: Network, *, align_corners: bool) -> Floats:
    """The logits of a whole picture, from those of its tiles.

    Args:
        pixels: the picture at the network's scale, `(cut.height, cut.width, 3)` `uint8` RGB; where a tile is larger, it
            is filled with the picture's reflection.
        cut: how it is cut.
        network: `(h, w, 3)` `uint8` RGB to logits `(classes, h', w')` `float32`.
        align_corners: as in the model's contract.

    Returns:
        The logarithm of the averaged probabilities, `(classes, H', W')` `float32`.

    Raises:
        UsageError: the network's output lies on no grid that tiles share, or that of the whole picture is too large.
        WeightsError: logits that are not finite.
    """
    height, width = cut.tile
    below, right = max(height - cut.height, 0), max(width - cut.width, 0)
    if below or right:
        pixels = np.asarray(cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8)

    def seen(top: int, left: int) -> Floats:
        return probabilities(network(pixels[top : top + height, left : left + width]))

    odds = seen(0, 0)
    rows = _axis(cut.height, height, cut.tops, odds.shape[1], align_corners)
    columns = _axis(cut.width, width, cut.lefts, odds.shape[2], align_corners)
    total = _zeros(odds.shape[0], rows, columns)
    for y, top in enumerate(cut.tops):
        for x, left in enumerate(cut.lefts):
            if top or left:
                odds = seen(top, left)
            odds *= rows.shares[y][:, None] * columns.shares[x]
            total[:, rows.part(y), columns.part(x)] += odds
    return log_probabilities(total[:, : rows.cells, : columns.cells])


def probabilities(logits: Floats) -> Floats:
    """The softmax over the classes, `(classes, h, w)` `float32`.

    Raises:
        WeightsError: logits that are not finite.
    """
    check_finite(logits)
    odds: Floats = logits - logits.max(axis=0)
    np.exp(odds, out=odds)
    odds /= odds.sum(axis=0)
    return odds


def log_probabilities(odds: Floats) -> Floats:
    """The logarithm of probabilities, in place: logits of the same softmax, finite where a probability is 0."""
    np.maximum(odds, np.finfo(np.float32).tiny, out=odds)
    return np.log(odds, out=odds)


@dataclass(frozen=True)
class _Axis:
    """Where tiles lie on one axis of the network's output.

    Args:
        cells: positions of the whole picture.
        starts: the position at which each tile begins.
        shares: `(tiles, positions of a tile)`: what each tile contributes there; over all tiles they add up to 1.
    """

    cells: int
    starts: tuple[int, ...]
    shares: Floats

    def part(self, tile: int) -> slice:
        """The positions of a tile."""
        return slice(self.starts[tile], self.starts[tile] + self.shares.shape[1])


def _axis(pixels: int, tile: int, starts: Sequence[int], cells: int, align_corners: bool) -> _Axis:
    corner = int(align_corners)
    stride, rest = divmod(tile - corner, max(cells - corner, 1))
    if rest or any(number % stride for number in (pixels - corner, *starts)):
        raise UsageError(
            f"tiles of {tile} pixels do not fit this model, which makes {cells} positions of them; choose another"
            " --tile, or --tile off"
        )
    begins = tuple(start // stride for start in starts)
    return _Axis((pixels - corner) // stride + corner, begins, _shares(begins, cells))


def _shares(starts: Sequence[int], cells: int) -> Floats:
    """What tiles contribute to the positions they cover: less and less towards an edge that lies inside the picture."""
    place = np.arange(cells)
    weights = np.full((len(starts), cells), float(cells))
    weights[1:] = np.minimum(weights[1:], place + 1)
    weights[:-1] = np.minimum(weights[:-1], cells - place)
    covered = np.asarray(starts)[:, None] + place
    total = np.zeros(starts[-1] + cells)
    np.add.at(total, covered, weights)
    return np.asarray(weights / total[covered], np.float32)


def _zeros(classes: int, rows: _Axis, columns: _Axis) -> Floats:
    height, width = rows.part(-1).stop, columns.part(-1).stop
    if classes * height * width * 4 > MOST_LOGITS:
        raise UsageError(
            f"the logits of the whole picture, {classes} classes of {width}x{height}, are more than memory is likely to"
            " hold; choose a smaller --size"
        )
    return np.zeros((classes, height, width), np.float32)


def _fit(pixels: float, offset: int, step: int) -> int:
    return max(round((pixels - offset) / step), 1) * step + offset


def _starts(whole: int, tile: int, step: int) -> tuple[int, ...]:
    """Where tiles begin, spread evenly on whole steps, so that neighbours have a quarter or more in common."""
    if whole <= tile:
        return (0,)
    overlap = max(round(OVERLAP * tile / step), 1) * step
    count = math.ceil((whole - tile) / max(tile - overlap, step)) + 1
    steps = (whole - tile) // step
    return tuple(round(number * steps / (count - 1)) * step for number in range(count))
