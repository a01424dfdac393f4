"""A style, and the pictures made in it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import pytest

from liveseg.errors import UsageError, WeightsError
from liveseg.labels import PASCAL_VOC
from liveseg.palettes import palette_of
from liveseg.render import Painter, Renderer, Style, style_of
from liveseg.settings.draw import DrawSettings

EVERYTHING = Style(contours=True, names=True, legend=True, side_by_side=True)


@dataclass
class Found:
    image: np.ndarray
    mask: np.ndarray


@pytest.fixture
def found():
    rng = np.random.default_rng(0)
    mask = np.kron(rng.integers(0, 21, (6, 8)).astype(np.uint8), np.ones((40, 40), np.uint8))
    return Found(rng.integers(0, 256, (240, 320, 3), dtype=np.uint8), mask)


def test_without_a_style_it_draws_what_the_painter_draws(found):
    wanted = Painter(PASCAL_VOC).overlay(found.image, found.mask)
    assert np.array_equal(Renderer(PASCAL_VOC)(found), wanted)
    assert np.array_equal(Renderer(PASCAL_VOC).table()[found.mask[..., None], found.image, np.arange(3)], wanted)


def test_nothing_that_is_drawn_changes_the_result(found):
    image, mask = found.image.copy(), found.mask.copy()
    found.image.setflags(write=False)
    found.mask.setflags(write=False)
    picture = Renderer(PASCAL_VOC, EVERYTHING)(found)
    assert np.array_equal(found.image, image)
    assert np.array_equal(found.mask, mask)
    assert not np.shares_memory(picture, found.image)


@pytest.mark.parametrize("option", ["contours", "names", "legend", "side_by_side"])
def test_each_option_draws_something_and_no_table_can(found, option):
    plain, styled = Renderer(PASCAL_VOC)(found), Renderer(PASCAL_VOC, Style(**{option: True}))
    picture = styled(found)
    assert picture.shape == ((240, 640, 3) if option == "side_by_side" else plain.shape)
    assert not np.array_equal(picture[:, -320:], plain) or option == "side_by_side"
    assert styled.table() is None


def test_side_by_side_has_the_source_on_the_left_and_the_drawing_on_the_right(found):
    renderer = Renderer(PASCAL_VOC, EVERYTHING)
    picture = renderer(found)
    assert np.array_equal(picture[:, :320], found.image)
    assert np.array_equal(picture[:, 320:], Renderer(PASCAL_VOC, replace(EVERYTHING, side_by_side=False))(found))
    assert renderer.size(320, 240) == (640, 240)
    assert renderer.untouched(found.image).shape == picture.shape
    assert Renderer(PASCAL_VOC).size(320, 240) == (320, 240)
    assert Renderer(PASCAL_VOC).untouched(found.image) is found.image


def test_the_palette_is_that_of_the_style_everywhere(found):
    colors = palette_of("vivid", PASCAL_VOC)
    renderer = Renderer(PASCAL_VOC, Style(palette=colors, alpha=1.0))
    assert np.array_equal(
        renderer(found), np.where((found.mask == 0)[..., None], found.image, np.array(colors)[found.mask])
    )
    assert np.array_equal(renderer.color(found.mask), np.array(colors)[found.mask])
    with pytest.raises(WeightsError, match="palette colours"):
        Renderer(PASCAL_VOC, Style(palette=colors[:5]))


def test_only_what_is_kept_and_not_hidden_is_drawn(found):
    def changed(classes, hide):
        style = replace(Style(alpha=1.0, contours=True), palette=((1, 2, 3),) * 21).showing(PASCAL_VOC, classes, hide)
        return (Renderer(PASCAL_VOC, style)(found) == (1, 2, 3)).all(axis=2)

    mask = found.mask
    assert np.array_equal(changed(None, None), mask != 0)
    assert np.array_equal(changed(["person", "dog"], None), (mask == 15) | (mask == 12))
    assert np.array_equal(changed(None, ["person", "dog"]), (mask != 0) & (mask != 15) & (mask != 12))
    assert np.array_equal(changed(["person", "dog"], ["cat"]), (mask == 15) | (mask == 12))


def test_another_background_takes_the_place_of_the_tint(found):
    seen = []

    def backdrop(one):
        seen.append(one)
        return np.full_like(one.image, 9)

    assert (Renderer(PASCAL_VOC, Style(background=backdrop))(found) == 9).all()
    assert seen == [found]
    picture = Renderer(PASCAL_VOC, Style(background=backdrop, contours=True))(found)
    assert (picture != 9).any()
    assert (picture == 9).any()
    assert Renderer(PASCAL_VOC, Style(background=backdrop)).table() is None


def test_threads_get_the_same_pictures(found):
    renderer = Renderer(PASCAL_VOC, EVERYTHING)
    wanted = renderer(found)
    with ThreadPoolExecutor(4) as pool:
        assert all(np.array_equal(picture, wanted) for picture in pool.map(renderer, [found] * 16))


def test_options_become_a_style():
    settings = DrawSettings(
        alpha=0.25, palette="safe", classes=("person", "tv"), hide=("cat",), contours=True, labels=True, legend=True,
        side_by_side=True,
    )  # fmt: skip
    assert style_of(settings, PASCAL_VOC) == Style(
        alpha=0.25, palette=palette_of("safe", PASCAL_VOC), classes=(15, 20), hidden=(8,), contours=True, names=True,
        legend=True, side_by_side=True,
    )  # fmt: skip
    assert style_of(DrawSettings(), PASCAL_VOC) == Style()


def test_a_class_both_kept_and_hidden_is_refused_by_whatever_name():
    settings = DrawSettings(classes=("person", "sofa"), hide=("couch", "cat"))
    with pytest.raises(UsageError, match="--classes and dropped by --hide: sofa"):
        style_of(settings, PASCAL_VOC)


def test_an_opacity_beyond_its_range_is_refused():
    with pytest.raises(UsageError, match="from 0 to 1"):
        Style(alpha=1.2)
