"""Zones: polygons as they are written, and the pixels inside them."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.events.zones import parse_zone, parse_zones

coordinates = st.integers(0, 40).map(str) | st.integers(0, 400).map(lambda tenths: f"{tenths / 10}")
polygons = st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=7)


def written(corners):
    return "zone=" + " ".join(f"{x},{y}" for x, y in corners)


def full(zone, height, width):
    region = zone.region(height, width)
    mask = np.zeros((height, width), np.uint8)
    mask[region.rows, region.columns] = region.inside
    assert region.pixels == (mask > 0).sum()
    return mask > 0


def lies_inside(corners, x, y):
    """Whether a point lies in a polygon, by exact arithmetic: how many edges a ray to its left crosses."""
    crossed = False
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        if (y1 <= y) != (y2 <= y):
            crossed ^= x1 + (y - y1) * (x2 - x1) / (y2 - y1) <= x
    return crossed


@given(polygons)
def test_a_pixel_belongs_to_a_zone_where_its_centre_lies_inside(corners):
    zone, exact = parse_zone(written(corners)), [(Fraction(x), Fraction(y)) for x, y in corners]
    half = Fraction(1, 2)
    expected = np.array([[lies_inside(exact, x + half, y + half) for x in range(33)] for y in range(21)])
    if not expected.any():
        with pytest.raises(UsageError, match="no pixel of a 33x21 picture"):
            zone.region(21, 33)
        return
    found = full(zone, 21, 33)
    # Where an edge runs through a centre, floating point may put it on either side.
    close = np.array(
        [[abs(cv2.pointPolygonTest(np.array(exact, np.float32), (x + 0.5, y + 0.5), True)) < 1e-3 for x in range(33)]
         for y in range(21)]
    )  # fmt: skip
    assert ((found == expected) | close).all()


def test_zones_that_share_an_edge_share_no_pixel_and_leave_none_out():
    left = full(parse_zone("left=0%,0% 50%,0% 30%,100% 0%,100%"), 37, 51)
    right = full(parse_zone("right=50%,0% 100%,0% 100%,100% 30%,100%"), 37, 51)
    assert not (left & right).any()
    assert (left | right).all()


def test_a_rectangle_in_pixels_has_just_those_pixels():
    found = full(parse_zone("box=10,5 20,5 20,15 10,15"), 40, 60)
    assert found[5:15, 10:20].all()
    assert found.sum() == 100


def test_shares_follow_the_size_of_the_picture_and_may_be_mixed_with_pixels():
    zone = parse_zone("half=0%,0% 50%,0% 50%,1080 0%,1080")
    assert full(zone, 20, 40)[:, :20].all()
    assert zone.region(20, 40).pixels == 400
    assert zone.region(1080, 1920).pixels == 1080 * 960


@given(polygons)
def test_a_zone_that_is_written_and_read_is_the_same(corners):
    zone = parse_zone(written(corners))
    assert parse_zone(str(zone)) == zone


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", 0, "a name"),
        ("door", 4, "= and the corners"),
        ("door=", 5, "3 corners or more, not 0"),
        ("door=1,2 3,4", 12, "3 corners or more, not 2"),
        ("door=1,2 3;4 5,6", 10, "a comma"),
        ("door=1,2 3,4 5,x", 15, "a number"),
        ("door=1,2 3,-4 5,6", 11, "a number"),
        ("door=1,2 3,4 101%,6", 13, "at most 100%"),
        ("a b=1,2", 2, "= and the corners"),
    ],
)
def test_an_error_points_at_the_character(text, place, words):
    with pytest.raises(UsageError) as caught:
        parse_zone(text)
    message, shown, mark = str(caught.value).split("\n")
    assert message.startswith("--zone, at ")
    assert words in message
    assert (shown, mark) == (f"  {text}", f"  {' ' * place}^")


def test_an_edge_that_is_walked_there_and_back_encloses_nothing():
    zone = parse_zone("back=0.1,14.0 36,12.3 0.1,14.0 14.9,27")
    with pytest.raises(UsageError, match="no pixel of a 33x21 picture"):
        zone.region(21, 33)


def test_two_zones_of_one_name_are_refused():
    with pytest.raises(UsageError, match="two zones are called 'a'"):
        parse_zones(["a=0,0 1,0 1,1", "b=0,0 1,0 1,1", "a=0,0 9,0 9,9"])


def test_a_zone_beyond_the_picture_is_refused_and_says_the_size():
    with pytest.raises(UsageError, match="zone 'far' holds no pixel of a 64x48 picture"):
        parse_zone("far=100,100 200,100 200,200").region(48, 64)
