"""The picture of rate against quality."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from liveseg.bench.plot import plot
from liveseg.errors import OutputExistsError, UsageError


def test_the_picture_shows_a_point_for_each_combination_that_ran(result, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    path = tmp_path / "plot.png"
    assert plot(result, path) == 2
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB")).reshape(-1, 3)
    assert len(pixels) > 400_000
    # float32 is blue and bfloat16 orange: both are drawn, on a page that is mostly white.
    for color in ((31, 119, 180), (255, 127, 14)):
        assert (pixels == color).all(1).sum() > 50
    assert (pixels == 255).all(1).mean() > 0.8


def test_a_result_of_unknown_quality_still_makes_a_picture(result, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    for entry in result.entries:
        entry.error, entry.found = "no", {}
        entry.rounds, entry.network_rounds = [], []
    path = tmp_path / "plot.svg"
    assert plot(result, path) == 0
    assert path.read_text(encoding="utf-8").startswith("<?xml")


def test_names_that_are_no_plots_are_refused(result, tmp_path):
    with pytest.raises(UsageError, match=r"\.png"):
        plot(result, tmp_path / "plot.mp4")


def test_a_picture_that_exists_is_kept(result, require_module, tmp_path):
    require_module("matplotlib", "matplotlib")
    path = tmp_path / "plot.png"
    path.write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        plot(result, path, overwrite=False)
    assert path.read_bytes() == b"mine"
