import io
import itertools

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image

from liveseg.errors import MediaError
from liveseg.media.images import ImageSource, is_image, read_image

TYPES = ["uint8", "uint16", "uint32", "int16", "float32", "float64"]


def tiff(values, **options):
    file = io.BytesIO()
    if values.ndim == 3:
        options = {"photometric": "rgb", "planarconfig": "contig"} | options
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def ramp(kind, channels):
    """Pixels that use the whole range of their type, and what they are in 8 bits."""
    share = np.random.default_rng(0).random((20, 30, channels or 1))
    share.flat[:2] = 0, 1
    share = share if channels else share[..., 0]
    top = 1 if kind.startswith("float") else np.iinfo(kind).max
    return (share * top).astype(kind), share * 255


@pytest.mark.parametrize("kind", TYPES)
def test_numbers_of_every_type_byte_order_and_compression_are_read_rightly(kind):
    for channels, compression, order in itertools.product((None, 3, 4), (None, "zlib"), "<>"):
        values, expected = ramp(kind, channels)
        data = tiff(values.astype(values.dtype.newbyteorder(order)), byteorder=order, compression=compression)
        result = read_image(io.BytesIO(data)).astype(float)
        if channels is None:
            expected = np.repeat(expected[..., None], 3, axis=-1)
        if channels == 4:
            opacity = expected[..., 3:] / 255
            expected = expected[..., :3] * opacity + 255 * (1 - opacity)
        np.testing.assert_allclose(result, expected, atol=2.5, err_msg=f"{kind} {channels} {compression} {order}")


@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_deep_pixels_in_separate_planes_are_refused_rather_than_shown_wrong(kind):
    values, _ = ramp(kind, 3)
    data = tiff(np.ascontiguousarray(np.moveaxis(values, -1, 0)), planarconfig="separate")
    with pytest.raises(MediaError, match=r"cannot read the image: .* separate colour planes is not read; save it with"):
        read_image(io.BytesIO(data))


def test_8_bits_in_separate_planes_are_read():
    values, expected = ramp("uint8", 3)
    data = tiff(np.ascontiguousarray(np.moveaxis(values, -1, 0)), planarconfig="separate")
    np.testing.assert_allclose(read_image(io.BytesIO(data)), expected, atol=1)


def test_a_scientific_file_of_separate_planes_is_one_line(skimage_data):
    with pytest.raises(MediaError, match=r"multipage_rgb\.tif: a TIFF file of 64 bits in separate colour planes"):
        read_image(skimage_data / "multipage_rgb.tif")


@pytest.mark.parametrize(("orientation", "quarters"), [(1, 0), (3, 2), (6, 3), (8, 1)])
@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_orientation_and_colour_profile_count_for_deep_pixels_too(kind, orientation, quarters):
    values, expected = ramp(kind, 3)
    data = tiff(values, extratags=[(274, 3, 1, orientation, True), (34675, 7, 4, b"none", True)])
    upright = np.rot90(expected, quarters)
    with ImageSource(io.BytesIO(data)) as source:
        assert (source.info.height, source.info.width) == upright.shape[:2]
        (frame,) = source
    assert source.notes == ["its colour profile cannot be read; colours are taken as sRGB"]
    np.testing.assert_allclose(frame.image, upright, atol=1)


def test_a_cut_off_floating_point_file_is_one_line_and_silent(capfd):
    values, _ = ramp("float32", 3)
    written, data = cv2.imencode(".tiff", values)
    assert written
    for share in (0.1, 0.5, 0.9):
        cut = data.tobytes()[: int(len(data) * share)]
        with pytest.raises(MediaError) as caught:
            read_image(io.BytesIO(cut))
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_a_bomb_of_floating_point_is_not_unpacked(tmp_path):
    data = bytearray(tiff(ramp("float32", 3)[0]))
    tags = tifffile.TiffFile(io.BytesIO(bytes(data))).pages[0].tags
    for name in ("ImageWidth", "ImageLength"):
        data[tags[name].valueoffset : tags[name].valueoffset + 4] = (1_000_000).to_bytes(4, "little")
    (tmp_path / "bomb.tif").write_bytes(data)
    assert not is_image(tmp_path / "bomb.tif")


def test_an_old_fax_of_one_bit_is_black_on_white():
    paper = np.ones((16, 16), bool)
    paper[4:8] = False
    file = io.BytesIO()
    Image.fromarray(paper).save(file, format="TIFF", compression="group4")
    assert (read_image(io.BytesIO(file.getvalue()))[..., 0] == paper * 255).all()
