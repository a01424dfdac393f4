import struct
import threading
import warnings

import numpy as np
import pytest
from PIL import Image, ImageCms

from liveseg.errors import MediaError
from liveseg.media import pixels
from liveseg.media.pixels import scale_to_8_bits, to_rgb

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def number(value):
    return struct.pack(">i", round(value * 65536))


def xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(number, values))


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256)) + b"\0\0"


def profile(space, tags, device=b"mntr", connection=b"XYZ "):
    """An ICC profile, version 2.4, of the tags given (ICC.1:2001-04)."""
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + b"\0" * 78, **tags}
    tags |= {b"wtpt": xyz(0.9642, 1.0, 0.8249), b"cprt": b"text\0\0\0\0free\0"}
    table, data = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += name + struct.pack(">II", start + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    size = start + len(data)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"lcms", 0x02400000, device, space, connection, b"\0" * 12, b"acsp")
    header = header.ljust(68, b"\0") + number(0.9642) + number(1) + number(0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


SRGB_COLUMNS = {b"rXYZ": (0.4361, 0.2225, 0.0139), b"gXYZ": (0.3851, 0.7169, 0.0971), b"bXYZ": (0.1431, 0.0606, 0.7141)}


def rgb_profile(order="rgb", power=1.0):
    """sRGB's primaries, in another order if wished, with another transfer curve."""
    columns = {b"rXYZ": f"{order[0]}XYZ", b"gXYZ": f"{order[1]}XYZ", b"bXYZ": f"{order[2]}XYZ"}
    tags = {name: xyz(*SRGB_COLUMNS[wanted.encode()]) for name, wanted in columns.items()}
    return profile(b"RGB ", {**tags, b"rTRC": gamma(power), b"gTRC": gamma(power), b"bTRC": gamma(power)})


def grey_profile(power=1.0):
    return profile(b"GRAY", {b"kTRC": gamma(power)})


def cmyk_profile():
    """A look-up of 2 x 2 x 2 x 2 nodes: cyan ink is printed green, all other inks darken as grey."""
    identity = bytes(range(256))
    nodes = b""
    for cyan in (0, 1):
        for others in range(8):
            lightness = 255 - 80 * others.bit_count()
            nodes += bytes([lightness // 2 if cyan else lightness, 128 - 60 * cyan, 128 + 50 * cyan])
    matrix = b"".join(map(number, (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + nodes + identity * 3
    return profile(b"CMYK", {b"A2B0": table}, device=b"prtr", connection=b"Lab ")


def tagged(image, icc):
    image.info["icc_profile"] = icc
    return image


def checker(mode, *colors):
    image = Image.new(mode, (2, 1))
    for x, color in enumerate(colors):
        image.putpixel((x, 0), color)
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (checker("1", 0, 1), [[0, 0, 0], [255, 255, 255]]),
        (checker("L", 7, 200), [[7, 7, 7], [200, 200, 200]]),
        (checker("RGB", (1, 2, 3), (250, 0, 9)), [[1, 2, 3], [250, 0, 9]]),
        (checker("RGBA", (9, 9, 9, 0), (0, 0, 0, 128)), [[255, 255, 255], [127, 127, 127]]),
        (checker("RGBa", (0, 0, 0, 0), (64, 0, 0, 128)), [[255, 255, 255], [191, 127, 127]]),
        (checker("LA", (9, 0), (100, 255)), [[255, 255, 255], [100, 100, 100]]),
        (checker("La", (0, 0), (100, 255)), [[255, 255, 255], [100, 100, 100]]),
        (checker("RGBX", (1, 2, 3, 0), (4, 5, 6, 255)), [[1, 2, 3], [4, 5, 6]]),
        (checker("CMYK", (0, 0, 0, 0), (255, 0, 0, 0)), [[255, 255, 255], [0, 255, 255]]),
        (checker("HSV", (0, 0, 90), (0, 255, 255)), [[90, 90, 90], [255, 0, 0]]),
        (checker("YCbCr", (0, 128, 128), (255, 128, 128)), [[0, 0, 0], [255, 255, 255]]),
    ],
    ids=lambda value: value.mode if isinstance(value, Image.Image) else "",
)
def test_every_mode_becomes_rgb_over_white(image, expected):
    result = to_rgb(image)
    assert result.dtype == np.uint8
    assert result.flags.c_contiguous
    assert result.flags.writeable
    np.testing.assert_allclose(result[0].astype(int), expected, atol=1)


def test_a_palette_shows_its_colours_and_its_transparent_entries_as_white():
    image = checker("P", 0, 1)
    image.putpalette([10, 20, 30, 40, 50, 60])
    assert to_rgb(image).tolist() == [[[10, 20, 30], [40, 50, 60]]]
    image.info["transparency"] = 1
    assert to_rgb(image).tolist() == [[[10, 20, 30], [255, 255, 255]]]
    image.info["transparency"] = bytes([255, 127])
    np.testing.assert_allclose(to_rgb(image)[0, 1], [148, 153, 158], atol=1)


@pytest.mark.parametrize(("mode", "key"), [("L", 7), ("RGB", (7, 7, 7))])
def test_a_colour_declared_transparent_is_white(mode, key):
    image = checker(mode, key, (9, 9, 9) if mode == "RGB" else 9)
    image.info["transparency"] = key
    assert to_rgb(image).tolist() == [[[255] * 3, [9] * 3]]


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_16_bit_grey_is_scaled_and_rounded_not_clipped(order):
    deep = np.minimum(RAMP.astype(np.uint32) * 257 + RAMP % 128, 65535).astype(order)
    image = Image.frombytes("I;16" if order == "<u2" else "I;16B", (16, 16), deep.tobytes())
    assert (to_rgb(image)[..., 1] == RAMP).all()


def test_12_bit_grey_of_a_tiff_is_scaled_by_its_own_range():
    image = Image.fromarray(np.array([[0, 4095, 2048]], np.uint16))
    image.tag_v2 = {258: (12,)}
    assert to_rgb(image)[0, :, 0].tolist() == [0, 255, 128]


def test_inverted_16_bit_grey_of_a_tiff_is_put_right():
    image = Image.fromarray(np.array([[0, 65535, 257]], np.uint16))
    image.tag_v2 = {262: 0}
    assert to_rgb(image)[0, :, 0].tolist() == [255, 0, 254]


@pytest.mark.parametrize(
    ("values", "expected", "told"),
    [
        (np.array([[0, 255, 7]], np.int32), [0, 255, 7], False),
        (np.array([[0, 65535, 257 * 7]], np.int32), [0, 255, 7], False),
        (np.array([[-100, 0, 100]], np.int32), [0, 128, 255], True),
        (np.array([[0, 10**9, 10**9 // 2]], np.int32), [0, 255, 128], True),
        (np.array([[0, 1, 0.5]], np.float32), [0, 255, 128], False),
        (np.array([[0, 255, 7]], np.float32), [0, 255, 7], False),
        (np.array([[0, 65535, 257 * 7]], np.float32), [0, 255, 7], False),
        (np.array([[0, 1e9, 5e8]], np.float32), [0, 255, 128], True),
        (np.array([[-1, 0, 1]], np.float32), [0, 128, 255], True),
        (np.array([[np.nan, 1, np.inf]], np.float32), [0, 255, 0], True),
        (np.array([[5e9, 5e9, 5e9]], np.float64), [0, 0, 0], True),
    ],
)
def test_numbers_of_unknown_range_are_scaled_sensibly(values, expected, told):
    notes = []
    np.testing.assert_allclose(scale_to_8_bits(values, notes)[0].astype(int), expected, atol=1)
    assert bool(notes) == told
    if values.dtype != np.float64:
        np.testing.assert_allclose(to_rgb(Image.fromarray(values))[0, :, 2].astype(int), expected, atol=1)


def test_highlights_above_one_do_not_turn_a_picture_black():
    values = np.full((32, 32), 0.5, np.float32)
    values[0, :8] = 3.0
    result = scale_to_8_bits(values, notes := [])
    assert result[5, 5] == 128
    assert result[0, 0] == 255
    assert notes == []


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_is_applied(orientation):
    upright = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    image = Image.fromarray(np.ascontiguousarray(stored))
    image.getexif()[0x0112] = orientation
    assert to_rgb(image)[..., 0].tolist() == upright.tolist()


def test_damaged_exif_is_left_out_without_a_warning():
    image = Image.fromarray(RAMP)
    image.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0\xff\xffgarbage"
    assert (to_rgb(image)[..., 0] == RAMP).all()
    image = Image.fromarray(RAMP)
    image.getexif()[0x0112] = 99
    assert (to_rgb(image)[..., 0] == RAMP).all()


def test_colours_of_an_rgb_profile_become_srgb():
    image = tagged(checker("RGB", (255, 0, 0), (0, 255, 0)), rgb_profile("gbr", 2.2))
    np.testing.assert_allclose(to_rgb(image)[0].astype(int), [[0, 255, 0], [0, 0, 255]], atol=2)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L"])
def test_a_linear_rgb_profile_brightens_whatever_mode_holds_it(mode):
    notes = []
    grey = Image.new("RGB", (2, 2), (128, 128, 128))
    image = tagged(grey.quantize() if mode == "P" else grey.convert(mode), rgb_profile(power=1.0))
    # Half the light is 188 by the transfer curve of IEC 61966-2-1.
    np.testing.assert_allclose(to_rgb(image, notes), 188, atol=1)
    assert notes == []


@pytest.mark.parametrize("mode", ["L", "LA", "1", "I;16"])
def test_a_grey_profile_counts_for_every_grey_mode(mode):
    grey = np.array([[0, 128, 255]], np.uint8)
    image = Image.fromarray(grey.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(grey).convert(mode)
    before = to_rgb(image)[0, 1, 0]
    after = to_rgb(tagged(image, grey_profile(1.0)), notes := [])
    assert after[0, 1, 0] == pytest.approx(188 if mode != "1" else before, abs=1)
    assert after[0, 0].tolist() == [0, 0, 0]
    assert after[0, 2].tolist() == [255, 255, 255]
    assert notes == []


def test_a_cmyk_profile_says_what_the_inks_look_like():
    image = tagged(checker("CMYK", (0, 0, 0, 0), (255, 0, 0, 0)), cmyk_profile())
    paper, cyan = to_rgb(image, notes := [])[0].astype(int)
    assert notes == []
    np.testing.assert_allclose(paper, 255, atol=3)
    # Without the profile cyan ink is (0, 255, 255); this one prints it green.
    assert cyan[1] > cyan[0] + 40
    assert cyan[1] > cyan[2] + 40


def test_transparency_is_laid_over_white_after_the_colours_are_converted():
    image = tagged(checker("RGBA", (128, 128, 128, 255), (128, 128, 128, 0)), rgb_profile(power=1.0))
    np.testing.assert_allclose(to_rgb(image)[0].astype(int), [[188] * 3, [255] * 3], atol=1)


def test_pixels_tagged_srgb_stay_exactly_as_they_are():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (64, 64, 3), np.uint8)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert (to_rgb(tagged(Image.fromarray(pixels), srgb), notes := []) == pixels).all()
    assert notes == []


@pytest.mark.parametrize(
    ("mode", "icc", "note"),
    [
        ("RGB", b"this is no profile", "its colour profile cannot be read"),
        ("RGB", rgb_profile()[:200], "its colour profile cannot be read"),
        ("RGB", cmyk_profile(), "its colour profile is for CMYK, not for RGB"),
        ("CMYK", rgb_profile(), "its colour profile is for RGB, not for CMYK"),
        ("RGB", grey_profile(), "its colour profile is for GRAY, not for RGB"),
    ],
)
def test_a_profile_that_cannot_be_used_is_left_out_with_a_note(mode, icc, note):
    image = Image.new("RGB", (2, 2), (200, 100, 50)).convert(mode)
    plain = to_rgb(image)
    assert (to_rgb(tagged(image, icc), notes := []) == plain).all()
    assert len(notes) == 1
    assert notes[0].startswith(note)


def test_a_picture_without_pixels_is_an_error():
    with pytest.raises(MediaError, match="0 x 5 pixels has nothing to segment"):
        to_rgb(Image.new("RGB", (0, 5)))


def test_filters_of_warnings_are_as_before_after_many_threads():
    before = list(warnings.filters)
    image = Image.fromarray(RAMP)
    threads = [threading.Thread(target=lambda: [to_rgb(image.copy()) for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


def strip_cases():
    colors = Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 50, 4), np.uint8))
    yield from (colors.convert(mode) for mode in ("1", "L", "LA", "RGB", "RGBA", "CMYK"))
    paletted = colors.convert("RGB").quantize(16)
    yield paletted
    clear = paletted.copy()
    clear.info["transparency"] = 3
    yield clear
    yield tagged(colors.convert("RGB"), rgb_profile("bgr"))
    yield tagged(colors.convert("L"), grey_profile(2.2))
    yield tagged(colors.convert("L"), cmyk_profile())
    turned = colors.convert("RGB")
    turned.getexif()[0x0112] = 6
    yield turned
    yield Image.fromarray(np.arange(3500, dtype=np.uint16).reshape(70, 50) * 3)


@pytest.mark.parametrize("image", list(strip_cases()), ids=lambda image: image.mode)
def test_a_large_picture_is_made_of_strips_that_show_no_seam(image, monkeypatch):
    notes, notes_by_strips = [], []
    whole = to_rgb(image, notes)
    monkeypatch.setattr(pixels, "_STRIP_PIXELS", 50 * 9)
    assert np.array_equal(to_rgb(image, notes_by_strips), whole)
    assert notes_by_strips == notes


def test_a_profile_larger_than_any_real_one_is_left_out():
    image = Image.fromarray(np.dstack([RAMP, RAMP.T, RAMP]))
    notes = []
    result = to_rgb(tagged(image, rgb_profile("bgr") + b"\0" * (4 << 20)), notes)
    assert notes == ["its colour profile has more than 4 MiB; colours are taken as sRGB"]
    np.testing.assert_array_equal(result, np.asarray(image))
    assert (to_rgb(tagged(image, rgb_profile("bgr"))) != np.asarray(image)).any()
