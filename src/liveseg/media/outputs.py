"""Where results go: one output a source, none of them another's, none of them a source."""

from __future__ import annotations

import os
import re
import string
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.files import partial_path
from liveseg.media.address import Address
from liveseg.media.paths import IMAGE_EXTENSIONS, MEDIA_EXTENSIONS, VIDEO_EXTENSIONS, Kind, Named, kind_of, path_key

if TYPE_CHECKING:
    from collections.abc import Sequence

_A: dict[Kind, str] = {"image": "an image", "video": "a video"}
_DEFAULT_EXTENSION: dict[Kind, str] = {"image": ".jpg", "video": ".mp4"}


def output_path(
    source: Named, output: str | None, model: str, *, kind: Kind, extension: str | None = None, index: int = 0
) -> Path:
    """Where the result of one source goes.

    Args:
        source: the file or address that is segmented; an address has its `stem` as its name, and its kind (`rtsp`,
            `camera`, …) as its parent.
        output: a file (it has the extension of an image or a video), a folder (it exists as one, ends in a
            separator, or has no extension), or a pattern with `{stem}`, `{name}`, `{parent}` (of the source),
            `{model}`, `{index}` (`{index:04}` pads it) and `{ext}` (the extension that would be written by
            default); `None` is the folder `outputs`. In a folder the name is `<stem>_<model>.<extension>`.
        model: the model's name.
        kind: what the source is.
        extension: of a name that is made here; `.jpg` for an image and `.mp4` for a video by default.
        index: the number of the source, for `{index}`.

    Raises:
        UsageError: an unknown field, or a name that is neither clearly a file nor clearly a folder.
    """
    extension = "." + extension.lstrip(".") if extension else _DEFAULT_EXTENSION[kind]
    model = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "-", model)
    default = f"{source.stem}_{model}{extension}"
    if output is None:
        return Path("outputs") / default
    if not output:
        raise UsageError("the output has no name; give a file or a folder")
    if Path(output).is_dir():
        return Path(output) / default
    if "{" in output or "}" in output:
        fields: dict[str, str | int] = {
            "stem": source.stem,
            "name": source.stem if isinstance(source, Address) else source.name,
            "parent": source.kind if isinstance(source, Address) else source.absolute().parent.name,
            "model": model,
            "index": index,
            "ext": extension[1:],
        }
        filled = _fill(output, fields)
        if _names_folder(output):
            return Path(filled) / default
        path = Path(filled if _ends_in_extension(output) else filled + extension)
    elif _names_folder(output) or not Path(output).suffix:
        return Path(output) / default
    else:
        path = Path(output)
    wrong = VIDEO_EXTENSIONS if kind == "image" else IMAGE_EXTENSIONS
    if path.suffix.lower() in wrong:
        raise UsageError(f"{source} is {_A[kind]}, which cannot be written to {path}; use {extension}")
    if path.suffix.lower() not in MEDIA_EXTENSIONS:
        raise UsageError(
            f"{output!r} is neither a file that can be written (.jpg, .png, .mp4, …) nor clearly a folder;"
            f" for a folder write {output + '/'!r}"
        )
    return path


