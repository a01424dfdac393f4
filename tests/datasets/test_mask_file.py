"""Masks as pictures of every kind that tools write."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from liveseg.datasets.labels_file import make_labels
from liveseg.datasets.mask_file import MaskCode, embedded_labels, read_mask_file
from liveseg.errors import DataError
from liveseg.labels import PASCAL_VOC
from liveseg.media.images import write_mask

LABELS = make_labels(["background", "leaf", "stem"], [(0, 0, 0), (0, 200, 0), (200, 100, 50)])
CODE = MaskCode.of(LABELS)
MASK = np.array([[0, 1, 2], [255, 2, 1]], np.uint8)
COLORS = LABELS.colors.copy()
COLORS[255] = (224, 224, 192)


def read(image, path, code=CODE):
    path = path.with_suffix(".tiff") if image.mode == "I" else path
    image.save(path)
    return read_mask_file(path, code, path.with_name("photo.jpg"))


def paletted(mask, colors):
    image = Image.fromarray(mask)
    image.putpalette(np.ascontiguousarray(colors).tobytes())
    return image


@pytest.mark.parametrize(
    "image",
    [
        Image.fromarray(MASK),
        paletted(MASK, COLORS),
        paletted(MASK, COLORS[::-1]),
        Image.fromarray(COLORS[MASK]),
        Image.fromarray(np.dstack((COLORS[MASK], np.full(MASK.shape, 9, np.uint8)))),
        Image.fromarray(np.dstack((MASK, MASK, MASK))),
        Image.merge("LA", (Image.fromarray(MASK), Image.fromarray(MASK))),
        Image.fromarray(MASK.astype(np.uint16)),
        Image.fromarray(MASK.astype(np.int32)),
    ],
    ids=["grey", "palette", "other palette", "colours", "opacity", "grey thrice", "grey opacity", "16 bits", "32 bits"],
)
def test_every_form_of_a_mask_gives_the_same_classes(image, tmp_path):
    np.testing.assert_array_equal(read(image, tmp_path / "m.png"), MASK)


@pytest.mark.parametrize("opacity", [False, True])
@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_16_bits_a_channel_keep_class_numbers_and_colours(opacity, ending, tmp_path):
    path = tmp_path / f"ä{ending}"
    for pixels in (np.dstack([MASK] * 3).astype(np.uint16), COLORS[MASK].astype(np.uint16) * 257):
        channels = [pixels[:, :, ::-1], *([np.full(MASK.shape, 65535, np.uint16)] if opacity else [])]
        path.write_bytes(cv2.imencode(ending, np.dstack(channels))[1].tobytes())
        np.testing.assert_array_equal(read_mask_file(path, CODE, tmp_path / "photo.jpg"), MASK)


def test_of_two_values_in_one_bit_the_upper_is_class_1(tmp_path):
    image = Image.fromarray(MASK == 1)
    assert image.mode == "1"
    np.testing.assert_array_equal(read(image, tmp_path / "m.png"), MASK == 1)


def test_a_palette_is_read_by_its_colours_where_its_order_says_nothing(tmp_path):
    shuffled = np.zeros_like(COLORS)
    shuffled[[7, 3, 9, 5]] = COLORS[[0, 1, 2, 255]]
    stored = np.array([7, 3, 9], np.uint8)[np.minimum(MASK, 2)]
    stored[MASK == 255] = 5
    by_color = MaskCode.of(LABELS, by_color=True)
    np.testing.assert_array_equal(read(paletted(stored, shuffled), tmp_path / "m.png", by_color), MASK)
    with pytest.raises(DataError, match=r"has the value 3 at 2 pixels, which no class has: classes have 0, 1, 2"):
        read(paletted(stored, shuffled), tmp_path / "m.png")


@settings(deadline=None, max_examples=60)
@given(
    values=st.dictionaries(st.integers(0, 254), st.integers(0, 20), min_size=1, max_size=40), seed=st.integers(0, 99)
)
def test_values_are_translated_one_by_one(values, seed, tmp_path_factory):
    stored = np.random.default_rng(seed).choice([*values, 255], (5, 7)).astype(np.uint8)
    path = tmp_path_factory.mktemp("m") / "m.png"
    found = read(Image.fromarray(stored), path, MaskCode.of(PASCAL_VOC, values=values))
    assert found.dtype == np.uint8
    assert found.tolist() == [[255 if value == 255 else values[value] for value in row] for row in stored.tolist()]


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (Image.fromarray(MASK + 1), "m.png has the value 3 at 2 pixels, which no class has: .*--labels, or translate"),
        (Image.fromarray(MASK.astype(np.uint16) * 2), r"m.png has the value 510, which no class has"),
        (Image.fromarray(MASK.astype(np.int32) - 1), r"m.tiff has the value -1, which no class has"),
        (
            Image.fromarray(COLORS[MASK] ^ (MASK == 2)[..., None]),
            r"the colour \(201, 101, 51\) at column 2, row 0, which",
        ),
        (Image.fromarray(np.dstack((MASK, MASK, MASK)) + 1), r"the colour \(1, 1, 1\) at column 0, row 0"),
    ],
)
def test_what_no_class_has_is_told_by_file_and_value(image, message, tmp_path):
    with pytest.raises(DataError, match=message):
        read(image, tmp_path / "m.png")


def test_a_value_that_a_mapping_names_is_kept(tmp_path):
    image = Image.fromarray(MASK + 40)
    code = MaskCode.of(LABELS, as_they_are=(40, 41, 42, 39))
    np.testing.assert_array_equal(read(image, tmp_path / "m.png", code), MASK + 40)


def test_a_jpeg_is_refused_because_it_blurs_classes(tmp_path):
    Image.fromarray(MASK).save(tmp_path / "m.jpg")
    (tmp_path / "m.jpg").rename(tmp_path / "m.png")
    with pytest.raises(DataError, match=r"m\.png is a JPEG file, which blurs the values of a mask; save it as PNG"):
        read_mask_file(tmp_path / "m.png", CODE, tmp_path / "photo.jpg")


def test_a_missing_and_a_damaged_mask_are_told(tmp_path):
    with pytest.raises(DataError, match=r"no mask for .*photo\.jpg: there is no .*m\.png"):
        read_mask_file(tmp_path / "m.png", CODE, tmp_path / "photo.jpg")
    (tmp_path / "m.png").write_bytes(b"\x89PNG nothing")
    with pytest.raises(DataError, match=r"the mask .*m\.png cannot be read: "):
        read_mask_file(tmp_path / "m.png", CODE, tmp_path / "photo.jpg")


def test_a_mask_that_liveseg_wrote_names_its_classes(tmp_path):
    write_mask(tmp_path / "m.png", MASK, LABELS)
    assert embedded_labels(tmp_path / "m.png") == LABELS
    Image.fromarray(MASK).save(tmp_path / "n.png")
    assert embedded_labels(tmp_path / "n.png") is None
    assert embedded_labels(tmp_path / "none.png") is None
