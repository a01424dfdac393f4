"""Mattes against known ones: nearer to the truth than a hard or a feathered mask, whole inside, nothing outside."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.errors import UsageError
from liveseg.labels import PASCAL_VOC, LabelSet
from liveseg.render.matte import cutout, decontaminated, extracted, foreground_alpha, foreground_indices

PERSON = 15


@pytest.fixture(scope="module")
def measured(matting, skimage_data):
    return matting.measured(skimage_data, 3)


def test_alpha_is_much_nearer_to_the_truth_than_a_hard_or_a_feathered_mask(measured):
    own = measured["liveseg"]
    for other in ("hard mask", "feathered by 2 pixels", "feathered by 4 pixels", "the network's probabilities"):
        assert own.sad < 0.6 * measured[other].sad
        assert own.mse < 0.5 * measured[other].mse


def test_a_new_background_shows_much_less_of_a_rim(measured):
    for other in ("hard mask", "feathered by 2 pixels", "feathered by 4 pixels", "the network's probabilities"):
        assert measured["liveseg"].rim < 0.6 * measured[other].rim
    assert measured["liveseg"].rim < 0.92 * measured["liveseg, colours as they are"].rim


def test_with_the_true_alpha_more_than_half_of_the_old_background_is_taken_out(matting, composite):
    alpha = np.rint(composite.alpha * 255).astype(np.uint8)
    left = matting.errors(composite, alpha, decontaminated(composite.image, alpha, matting.GRID)).rim
    assert left < 0.5 * matting.errors(composite, alpha, composite.image).rim


def test_flat_colours_are_recovered_where_they_are_mixed():
    alpha = np.zeros((480, 640), np.uint8)
    alpha[100:400, 200:500] = 255
    alpha = cv2.GaussianBlur(alpha, (0, 0), 3)
    share = alpha[..., None] / 255
    own, behind = np.array([200.0, 40, 90]), np.array([10.0, 180, 240])
    image = np.rint(share * own + (1 - share) * behind).astype(np.uint8)
    found = decontaminated(image, alpha)
    # What shows of an error is what alpha lets through.
    assert (share * np.abs(image - own)).max() > 40
    assert (share * np.abs(found - own)).max() < 10
    assert (share * np.abs(found - own)).mean() < 0.2 * (share * np.abs(image - own)).mean()


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 1000),
    height=st.integers(60, 200),
    width=st.integers(60, 200),
    cells=st.sampled_from([None, 9, 17]),
)
def test_bodies_stay_whole_and_what_is_far_stays_out_whatever_the_picture(seed, height, width, cells):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    spots = cv2.GaussianBlur(rng.standard_normal((height, width)), (0, 0), 12)
    mask = np.where(spots > 0, np.uint8(PERSON), np.uint8(3))
    alpha = foreground_alpha(image, mask, [PERSON], None if cells is None else (cells, cells))
    cell = min(height, width) / 36 if cells is None else (height * width) ** 0.5 / cells
    # The border moves by a cell, is soft over three quarters of one, and all that on a grid of quarters.
    reach = 2 * round(2.25 * cell + 3) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    is_person = (mask == PERSON).astype(np.uint8)
    assert (alpha[cv2.erode(is_person, disc) == 1] == 255).all()
    assert (alpha[cv2.dilate(is_person, disc) == 0] == 0).all()


def test_the_border_is_where_the_picture_has_it_and_not_where_the_mask_has_it():
    image = np.full((288, 384, 3), (40, 60, 90), np.uint8)
    image[:, 190:] = (220, 200, 160)
    mask = np.zeros((288, 384), np.uint8)
    mask[:, 196:] = PERSON
    alpha = foreground_alpha(image, mask, [PERSON], (37, 49))
    assert alpha[:, :188].max() == 0
    assert alpha[:, 192:].min() == 255


def test_a_mirrored_picture_has_the_mirrored_matte(matting, composite):
    alpha = matting.matted(composite).astype(int)
    mirrored = foreground_alpha(
        np.ascontiguousarray(composite.image[:, ::-1]),
        np.ascontiguousarray(composite.mask[:, ::-1]),
        [PERSON],
        (37, 49),
    )
    assert np.abs(alpha - mirrored[:, ::-1]).max() <= 2


def test_a_mask_without_a_grid_has_the_matte_of_the_usual_one(composite):
    usual = foreground_alpha(composite.image, composite.mask, [PERSON], (37, 49)).astype(int)
    assert np.abs(usual - foreground_alpha(composite.image, composite.mask, [PERSON])).mean() < 0.5


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (300, 2), (37, 53), (101, 99)])
def test_pictures_of_odd_sizes_are_taken(size):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 256, (*size, 3), np.uint8), np.zeros(size, np.uint8)
    mask[: size[0] // 2 + 1, : size[1] // 2 + 1] = PERSON
    colours, alpha = extracted(image, mask, [PERSON])
    assert (colours.shape, alpha.shape) == (image.shape, mask.shape)
    assert cutout(image, mask, [PERSON]).shape == (*size, 4)


def test_all_foreground_and_none_are_no_work():
    image = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    mask = np.full((50, 60), PERSON, np.uint8)
    for foreground, opacity in (([PERSON], 255), ([7], 0), ([], 0)):
        colours, alpha = extracted(image, mask, foreground)
        assert (alpha == opacity).all()
        assert np.array_equal(colours, image)


def test_colours_are_changed_at_the_border_only_and_the_picture_not_at_all(composite):
    before = composite.image.copy()
    rgba = cutout(composite.image, composite.mask, [PERSON], (37, 49))
    opaque = rgba[..., 3] == 255
    assert np.array_equal(rgba[opaque][:, :3], composite.image[opaque])
    soft = ~opaque & (rgba[..., 3] > 0)
    assert np.abs(rgba[soft][:, :3].astype(int) - composite.image[soft]).mean() > 3
    assert np.array_equal(composite.image, before)


def test_one_go_gives_what_the_two_steps_give(composite):
    alpha = foreground_alpha(composite.image, composite.mask, [PERSON], (37, 49))
    colours, same = extracted(composite.image, composite.mask, [PERSON], (37, 49))
    assert np.array_equal(alpha, same)
    assert np.array_equal(colours, decontaminated(composite.image, alpha, (37, 49)))


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(UsageError, match=r"the mask is \(4, 5\) but the image is \(4, 6\)"):
        foreground_alpha(np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5), np.uint8), [1])


def test_the_foreground_is_what_is_named_or_people_or_all_there_is():
    assert foreground_indices(PASCAL_VOC) == (PERSON,)
    assert foreground_indices(PASCAL_VOC, ["dog", "cat"]) == (8, 12)
    own = LabelSet(("background", "leaf", "root"), ((0, 0, 0), (0, 255, 0), (90, 60, 0)))
    assert foreground_indices(own) == (1, 2)
    assert foreground_indices(own.with_unknown()) == (1, 2)
    with pytest.raises(UsageError, match="did you mean"):
        foreground_indices(PASCAL_VOC, ["cta"])
    with pytest.raises(UsageError, match="nothing but a background"):
        foreground_indices(LabelSet(("background",), ((0, 0, 0),)))
