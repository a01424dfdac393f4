from __future__ import annotations

import numpy as np
import pytest

from liveseg.render.grid import grid, grid_shape


@pytest.mark.parametrize(
    ("count", "shape"), [(1, (1, 1)), (2, (1, 2)), (3, (2, 2)), (4, (2, 2)), (5, (2, 3)), (7, (3, 3)), (12, (3, 4))]
)
def test_a_grid_is_as_square_as_can_be(count, shape):
    assert grid_shape(count) == shape


def test_each_picture_is_whole_in_its_cell():
    red = np.full((100, 200, 3), (255, 0, 0), np.uint8)
    green = np.full((300, 100, 3), (0, 255, 0), np.uint8)
    whole = grid([red, green], ["a", "b"], (120, 120))
    assert whole.shape == (120, 240, 3)
    # Twice as wide as tall: all columns, half the rows; the other way round: a third of the columns.
    assert (whole[60, :120] == (255, 0, 0)).all()
    assert (whole[:29, :120] == 0).all()
    assert (whole[:80, 180] == (0, 255, 0)).all()
    assert (whole[:80, 130:150] == 0).all()


def test_a_missing_picture_leaves_its_cell_black_but_for_its_name():
    whole = grid([None, np.full((50, 50, 3), 9, np.uint8)], ["door", "yard"], (50, 50))
    assert whole[20:, :50].any()
    assert not whole[:20, :50].any()
    assert (whole[:20, 50:] == 9).all()
