"""One clock over all connections: the stream's own, as long as it runs."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.media.live.timeline import Timeline

MS = Fraction(1, 1000)


def test_the_streams_own_times_are_kept_whatever_the_wall_clock_says():
    timeline = Timeline(MS)
    pts = [5000, 5040, 5080, 5081, 5500, 9000]
    seen = [7.0, 7.0, 7.0, 9.9, 9.91, 9.92]  # in bunches, as networks do
    assert [timeline.stamp(own, MS, at) for own, at in zip(pts, seen, strict=True)] == pts


def test_another_time_base_is_brought_to_the_first_ones():
    timeline = Timeline(MS)
    assert timeline.stamp(0, MS, 0.0) == 0
    assert timeline.stamp(9000, Fraction(1, 90_000), 0.1) == 100


def test_a_new_connection_goes_on_by_the_wall_clock():
    timeline = Timeline(MS)
    assert timeline.stamp(60_000, MS, 100.0, 1) == 60_000
    assert timeline.stamp(0, MS, 112.5, 2) == 72_500
    assert timeline.stamp(40, MS, 112.5, 2) == 72_540


def test_a_first_frame_without_a_time_does_not_hide_that_the_clock_is_a_new_one():
    timeline = Timeline(MS)
    timeline.stamp(500, MS, 100.0, 1)
    assert timeline.stamp(None, MS, 101.0, 2) == 1500
    assert timeline.stamp(1200, MS, 101.3, 2) == 1800
    assert timeline.stamp(1240, MS, 101.3, 2) == 1840


def test_what_stands_in_is_between_the_frames_before_and_after():
    timeline = Timeline(MS)
    assert timeline.stamp(0, MS, 10.0, 1) == 0
    assert timeline.now(10.5) == 500
    assert timeline.now(11.0) == 1000
    assert timeline.stamp(777, MS, 11.2, 2) == 1200
    assert timeline.stamp(817, MS, 11.2, 2) == 1240


@pytest.mark.parametrize("leap", [-3_600_000, -1001, 95_443_717])
def test_a_clock_that_leaps_goes_on_by_the_wall_clock(leap):
    timeline = Timeline(MS)
    assert timeline.stamp(5_000_000, MS, 10.0) == 5_000_000
    assert timeline.stamp(5_000_000 + leap, MS, 10.04) == 5_000_040
    assert timeline.stamp(5_000_040 + leap, MS, 10.08) == 5_000_080


def test_a_pause_of_the_stream_is_no_leap():
    timeline = Timeline(MS)
    timeline.stamp(0, MS, 10.0)
    assert timeline.stamp(60_000, MS, 70.0) == 60_000


def test_a_stream_without_a_clock_gets_the_times_of_arrival():
    timeline = Timeline(Fraction(1, 90_000))
    stamps = [timeline.stamp(None, Fraction(1, 25), seen) for seen in (50.0, 50.1, 50.1, 51.0)]
    assert stamps == [0, 9000, 9001, 90_001]


FRAMES = st.lists(
    st.tuples(st.none() | st.integers(0, 10**6), st.floats(0, 100), st.integers(1, 3), st.booleans()), max_size=30
)


@given(FRAMES)
def test_each_time_is_later_than_the_one_before(frames):
    timeline = Timeline(MS)
    seen, stamps = 0.0, []
    for own, passed, connection, stands_in in frames:
        seen += passed - 1  # arrivals may be a little out of order
        stamps.append(timeline.now(seen) if stands_in and stamps else timeline.stamp(own, MS, seen, connection))
    assert all(before < after for before, after in pairwise(stamps))
