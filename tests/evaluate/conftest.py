"""Masks as networks and people make them, and a small set of labelled photos on the disk."""

import cv2
import numpy as np
import pytest
from PIL import Image

from liveseg.datasets.open import open_dataset


def blobs(seed, shape=(96, 128), classes=5, ignored=0.0):
    """A mask of smooth regions, and one that resembles it."""
    random = np.random.default_rng(seed)
    field = np.stack([cv2.GaussianBlur(random.normal(size=shape), (0, 0), 9) for _ in range(classes)])
    noise = np.stack([cv2.GaussianBlur(random.normal(size=shape), (0, 0), 5) for _ in range(classes)])
    truth = field.argmax(0).astype(np.uint8)
    found = (field + 0.4 * noise * field.std() / noise.std()).argmax(0).astype(np.uint8)
    if ignored:
        seam = cv2.morphologyEx(truth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
        truth[seam] = 255
        truth[random.random(shape) < ignored] = 255
    return truth, found


@pytest.fixture(scope="session")
def regions():
    """`regions(seed)`: a true mask and one that resembles it, `(96, 128)` each, of five classes."""
    return blobs


@pytest.fixture(scope="session")
def photos(samples, skimage_data, tmp_path_factory):
    """A folder of twelve photos with masks of Pascal VOC's classes: pieces of real ones, with a mask by hand."""
    folder = tmp_path_factory.mktemp("photos")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    rgb = cv2.imread(str(samples / "image_1.jpg"))
    other = cv2.imread(str(skimage_data / "astronaut.png"))
    for number in range(12):
        picture, index = (rgb, 8) if number % 2 else (other, 15)
        scale = 150 / min(picture.shape[:2])
        small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        small = np.roll(small, 6 * number, axis=1)
        mask = np.zeros(small.shape[:2], np.uint8)
        height, width = mask.shape
        cv2.ellipse(
            mask, (width // 2 + 6 * number - 30, height // 2 + 12), (width // 4, height // 3), 0, 0, 360, index, -1
        )
        mask[:3] = 255
        cv2.imwrite(str(folder / "images" / f"p{number:02}.png"), small)
        Image.fromarray(mask).save(folder / "masks" / f"p{number:02}.png")
    return folder


@pytest.fixture
def dataset(photos):
    """The twelve photos, opened."""
    return open_dataset(photos, labels="voc")
