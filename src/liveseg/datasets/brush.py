"""Label Studio's own run lengths, in which it keeps what was painted with its brush.

The packing is that of `@thi.ng/rle-pack`: the number of values (32 bits), the bits of a value less one (5 bits), the
bits of four sorts of run length less one (4 bits each); then blocks, each of one bit (1 for a value that is repeated, 0
for values in a row), two bits that choose the sort, the length less one, and the value or values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEAD = 32 + 5 + 4 * 4
_MOST_VALUES = 4 * 178_956_970
"""Four channels of the largest picture that is read."""


def unpacked(data: bytes) -> NDArray[np.uint8]:
    """The values that were packed, flat; of a brush the red, green, blue and opacity of each pixel in turn.

    Args:
        data: the numbers of Label Studio's `rle`, a byte each.

    Raises:
        ValueError: data that is cut off, or of another form.
    """
    bits = np.unpackbits(np.frombuffer(data, np.uint8))
    if len(bits) < _HEAD:
        raise ValueError("a brush stroke is cut off")
    number = _Reader(data)
    count, size = number(32), number(5) + 1
    if size != 8 or count > _MOST_VALUES:
        raise ValueError(f"a brush stroke has {count} values of {size} bits, not channels of 8")
    lengths = [number(4) + 1 for _ in range(4)]
    values = np.empty(count, np.uint8)
    done = 0
    while done < count:
        if number.place + 3 > len(bits):
            raise ValueError("a brush stroke is cut off")
        repeated = number(1)
        run = number(lengths[number(2)]) + 1
        needed = 8 if repeated else 8 * run
        if number.place + needed > len(bits) or done + run > count:
            raise ValueError("a brush stroke is cut off, or longer than it says")
        block = bits[number.place : number.place + needed]
        values[done : done + run] = np.packbits(block)
        number.place += needed
        done += run
    return values


class _Reader:
    """Numbers of any few bits, one after the other."""

    def __init__(self, data: bytes) -> None:
        # Behind the end stand zeros, so that what is cut off is found by the caller's own count.
        self._data = data + bytes(8)
        self.place = 0

    def __call__(self, bits: int) -> int:
        first, end = self.place // 8, self.place + bits
        last = (end + 7) // 8
        self.place = end
        return (int.from_bytes(self._data[first:last], "big") >> (last * 8 - end)) & ((1 << bits) - 1)