def plan_outputs(
    sources: Sequence[Named],
    output: str | None,
    model: str,
    *,
    kinds: Sequence[Kind] | None = None,
    extension: str | None = None,
) -> list[Path]:
    """One output a source, all different, none of them a source; the same names for the same sources.

    Sources that would share a name are told apart by their folders' names (`a_x_lite.jpg`, `b_x_lite.jpg`),
    and where that is not enough by a number (`x_lite.jpg`, `x_lite_2.jpg`). Names that differ only in case
    count as the same, since many file systems hold only one of them.

    Args:
        sources: the files and addresses that are segmented.
        output: as `output_path` takes it.
        model: the model's name.
        kinds: what each source is; found out by its content if left out.
        extension: as `output_path` takes it.

    Raises:
        UsageError: as `output_path`; one file as the output of several sources; an output that is a source.
    """
    kinds = [kind_of(source) for source in sources] if kinds is None else kinds
    planned = [
        output_path(source, output, model, kind=kind, extension=extension, index=index)
        for index, (source, kind) in enumerate(zip(sources, kinds, strict=True))
    ]
    if len(sources) > 1 and output is not None and planned == [Path(output)] * len(planned):
        raise UsageError(f"{len(sources)} sources cannot all go to {output}; give a folder, or a pattern with {{stem}}")
    planned = _numbered(_told_apart_by_folder(sources, planned))
    inodes = _by_inode(sources)
    for path in planned:
        for name in (path, partial_path(path)):
            if name.exists() and (taken := inodes.get(_inode(name))) is not None:
                how = (
                    f"is the source {taken} itself" if name is path else f"is written under the source's name, {taken}"
                )
                raise UsageError(f"the output {path} {how}; choose another name with -o")
    return planned


def plan_masks(sources: Sequence[Named], outputs: Sequence[Path], kinds: Sequence[Kind]) -> list[Path | None]:
    """Where the mask of each source goes: `<output stem>_mask.png` beside its output; `None` for a video.

    Raises:
        UsageError: a mask that would be written over a source, an output or another mask.
    """
    masks = [
        output.with_name(f"{output.stem}_mask.png") if kind == "image" else None
        for output, kind in zip(outputs, kinds, strict=True)
    ]
    inodes = _by_inode(sources)
    taken = {path_key(output): output for output in outputs}
    for mask in masks:
        if mask is None:
            continue
        other = taken.get(path_key(mask)) or (inodes.get(_inode(mask)) if mask.exists() else None)
        if other is not None:
            raise UsageError(f"the mask {mask} would be written over {other}; choose another name with -o")
        taken[path_key(mask)] = mask
    return masks


def _fill(pattern: str, fields: dict[str, str | int]) -> str:
    known = ", ".join(f"{{{name}}}" for name in fields)
    try:
        for _, field, spec, conversion in string.Formatter().parse(pattern):
            if field is not None and (field not in fields or conversion or "{" in (spec or "")):
                raise UsageError(f"unknown field {{{field}}} in {pattern!r}; known are {known}")
        return pattern.format_map(fields)
    except UsageError:
        raise
    except ValueError as error:
        raise UsageError(f"the output pattern {pattern!r} cannot be read: {error}; known are {known}") from error


def _names_folder(output: str) -> bool:
    return output.endswith(("/", os.sep, os.altsep or "/"))


def _ends_in_extension(pattern: str) -> bool:
    extension = re.search(r"\.[^./\\]+$", pattern)
    return extension is not None and (extension[0] == ".{ext}" or extension[0].lower() in MEDIA_EXTENSIONS)


def _told_apart_by_folder(sources: Sequence[Named], planned: list[Path]) -> list[Path]:
    folders = [Path(source.kind) if isinstance(source, Address) else source.absolute().parent for source in sources]
    sharing: dict[str, set[Path]] = {}
    for folder, path in zip(folders, planned, strict=True):
        sharing.setdefault(_same_name(path), set()).add(folder)
    return [
        path.with_name(f"{folder.name}_{path.name}") if len(sharing[_same_name(path)]) > 1 else path
        for folder, path in zip(folders, planned, strict=True)
    ]


def _numbered(planned: list[Path]) -> list[Path]:
    used: set[str] = set()
    for index, path in enumerate(planned):
        number, free = 1, path
        while _same_name(free) in used:
            number += 1
            free = path.with_name(f"{path.stem}_{number}{path.suffix}")
        used.add(_same_name(free))
        planned[index] = free
    return planned


def _same_name(path: Path) -> str:
    return path_key(path).casefold()


def _by_inode(sources: Sequence[Named]) -> dict[tuple[int, int], Path]:
    return {_inode(source): source for source in sources if isinstance(source, Path) and source.exists()}


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
