"""Images: read as a viewer would show them, written whole or not at all."""

from __future__ import annotations

import io
import json
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from liveseg.errors import MediaError, SinkError, SourceNotFoundError, UsageError
from liveseg.files import atomic_write, refuse_existing
from liveseg.labels import IGNORE_INDEX
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.media.pixels import one_line, orientation, quiet, to_rgb
from liveseg.media.tiff import HEIGHT, SIGNATURES, WIDTH, needs_opencv, read_by_opencv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from liveseg.labels import LabelSet

__all__ = [
    "WRITTEN_EXTENSIONS",
    "ImageSource",
    "NotAnImageError",
    "is_image",
    "mask_image",
    "read_image",
    "to_rgb",
    "write_image",
    "write_mask",
]

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM", "QOI")
"""What is read, by Pillow's names: pictures with a signature, and none that need another program."""

WRITTEN_EXTENSIONS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "subsampling": 0},
    ".jpeg": {"format": "JPEG", "subsampling": 0},
    ".png": {"format": "PNG"},
    ".webp": {"format": "WEBP"},
    ".bmp": {"format": "BMP"},
    ".tif": {"format": "TIFF", "compression": "tiff_lzw"},
    ".tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
"""The extensions that `write_image` knows, with what Pillow is told for each."""

_LONGEST_SIDE = {"JPEG": 65500, "WEBP": 16383}
_IGNORED_COLOR = (224, 224, 192)

LABELS_KEY = "liveseg"
"""The text chunk of a mask's PNG that holds its label set, as JSON."""


def read_image(source: str | PathLike[str] | IO[bytes], notes: list[str] | None = None) -> NDArray[np.uint8]:
    """Read an image as `(H, W, 3)` `uint8` RGB: upright, sRGB, transparency over white as a viewer shows it.

    JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF (where Pillow has it), JPEG 2000, PPM and QOI are told apart by
    their content, not by their name. Of an animation or a file of several pages the first picture is read,
    with a note. What is done to colours and deep pixels stands at `to_rgb`.

    Args:
        source: a path, or a file opened for reading bytes, which is left open.
        notes: takes one line for each thing that the user should know.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: a folder, an empty, damaged or cut-off file, no image at all, or more pixels than are
            safe to read (twice `PIL.Image.MAX_IMAGE_PIXELS`: 178 million).
    """
    with ImageSource(source) as opened:
        image = opened.read()
        if notes is not None:
            notes.extend(opened.notes)
    return image


def is_image(path: str | PathLike[str]) -> bool:
    """Whether a file's content, not its name, is that of an image which `read_image` knows; never raises."""
    try:
        with ImageSource(path):
            return True
    except (SourceNotFoundError, MediaError):
        return False


class NotAnImageError(MediaError):
    """A file whose content has nothing of an image: it may be a video."""


class ImageSource(Source):
    """An image file as a source of one frame; a context manager.

    Args:
        source: as `read_image` takes it.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: as `read_image`; what lies behind the header is found only while iterating.
    """

    def __init__(self, source: str | PathLike[str] | IO[bytes]) -> None:
        self.notes: list[str] = []
        self._name, self._file, self._own = _open(source)
        try:
            image = self._identify()
            width, height = _shown_size(image)
        except BaseException:
            self.close()
            raise
        self.info = SourceInfo(self._name, "image", width, height)
        self._image: Image.Image | None = image
        self.format = image.format or "TIFF"  # what Pillow cannot read itself
        """What the file is, by Pillow's name of the format."""

    def read(self) -> NDArray[np.uint8]:
        """The image as `(H, W, 3)` `uint8` RGB.

        Raises:
            MediaError: the file is damaged or cut off.
        """
        # Pillow's own copy of the pixels, four bytes each, is let go of as soon as they are read.
        image, self._image = self._image or self._identify(), None
        try:
            if _has_more(image):
                self.notes.append("it holds several pictures; the first one is used")
            return to_rgb(image, self.notes)
        except MediaError as error:
            raise MediaError(f"cannot read {self._name}: {error}") from error

    def __iter__(self) -> Iterator[Frame]:
        yield Frame(self.read())

    def close(self) -> None:
        """Close the file, if this source opened it."""
        if self._own:
            self._file.close()

    def _identify(self) -> Image.Image:
        try:
            self._file.seek(0)
            start = self._file.read(16)
            self._file.seek(0)
        except OSError as error:
            raise MediaError(f"cannot read {self._name}: {error.strerror}") from error
        if not start:
            raise MediaError(f"{self._name} is empty")
        try:
            return self._parse(start)
        except NotAnImageError:
            raise
        except Image.DecompressionBombError as error:
            most = _most_pixels() // 1_000_000
            raise MediaError(
                f"{self._name} claims more than {most} million pixels, too many to read safely; scale it down"
            ) from error
        except Exception as error:  # what a parser raises on damaged data has no common class
            cause = error if isinstance(error, MediaError) else f"the image is damaged: {one_line(error)}"
            raise MediaError(f"cannot read {self._name}: {cause}") from error

    def _parse(self, start: bytes) -> Image.Image:
        try:
            with quiet():
                image: Image.Image = Image.open(self._file, formats=_known_formats())
        except UnidentifiedImageError as error:
            found = self._by_opencv() if start.startswith(SIGNATURES) else None
            if found is None:
                known = ", ".join(_FORMATS)
                raise NotAnImageError(f"{self._name} is not an image that can be read; known: {known}") from error
            return found
        return (self._by_opencv() or image) if needs_opencv(image) else image

    def _by_opencv(self) -> Image.Image | None:
        self._file.seek(0)
        return read_by_opencv(self._file.read(), _most_pixels(), self.notes)


