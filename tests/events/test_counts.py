"""Counting in pictures and zones, against counting one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.events import counts
from liveseg.events.counts import Counter
from liveseg.events.zones import parse_zone

ZONES = [parse_zone("a=10%,20% 60%,10% 90%,95% 15%,70%"), parse_zone("b=3,0 17,0 17,9 3,9")]


def expected(mask, zone):
    if zone is None:
        return np.bincount(mask.reshape(-1), minlength=256)
    region = zone.region(*mask.shape)
    return np.bincount(mask[region.rows, region.columns][region.inside > 0], minlength=256)


@given(st.integers(0, 2**32 - 1), st.integers(20, 60), st.integers(20, 60))
def test_the_counts_are_those_of_counting_one_by_one(seed, height, width):
    mask = np.random.default_rng(seed).choice(np.array([0, 3, 15, 20, 255], np.uint8), (height, width))
    found = Counter(ZONES).areas(mask)
    for (count, pixels), zone in zip(found, [None, *ZONES], strict=True):
        assert np.array_equal(count, expected(mask, zone))
        assert pixels == count.sum()


def test_a_picture_of_more_pixels_than_a_histogram_holds_is_counted_in_parts(monkeypatch):
    monkeypatch.setattr(counts, "_MOST_PIXELS", 700)
    mask = np.random.default_rng(0).integers(0, 21, (50, 60), np.uint8)
    for (count, _), zone in zip(Counter(ZONES).areas(mask), [None, *ZONES], strict=True):
        assert np.array_equal(count, expected(mask, zone))


def test_a_mask_that_is_a_part_of_a_larger_one_is_counted():
    whole = np.random.default_rng(0).integers(0, 21, (80, 90), np.uint8)
    part = whole[7:57, 11:71]
    assert np.array_equal(Counter([]).areas(part)[0][0], expected(np.ascontiguousarray(part), None))


def test_a_zone_beyond_the_picture_is_found_before_the_first_frame():
    with pytest.raises(UsageError, match="no pixel"):
        Counter([parse_zone("far=900,0 910,0 910,9")]).check(48, 64)
