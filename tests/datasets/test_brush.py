"""Label Studio's run lengths, packed here as `@thi.ng/rle-pack` says and unpacked."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.datasets.brush import unpacked

LENGTHS = (3, 4, 8, 16)


def packed(blocks, lengths=LENGTHS, count=None):
    """Blocks of values, as `(values, repeated)`, as bytes."""
    total = sum(len(values) for values, _ in blocks) if count is None else count
    bits = f"{total:032b}{8 - 1:05b}" + "".join(f"{length - 1:04b}" for length in lengths)
    for values, repeated in blocks:
        sort = next(index for index, length in enumerate(lengths) if len(values) <= 1 << length)
        bits += f"{int(repeated)}{sort:02b}{len(values) - 1:0{lengths[sort]}b}"
        bits += "".join(f"{value:08b}" for value in (values[:1] if repeated else values))
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[place : place + 8], 2) for place in range(0, len(bits), 8))


RUNS = st.tuples(st.integers(0, 255), st.integers(1, 400)).map(lambda run: ([run[0]] * run[1], True))
ROWS = st.lists(st.integers(0, 255), min_size=1, max_size=300).map(lambda values: (values, False))


@settings(deadline=None)
@given(st.lists(st.one_of(RUNS, ROWS), max_size=12))
def test_what_is_packed_comes_back(blocks):
    values = [value for own, _ in blocks for value in own]
    np.testing.assert_array_equal(unpacked(packed(blocks)), np.array(values, np.uint8))


def test_other_sizes_of_run_lengths_are_read_too():
    blocks = [([7] * 900, True), ([1, 2, 3], False)]
    np.testing.assert_array_equal(unpacked(packed(blocks, (1, 2, 5, 10))), [7] * 900 + [1, 2, 3])


@settings(deadline=None)
@given(st.lists(st.one_of(RUNS, ROWS), min_size=1, max_size=4), st.integers(7, 200), st.integers(0, 7))
def test_a_damaged_stroke_gives_as_many_values_or_an_error_and_nothing_else(blocks, byte, bit):
    data = bytearray(packed(blocks))
    data[7 + (byte - 7) % (len(data) - 7)] ^= 1 << bit
    with contextlib.suppress(ValueError):
        assert unpacked(bytes(data)).shape == (sum(len(values) for values, _ in blocks),)


@pytest.mark.parametrize("cut", [1, 5, 9])
def test_a_stroke_that_is_cut_off_is_told(cut):
    whole = packed([([7] * 100, True), (list(range(20)), False)])
    with pytest.raises(ValueError, match="a brush stroke is cut off"):
        unpacked(whole[: -cut - 1] if cut < 9 else whole[:4])


def test_a_stroke_that_says_fewer_values_than_it_has_is_told():
    with pytest.raises(ValueError, match="cut off, or longer than it says"):
        unpacked(packed([([7] * 100, True)], count=99))


def test_more_values_than_any_picture_has_are_refused_before_they_are_made():
    with pytest.raises(ValueError, match=r"4294967295 values"):
        unpacked(b"\xff" * 30)
