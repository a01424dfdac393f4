"""Where results go: what is made of a source, none of it over another's, none over a source."""

from __future__ import annotations

import os
import re
import string
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from liveseg.errors import UsageError
from liveseg.files import partial_path
from liveseg.media.address import Address
from liveseg.media.paths import IMAGE_EXTENSIONS, MEDIA_EXTENSIONS, VIDEO_EXTENSIONS, Kind, Named, kind_of, path_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_A: dict[Kind, str] = {"image": "an image", "video": "a video"}


@dataclass(frozen=True)
class Wanted:
    """A kind of file that is to be made of each source, as far as its name goes.

    Args:
        kind: what it is called in `{kind}` and, but for the overlay, at the end of the names that are made here.
        extensions: of the files that it can be, for an image and for a video as source; the default comes first.
    """

    kind: str
    extensions: Mapping[Kind, tuple[str, ...]]

    @property
    def tail(self) -> str:
        """What ends the stem of a name that is made here."""
        return "" if self.kind == "overlay" else f"_{self.kind}"


OVERLAY = Wanted(
    "overlay",
    {
        "image": (".jpg", *sorted(IMAGE_EXTENSIONS - {".jpg"})),
        "video": (".mp4", *sorted(VIDEO_EXTENSIONS - {".mp4"})),
    },
)
"""The picture with its classes tinted; it can be asked for as any image or video, and the sinks say what they write."""


@dataclass(frozen=True)
class _Name:
    """A path in its parts, the stem's own part apart from the tail that says the kind."""

    folder: Path
    stem: str
    tail: str
    extension: str

    @property
    def path(self) -> Path:
        return self.folder / f"{self.stem}{self.tail}{self.extension}"

    @property
    def key(self) -> str:
        # Names that differ only in case count as the same, since many file systems hold only one of them.
        return path_key(self.path).casefold()


def output_path(
    source: Named, output: str | None, model: str, *, kind: Kind, wanted: Wanted = OVERLAY, index: int = 0
) -> Path:
    """Where one result of one source goes.

    Args:
        source: the file or address that is segmented; an address has its `stem` as its name, and its kind (`rtsp`,
            `camera`, …) as its parent.
        output: a file (it has an extension that fits), a folder (it exists as one, ends in a separator, or has no
            extension), or a pattern with `{stem}`, `{name}`, `{parent}` (of the source), `{model}`, `{kind}` (what is
            made), `{index}` (`{index:04}` pads it) and `{ext}` (the extension that would be written by default); `None`
            is the folder `outputs`. In a folder the name is `<stem>_<model>.<extension>`, with `_<kind>` before the
            extension for all but the overlay.
        model: the model's name.
        kind: what the source is.
        wanted: what is made of it.
        index: the number of the source, for `{index}`.

    Raises:
        UsageError: an unknown field, or a name that is neither clearly a file nor clearly a folder.
    """
    return _named(source, output, model, kind, wanted, index).path


def plan_outputs(
    sources: Sequence[Named],
    output: str | None,
    model: str,
    *,
    kinds: Sequence[Kind] | None = None,
    wanted: Sequence[Wanted] = (OVERLAY,),
) -> list[tuple[Path, ...]]:
    """Where everything that is made of each source goes: all different, none of them a source.

    The same sources get the same names. Sources that would share a name are told apart by their folders' names
    (`a_x_lite.jpg`, `b_x_lite.jpg`), and where that is not enough by a number (`x_lite.jpg`, `x_lite_2.jpg`); what is
    made of one source gets the same prefix and number.

    Args:
        sources: the files and addresses that are segmented.
        output: as `output_path` takes it. With several things to make it is a folder or a pattern with `{kind}`; or
            it names the overlay, and the others stand beside that as `<its stem>_<kind>.<extension>`.
        model: the model's name.
        kinds: what each source is; found out by its content if left out.
        wanted: what is made of each source.

    Returns:
        For each source its paths, in the order of `wanted`.

    Raises:
        UsageError: as `output_path`; one file as the output of several sources or of several things; an output that
            is a source, or another output.
    """
    kinds = [kind_of(source) for source in sources] if kinds is None else kinds
    planned = [
        list(_names(source, output, model, kind, wanted, index))
        for index, (source, kind) in enumerate(zip(sources, kinds, strict=True))
    ]
    if len(sources) > 1 and output is not None and all(Path(output) in [n.path for n in names] for names in planned):
        raise UsageError(f"{len(sources)} sources cannot all go to {output}; give a folder, or a pattern with {{stem}}")
    planned = _numbered(_told_apart_by_folder(sources, planned))
    _refuse_sources(sources, [name.path for names in planned for name in names])
    return [tuple(name.path for name in names) for names in planned]


def _names(
    source: Named, output: str | None, model: str, kind: Kind, wanted: Sequence[Wanted], index: int
) -> Iterator[_Name]:
    """The names of all that is made of one source."""
    one_by_one = len(wanted) == 1 or is_folder(output) or (output is not None and "kind" in _fields(output))
    for each in wanted:
        if one_by_one or each.kind == "overlay":
            yield _named(source, output, model, kind, each, index)
            continue
        overlay = next((other for other in wanted if other.kind == "overlay"), None)
        if overlay is None:
            named = " and ".join(other.kind for other in wanted)
            raise UsageError(f"{named} cannot all go to {output}; give a folder, or a pattern with {{kind}}")
        beside = _named(source, output, model, kind, overlay, index)
        yield replace(beside, tail=each.tail, extension=each.extensions[kind][0])


