"""Polygons of a mask, and the same as GeoJSON."""

import json
from fractions import Fraction

import cv2
import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.exports.polygons import feature_collection, features, polygons, without_holes
from liveseg.labels import PASCAL_VOC

CAT, PERSON = 8, 15


@pytest.fixture(scope="module")
def blobs():
    """Two cats, one with a hole, and a person at the picture's edge: `(120, 160)`."""
    mask = np.zeros((120, 160), np.uint8)
    cv2.circle(mask, (50, 60), 40, CAT, -1)
    cv2.circle(mask, (50, 60), 15, 0, -1)
    cv2.circle(mask, (110, 20), 10, CAT, -1)
    cv2.rectangle(mask, (130, 70), (159, 119), PERSON, -1)
    return mask


def signed_area(ring):
    x, y = np.asarray(ring, np.int64).T
    return (x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2


def distance(point, ring):
    """How far a point is from a closed line."""
    return abs(cv2.pointPolygonTest(ring.astype(np.float32), tuple(map(float, point)), measureDist=True))


def test_polygons_come_by_class_and_falling_area_with_what_is_known_of_them(blobs):
    found = polygons(blobs, PASCAL_VOC, (CAT, PERSON), confidence=np.where(blobs == CAT, 0.5, 0.25).astype(np.float32))
    assert [(p.index, p.name, len(p.holes), p.mean_confidence) for p in found] == [
        (CAT, "cat", 1, 0.5),
        (CAT, "cat", 0, 0.5),
        (PERSON, "person", 0, 0.25),
    ]
    assert found[0].pixels + found[1].pixels == (blobs == CAT).sum()
    assert found[0].pixels > found[1].pixels
    assert found[2].share == 30 * 50 / blobs.size
    assert found[2].bounds == (130, 70, 30, 50)
    assert polygons(blobs, PASCAL_VOC, (CAT,))[0].mean_confidence is None


def test_opencv_fills_the_polygons_to_the_same_mask(blobs):
    canvas = np.zeros((2 * 120 + 1, 2 * 160 + 1), np.uint8)
    for polygon in polygons(blobs, PASCAL_VOC, (CAT, PERSON)):
        cv2.fillPoly(canvas, [2 * ring for ring in polygon.rings], polygon.index)
    assert np.array_equal(canvas[1::2, 1::2], blobs)


def test_simplified_borders_have_fewer_points_and_move_little_further_than_told(blobs):
    for exact, plain in zip(
        polygons(blobs, PASCAL_VOC, (CAT,)), polygons(blobs, PASCAL_VOC, (CAT,), simplify=2.0), strict=True
    ):
        assert len(plain.exterior) < len(exact.exterior) / 2
        assert max(distance(point, plain.exterior) for point in exact.exterior) <= 3.0
        assert len(plain.holes) == len(exact.holes)
        assert plain.pixels == exact.pixels
        assert signed_area(plain.exterior) == pytest.approx(signed_area(exact.exterior), rel=0.1)
        assert all(signed_area(hole) < 0 for hole in plain.holes)


def test_what_is_thinner_than_the_tolerance_keeps_its_exterior_and_loses_its_holes():
    mask = np.zeros((20, 20), np.uint8)
    mask[2:18, 2:18] = CAT
    mask[10, 10] = 0
    mask[0, 19] = CAT
    found = polygons(mask, PASCAL_VOC, (CAT,), simplify=3.0)
    assert [(len(p.exterior), len(p.holes), p.pixels) for p in found] == [(4, 0, 255), (4, 0, 1)]


def test_small_regions_are_left_out(blobs):
    assert [p.pixels for p in polygons(blobs, PASCAL_VOC, (PERSON,), min_area=1500)] == [1500]
    assert polygons(blobs, PASCAL_VOC, (PERSON,), min_area=1501) == []


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"simplify": -1.0}, "simplify is"),
        ({"simplify": float("nan")}, "simplify is"),
        ({"min_area": -1}, "min_area is"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(blobs, options, told):
    with pytest.raises(UsageError, match=told):
        polygons(blobs, PASCAL_VOC, (CAT,), **options)


def test_a_polygon_as_one_ring_walks_to_each_hole_and_back():
    mask = np.full((9, 14), CAT, np.uint8)
    mask[2:4, 2:4] = mask[5, 9] = mask[7, 3:5] = 0
    (polygon,) = polygons(mask, PASCAL_VOC, (CAT,))
    joined = without_holes(polygon)
    assert signed_area(joined) == polygon.pixels == mask.size - 7
    edges = [(tuple(a), tuple(b)) for a, b in zip(joined.tolist(), np.roll(joined, -1, axis=0).tolist(), strict=True)]
    own = [
        (tuple(a), tuple(b))
        for ring in polygon.rings
        for a, b in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True)
    ]
    cuts = set(edges) - set(own)
    assert set(own) <= set(edges)
    assert len(cuts) == 2 * len(polygon.holes)
    assert all((end, start) in cuts for start, end in cuts)


def test_geojson_is_valid_and_gives_the_mask_back(blobs):
    found = polygons(blobs, PASCAL_VOC, (CAT, PERSON))
    document = json.loads(json.dumps(feature_collection(features(found, 4, Fraction(1, 3)), 160, 120)))
    assert document["type"] == "FeatureCollection"
    assert document["image"] == {"width": 160, "height": 120}
    canvas = np.zeros((2 * 120 + 1, 2 * 160 + 1), np.uint8)
    for feature in document["features"]:
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Polygon"
        exterior, *holes = feature["geometry"]["coordinates"]
        # RFC 7946: rings are closed, the exterior is counter-clockwise in x and y, holes are clockwise.
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in (exterior, *holes))
        assert signed_area(exterior[:-1]) > 0
        assert all(signed_area(hole[:-1]) < 0 for hole in holes)
        cv2.fillPoly(canvas, [2 * np.array(ring) for ring in (exterior, *holes)], feature["properties"]["class_index"])
    assert np.array_equal(canvas[1::2, 1::2], blobs)
    assert document["features"][2]["properties"] == {
        "frame": 4,
        "timestamp": 1 / 3,
        "class_index": PERSON,
        "class": "person",
        "pixels": 1500,
        "share": 1500 / blobs.size,
        "mean_confidence": None,
    }
