import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liveseg.train.augment import Augment, recolour
from liveseg.train.examples import Example, unlabelled

GREY = (124, 116, 104)
CLASSES = np.array([[250, 10, 10], [10, 250, 10], [10, 10, 250]], np.uint8)


def blocks(height, width, seed=0):
    """A photo of coloured blocks, each colour the class of the mask."""
    rng = np.random.default_rng(seed)
    mask = np.kron(rng.integers(0, 3, (height // 20, width // 20)), np.ones((20, 20))).astype(np.uint8)
    return Example(CLASSES[mask], mask)


def ramp(height, width, cells=(12, 16)):
    """A photo whose red grows to the right and whose green grows downwards, and a teacher who says the same."""
    x = np.tile((np.arange(width) + 0.5) / width, (height, 1))
    y = np.tile((np.arange(height)[:, None] + 0.5) / height, (1, width))
    image = np.stack((x * 255, y * 255, np.zeros_like(x)), axis=-1).round().astype(np.uint8)
    rows, columns = cells
    across = np.tile((np.arange(columns) + 0.5) / columns, (rows, 1))
    down = np.tile((np.arange(rows)[:, None] + 0.5) / rows, (1, columns))
    return unlabelled(image, np.stack((across, down)).astype(np.float16))


def only(example):
    return lambda index: example


augments = st.builds(
    Augment,
    side=st.sampled_from([33, 65, 97]),
    base=st.integers(20, 160),
    scale=st.sampled_from([(0.3, 0.6), (0.5, 2.0), (1.0, 1.0), (2.0, 4.0)]),
    stretch=st.sampled_from([0.0, 0.3]),
    mirror=st.booleans(),
    colour=st.just(0.0),
    mosaic=st.sampled_from([0.0, 1.0]),
)


@given(augments, st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_the_mask_lies_on_the_picture(augment, seed):
    crop = augment(only(blocks(120, 160)), 0, np.random.default_rng(seed), 1)
    assert crop.image.shape == (augment.side, augment.side, 3)
    known = crop.mask != 255
    # Where a colour is pure, no resizing has mixed it with its neighbour: there the class must be that of the colour.
    distance = np.abs(crop.image[:, :, None].astype(int) - CLASSES).max(axis=-1)
    pure = distance.min(axis=-1) <= 2
    assert (distance.argmin(axis=-1)[pure & known] == crop.mask[pure & known]).all()
    assert (crop.image[~known] == GREY).all()
    # Of a photo that is shown a few pixels high, most pixels are mixed.
    assert pure[known].mean() > 0.2 or augment.base < 80


@given(augments, st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=60)
def test_the_teacher_lies_on_the_picture(augment, seed, aligned):
    side, grid = augment.side, (augment.side - 1) // 8 + 1
    taught = Augment(**{**vars(augment), "grid": grid, "align_corners": aligned, "classes": 2})
    crop = taught(only(ramp(120, 160)), 0, np.random.default_rng(seed), 1)
    points = np.arange(grid) * 8 if aligned else (np.arange(grid) + 0.5) * side / grid - 0.5
    near = np.clip(np.floor(points + 0.5).astype(int), 0, side - 1)
    there = crop.known > 0
    shown = crop.image[np.ix_(near, near)].astype(float) / 255
    # The first and last half cell of a teacher are flat, and a point may lie half a pixel beside the one looked at.
    middle = there & (np.abs(shown[..., :2] - 0.5) < 0.4).all(axis=-1)
    half_pixel = 0.5 / (0.3 * 0.6 * 0.85 * augment.base)
    for channel in (0, 1):
        apart = np.abs(crop.teacher[channel][middle] - shown[..., channel][middle])
        assert apart.max(initial=0) < max(0.06, 0.02 + half_pixel)
    assert (crop.teacher[:, ~there] == 0).all()
    assert (crop.mask == 255).all()


def test_beside_a_photo_nothing_is_known():
    augment = Augment(97, 40, (1.0, 1.0), grid=13, align_corners=True, classes=2)
    crop = augment(only(ramp(120, 120)), 0, np.random.default_rng(3), 1)
    beside = (crop.image == GREY).all(axis=-1)[::8, ::8]
    assert 0 < crop.known.sum() < crop.known.size / 4
    assert (crop.known[beside] == 0).all()


def test_the_same_generator_makes_the_same_piece():
    augment = Augment(65, 80, mosaic=0.5, grid=9, classes=2)
    photos = [ramp(120, 160), ramp(100, 90)]
    first, again, other = (
        augment(lambda index: photos[index], 0, np.random.default_rng(seed), 2) for seed in (5, 5, 6)
    )
    assert all((one == two).all() for one, two in zip(first, again, strict=True))
    assert not (first.image == other.image).all()


def test_a_mosaic_shows_other_photos_too():
    photos = [unlabelled(np.full((100, 100, 3), 50 * number, np.uint8)) for number in range(4)]
    augment = Augment(97, 97, (1.0, 1.0), colour=0.0, mosaic=1.0)
    found = set()
    for seed in range(20):
        found |= set(np.unique(augment(lambda index: photos[index], 0, np.random.default_rng(seed), 4).image[..., 0]))
    assert {0, 50, 100, 150} <= found


@pytest.mark.parametrize("mirror", [True, False])
def test_photos_are_mirrored_half_the_time_or_never(mirror):
    photo = ramp(80, 80)
    augment = Augment(65, 80, (1.0, 1.0), stretch=0.0, mirror=mirror, colour=0.0)
    crops = [augment(only(photo), 0, np.random.default_rng(seed), 1).image for seed in range(60)]
    mirrored = sum(int(crop[30, 0, 0]) > int(crop[30, -1, 0]) for crop in crops)
    assert (15 < mirrored < 45) if mirror else mirrored == 0


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 700), (700, 3)])
def test_photos_of_odd_shapes_are_taken(height, width):
    photo = unlabelled(np.full((height, width, 3), 9, np.uint8), np.zeros((2, 1, 1), np.float16))
    augment = Augment(65, 40, grid=9, classes=2)
    for seed in range(20):
        assert augment(only(photo), 0, np.random.default_rng(seed), 1).image.shape == (65, 65, 3)


def test_recolouring_changes_colours_and_not_places():
    image = blocks(80, 80).image
    before = image.copy()
    changed = [recolour(image, np.random.default_rng(seed)) for seed in range(30)]
    assert (image == before).all()
    means = np.array([picture.mean(axis=(0, 1)) for picture in changed])
    assert means.std(axis=0).min() > 5
    # A block stays a block: without the soft ones, as many colours as before.
    assert min({len(np.unique(picture.reshape(-1, 3), axis=0)) for picture in changed}) <= 3
    calm = recolour(image, np.random.default_rng(0), strength=0.0)
    assert np.abs(calm.astype(int) - image).max() <= 1
