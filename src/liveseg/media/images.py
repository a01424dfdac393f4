"""Images: read as a viewer would show them; `liveseg.media.image_write` writes them."""

from __future__ import annotations

import io
from os import PathLike
from pathlib import Path
from typing import IO, TYPE_CHECKING

from PIL import Image, TiffImagePlugin, UnidentifiedImageError

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.media.frame import Frame, Source, SourceInfo
from liveseg.media.image_write import (
    LABELS_KEY,
    WRITTEN_EXTENSIONS,
    check_writable,
    encode_image,
    encode_mask,
    mask_image,
    write_image,
    write_mask,
)
from liveseg.media.pixels import one_line, orientation, quiet, to_rgb
from liveseg.media.tiff import HEIGHT, SIGNATURES, WIDTH, needs_opencv, read_by_opencv

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "LABELS_KEY",
    "WRITTEN_EXTENSIONS",
    "ImageSource",
    "NotAnImageError",
    "TooManyPixelsError",
    "check_writable",
    "encode_image",
    "encode_mask",
    "is_image",
    "mask_image",
    "read_image",
    "to_rgb",
    "write_image",
    "write_mask",
]

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM", "QOI")
"""What is read, by Pillow's names: pictures with a signature, and none that need another program."""


def read_image(
    source: str | PathLike[str] | IO[bytes],
    notes: list[str] | None = None,
    *,
    formats: Sequence[str] = _FORMATS,
    most_pixels: int | None = None,
) -> NDArray[np.uint8]:
    """Read an image as `(H, W, 3)` `uint8` RGB: upright, sRGB, transparency over white as a viewer shows it.

    JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF (where Pillow has it), JPEG 2000, PPM and QOI are told apart by
    their content, not by their name. Of an animation or a file of several pages the first picture is read,
    with a note. What is done to colours and deep pixels stands at `to_rgb`.

    Args:
        source: a path, or a file opened for reading bytes, which is left open.
        notes: takes one line for each thing that the user should know.
        formats: those that are taken, by Pillow's names; no other reader ever sees the file.
        most_pixels: more than these are refused once the file's header is read, before anything is decoded.

    Raises:
        SourceNotFoundError: no such file.
        NotAnImageError: none of these formats, by its content.
        TooManyPixelsError: more pixels than `most_pixels`, or than are safe to read (twice
            `PIL.Image.MAX_IMAGE_PIXELS`: 178 million).
        MediaError: a folder, an empty, damaged or cut-off file.
    """
    with ImageSource(source, formats=formats, most_pixels=most_pixels) as opened:
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


class TooManyPixelsError(MediaError):
    """An image that claims more pixels than are taken."""


class ImageSource(Source):
    """An image file as a source of one frame; a context manager.

    Args:
        source: as `read_image` takes it.
        formats: likewise.
        most_pixels: likewise.

    Raises:
        SourceNotFoundError: no such file.
        MediaError: as `read_image`; what lies behind the header is found only while iterating.
    """

    def __init__(
        self,
        source: str | PathLike[str] | IO[bytes],
        *,
        formats: Sequence[str] = _FORMATS,
        most_pixels: int | None = None,
    ) -> None:
        self.notes: list[str] = []
        self._formats = formats
        self._most_pixels = _safe_pixels() if most_pixels is None else min(most_pixels, _safe_pixels())
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
            image = self._parse(start)
            if image.width * image.height > self._most_pixels:
                raise self._too_many()
        except (NotAnImageError, TooManyPixelsError):
            raise
        except Image.DecompressionBombError as error:
            raise self._too_many() from error
        except Exception as error:  # what a parser raises on damaged data has no common class
            cause = error if isinstance(error, MediaError) else f"the image is damaged: {one_line(error)}"
            raise MediaError(f"cannot read {self._name}: {cause}") from error
        return image

    def _too_many(self) -> TooManyPixelsError:
        most = f"{self._most_pixels // 1_000_000} million" if self._most_pixels >= 10_000_000 else self._most_pixels
        return TooManyPixelsError(
            f"{self._name} claims more than {most} pixels, too many to read safely; scale it down"
        )

    def _parse(self, start: bytes) -> Image.Image:
        try:
            with quiet():
                image: Image.Image = Image.open(self._file, formats=_known(self._formats))
        except UnidentifiedImageError as error:
            found = self._by_opencv() if start.startswith(SIGNATURES) and "TIFF" in self._formats else None
            if found is None:
                known = ", ".join(self._formats)
                raise NotAnImageError(f"{self._name} is not an image that can be read; known: {known}") from error
            return found
        return (self._by_opencv() or image) if needs_opencv(image) else image

    def _by_opencv(self) -> Image.Image | None:
        self._file.seek(0)
        return read_by_opencv(self._file.read(), self._most_pixels, self.notes)


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


def _known(formats: Sequence[str]) -> list[str]:
    Image.init()
    return [name for name in formats if name in Image.OPEN]


def _safe_pixels() -> int:
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