def _named(source: Named, output: str | None, model: str, kind: Kind, wanted: Wanted, index: int) -> _Name:
    extension = wanted.extensions[kind][0]
    model = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', "-", model)
    default = _Name(Path("outputs"), f"{source.stem}_{model}", wanted.tail, extension)
    if output is None:
        return default
    if not output:
        raise UsageError("the output has no name; give a file or a folder")
    if Path(output).is_dir():
        return replace(default, folder=Path(output))
    if "{" in output or "}" in output:
        fields: dict[str, str | int] = {
            "stem": source.stem,
            "name": source.stem if isinstance(source, Address) else source.name,
            "parent": source.kind if isinstance(source, Address) else source.absolute().parent.name,
            "model": model,
            "kind": wanted.kind,
            "index": index,
            "ext": extension[1:],
        }
        filled = _fill(output, fields)
        if _ends_in_separator(output):
            return replace(default, folder=Path(filled))
        path = Path(filled if _ends_in_extension(output, wanted) else filled + extension)
    elif is_folder(output):
        return replace(default, folder=Path(output))
    else:
        path = Path(output)
    _check_extension(path, output, source, kind, wanted)
    return _Name(path.parent, path.stem, "", path.suffix)


def _check_extension(path: Path, output: str, source: Named, kind: Kind, wanted: Wanted) -> None:
    own, suffix = wanted.extensions[kind], path.suffix.lower()
    if suffix in own:
        return
    if suffix in MEDIA_EXTENSIONS or suffix in _other_extensions(wanted):
        if wanted.kind == "overlay":
            raise UsageError(f"{source} is {_A[kind]}, which cannot be written to {path}; use {own[0]}")
        raise UsageError(f"the {wanted.kind} of {_A[kind]} cannot be written to {path}; use {' or '.join(own)}")
    written = ".jpg, .png, .mp4, …" if wanted.kind == "overlay" else ", ".join(own)
    raise UsageError(
        f"{output!r} is neither a file that can be written ({written}) nor clearly a folder;"
        f" for a folder write {output + '/'!r}"
    )


def _other_extensions(wanted: Wanted) -> set[str]:
    return {extension for each in wanted.extensions.values() for extension in each}


def _fields(pattern: str) -> set[str]:
    try:
        return {field for _, field, _, _ in string.Formatter().parse(pattern) if field is not None}
    except ValueError:
        return set()  # what is wrong with it is told when it is filled in


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


def is_folder(output: str | None) -> bool:
    """Whether an output is a folder, in which everything has a name of its own."""
    if output is None or (output and Path(output).is_dir()) or _ends_in_separator(output):
        return True
    return bool(output) and not set("{}") & set(output) and not Path(output).suffix


def _ends_in_separator(output: str) -> bool:
    return output.endswith(("/", os.sep, os.altsep or "/"))


def _ends_in_extension(pattern: str, wanted: Wanted) -> bool:
    extension = re.search(r"\.[^./\\]+$", pattern)
    known = MEDIA_EXTENSIONS | _other_extensions(wanted) | {".{ext}"}
    return extension is not None and (extension[0] in known or extension[0].lower() in known)


def _told_apart_by_folder(sources: Sequence[Named], planned: list[list[_Name]]) -> list[list[_Name]]:
    folders = [Path(source.kind) if isinstance(source, Address) else source.absolute().parent for source in sources]
    sharing: dict[str, set[Path]] = {}
    for folder, names in zip(folders, planned, strict=True):
        for name in names:
            sharing.setdefault(name.key, set()).add(folder)
    return [
        [replace(name, stem=f"{folder.name}_{name.stem}") for name in names]
        if any(len(sharing[name.key]) > 1 for name in names)
        else names
        for folder, names in zip(folders, planned, strict=True)
    ]


def _numbered(planned: list[list[_Name]]) -> list[list[_Name]]:
    used: set[str] = set()
    numbered = []
    for names in planned:
        number, free = 1, names
        while any(name.key in used for name in free):
            number += 1
            free = [replace(name, stem=f"{name.stem}_{number}") for name in names]
        for name in free:
            if name.key in used:
                raise UsageError(f"two results would go to {name.path}; leave one out, or choose other names with -o")
            used.add(name.key)
        numbered.append(free)
    return numbered


def _refuse_sources(sources: Sequence[Named], paths: Sequence[Path]) -> None:
    inodes = {_inode(source): source for source in sources if isinstance(source, Path) and source.exists()}
    for path in paths:
        for name in (path, partial_path(path)):
            if name.exists() and (taken := inodes.get(_inode(name))) is not None:
                how = (
                    f"is the source {taken} itself" if name is path else f"is written under the source's name, {taken}"
                )
                raise UsageError(f"the output {path} {how}; choose another name with -o")


def _inode(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino
