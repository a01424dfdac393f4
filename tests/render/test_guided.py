"""The guided filter against its definition: least squares in each window."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.render.guided import GuidedFilter


def by_definition(guide, values, radius, smoothness):
    """Slopes and offset at each pixel whose window lies inside, by solving its normal equations."""
    fits = {}
    for y in range(radius, guide.shape[0] - radius):
        for x in range(radius, guide.shape[1] - radius):
            window = (slice(y - radius, y + radius + 1), slice(x - radius, x + radius + 1))
            colours, wanted = guide[window].reshape(-1, 3).astype(np.float64), values[window].ravel().astype(np.float64)
            centred = colours - colours.mean(axis=0)
            matrix = centred.T @ centred / len(colours) + smoothness * np.eye(3)
            slopes = np.linalg.solve(matrix, centred.T @ (wanted - wanted.mean()) / len(colours))
            fits[y, x] = slopes, wanted.mean() - slopes @ colours.mean(axis=0)
    return fits


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), radius=st.integers(1, 3), smoothness=st.sampled_from([1e-3, 1e-2, 1.0]))
def test_each_pixel_has_the_least_squares_fit_of_its_window(seed, radius, smoothness):
    rng = np.random.default_rng(seed)
    guide, values = rng.random((12, 11, 3), np.float32), rng.random((12, 11), np.float32)
    followed = GuidedFilter(guide, radius, smoothness).followed(values)
    for (y, x), (slopes, offset) in by_definition(guide, values, radius, smoothness).items():
        assert followed[y, x] == pytest.approx(slopes @ guide[y, x] + offset, abs=1e-3)


def test_the_plane_is_the_mean_of_the_fits_around():
    rng = np.random.default_rng(1)
    guide, values = rng.random((9, 9, 3), np.float32), rng.random((9, 9), np.float32)
    slopes, offset = GuidedFilter(guide, 1, 1e-2).plane(values)
    fits = by_definition(guide, values, 1, 1e-2)
    around = [fits[y, x] for y in (3, 4, 5) for x in (3, 4, 5)]
    assert slopes[4, 4] == pytest.approx(np.mean([fit[0] for fit in around], axis=0), abs=1e-3)
    assert offset[4, 4] == pytest.approx(np.mean([fit[1] for fit in around]), abs=1e-3)


def test_values_without_a_reason_in_the_picture_are_only_blurred():
    flat = np.full((20, 20, 3), 0.5, np.float32)
    step = np.zeros((20, 20), np.float32)
    step[:, 10:] = 1
    followed = GuidedFilter(flat, 2, 1e-4).followed(step)
    assert followed[10] == pytest.approx([0] * 8 + [0.2, 0.4, 0.6, 0.8] + [1] * 8, abs=1e-3)
