"""Reducing and enlarging: parts of a picture come out as they do in the whole."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.render.reduced import Reduction, Region

sizes = st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(1, 9))


def test_a_reduced_pixel_is_the_mean_of_its_block():
    pixels = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
    small = Reduction(12, 20, 4).down(pixels)
    blocks = pixels.reshape(3, 4, 5, 4, 3).mean(axis=(1, 3)) / 255
    assert small == pytest.approx(blocks, abs=1 / 255)  # the mean is rounded to a level


@given(size=sizes)
def test_every_size_can_be_reduced_and_enlarged(size):
    reduction = Reduction(*size)
    height, width, step = size
    small = reduction.down(np.full((height, width), 255, np.uint8))
    assert small.shape == (-(-height // step), -(-width // step))
    assert (small == 1).all()
    whole = Region(0, small.shape[0], 0, small.shape[1])
    assert reduction.up(small, whole).shape == (height, width)
    assert reduction.blocks(small.astype(np.uint8)).shape == (height, width)


@settings(deadline=None)
@given(size=sizes, data=st.data())
def test_a_part_is_enlarged_as_in_the_whole(size, data):
    height, width, step = size
    reduction = Reduction(*size)
    rows, columns = -(-height // step), -(-width // step)
    values = np.random.default_rng(height).random((rows, columns, 3), np.float32)
    top, left = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
    region = Region(top, data.draw(st.integers(top + 1, rows)), left, data.draw(st.integers(left + 1, columns)))
    whole = cv2.resize(values, (columns * step, rows * step))[:height, :width]
    assert reduction.up(values, region) == pytest.approx(whole[reduction.full(region)], abs=1e-5)


@settings(deadline=None)
@given(size=sizes, seed=st.integers(0, 99), share=st.sampled_from([0.0, 0.01, 0.2, 1.0]))
def test_the_regions_hold_all_that_is_wanted_once(size, seed, share):
    height, width, step = size
    wanted = np.random.default_rng(seed).random((-(-height // step), -(-width // step))) < share
    held = np.zeros(wanted.shape, int)
    for region in Reduction(*size).regions(wanted):
        held[region.top : region.bottom, region.left : region.right] += 1
    assert (held[wanted] == 1).all()
    assert held.max(initial=0) <= 1


def test_what_lies_apart_is_not_in_one_region():
    wanted = np.zeros((60, 100), bool)
    wanted[20:30, 5:8] = wanted[20:30, 80:84] = True
    regions = list(Reduction(240, 400, 4).regions(wanted))
    assert sum((one.bottom - one.top) * (one.right - one.left) for one in regions) < 60 * 20
