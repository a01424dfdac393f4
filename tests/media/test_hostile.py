import io
import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from liveseg.errors import MediaError
from liveseg.media.hostile import MOST_PARTS, MOST_PIECES, MOST_SCANS, refuse_costly


def saved(form, size=(16, 16), mode="RGB", **options):
    file = io.BytesIO()
    Image.new(mode, size, 128).save(file, form, **options)
    return file.getvalue()


def chunk(kind, data=b""):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def last_scan(jpeg):
    return jpeg[jpeg.rindex(b"\xff\xda") : -2]


def test_a_jpeg_of_many_scans_is_refused_before_it_keeps_a_core_busy():
    plain = saved("JPEG", (400, 400), "L", progressive=True)
    refuse_costly(plain)
    bomb = plain[:-2] + last_scan(plain) * 100_000 + plain[-2:]
    began = time.perf_counter()
    with pytest.raises(MediaError, match=f"more than {MOST_SCANS} scans"):
        refuse_costly(bomb)
    # It stops at the first scan too many; to look at all of them takes a hundred times as long.
    assert time.perf_counter() - began < 0.5


def test_scans_behind_the_end_of_a_jpeg_do_not_count():
    # Telephones put a film behind a photo, and other cameras a preview; by chance there are marks of scans in it.
    plain = saved("JPEG", progressive=True)
    noise = np.random.default_rng(0).integers(0, 256, 1 << 22).astype(np.uint8).tobytes()
    assert noise.count(b"\xff\xda") > MOST_SCANS
    refuse_costly(plain + noise)


def test_restarts_and_escaped_bytes_are_no_segments():
    pixels = np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=100, restart_marker_blocks=1)
    assert file.getvalue().count(b"\xff\xd3") > 100
    assert file.getvalue().count(b"\xff\0") > 100
    refuse_costly(file.getvalue())


@pytest.mark.parametrize(
    ("what", "made"),
    [
        ("segments", lambda jpeg: jpeg[:2] + b"\xff\xfe\0\2" * (MOST_PARTS + 1) + jpeg[2:]),
        ("bytes between", lambda jpeg: jpeg[:20] + b"\0" * 70_000 + jpeg[20:]),
        ("bytes between", lambda jpeg: jpeg[:2] + b"\xff\0" * 40_000 + jpeg[2:]),
        ("bytes between", lambda jpeg: jpeg[:2] + b"\xff\xd0" * 40_000 + jpeg[2:]),
    ],
)
def test_a_jpeg_with_a_head_of_countless_pieces_is_refused(what, made):
    with pytest.raises(MediaError, match=what):
        refuse_costly(made(saved("JPEG")))


def test_a_png_of_countless_chunks_is_refused():
    png = saved("PNG")
    with pytest.raises(MediaError, match=r"4,096 chunks"):
        refuse_costly(png[:33] + chunk(b"abCd") * (MOST_PARTS + 1) + png[33:])
    with pytest.raises(MediaError, match="pieces"):
        refuse_costly(png[:33] + chunk(b"IDAT") * (MOST_PIECES + 1) + png[33:])


def test_the_later_pictures_of_an_animation_do_not_count():
    frames = [Image.new("L", (8, 8), shade % 256) for shade in range(MOST_PARTS // 2 + 2)]
    file = io.BytesIO()
    frames[0].save(file, "PNG", save_all=True, append_images=frames[1:])
    assert file.getvalue().count(b"fcTL") + file.getvalue().count(b"fdAT") > MOST_PARTS
    refuse_costly(file.getvalue())


def test_a_gif_of_countless_pieces_is_refused():
    gif = saved("GIF", mode="P")
    picture = gif.index(b",", 13 + 3 * 256 if gif[10] & 7 == 7 else 13)
    with pytest.raises(MediaError, match="blocks"):
        refuse_costly(gif[:picture] + b"!\xfe\0" * (MOST_PARTS + 1) + gif[picture:])
    with pytest.raises(MediaError, match="pieces"):
        refuse_costly(gif[:picture] + b"!\xfe" + b"\1a" * (MOST_PIECES + 1) + b"\0" + gif[picture:])
    with pytest.raises(MediaError, match="pieces"):
        refuse_costly(gif[:-2] + b"\1a" * (MOST_PIECES + 1) + b"\0;")


def test_a_bmp_with_run_lengths_is_refused():
    bmp = bytearray(saved("BMP", mode="P"))
    refuse_costly(bytes(bmp))
    bmp[30] = 1
    with pytest.raises(MediaError, match="run lengths"):
        refuse_costly(bytes(bmp))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_no_cut_of_a_real_file_confuses_it(form, samples):
    with Image.open(samples / "image_1.jpg") as photo:
        file = io.BytesIO()
        photo.convert("RGB").resize((90, 60)).save(file, form)
    data = file.getvalue()
    for length in range(0, len(data), 7):
        refuse_costly(data[:length])


def test_real_photographs_pass(skimage_data, samples):
    names = ["chelsea.png", "rocket.jpg", "camera.png", "no_time_for_that_tiny.gif", "logo.png", "retina.jpg"]
    paths = [skimage_data / name for name in names if (skimage_data / name).exists()] + [samples / "image_1.jpg"]
    assert len(paths) > 5
    for path in paths:
        refuse_costly(path.read_bytes())
