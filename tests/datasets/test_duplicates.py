"""Photos that are the same picture are found, and others are left alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from PIL import Image

from liveseg.datasets import Sample
from liveseg.datasets.duplicates import near_duplicates, same_pictures
from liveseg.datasets.likeness import thumbnail
from liveseg.errors import MediaError

PICTURES = (
    "astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "horse.png", "ihc.png",
    "motorcycle_left.png", "page.png", "rocket.jpg",
)  # fmt: skip


class Photo(Sample):
    """A photo that nobody asks for its mask."""

    def read_mask(self):
        raise AssertionError


@pytest.fixture(scope="session")
def pictures(skimage_data):
    """Different pictures, at most 320 pixels a side; older releases of scikit-image ship fewer."""
    found = [path for name in PICTURES if (path := skimage_data / name).exists()]
    assert len(found) >= 3
    pictures = []
    for path in found:
        with Image.open(path) as opened:
            image = opened.convert("RGB")
            image.thumbnail((320, 320))
            pictures.append(np.asarray(image))
    return pictures


def _jpeg(image, quality):
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def _cut(image, top, left, bottom, right):
    height, width = image.shape[:2]
    return image[round(top * height) : round((1 - bottom) * height), round(left * width) : round((1 - right) * width)]


COPIES = {
    "compressed": lambda image: _jpeg(image, 30),
    "halved": lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "mirrored": lambda image: image[:, ::-1],
    "cropped at the edges": lambda image: _cut(image, 0.025, 0.025, 0.025, 0.025),
    "cropped at a corner": lambda image: _cut(image, 0.05, 0, 0, 0.05),
    "lighter": lambda image: cv2.convertScaleAbs(image, alpha=1.1, beta=15),
    "darker": lambda image: cv2.convertScaleAbs(image, alpha=0.7),
    "grey": lambda image: cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB),
    "all at once": lambda image: _jpeg(
        cv2.resize(_cut(image, 0, 0.03, 0.03, 0)[:, ::-1], None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), 40
    ),
}


@pytest.mark.parametrize("how", COPIES)
def test_a_changed_copy_of_each_picture_is_found_and_nothing_else(pictures, how):
    small = np.stack([thumbnail(image) for image in pictures + [COPIES[how](image) for image in pictures]])
    count = len(pictures)
    assert same_pictures(small) == [(index, index + count) for index in range(count)]


def test_different_pictures_are_in_no_group(pictures):
    assert same_pictures(np.stack([thumbnail(image) for image in pictures])) == []


def test_pictures_are_one_group_where_each_resembles_the_next(pictures):
    image = pictures[0]
    row = [_cut(image, 0, step / 20, 0, 0) for step in range(6)]
    small = np.stack([thumbnail(one) for one in [*row, *pictures[1:]]])
    assert same_pictures(small) == [tuple(range(6))]


def test_pictures_without_contrast_are_in_no_group():
    noise = np.random.default_rng(0)
    walls = [np.clip(128 + noise.normal(0, 1, (60, 80, 3)), 0, 255).astype(np.uint8) for _ in range(4)]
    black = np.zeros((60, 80, 3), np.uint8)
    assert same_pictures(np.stack([thumbnail(image) for image in [*walls, black, black]])) == []


def test_many_copies_of_one_picture_do_not_cost_their_square(pictures, monkeypatch):
    from liveseg.datasets import duplicates

    looks = []
    monkeypatch.setattr(duplicates, "same_picture", lambda *given, **how: looks.append(1) or True)
    copies = np.repeat(thumbnail(pictures[0])[None], 600, axis=0)
    assert same_pictures(copies) == [tuple(range(600))]
    assert len(looks) < 600 * 10  # of 179,700 pairs


@pytest.mark.parametrize("few", [0, 1])
def test_fewer_than_two_photos_have_no_duplicates(few):
    assert same_pictures(np.zeros((few, 48, 48), np.uint8)) == []


def test_files_are_told_by_their_keys_and_progress_counts_them(pictures, tmp_path):
    written = {"street/a": pictures[0], "street/b": pictures[1], "other": COPIES["mirrored"](pictures[0])}
    photos = []
    for key, image in written.items():
        path = tmp_path / f"{key}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
        photos.append(Photo(key, path))
    told = []
    found = near_duplicates(photos, workers=2, progress=lambda *now: told.append(now))
    assert found == (("street/a", "other"),)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_photo_that_cannot_be_read_is_an_error_that_names_it(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"\xff\xd8\xff\xe0 no more")
    with pytest.raises(MediaError, match=r"broken\.jpg"):
        near_duplicates([Photo("broken", broken)])


@pytest.mark.parametrize("workers", [1, 3])
def test_the_groups_do_not_depend_on_the_number_of_workers(pictures, workers):
    small = np.stack([thumbnail(image) for image in [*pictures, *(COPIES["halved"](image) for image in pictures)]])
    assert same_pictures(small, workers=workers) == same_pictures(small)
