"""From the picture that is stored to the one that is shown: aspect ratio of the samples, rotation, mirroring."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
from av.sidedata.sidedata import SideData

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

_ODDEST_RATIO = 8
"""Samples more oblong than this are taken for a broken header: they would ask for a huge picture."""


@dataclass(frozen=True)
class Display:
    """How stored pictures are shown.

    Args:
        width: of the picture before it is turned, its samples made square, in pixels.
        height: likewise.
        transposed: whether rows and columns are exchanged (first).
        mirrored: whether left and right are exchanged (after that).
        flipped: whether top and bottom are exchanged (after that).
    """

    width: int
    height: int
    transposed: bool = False
    mirrored: bool = False
    flipped: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as shown, in pixels."""
        return (self.height, self.width) if self.transposed else (self.width, self.height)

    def upright(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture of `width` x `height` as it is shown, contiguous."""
        if self.transposed:
            picture = np.asarray(cv2.transpose(picture), np.uint8)
        if self.mirrored or self.flipped:
            picture = np.asarray(cv2.flip(picture, _FLIPS[self.mirrored, self.flipped]), np.uint8)
        return picture


_FLIPS = {(True, True): -1, (True, False): 1, (False, True): 0}


def display_of(frame: VideoFrame, sample_aspect_ratio: Fraction | None, notes: list[str]) -> Display:
    """How the frames of a stream are shown, from the first of them.

    The height is kept and the width scaled by the sample aspect ratio, as ffplay does it, before the picture is
    turned by its display matrix.

    Args:
        frame: decoded; its side data holds the matrix.
        sample_aspect_ratio: width of a sample over its height; `None` or 0 where unknown.
        notes: takes a line where the picture cannot be shown as the file asks.
    """
    ratio = sample_aspect_ratio or Fraction(1)
    if not Fraction(1, _ODDEST_RATIO) <= ratio <= _ODDEST_RATIO:
        notes.append(f"its sample aspect ratio {ratio.numerator}:{ratio.denominator} makes no sense and is ignored")
        ratio = Fraction(1)
    width = max(round(frame.width * ratio), 1)
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, SideData):
        return Display(width, frame.height)
    return Display(width, frame.height, *_orientation(bytes(matrix), notes))


def _orientation(matrix: bytes, notes: list[str]) -> tuple[bool, bool, bool]:
    """Whether transposed, mirrored and flipped, by a display matrix of nine 32-bit integers, row by row.

    A sample at (p, q) is shown at (a p + c q, b p + d q) plus a shift, with (a, b) and (c, d) the matrix's
    first and second row (ISO/IEC 14496-12, 8.5.2; `libavutil/display.h`).
    """
    a, b, _, c, d = struct.unpack_from("=5i", matrix)
    along, across = abs(a) + abs(d), abs(b) + abs(c)
    if not along and not across:
        return False, False, False
    if min(along, across) > 0.02 * max(along, across):
        notes.append("it is turned by an angle that is no quarter turn; the nearest one is shown")
    if across > along:
        return True, c < 0, b < 0
    return False, a < 0, d < 0
