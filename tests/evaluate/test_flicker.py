import subprocess
import sys

import cv2
import numpy as np
import pytest

from liveseg.errors import UsageError
from liveseg.evaluate import FlickerMeter, FlickerScore, flicker


def photo(height=260, width=340, seed=0):
    """Something with detail at all sizes, as photographs have."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 110.0, np.float32)
    for cell in (4, 8, 16, 32, 64, 128):
        grid = random.normal(0, 22, (height // cell + 2, width // cell + 2, 3)).astype(np.float32)
        picture += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture, 0, 255).astype(np.uint8)


def discs(height=260, width=340):
    mask = np.zeros((height, width), np.uint8)
    cv2.circle(mask, (110, 120), 50, 15, -1)
    cv2.circle(mask, (230, 150), 40, 7, -1)
    return mask


def moved(pixels, x, y, *, nearest=False):
    matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    way = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(pixels, matrix, (240, 180), flags=way)


def panned(steps, step=(3.0, 2.0), mask_step=None):
    picture, mask = photo(), discs()
    for number in range(steps):
        x, y = 20 + number * step[0], 20 + number * step[1]
        own = (x, y) if mask_step is None else (20 + number * mask_step[0], 20 + number * mask_step[1])
        yield moved(picture, x, y), moved(mask, *own, nearest=True)


@pytest.mark.parametrize("step", [(0, 0), (3, 2), (-2, 5), (1.4, 0.6), (0.3, -0.2)])
def test_a_mask_that_moves_with_its_picture_does_not_flicker(step):
    score = flicker(panned(8, step))
    assert score.pairs == 7
    assert score.counted > 0.8 * 7 * 180 * 240
    assert score.share < 2e-4


def test_a_mask_that_stays_behind_its_picture_flickers():
    assert flicker(panned(8, (4, 0), mask_step=(0, 0))).share > 0.01


@pytest.mark.parametrize("rate", [0.02, 0.1])
def test_cells_that_flip_score_their_rate(rate):
    """Of cells of a mask that are drawn anew each frame, twice `rate * (1 - rate)` differ from the last one's."""
    random, picture = np.random.default_rng(3), photo()[:180, :240]
    masks = [np.kron(random.random((18, 24)) < rate, np.ones((10, 10))).astype(np.uint8) for _ in range(40)]
    score = flicker((picture, mask) for mask in masks)
    assert score.share == pytest.approx(2 * rate * (1 - rate), rel=0.1)


def test_flips_score_alike_whether_the_camera_moves_or_not():
    random = np.random.default_rng(4)
    scores = []
    for step in ((0, 0), (3, 1)):
        frames = []
        for image, mask in panned(20, step):
            y, x = random.integers(0, 150), random.integers(0, 200)
            flipped = mask.copy()
            flipped[y : y + 30, x : x + 40] = 3
            frames.append((image, flipped))
        scores.append(flicker(frames).share)
    # The square appears in one frame and is gone in the next: it changes twice.
    assert scores == pytest.approx([2 * 1200 / (180 * 240)] * 2, rel=0.2)


def test_noise_of_the_sensor_is_no_motion_and_no_flicker():
    random, picture = np.random.default_rng(5), photo()[:180, :240]
    mask = discs()[:180, :240]
    noisy = [np.clip(picture + random.normal(0, 8, picture.shape), 0, 255).astype(np.uint8) for _ in range(6)]
    score = flicker((image, mask) for image in noisy)
    assert score.counted > 0.9 * 5 * 180 * 240
    assert score.share < 2e-4


def test_a_border_that_trembles_by_a_pixel_counts_although_motion_is_never_measured_as_nothing():
    random, picture = np.random.default_rng(6), photo()[:180, :240]
    masks = [np.roll(discs()[:180, :240], number % 2, axis=1) for number in range(8)]
    noisy = [np.clip(picture + random.normal(0, 0.3, picture.shape), 0, 255).astype(np.uint8) for _ in masks]
    assert flicker(zip(noisy, masks, strict=True)).share == pytest.approx(np.mean(masks[0] != masks[1]), rel=0.25)


@pytest.mark.parametrize("lit", [False, True])
def test_what_a_picture_changes_does_not_count(lit):
    picture, mask = photo()[:180, :240] // 2 + 40, np.zeros((180, 240), np.uint8)
    changed, found = picture.copy(), mask.copy()
    part = np.s_[40:120, 60:160]
    changed[part] = changed[part] + 50 if lit else 255 - changed[part]
    found[part] = 15
    score = flicker([(picture, mask), (changed, found)])
    assert score.changed < 0.02 * 80 * 100
    assert score.counted < 180 * 240 - 0.8 * 80 * 100


def test_frames_at_a_cut_do_not_count():
    other = photo(seed=9)[:180, :240]
    picture, mask = photo()[:180, :240], discs()[:180, :240]
    score = flicker([(picture, mask), (picture, mask), (other, 0 * mask), (other, 0 * mask)])
    assert (score.pairs, score.left_out, score.changed) == (2, 1, 0)


def test_several_masks_are_scored_at_once_as_each_alone():
    meter, alone = FlickerMeter(2), []
    frames = list(panned(5))
    for number, (image, mask) in enumerate(frames):
        meter.add(image, mask, np.roll(mask, 7 * (number % 2), axis=1))
    alone = [
        flicker(frames),
        flicker((image, np.roll(mask, 7 * (number % 2), axis=1)) for number, (image, mask) in enumerate(frames)),
    ]
    assert meter.scores == alone
    assert meter.scores[1].share > 10 * meter.scores[0].share


def test_a_picture_of_another_size_begins_anew():
    picture, mask = photo(), discs()
    score = flicker([(picture, mask), (picture[:180, :240], mask[:180, :240]), (picture[:180, :240], mask[:180, :240])])
    assert (score.pairs, score.left_out) == (1, 0)


def test_of_nothing_there_is_no_flicker():
    assert flicker([]) == FlickerScore()
    assert FlickerScore().share == 0


def test_masks_of_another_size_or_number_are_refused():
    picture = photo()
    with pytest.raises(UsageError, match=r"height and width \(260, 340\), not \(10, 10\)"):
        flicker([(picture, np.zeros((10, 10), np.uint8))])
    with pytest.raises(UsageError, match="2 masks were given and 1 announced"):
        FlickerMeter().add(picture, discs(), discs())


@pytest.mark.parametrize("shape", [(1, 1), (17, 300), (600, 9), (40, 33)])
def test_tiny_and_narrow_pictures_crash_nothing(shape):
    """In a process of its own: what is guarded against here is a crash in native code."""
    program = (
        "import numpy as np; from liveseg.evaluate import flicker; r = np.random.default_rng(0);"
        f"print(flicker((r.integers(0, 256, {(*shape, 3)}).astype(np.uint8), np.zeros({shape}, np.uint8))"
        " for _ in range(4)).pairs)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
