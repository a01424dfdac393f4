"""Zones drawn on a picture."""

from __future__ import annotations

import numpy as np
import pytest

from liveseg.events.draw import Outlines
from liveseg.events.zones import parse_zone

BOX = parse_zone("door=25%,25% 75%,25% 75%,75% 25%,75%")


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_the_outline_is_seen_on_any_background_and_the_rest_is_untouched(grey):
    picture = np.full((240, 320, 3), grey, np.uint8)
    drawn = Outlines([BOX])(picture)
    assert (picture == grey).all()
    edge = drawn[120, 75:86, 0].astype(int)
    assert edge.max() > 200
    assert edge.min() < 100
    assert edge.max() - edge.min() > 100
    assert (drawn[120, 100:220] == grey).all()
    assert (drawn[:50] == grey).all()


def test_the_name_stands_inside_the_zone():
    plain, named = (Outlines([parse_zone(f"{name}={str(BOX).partition('=')[2]}")]) for name in ("i", "door"))
    picture = np.zeros((240, 320, 3), np.uint8)
    rows, columns = np.nonzero((plain(picture) != named(picture)).any(axis=2))
    assert len(rows) > 20
    assert rows.min() > 60
    assert rows.max() < 100
    assert columns.min() > 80
    assert columns.max() < 240


@pytest.mark.parametrize("size", [(48, 64), (1080, 1920), (3, 3)])
def test_lines_and_letters_fit_the_size_of_the_picture(size):
    zones = [BOX, parse_zone("beyond=90%,0 9000,0 9000,9000 90%,9000"), parse_zone("a-rather-long-name=0,0 5,0 5,5")]
    drawn = Outlines(zones)(np.zeros((*size, 3), np.uint8))
    assert drawn.shape == (*size, 3)
    assert drawn.max() > 200


def test_no_zones_no_change():
    picture = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    assert np.array_equal(Outlines([])(picture), picture)
