"""New backgrounds: out of focus, a colour, a picture; and the foreground before them."""

import gc
import threading
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liveseg.errors import LivesegError
from liveseg.labels import PASCAL_VOC
from liveseg.media.images import write_image
from liveseg.render.background import (
    BlurredScenery,
    Replacer,
    StillScenery,
    composed,
    covering,
    open_scenery,
    replacer_of,
)
from liveseg.settings.background import BackgroundSettings, Blur, Color, Scene

PERSON = 15
RED, GREY = (230, 20, 20), (90, 90, 90)


@dataclass(frozen=True)
class Result:
    image: np.ndarray
    mask: np.ndarray
    grid: tuple[int, int] | None = None
    timestamp: Fraction | None = None


@pytest.fixture(scope="module")
def person():
    """A red disc before a grey wall, in a mask that is a little too small."""
    image = np.full((288, 384, 3), GREY, np.uint8)
    cv2.circle(image, (190, 140), 80, RED, -1, cv2.LINE_AA)
    mask = np.zeros((288, 384), np.uint8)
    cv2.circle(mask, (190, 140), 76, PERSON, -1)
    return Result(image, mask, (37, 49))


def from_centre(distance):
    y, x = np.mgrid[:288, :384]
    return distance(np.hypot(x - 190, y - 140))


def test_a_colour_stands_behind_and_the_foreground_before_it(person):
    picture = Replacer(Color((0, 200, 60)), [PERSON])(person)
    assert (picture[from_centre(lambda r: r > 95)] == (0, 200, 60)).all()
    assert (picture[from_centre(lambda r: r < 70)] == RED).all()
    # Between them lies nothing but a mixture of the two: no grey of the wall.
    share = np.clip(picture[..., 0] / 230, 0, 1)[..., None]
    assert np.abs(share * RED + (1 - share) * (0, 200, 60) - picture).max() < 12


def test_a_hard_cut_would_have_left_a_rim(person):
    """What the test above asks is not for nothing."""
    hard = np.where(cv2.dilate(person.mask, np.ones((15, 15))) > 0, np.uint8(255), np.uint8(0))
    picture = composed(person.image, hard, np.full_like(person.image, (0, 200, 60)))
    share = np.clip(picture[..., 0] / 230, 0, 1)[..., None]
    assert np.abs(share * RED + (1 - share) * (0, 200, 60) - picture).max() > 40


def test_a_blurred_background_has_nothing_of_the_foregrounds_colours(person):
    mask = np.where(from_centre(lambda r: r < 84), np.uint8(255), np.uint8(0))
    blurred = BlurredScenery(6)(person.image, mask, None)
    near = from_centre(lambda r: (r > 86) & (r < 100))
    assert np.abs(blurred[near].astype(int) - GREY).max() <= 3
    usual = cv2.GaussianBlur(person.image, (0, 0), 17)
    assert np.abs(usual[near].astype(int) - GREY).max() > 40


@pytest.mark.parametrize("size", [(288, 384), (101, 67), (7, 300), (1, 1)])
@pytest.mark.parametrize("strength", [0.1, 4, 50])
def test_a_blur_grows_with_its_strength_and_takes_every_size(size, strength):
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    blurred = BlurredScenery(strength)(image, np.zeros(size, np.uint8), None)
    assert blurred.shape == image.shape
    if size == (288, 384):
        left = blurred.std() / image.std()
        assert {0.1: left > 0.9, 4: left < 0.1, 50: left < 0.03}[strength]
    assert abs(blurred.mean() - image.mean()) < 25


def test_a_picture_that_is_all_foreground_stays(person):
    whole = Result(person.image, np.full_like(person.mask, PERSON))
    for background in (Blur(), Color((1, 2, 3))):
        assert np.array_equal(Replacer(background, [PERSON])(whole), person.image)


def test_a_result_of_an_unknown_grid_is_taken(person):
    bare = Result(person.image, person.mask)
    with_grid = Replacer(Color((0, 0, 0)), [PERSON])(person).astype(int)
    assert np.abs(with_grid - Replacer(Color((0, 0, 0)), [PERSON])(bare)).mean() < 0.5


