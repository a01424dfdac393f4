from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg import Segmenter
from liveseg.errors import WeightsError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.pipeline import Pipeline
from liveseg.postprocess import upsampled_argmax
from liveseg.segmenter import Inferred
from liveseg.temporal import Smoother, _grid

CLASSES = 5
SIZE = 288, 384
CELLS = 37, 49


def photo(seed=0, size=(400, 560)):
    """Something with detail at all sizes, as photographs have."""
    random = np.random.default_rng(seed)
    picture = np.full((*size, 3), 110.0, np.float32)
    for cell in (8, 16, 32, 64, 128):
        grid = random.normal(0, 25, (size[0] // cell + 2, size[1] // cell + 2, 3)).astype(np.float32)
        picture += cv2.resize(grid, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def noisy(picture, random, sigma=6.0):
    return np.clip(picture + random.normal(0, sigma, picture.shape), 0, 255).astype(np.uint8)


def logits_of(mask, random=None, noise=0.0, strength=4.0):
    """What a network might say of a mask: smooth at its borders, unsteady by `noise`."""
    planes = [(mask == index).astype(np.float32) for index in range(CLASSES)]
    cells = [
        cv2.resize(cv2.GaussianBlur(p, (0, 0), 4), (CELLS[1], CELLS[0]), interpolation=cv2.INTER_AREA) for p in planes
    ]
    logits = strength * np.stack(cells)
    if random is not None:
        logits += random.normal(0, noise, logits.shape)
    return logits.astype(np.float32)


def said(image, logits, *, align_corners=True, **more):
    return Inferred(image, logits, align_corners, {}, **more)


def mask_of(inferred):
    return upsampled_argmax(inferred.logits, *inferred.image.shape[:2], align_corners=True)


def disc(x=190, y=140, radius=60, index=1):
    mask = np.zeros(SIZE, np.uint8)
    cv2.circle(mask, (round(x), round(y)), radius, index, -1)
    return mask


def iou(found, truth, index=1):
    return ((found == index) & (truth == index)).sum() / max(((found == index) | (truth == index)).sum(), 1)


def test_the_first_frame_passes_through_as_it_is():
    random = np.random.default_rng(0)
    own = said(photo()[:288, :384], logits_of(disc(), random, 1.0))
    assert np.array_equal(Smoother()(own, 0).logits, own.logits)


def test_on_a_still_scene_with_noise_the_mask_stands_still():
    random, scene, smoother = np.random.default_rng(1), photo()[:288, :384], Smoother()
    raw, smooth = [], []
    for number in range(50):
        own = said(noisy(scene, random), logits_of(disc(), random, 1.0))
        before = own.logits.copy()
        smooth.append(mask_of(smoother(own, number / 25)))
        raw.append(mask_of(own))
        assert np.array_equal(own.logits, before), "what was given has been changed"
    changes = [np.mean([(a != b).mean() for a, b in pairwise(masks[25:])]) for masks in (raw, smooth)]
    assert changes[0] > 0.005
    assert changes[1] < changes[0] / 15
    assert iou(smooth[-1], disc()) > 0.95


@pytest.mark.parametrize("rate", [10, 25, 60])
@pytest.mark.parametrize(("before", "after"), [(3, 0.75), (0.4, 0.45)])
def test_seconds_count_not_frames(rate, before, after):
    """A scene that is still, and a network that changes its mind: it is believed after as many seconds."""
    scene, smoother = photo()[:288, :384], Smoother()
    first = round(before * rate)
    for number in range(first):
        smoother(said(scene, logits_of(disc())), number / rate)
    for number in range(first, first + 3 * rate):
        if iou(mask_of(smoother(said(scene, logits_of(disc(index=2))), number / rate)), disc(index=2), 2) > 0.9:
            break
    assert (number + 1) / rate - before == pytest.approx(after, abs=0.15)


def test_one_wrong_frame_of_a_still_scene_does_not_show():
    scene, smoother = photo()[:288, :384], Smoother()
    for number in range(12):
        wrong = number == 10
        found = mask_of(smoother(said(scene, logits_of(disc(index=3 if wrong else 1))), Fraction(number, 25)))
    assert iou(found, disc()) > 0.95


@pytest.mark.parametrize("step", [(0.7, 0.4), (4, -2), (10, 3)])
def test_the_past_moves_with_the_picture(step):
    """Under a camera that pans, with an unsteady network: the average is of the same things, not of the same places."""
    random, scene, smoother = np.random.default_rng(2), photo(), Smoother()
    scores, raw = [], []
    for number in range(12):
        x, y = 20 + number * step[0], 60 + number * step[1]
        image = cv2.warpAffine(scene, np.array([[1, 0, -x], [0, 1, -y]], np.float32), SIZE[::-1])
        truth = disc(250 - x, 190 - y)
        own = said(noisy(image, random, 3), logits_of(truth, random, 2.0))
        scores.append(iou(mask_of(smoother(own, number / 25)), truth))
        raw.append(iou(mask_of(own), truth))
    assert np.mean(scores[6:]) > 0.9
    assert 1 - np.mean(scores[6:]) < 0.6 * (1 - np.mean(raw[6:]))


def panned(steps, step, truth):
    """A camera that moves to the right over a photo: each picture, the true mask of a disc in it, and its time."""
    scene = photo(size=(400, 900))
    for number in range(steps):
        x = 20 + number * step
        image = cv2.warpAffine(scene, np.array([[1, 0, -x], [0, 1, -60]], np.float32), SIZE[::-1])
        yield image, truth(x), number / 25


def test_a_small_object_does_not_melt_away_under_a_slow_pan():
    smoother = Smoother()
    for image, truth, now in panned(40, 2, lambda x: disc(250 - x, 140, 13)):
        found = mask_of(smoother(said(image, logits_of(truth, strength=8.0)), now))
    # A network that is right alone has 0.83 here; bilinear sampling of the past would leave 0.63.
    assert iou(found, truth) > 0.73


def test_what_comes_in_from_outside_has_no_past():
    random, smoother = np.random.default_rng(6), Smoother()
    for image, truth, now in panned(10, 14, lambda x: disc(250 - x)):
        # So faint that what comes in does not look another thing than what was there before.
        own = said(100 + image // 8, logits_of(truth, random, 1.0))
        found = smoother(own, now)
    # Each step is nearly two cells wide.
    assert np.abs(found.logits - own.logits)[:, :, -1].max() < 1e-3
    assert np.abs(found.logits - own.logits)[:, :, 10:30].max() > 1


def test_cells_lie_on_the_picture_as_their_alignment_says():
    aligned, centred = (_grid((21, 37, 49), (288, 384), align_corners) for align_corners in (True, False))
    assert aligned.places[0, 0].tolist() == [0, 0]
    assert aligned.places[-1, -1].tolist() == pytest.approx([aligned.columns - 1, aligned.rows - 1])
    assert centred.places[0, 0] == pytest.approx([centred.columns / 98 - 0.5, centred.rows / 74 - 0.5])
    assert centred.places[-1, -1] == pytest.approx(
        [centred.columns * (1 - 1 / 98) - 0.5, centred.rows * (1 - 1 / 74) - 0.5]
    )


def test_nothing_stays_where_something_went_away():
    """A disc crosses the picture; where it was, the background is back in the same frame."""
    scene, smoother = photo()[:288, :384], Smoother()
    other = photo(seed=5)[:288, :384]
    for number in range(20):
        truth = disc(80 + 12 * number, 140, 40)
        image = np.where(truth[..., None] == 1, other, scene)
        found = mask_of(smoother(said(image, logits_of(truth)), number / 25))
        if number:
            left = (disc(80 + 12 * (number - 1), 140, 40) == 1) & (truth == 0)
            assert (found[left] == 1).mean() < 0.25
            assert iou(found, truth) > 0.85


def test_a_cut_begins_anew():
    smoother = Smoother()
    for number in range(10):
        smoother(said(photo()[:288, :384], logits_of(disc())), number / 25)
    own = said(photo(seed=8)[:288, :384], logits_of(disc(100, 100, 30, 2)))
    assert np.array_equal(smoother(own, 10 / 25).logits, own.logits)


@pytest.mark.parametrize("now", [0.36, 0.3, 0.0, 1.4, 100.0])
def test_a_gap_and_a_step_back_in_time_begin_anew(now):
    scene, smoother = photo()[:288, :384], Smoother()
    for number in range(10):
        smoother(said(scene, logits_of(disc())), number / 25)
    own = said(scene, logits_of(disc(100, 100, 30, 2)))
    assert np.array_equal(smoother(own, now).logits, own.logits)


def test_another_size_of_picture_or_output_begins_anew():
    scene, smoother = photo()[:288, :384], Smoother()
    small = np.ascontiguousarray(scene[:144, :192])
    few = logits_of(disc())[:, ::2, ::2].copy()
    frames = [
        said(scene, logits_of(disc())),
        said(small, logits_of(disc(100))),
        said(small, few),
        said(small, few[:3].copy()),
        said(small, few[:3].copy(), align_corners=False),
    ]
    for number, own in enumerate(frames):
        assert np.array_equal(smoother(own, number / 4).logits, own.logits), number
        for more in range(1, 6):
            smoother(said(own.image, own.logits + 1, align_corners=own.align_corners), number / 4 + more / 25)


def test_an_output_that_repeats_an_earlier_one_is_moved_and_not_counted_again():
    scene, smoother = photo(), Smoother()
    for number in range(10):
        x = 6 * number
        image = np.ascontiguousarray(scene[60:348, 20 + x : 404 + x])
        truth = disc(250 - x, 130)
        if number % 2 == 0:
            last = logits_of(truth)
        found = smoother(said(image, last, repeated=number % 2 == 1), number / 25)
    stale = disc(250 - 6 * 8, 130)
    assert iou(mask_of(found), truth) > 0.95 > iou(stale, truth)


def test_logits_that_are_not_finite_are_refused_and_not_remembered():
    scene, smoother = photo()[:288, :384], Smoother()
    smoother(said(scene, logits_of(disc())), 0)
    with pytest.raises(WeightsError, match="not finite"):
        smoother(said(scene, np.full((CLASSES, *CELLS), np.nan, np.float32)), 0.04)
    assert np.isfinite(smoother(said(scene, logits_of(disc())), 0.08).logits).all()


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 12), st.integers(1, 12)),
    st.integers(1, 4),
    st.booleans(),
    st.integers(0, 99),
)
def test_whatever_the_sizes_the_result_is_finite_and_between_what_was_said(size, cells, classes, align_corners, seed):
    random = np.random.default_rng(seed)
    smoother, scene = Smoother(), random.integers(0, 256, (*size, 3)).astype(np.uint8)
    for number in range(4):
        logits = random.normal(0, 3, (classes, *cells)).astype(np.float32)
        found = smoother(Inferred(scene, logits, align_corners, {}), number / 25).logits
        assert found.shape == logits.shape
        assert found.dtype == np.float32
        assert np.isfinite(found).all()
        assert np.abs(found).max() < 40


class Slides(Source):
    """A still scene under a little noise, or one picture of it."""

    def __init__(self, kind="video", frames=12):
        self.notes = []
        self.info = SourceInfo("slides", kind, 96, 64, Fraction(25), Fraction(1, 25), frames)
        self._frames = frames

    def __iter__(self):
        random = np.random.default_rng(0)
        scene = photo(size=(64, 96))
        for index in range(self._frames):
            yield Frame(noisy(scene, random, 12), index, index, Fraction(1, 25))

    def close(self):
        pass


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter("lite", size=97, parallel=3)


def test_a_stream_is_smoothed_where_that_is_asked_for(segmenter):
    raw = [result.segmentation.logits for result in segmenter.stream(Slides())]
    smooth = [result.segmentation.logits for result in segmenter.stream(Slides(), smooth=True)]
    assert np.array_equal(raw[0], smooth[0])

    def unrest(logits):
        return np.mean([np.abs(a.max(0) - b.max(0)).mean() for a, b in pairwise(logits[6:])])

    assert unrest(smooth) < unrest(raw) / 3


def test_a_stream_does_in_several_threads_what_a_loop_does(segmenter):
    smoother = Smoother()
    wanted = [smoother(segmenter.infer(frame.image), frame.timestamp).logits for frame in Slides()]
    found = [result.segmentation.logits for result in segmenter.stream(Slides(), smooth=True)]
    for own, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-3)


def test_images_are_never_smoothed(segmenter):
    raw = [result.segmentation.logits for result in segmenter.stream(Slides("image", 3))]
    smooth = [result.segmentation.logits for result in segmenter.stream(Slides("image", 3), smooth=True)]
    for own, other in zip(smooth, raw, strict=True):
        assert np.array_equal(own, other)


class Refusing:
    """A device's line that must not be used."""

    def batch(self, height, width):
        return 1

    def __call__(self, images):
        raise AssertionError("the device's line was used")


def test_what_is_smoothed_does_not_go_through_a_device_line(segmenter):
    pipeline = Pipeline(segmenter, device_line=Refusing(), smooth=Smoother)
    assert len(list(pipeline.run(Slides(frames=3)))) == 3
    with pytest.raises(AssertionError, match="was used"):
        list(pipeline.run(Slides("image", 1)))
