import io

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import SinkError, UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.media.image_write import encode_image, encode_mask, write_mask


def gradient(channels=3):
    y, x = np.mgrid[:40, :60]
    planes = [x * 4, y * 6, (x + y) * 2, x * 3]
    return np.stack(planes[:channels], axis=-1).astype(np.uint8)


def decoded(data):
    image = Image.open(io.BytesIO(data))
    return image, np.asarray(image)


@pytest.mark.parametrize(("form", "most"), [("png", 0), ("jpeg", 3), ("webp", 4)])
def test_pictures_come_back_as_they_were(form, most):
    image, pixels = decoded(encode_image(gradient(), form))
    assert (image.format.lower(), image.mode, image.size) == (form, "RGB", (60, 40))
    # Red and blue differ by far more than what is lost.
    assert np.abs(pixels.astype(int) - gradient()).mean() <= most


@pytest.mark.parametrize(("channels", "mode"), [(4, "RGBA"), (1, "L")])
def test_png_keeps_opacity_and_grey(channels, mode):
    picture = gradient(channels) if channels > 1 else gradient(1)[..., 0]
    image, pixels = decoded(encode_image(picture, "png"))
    assert image.mode == mode
    np.testing.assert_array_equal(pixels, picture)


def test_a_jpeg_keeps_its_colours_at_full_size_and_obeys_the_quality():
    data = encode_image(gradient(), "jpeg")
    frame = data.index(b"\xff\xc0")
    assert data[frame + 11] == 0x11  # the luma's sampling is that of the colours
    assert len(encode_image(gradient(), "jpeg", quality=30)) < len(data) * 0.8


def test_what_a_format_does_not_hold_is_refused():
    with pytest.raises(UsageError, match="'tiff'"):
        encode_image(gradient(), "tiff")
    with pytest.raises(UsageError, match="no picture that jpeg holds"):
        encode_image(gradient(4), "jpeg")
    with pytest.raises(UsageError, match="float"):
        encode_image(gradient().astype(float), "png")
    with pytest.raises(SinkError, match="JPEG holds at most 65500"):
        encode_image(np.zeros((1, 65_501, 3), np.uint8), "jpeg")
    with pytest.raises(SinkError, match="WEBP holds at most 16383"):
        encode_image(np.zeros((1, 16_384, 3), np.uint8), "webp")


def test_a_mask_as_bytes_is_the_mask_as_a_file(tmp_path):
    mask = np.random.default_rng(0).integers(0, 21, (30, 40)).astype(np.uint8)
    data = encode_mask(mask, PASCAL_VOC)
    assert data == write_mask(tmp_path / "mask.png", mask, PASCAL_VOC).read_bytes()
    image, values = decoded(data)
    assert image.mode == "P"
    np.testing.assert_array_equal(values, mask)