def check_writable(path: Path, *, overwrite: bool) -> dict[str, Any]:
    """Pillow's options for an image of that name; an error where it could not be written, as in `write_image`."""
    options = WRITTEN_EXTENSIONS.get(path.suffix.lower())
    if options is None:
        known = ", ".join(WRITTEN_EXTENSIONS)
        raise UsageError(f"cannot write an image as {path.name!r}: its extension must be one of {known}")
    refuse_existing(path, overwrite=overwrite)
    return options


def write_image(
    path: str | PathLike[str], rgb: NDArray[np.uint8], *, quality: int = 95, overwrite: bool = False
) -> Path:
    """Write `(H, W, 3)` `uint8` RGB in the format that the extension names; whole, or not at all.

    Args:
        path: ends in .jpg, .jpeg, .png, .webp, .bmp, .tif or .tiff; missing folders are made.
        rgb: the pixels, in sRGB.
        quality: of JPEG (without chroma subsampling) and WebP, 1 to 100.
        overwrite: replace a file that is there.

    Raises:
        UsageError: another extension, or an array of another form.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written, or the format does not hold a picture of that size.
    """
    path = Path(path)
    options = check_writable(path, overwrite=overwrite)
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise UsageError(f"an image is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    longest = _LONGEST_SIDE.get(options["format"])
    if longest is not None and max(rgb.shape) > longest:
        raise SinkError(f"cannot write {path}: {options['format']} holds at most {longest} pixels a side; write a .png")
    lossy = options["format"] in ("JPEG", "WEBP")
    image = Image.fromarray(np.ascontiguousarray(rgb))
    with atomic_write(path, overwrite=overwrite) as partial:
        image.save(partial, **({"quality": quality} | options if lossy else options))
    return path


def mask_image(mask: NDArray[np.uint8], labels: LabelSet) -> Image.Image:
    """`(H, W)` `uint8` class indices as a Pillow image of mode `P`, with the classes' colours as its palette.

    Index 255 (no class) is light grey.

    Raises:
        UsageError: an array of another form.
    """
    if mask.ndim != 2 or mask.dtype != np.uint8 or 0 in mask.shape:
        raise UsageError(f"a mask is (H, W) uint8, not {mask.shape} {mask.dtype}")
    palette = labels.colors.copy()
    palette[IGNORE_INDEX] = _IGNORED_COLOR
    image = Image.fromarray(np.ascontiguousarray(mask))
    image.putpalette(palette.tobytes())
    return image


def write_mask(
    path: str | PathLike[str], mask: NDArray[np.uint8], labels: LabelSet, *, overwrite: bool = False
) -> Path:
    """Write `(H, W)` `uint8` class indices as a palette PNG, as Pascal VOC does.

    Viewers show the classes' colours, and index 255 (no class) in light grey. Read by Pillow, as in
    `numpy.array(PIL.Image.open(path))`, it is the mask again; OpenCV gives the colours, whatever its flags. The class
    names are in its text chunk `liveseg`.

    Raises:
        UsageError: an extension other than .png, or an array of another form.
        OutputExistsError: the file is there and `overwrite` is false.
        SinkError: the file cannot be written.
    """
    path = Path(path)
    if path.suffix.lower() != ".png":
        raise UsageError(f"a mask is written as .png, which keeps its numbers, not as {path.name!r}")
    image = mask_image(mask, labels)
    names = PngImagePlugin.PngInfo()
    names.add_text(LABELS_KEY, json.dumps(labels.to_json()))
    with atomic_write(path, overwrite=overwrite) as partial:
        image.save(partial, format="PNG", pnginfo=names)
    return path


def _open(source: str | PathLike[str] | IO[bytes]) -> tuple[str, IO[bytes], bool]:
    """The name, a file that can seek, and whether it is ours to close."""
    if not isinstance(source, str | PathLike):
        data = source.read()
        name = str(getattr(source, "name", "the image"))
        if not isinstance(data, bytes):
            raise UsageError(f"{name} was opened as text; open it for reading bytes, in mode 'rb'")
        return name, io.BytesIO(data), True
    name = str(source)
    try:
        file = Path(source).open("rb")  # noqa: SIM115  (the source closes it)
    except FileNotFoundError as error:
        raise SourceNotFoundError(f"no such file: {name}") from error
    except IsADirectoryError as error:
        raise MediaError(f"{name} is a folder, not a file") from error
    except (OSError, ValueError) as error:
        if Path(source).is_dir():
            raise MediaError(f"{name} is a folder, not a file") from error
        reason = getattr(error, "strerror", None) or one_line(error)
        raise MediaError(f"cannot read {name}: {reason}") from error
    if not file.seekable():
        with file:
            return name, io.BytesIO(file.read()), True
    return name, file, True


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _most_pixels() -> int:
    return 2 * (Image.MAX_IMAGE_PIXELS or 1 << 62)


def _shown_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        width, height = image.tag_v2[WIDTH], image.tag_v2[HEIGHT]
    return (height, width) if orientation(image) >= 5 else (width, height)


def _has_more(image: Image.Image) -> bool:
    # The pictures beside the main one of an MPO are previews and depth maps, which no viewer shows.
    if image.format == "MPO":
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001  (damage behind the first picture does not concern it)
        return False