def test_the_new_picture_is_ones_own_to_draw_on(person):
    before = person.image.copy()
    replacer = Replacer(Color((9, 9, 9)), [PERSON])
    replacer(person)[:] = 0
    assert np.array_equal(person.image, before)
    assert (replacer(person)[0, 0] == 9).all()


@given(
    front=st.integers(0, 255), behind=st.integers(0, 255), opacity=st.integers(0, 255), height=st.sampled_from([1, 200])
)
def test_composing_is_right_to_a_level(front, behind, opacity, height):
    picture = composed(
        np.full((height, 3, 3), front, np.uint8),
        np.full((height, 3), opacity, np.uint8),
        np.full((height, 3, 3), behind, np.uint8),
    )
    assert np.abs(picture - (opacity * front + (255 - opacity) * behind) / 255).max() <= 1


def test_composing_is_exact_where_alpha_is_all_or_nothing():
    rng = np.random.default_rng(0)
    front, behind = rng.integers(0, 256, (2, 300, 40, 3), np.uint8)
    alpha = np.where(rng.random((300, 40)) < 0.5, np.uint8(255), np.uint8(0))
    assert np.array_equal(composed(front, alpha, behind), np.where(alpha[..., None] == 255, front, behind))


@pytest.mark.parametrize(("shape", "size"), [((40, 100), (60, 60)), ((100, 40), (60, 60)), ((30, 30), (20, 90))])
def test_a_picture_covers_the_frame_by_its_middle_and_keeps_its_proportions(shape, size):
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    picture = np.dstack((x, y, 0 * x)).astype(np.uint8)
    fitted = covering(picture, size).astype(float)
    assert fitted.shape == (*size, 3)
    scale = max(size[0] / shape[0], size[1] / shape[1])
    # A step in x is as large as one in y, and the middle is the middle.
    assert np.ptp(fitted[..., 0]) == pytest.approx(size[1] / scale, abs=2.5)
    assert np.ptp(fitted[..., 1]) == pytest.approx(size[0] / scale, abs=2.5)
    assert fitted[..., 0].mean() == pytest.approx((shape[1] - 1) / 2, abs=1.5)
    assert fitted[..., 1].mean() == pytest.approx((shape[0] - 1) / 2, abs=1.5)


def test_a_file_is_told_by_its_content_and_opened_at_once(tmp_path, samples):
    picture = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    scenery = open_scenery(Scene(write_image(tmp_path / "wall.png", picture)))
    assert isinstance(scenery, StillScenery)
    assert np.array_equal(scenery(picture, picture[..., 0], None), picture)
    (tmp_path / "notes.txt").write_text("no picture", encoding="utf-8")
    with pytest.raises(LivesegError, match=r"notes\.txt"):
        open_scenery(Scene(tmp_path / "notes.txt"))
    clip = open_scenery(Scene(samples / "video_2.mp4"))
    assert clip(picture, picture[..., 0], Fraction(1)).shape == picture.shape
    clip.close()


def test_a_scaled_picture_is_kept_for_the_next_frame():
    scenery = StillScenery(np.zeros((30, 40, 3), np.uint8))
    frame = np.zeros((15, 20, 3), np.uint8)
    first = scenery(frame, frame[..., 0], None)
    assert scenery(frame, frame[..., 0], None) is first


def test_a_replacer_that_nobody_has_any_more_closes_its_file(samples):
    closed = threading.Event()
    replacer = Replacer(Scene(samples / "video_2.mp4"), [PERSON])
    source = replacer._scenery._source
    close = source.close
    source.close = lambda: (close(), closed.set())
    del replacer
    gc.collect()
    assert closed.is_set()


def test_options_make_a_replacer_or_none():
    assert replacer_of(BackgroundSettings(), PASCAL_VOC) is None
    replacer = replacer_of(BackgroundSettings(background=Color((1, 2, 3)), foreground=("cat", "person")), PASCAL_VOC)
    assert replacer._foreground == (8, 15)
