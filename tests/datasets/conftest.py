"""Small photos and masks, made from the samples, as labelling tools write them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

SIZE = (24, 32)
"""Height and width of the photos."""


@pytest.fixture(scope="session")
def pixels(samples):
    """A photo of `SIZE`: `(H, W, 3)` `uint8` RGB."""
    with Image.open(samples / "image_1.jpg") as image:
        return np.asarray(image.convert("RGB").resize(SIZE[::-1]))


@pytest.fixture
def photo(pixels):
    """`photo(path, shift=0, exif=None)` writes a photo, of which no two shifts are alike, and gives its path."""

    def write(path, shift=0, exif=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(np.roll(pixels, shift, axis=1))
        options = {}
        if exif is not None:
            options["exif"] = image.getexif()
            options["exif"][0x0112] = exif
        image.save(path, **options)
        return path

    return write


@pytest.fixture
def regions():
    """`regions(*values)`: a mask of `SIZE` in which each value has a stripe of its own, left to right."""

    def make(*values):
        return np.repeat(np.array(values, np.uint8), -(-SIZE[1] // len(values)))[None, : SIZE[1]].repeat(
            SIZE[0], axis=0
        )

    return make


@pytest.fixture
def write_mask():
    """`write_mask(path, mask)` writes class numbers, or colours, as they are."""

    def write(path, mask):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mask).save(path)
        return path

    return write


@pytest.fixture
def write_json():
    """`write_json(path, data)`."""

    def write(path, data):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data), encoding="utf-8")
        return path

    return write


@pytest.fixture
def leaves(tmp_path, photo, regions, write_mask, write_json):
    """A folder of three photos with two classes besides background: leaf in all, stem in the last."""
    masks = {"a": regions(0, 1), "b": regions(1, 0, 255), "c": regions(0, 1, 2)}
    for shift, (name, mask) in enumerate(masks.items()):
        photo(tmp_path / "images" / f"{name}.jpg", shift)
        write_mask(tmp_path / "masks" / f"{name}.png", mask)
    write_json(tmp_path / "labels.json", ["background", "leaf", "stem"])
    return tmp_path
