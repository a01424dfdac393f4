import io
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from liveseg.server.problems import Problem
from liveseg.server.segment.reading import FORMATS, OpenedUpload, read_upload

MOST = 50_000_000

MEASURED = """
import json, pathlib, sys, time
from liveseg.bench.memory import peak_bytes as most
from liveseg.server.problems import Problem
from liveseg.server.segment.reading import read_upload

said = {}
read_upload(pathlib.Path(sys.argv[1]), max_pixels=50_000_000)
for name in sys.argv[2:]:
    data = pathlib.Path(name).read_bytes()
    before, began = most(), time.perf_counter()
    try:
        status = 200 if read_upload(data, max_pixels=50_000_000) is not None else 0
    except Problem as problem:
        status = problem.status
    said[name] = (status, most() - before, time.perf_counter() - began)
print(json.dumps(said))
"""


def read(data, most=MOST):
    return read_upload(data, max_pixels=most)


def refused(data, most=MOST):
    with pytest.raises(Problem) as caught:
        read(data, most)
    return caught.value


def measured(tmp_path, make_image, files):
    """Reads files in a process of its own: of each the status, by how much its memory grew at most, and the seconds."""
    first = tmp_path / "first"
    first.write_bytes(make_image("PNG"))
    paths = {}
    for number, (name, data) in enumerate(files.items()):
        paths[name] = tmp_path / str(number)
        paths[name].write_bytes(data)
    command = [sys.executable, "-c", MEASURED, str(first), *map(str, paths.values())]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=200)
    told = json.loads(done.stdout)
    return {name: told[str(path)] for name, path in paths.items()}


def photo(form, **options):
    """A photo of 40 x 60 pixels, brown above and blue below."""
    pixels = np.zeros((60, 40, 3), np.uint8)
    pixels[:30], pixels[30:] = (140, 80, 20), (20, 80, 200)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_read(form):
    image = read(photo(form))
    assert (image.shape, image.dtype) == ((60, 40, 3), np.uint8)
    assert np.abs(image[5].astype(int) - (140, 80, 20)).max() < 12
    assert np.abs(image[-5].astype(int) - (20, 80, 200)).max() < 12


def test_a_file_is_read_from_where_it_lies(tmp_path):
    path = tmp_path / "no extension"
    path.write_bytes(photo("PNG"))
    assert read(path).shape == (60, 40, 3)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_pictures_stand_upright(form):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright, and the blue half is to its right
    opened = OpenedUpload(photo(form, exif=exif), max_pixels=MOST)
    assert opened.pixels == 2400
    image = opened.read()
    assert image.shape == (40, 60, 3)
    assert image[20, 5, 2] > 150
    assert image[20, -5, 0] > 100


def test_bombs_are_refused_and_take_neither_memory_nor_time(tmp_path, make_image, hostile_files):
    found = measured(tmp_path, make_image, {name: data for name, (data, _) in hostile_files.items()})
    for name, (_, status) in hostile_files.items():
        told, grown, seconds = found[name]
        assert told == status, name
        # A text of 100 MB is a file of 100 KB; some megabytes are the files themselves and what a parser needs.
        assert grown < 16 << 20, f"{name}: {grown >> 20} MB"
        assert seconds < 5, f"{name}: {seconds:.1f} s"


@pytest.mark.parametrize("form", FORMATS)
def test_what_decoding_takes_is_bounded_by_the_pixels(tmp_path, make_image, form):
    pixels = 3000 * 2000
    data = make_image(form, (3000, 2000), "P" if form == "GIF" else "RGB")
    status, grown, _ = measured(tmp_path, make_image, {form: data})[form]
    assert status == 200
    # At 24 million it is up to 18; of 6 million the strips in which colours are converted are two thirds.
    assert grown - len(data) < 32 * pixels, f"{(grown - len(data)) / pixels:.1f} bytes a pixel"


def test_the_limit_is_that_of_the_settings():
    data = photo("PNG")
    assert read(data, 2400).shape == (60, 40, 3)
    problem = refused(data, 2399)
    assert (problem.status, problem.extra) == (413, {"max_pixels": 2399})
    assert problem.type.endswith(":too-many-pixels")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello", "no image that is taken"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no image that is taken"),
        (b"%PDF-1.7", "no image that is taken"),
        (b"\0\0\0\x20ftypavif", "AVIF is not taken"),
        (b"\0\0\0\x20ftypheic", "HEIF is not taken"),
        (b"II*\0\x08\0\0\0", "TIFF is not taken"),
        (b"#EXTM3U\n/etc/passwd", "no image that is taken"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "no image that is taken"),
    ],
)
def test_what_is_no_image_says_what_is_one(data, words):
    problem = refused(data)
    assert problem.status == 415
    assert words in problem.detail
    assert "image/webp" in problem.extra["accepted"]


@pytest.mark.parametrize("form", FORMATS)
def test_cut_off_files_are_refused_in_one_line(form):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, form)
    for share in (0.3, 0.6, 0.9):
        problem = refused(file.getvalue()[: int(len(file.getvalue()) * share)])
        assert problem.status == 422
        assert "\n" not in problem.detail


def test_an_empty_file_is_refused():
    assert refused(b"").status == 422


SEEDS = [
    photo("JPEG"), photo("JPEG", progressive=True), photo("PNG"), photo("WEBP"), photo("WEBP", lossless=True),
    photo("GIF"), photo("BMP"), photo("PNG", exif=Image.Exif().tobytes()),
]  # fmt: skip


@st.composite
def mutated(draw):
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["set", "set", "set", "cut", "insert", "repeat"])):
            case "set" if data:
                data[place] = draw(st.integers(0, 255))
            case "cut":
                del data[place : place + draw(st.integers(1, 64))]
            case "insert":
                data[place:place] = draw(st.binary(max_size=16))
            case "repeat":
                data[place:place] = data[place : place + draw(st.integers(1, 64))]
    return bytes(data)


@given(st.one_of(mutated(), st.binary(max_size=300), st.sampled_from(SEEDS).map(lambda own: own[:16] + own)))
def test_whatever_comes_is_pixels_or_a_problem(data):
    began = time.perf_counter()
    try:
        image = read(data, 1_000_000)
    except Problem as problem:
        told = problem.status, "\n" in problem.detail, len(problem.detail) < 400
    else:
        told = 422, False, True
        assert image.dtype == np.uint8
        assert image.shape[2] == 3
        assert 0 < image.shape[0] * image.shape[1] <= 1_000_000
    assert told in {(413, False, True), (415, False, True), (422, False, True)}
    assert time.perf_counter() - began < 10
