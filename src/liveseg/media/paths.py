"""From what the user names to sources: the files that a name, a folder or a glob stands for, and addresses."""

from __future__ import annotations

import difflib
import glob
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from liveseg.errors import MediaError, SourceNotFoundError, UsageError
from liveseg.files import is_partial
from liveseg.media.address import Address, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["image", "video"]
Named = Path | Address
"""What a user may name as a source."""

IMAGE_EXTENSIONS = frozenset(
    (
        ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".avif",
        ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".qoi",
    )
)  # fmt: skip
"""The extensions by which an image is found in a folder; an image named outright may have any."""

VIDEO_EXTENSIONS = frozenset(
    (
        ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv",
        ".flv", ".ogv", ".3gp", ".y4m", ".vob",
    )
)  # fmt: skip
"""The extensions by which a video is found in a folder; a video named outright may have any."""

MEDIA_EXTENSIONS = IMAGE_EXTENSIONS | VIDEO_EXTENSIONS


def expand_sources(patterns: Sequence[str | os.PathLike[str]]) -> list[Named]:
    """The files and addresses that a user's sources stand for, in the order given, each once.

    An address is what `parse_address` takes for one (a camera, a stream, `-`), never a `Path`. A file is itself,
    whatever its name; a folder is the images and videos in it, without its subfolders, in natural order (`2.jpg`
    before `10.jpg`); a glob (`*`, `?`, `[…]`, and `**` for folders of any depth) is what it matches, in natural order,
    and only images and videos unless it spells out an extension. Hidden files and files that were never finished
    (`*.partial.*`) are found by name only.

    Raises:
        UsageError: no sources at all, or an address of a kind that is not read.
        SourceNotFoundError: a name that does not exist, a folder without media, a glob that matches nothing.
        MediaError: a folder that cannot be read.
    """
    if not patterns:
        raise UsageError("name at least one image, video, folder or live source")
    found: dict[str | Address, Named] = {}
    for pattern in patterns:
        address = parse_address(pattern) if isinstance(pattern, str) else None
        if address is not None:
            found.setdefault(address, address)
            continue
        for path in _expand(os.fspath(pattern)):
            found.setdefault(path_key(path), path)
    return list(found.values())


def natural_key(path: Path) -> tuple[object, ...]:
    """A sort key that puts `2.jpg` before `10.jpg`, folder by folder, without regard to case."""
    return (*(_natural(part) for part in path.parts), str(path))


def kind_of(path: Named) -> Kind:
    """Whether a file is an image, by its content; anything else is taken for a video, and so is an address."""
    if isinstance(path, Address):
        return "video"
    from liveseg.media.images import is_image

    return "image" if is_image(path) else "video"


def path_key(path: Path) -> str:
    """What two names of one place have in common, whether or not it exists; links are not followed."""
    return os.path.normcase(os.path.abspath(path))  # noqa: PTH100  (pathlib has no such call)


def _expand(pattern: str) -> list[Path]:
    if not pattern:
        raise UsageError("a source has no name; give an image, video, folder or live source")
    if not os.path.lexists(pattern):
        pattern = os.path.expanduser(pattern)  # noqa: PTH111  (pathlib raises where there is no such user)
    path = Path(pattern)
    if path.is_dir():
        return _media_in(path)
    if path.exists():
        return [path]
    if glob.has_magic(pattern):
        return _matches(pattern)
    raise SourceNotFoundError(f"no such file or folder: {pattern}{_suggestion(path)}")


def _media_in(folder: Path) -> list[Path]:
    try:
        files = [path for path in folder.iterdir() if _is_visible_media(path) and path.is_file()]
    except OSError as error:
        raise MediaError(f"cannot read the folder {folder}: {error.strerror}") from error
    if not files:
        raise SourceNotFoundError(
            f"no images or videos in the folder {folder}; its subfolders are searched by"
            f" '{folder / '**' / '*.jpg'}', and files with other extensions have to be named"
        )
    return sorted(files, key=natural_key)


def _matches(pattern: str) -> list[Path]:
    # Path.glob takes no absolute patterns.
    matches = (Path(name) for name in glob.iglob(_escape_existing(pattern), recursive=True))  # noqa: PTH207
    files = [path for path in matches if path.is_file() and not is_partial(path)]
    extension = Path(pattern).suffix
    if not extension or glob.has_magic(extension):
        files = [path for path in files if _is_visible_media(path)]
    if not files:
        raise SourceNotFoundError(f"nothing matches {pattern}; looked for images and videos in {Path.cwd()}")
    return sorted(files, key=natural_key)


def _escape_existing(pattern: str) -> str:
    """The pattern, with those folders escaped that exist although they look like globs: `[2024] Rome/*`."""
    path = Path(pattern)
    known = Path(path.anchor)
    parts = list(path.parts[1:] if path.anchor else path.parts)
    while parts and (known / parts[0]).exists():
        known /= parts.pop(0)
    return os.path.join(glob.escape(str(known)), *parts)  # noqa: PTH118  (a Path would be joined to a string anyway)


def _is_visible_media(path: Path) -> bool:
    return not path.name.startswith(".") and not is_partial(path) and path.suffix.lower() in MEDIA_EXTENSIONS


def _suggestion(path: Path) -> str:
    try:
        siblings = [sibling.name for sibling in path.parent.iterdir()]
    except OSError:
        return "" if path.parent.is_dir() else f" (there is no folder {path.parent})"
    near = difflib.get_close_matches(path.name, siblings, n=1, cutoff=0.75)
    return f"; did you mean {path.with_name(near[0])}?" if near else ""


def _natural(text: str) -> tuple[tuple[int, int, str], ...]:
    pieces: Iterable[str] = re.split(r"([0-9]+)", text.casefold())
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces if piece)
