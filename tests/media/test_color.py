"""What is stored comes out as the standards' equations say, whatever the tags, and goes back in the same way."""

from fractions import Fraction

import av
import numpy as np
import pytest

from liveseg.media.color import RgbConverter, YuvConverter, hdr_kind, matrix_of, range_of
from liveseg.media.video_source import VideoSource

# Kr and Kb of ITU-R BT.601-7 (2.5.1), BT.709-6 (3.2), BT.2020-2 (table 4), SMPTE 240M.
LUMA = {"601": (0.299, 0.114), "709": (0.2126, 0.0722), "2020": (0.2627, 0.0593), "240": (0.212, 0.087)}
CODES = {"709": 1, "470bg": 5, "601": 6, "240": 7, "2020": 9}
PATCHES = [
    (16, 128, 128), (235, 128, 128), (126, 128, 128), (81, 90, 240), (145, 54, 34), (41, 240, 110), (63, 102, 240),
    (173, 42, 26), (32, 240, 118), (180, 100, 150), (60, 140, 120), (200, 120, 140),
]  # fmt: skip
TILE = 32


def to_rgb(yuv, matrix, full, bits=8):
    """The RGB of samples, by the equations of the standards, clipped to 0 to 255."""
    kr, kb = LUMA[matrix]
    scale = 2 ** (bits - 8)
    y, u, v = (float(value) for value in yuv)
    if full:
        y, u, v = y / (256 * scale - 1), (u - 128 * scale) / (256 * scale - 1), (v - 128 * scale) / (256 * scale - 1)
    else:
        y, u, v = (y / scale - 16) / 219, (u / scale - 128) / 224, (v / scale - 128) / 224
    red, blue = y + 2 * (1 - kr) * v, y + 2 * (1 - kb) * u
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.array([red, green, blue]) * 255, 0, 255)


def patches(clips, pix_fmt="yuv420p", bits=8, size=None):
    """One frame with a tile for each of the patches; the tiles repeat to the right and below."""
    kind, scale = (np.uint8, 1) if bits == 8 else (np.uint16, 2 ** (bits - 8))
    width, height = size or (TILE * 4, TILE * 3)
    rows, columns = np.mgrid[:height, :width] // TILE
    which = (rows % 3) * 4 + columns % 4
    planes = [np.array([patch[channel] * scale for patch in PATCHES], kind)[which] for channel in range(3)]
    return clips.planes_frame([planes[0], planes[1][::2, ::2], planes[2][::2, ::2]], pix_fmt)


def worst_difference(image, matrix, full, bits=8):
    scale = 2 ** (bits - 8)
    worst = 0.0
    for number, patch in enumerate(PATCHES):
        row, column = divmod(number, 4)
        middle = image[row * TILE + TILE // 2, column * TILE + TILE // 2]
        expected = to_rgb([value * scale for value in patch], matrix, full, bits)
        worst = max(worst, float(np.abs(middle - expected).max()))
    return worst


def decode_one(path):
    with VideoSource(path) as source:
        (frame,) = source
    return frame.image


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", ["601", "470bg", "709", "2020", "240"])
def test_tagged_samples_become_the_rgb_of_the_standard(clips, matrix, full):
    path = clips.write(
        "tagged.mp4",
        [patches(clips)],
        options={"qp": "0", "preset": "ultrafast"},
        tags={"colorspace": CODES[matrix], "color_range": 2 if full else 1},
    )
    assert worst_difference(decode_one(path), "601" if matrix == "470bg" else matrix, full) <= 2


@pytest.mark.parametrize(
    ("size", "matrix"), [((128, 96), "601"), ((720, 576), "601"), ((1280, 720), "709"), ((800, 600), "709")]
)
def test_untagged_samples_are_taken_as_players_take_them(clips, size, matrix):
    path = clips.write("plain.mkv", [patches(clips, size=size)], codec="ffv1")
    assert worst_difference(decode_one(path), matrix, full=False) <= 2


def test_samples_without_a_matrix_follow_their_primaries(clips):
    path = clips.write("plain.mkv", [patches(clips)], codec="ffv1", tags={"color_primaries": 9})
    assert worst_difference(decode_one(path), "2020", full=False) <= 2


def test_the_full_range_format_is_full_range_without_a_tag(clips):
    frame = patches(clips, "yuvj420p")
    path = clips.write("photo.avi", [frame], codec="mjpeg", pix_fmt="yuvj420p", options={"q:v": "1", "qmin": "1"})
    assert worst_difference(decode_one(path), "601", full=True) <= 6  # JPEG itself loses some


@pytest.mark.parametrize("full", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("matrix", ["709", "2020"])
def test_ten_bits_come_out_as_eight(clips, matrix, full):
    path = clips.write(
        "deep.mkv",
        [patches(clips, "yuv420p10le", bits=10)],
        codec="ffv1",
        pix_fmt="yuv420p10le",
        tags={"colorspace": CODES[matrix], "color_range": 2 if full else 1},
    )
    assert worst_difference(decode_one(path), matrix, full, bits=10) <= 2


def test_grey_of_limited_range_is_stretched():
    frame = av.VideoFrame(32, 32, "gray")
    np.frombuffer(frame.planes[0], np.uint8)[:] = 235
    frame.color_range = 1
    assert (RgbConverter(32, 32)(frame) == 255).all()
    frame.color_range = 2
    assert (RgbConverter(32, 32)(frame) == 235).all()


def test_rgb_that_is_stored_as_rgb_is_untouched(clips):
    picture = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    path = clips.write("rgb.mov", [av.VideoFrame.from_ndarray(picture, "rgb24")], codec="png", pix_fmt="rgb24")
    assert np.abs(decode_one(path).astype(int) - picture).max() <= 1


def test_chroma_is_interpolated_between_its_samples(clips):
    """A slope of chroma comes out as a slope, not as stairs two pixels wide."""
    chroma = np.tile(np.arange(80, 128, dtype=np.uint8), (32, 1))
    luma, flat = np.full((64, 96), 126, np.uint8), np.full((32, 48), 128, np.uint8)
    frame = clips.planes_frame([luma, flat, chroma])
    frame.colorspace, frame.color_range = 1, 1
    row = RgbConverter(96, 64)(frame)[32, 8:88, 0].astype(int)
    assert set(np.diff(row)) <= {0, 1}
    assert np.diff(row).mean() == pytest.approx(255 / 224 * 2 * (1 - 0.2126) / 2, abs=0.05)


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (187, 93, 41)])
def test_a_colour_survives_the_way_to_yuv_and_back(colour):
    frame = YuvConverter(64, 48)(np.full((48, 64, 3), colour, np.uint8))
    assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)
    assert np.abs(RgbConverter(64, 48)(frame).astype(int) - colour).max() <= 3


