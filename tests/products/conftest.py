"""A short video whose masks are known, taken through products as the line would."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from liveseg.labels import PASCAL_VOC
from liveseg.maskfile import Identity
from liveseg.media.frame import Frame, SourceInfo
from liveseg.pipeline import Result
from liveseg.products.make import Making
from liveseg.segmentation import Segmentation

SIZE = (61, 45)
TICK = Fraction(1, 90_000)
# No two frames last equally long, and numbers are left out, as by a live source.
TIMES = {0: 90_011, 1: 93_023, 2: 96_029, 5: 105_031, 6: 108_041, 9: 131_072}
CLASSES = ("cat", "dog", "person")


def masks():
    """Regions with holes, specks and borders that touch the picture's; the last frame has nothing but background."""
    random = np.random.default_rng(7)
    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    for number in range(len(TIMES) - 1):
        mask = np.zeros((height, width), np.uint8)
        for name, x, y in zip(CLASSES, (10, 30, 55), (8, 24, 40), strict=True):
            away = np.hypot(rows - y - number, columns - x + 2 * number)
            mask[(away < 13) & (away > 4)] = PASCAL_VOC.index(name)
        mask[random.random(mask.shape) < 0.02] = PASCAL_VOC.index("bird")
        yield mask
    yield np.zeros((height, width), np.uint8)


@pytest.fixture
def results():
    """`Result`s of six frames, with stored confidences."""
    random = np.random.default_rng(3)
    width, height = SIZE
    made = []
    for mask, (index, pts) in zip(masks(), TIMES.items(), strict=True):
        frame = Frame(random.integers(0, 256, (height, width, 3), np.uint8), index, pts, TICK)
        confidence = random.integers(1, 256, mask.shape, np.uint8)
        found = Segmentation(
            frame.image, mask, PASCAL_VOC, None, timestamp=frame.timestamp, stored_confidence=confidence
        )
        made.append(Result(frame, found, frame.image, 0.0))
    return made


@pytest.fixture
def making():
    """What is known of their source."""
    info = SourceInfo("clip.mp4", "video", *SIZE, Fraction(30), TICK)
    return Making(labels=PASCAL_VOC, info=info, file_name="clip.mp4", identity=lambda: Identity("clip.mp4"))


@pytest.fixture
def pass_through():
    """`pass_through(product, results)`: write all results to a product and commit it."""

    def run(product, results):
        with product:
            for result in results:
                product.write(result, product.prepare(result.segmentation))

    return run
