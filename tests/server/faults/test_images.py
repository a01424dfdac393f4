"""Images that are none, or only nearly: each is answered with a problem or a result, soon, and nothing is left."""

from __future__ import annotations

import io
import random
import struct
import time
import zlib

import httpx2
import numpy as np
import pytest
from PIL import Image

EACH = 40
"""Broken files of each format."""

LONGEST = 20.0
"""Seconds that an answer may take on a busy machine; a decoder that hangs takes more."""

FORMATS = {
    "JPEG": {"quality": 80, "progressive": True},
    "PNG": {},
    "WEBP": {"quality": 70},
    "GIF": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "AVIF": {},
}


@pytest.fixture(scope="module")
def pictures(samples):
    """A small photo in each format."""
    with Image.open(samples / "image_1.jpg") as whole:
        photo = whole.convert("RGB").resize((96, 72))
    made = {}
    for name, options in FORMATS.items():
        file = io.BytesIO()
        photo.save(file, name, **options)
        made[name] = file.getvalue()
    return made


def broken(data, chance):
    """The file with something wrong: bytes changed, cut out, doubled or at the end missing."""
    data = bytearray(data)
    kind = chance.randrange(5)
    if kind == 0:
        for _ in range(chance.randrange(1, 12)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif kind == 1:
        # In the first bytes stand sizes and counts.
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(min(64, len(data)))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif kind == 2:
        del data[chance.randrange(len(data)) :]
    elif kind == 3:
        start = chance.randrange(len(data))
        del data[start : start + chance.randrange(1, 200)]
    else:
        start = chance.randrange(len(data))
        piece = data[start : start + chance.randrange(1, 300)]
        data[start:start] = piece
    return bytes(data)


def send(client, data):
    began = time.monotonic()
    answer = client.post("/v1/segment?output=areas", content=data, headers={"Content-Type": "application/octet-stream"})
    assert time.monotonic() - began < LONGEST
    return answer


@pytest.mark.parametrize("name", FORMATS)
def test_a_broken_image_is_answered(hurt, steady, pictures, name):
    chance = random.Random(name)  # noqa: S311 - the same files every time
    seen = set()
    with httpx2.Client(base_url=hurt.url, timeout=60) as client:
        send(client, broken(pictures[name], chance))
        with hurt.nothing_left():
            for _ in range(EACH):
                answer = send(client, broken(pictures[name], chance))
                seen.add(answer.status_code)
                assert answer.status_code in (200, 413, 415, 422), answer.text
                if answer.status_code != 200:
                    assert answer.headers["content-type"] == "application/problem+json"
                    assert answer.json()["detail"]
    assert seen - {200}, "nothing that was sent was broken"


def png(width, height, data, depth=8, color=2):
    """A PNG of these claims, whatever is in it."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_decoded(hurt, steady):
    """50,000 x 50,000 pixels, 7.5 GB, in a few kilobytes."""
    before = _memory(hurt)
    line = zlib.compress(bytes(150_001), 9) * 20
    began = time.monotonic()
    with httpx2.Client(base_url=hurt.url, timeout=60) as client:
        answer = send(client, png(50_000, 50_000, line))
    assert answer.status_code == 413, answer.text
    assert time.monotonic() - began < 5
    assert _memory(hurt) - before < 50e6


def _memory(hurt):
    import psutil

    return psutil.Process(hurt.process.pid).memory_info().rss


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"", 422),
        (b"\x00" * 1000, 415),
        (b"GIF89a", 422),
        (b"\xff\xd8\xff", 422),
        (b"\x89PNG\r\n\x1a\n", 422),
        (png(0, 0, b""), 422),
        (png(1, 2**31 - 1, b""), 413),
        (png(100, 100, b"no zlib"), 422),
        (png(100, 100, zlib.compress(b"too little")), 422),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>", 415),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) run\n", 415),
        (b"P6 99999 99999 255\n", 415),
    ],
    ids=["nothing", "zeros", "GIF's first bytes", "JPEG's", "PNG's", "no pixels", "two billion rows", "no zlib",
         "too few rows", "SVG", "playlist", "PostScript", "PPM"],
)  # fmt: skip
def test_what_is_no_image_says_why(hurt, steady, data, status):
    with httpx2.Client(base_url=hurt.url, timeout=60) as client:
        answer = send(client, data)
    # Which of the three it is called depends on how far the decoder gets.
    assert answer.status_code in ({status} if status in (413, 415) else {status, 415}), answer.text
    assert "/etc/passwd" not in answer.text
    assert "Traceback" not in answer.text


def test_pictures_of_one_pixel_and_one_line_are_segmented(hurt, steady):
    with httpx2.Client(base_url=hurt.url, timeout=60) as client:
        for shape in ((1, 1), (1, 60), (60, 1)):
            file = io.BytesIO()
            Image.fromarray(np.zeros((*shape, 3), np.uint8)).save(file, "PNG")
            answer = send(client, file.getvalue())
            assert answer.status_code == 200, (shape, answer.text)
            assert (answer.json()["height"], answer.json()["width"]) == shape