def test_white_and_red_become_the_samples_of_bt709():
    """Not only the way back undoes the way there: the samples themselves are those of the standard."""
    white, red = (
        [
            int(np.frombuffer(plane, np.uint8)[0])
            for plane in YuvConverter(64, 48)(np.full((48, 64, 3), rgb, np.uint8)).planes
        ]
        for rgb in ([255, 255, 255], [255, 0, 0])
    )
    assert white == [235, 128, 128]
    assert np.abs(np.array(red) - [63, 102, 240]).max() <= 1


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1)])
def test_odd_sizes_repeat_their_edge(size):
    width, height = size
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, -1] = picture[-1] = (200, 200, 200)
    converter = YuvConverter(width, height)
    frame = converter(picture)
    assert (
        (frame.width, frame.height) == (converter.width, converter.height) == (width + width % 2, height + height % 2)
    )
    shown = RgbConverter(frame.width, frame.height)(frame)
    assert np.abs(shown[-1, -1].astype(int) - 200).max() <= 2
    if width % 2:
        assert np.abs(shown[:, -1].astype(int) - shown[:, -2]).max() <= 2
    if height % 2:
        assert np.abs(shown[-1].astype(int) - shown[-2]).max() <= 2


@pytest.mark.parametrize("width", [64, 62, 61, 33])
def test_pictures_are_contiguous_whole_and_may_be_written_to(width):
    frame = YuvConverter(width, 16)(np.full((16, width, 3), 90, np.uint8))
    image = RgbConverter(width, 16)(frame)
    assert image.shape == (16, width, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous
    image[:] = 1


def test_the_rules_are_asked_of_each_frame_alone():
    frame = av.VideoFrame(64, 48, "yuv420p")
    assert (matrix_of(frame).name, range_of(frame).name) == ("ITU601", "MPEG")
    frame.colorspace, frame.color_range, frame.color_trc = 9, 2, 16
    assert (matrix_of(frame).name, range_of(frame).name, hdr_kind(frame)) == ("BT2020", "JPEG", "PQ")


def _pq(nits):
    """The PQ signal of a luminance (SMPTE ST 2084, 5.2)."""
    power = (nits / 10000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def test_hdr_is_tone_mapped_and_says_so(clips):
    """Brightness keeps its order, black stays black, grey stays grey, and white paper is brighter than undone PQ."""
    levels = (0, 10, 50, 203, 1000)
    luma = np.repeat(np.array([round(64 + 876 * _pq(nits)) for nits in levels], np.uint16), 32)
    planes = [np.tile(luma, (32, 1)), *(np.full((16, 80), 512, np.uint16) for _ in range(2))]
    path = clips.write(
        "hdr.mkv",
        [clips.planes_frame(planes, "yuv420p10le")],
        codec="ffv1",
        pix_fmt="yuv420p10le",
        rate=Fraction(25),
        tags={"colorspace": 9, "color_range": 1, "color_trc": 16, "color_primaries": 9},
    )
    with VideoSource(path) as source:
        (frame,) = source
    shown = frame.image[16, 16::32].astype(int)
    assert np.abs(shown - shown[:, :1]).max() <= 2
    assert shown[0, 0] <= 2
    assert list(shown[:, 0]) == sorted(set(shown[:, 0]))
    assert 140 < shown[3, 0] < 240
    assert any("HDR (PQ)" in note for note in source.notes)
