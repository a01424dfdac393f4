"""What each input of a batch is: a folder, a glob, a file, a list or a manifest, and what its names are relative to."""

from __future__ import annotations

import os
import posixpath
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from liveseg.batch.listing.found import is_left_out, is_media
from liveseg.batch.listing.names import safe_part
from liveseg.batch.listing.patterns import Pattern, has_magic
from liveseg.batch.places import NotStoredError, Place
from liveseg.batch.places.address import HTTP, clean, local_path, scheme_of
from liveseg.batch.places.remote import RemotePlace
from liveseg.errors import SourceNotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Shape = Literal["folder", "glob", "file", "list", "csv", "parquet"]
STDIN = "-"
_TABLES: dict[str, Shape] = {".csv": "csv", ".tsv": "csv", ".parquet": "parquet", ".pq": "parquet"}


@dataclass(frozen=True)
class Input:
    """An input as the user gave it, and what it turned out to be.

    Args:
        text: as given, for messages.
        shape: what it is.
        base: the folder that names are relative to: the folder itself, the fixed part of a glob, the folder of a file
            or list; an absolute path, or an address without `/` at its end.
        path: the file, list or manifest; "" for a folder or glob, `-` for standard input.
        pattern: of a glob.
    """

    text: str = field(compare=False)
    shape: Shape
    base: str
    path: str = ""
    pattern: Pattern | None = None

    @property
    def is_remote(self) -> bool:
        """Whether its base is an address."""
        return scheme_of(self.base) is not None

    @property
    def is_tree(self) -> bool:
        """Whether it stands for what is found in a folder."""
        return self.shape in {"folder", "glob"}

    @property
    def takes_hidden(self) -> bool:
        """Whether it is a glob that names something hidden."""
        return self.pattern is not None and any(part.startswith(".") for part in self.pattern.parts)

    def passes(self, name: str) -> bool:
        """Whether a file or folder in its tree, by its own name, is not even looked at."""
        return is_left_out(name) and not (self.takes_hidden and name.startswith("."))

    def wants(self, relative: str) -> bool:
        """Whether a file of its tree, by its path below the base, is one that it stands for."""
        if any(map(self.passes, relative.split("/"))):
            return False
        if self.pattern is None:
            return is_media(relative)
        return self.pattern.matches(relative) and (self.pattern.spells_extension or is_media(relative))


def understood(text: str, options: Mapping[str, Any] | None) -> Input:
    """What an input is; a store is asked where its address does not say it.

    Raises:
        UsageError: an empty input, or an address that cannot be read or holds credentials.
        SourceNotFoundError: a path that is not there.
        StorageError: a store that does not answer.
    """
    if not text:
        raise UsageError("an input has no name; give a folder, glob, list, manifest or address")
    if text == STDIN:
        return Input(text, "list", str(Path.cwd()), STDIN)
    if text.startswith("@") and not os.path.lexists(text):
        if text == f"@{STDIN}":
            return Input(text, "list", str(Path.cwd()), STDIN)
        return _list(text)
    local = local_path(text)
    return _remote(clean(text), options) if local is None else _local(text, local)


def _list(text: str) -> Input:
    local = local_path(text[1:])
    if local is None:
        address = clean(text[1:])
        return Input(text, _shape(address, "list"), address.rpartition("/")[0], address)
    path = Path(local).expanduser().absolute()
    if not path.is_file():
        raise SourceNotFoundError(f"no such list: {path}")
    return Input(text, _shape(path.name, "list"), str(path.parent), str(path))


def _local(text: str, local: str) -> Input:
    path = Path(local)
    if not os.path.lexists(path):
        path = path.expanduser()
    # Not resolved: names are those that the user sees, whatever a link leads to.
    absolute = Path(os.path.abspath(path))  # noqa: PTH100
    if path.is_dir():
        return Input(text, "folder", str(absolute))
    if path.exists():
        return Input(text, _shape(path.name, "file"), str(absolute.parent), str(absolute))
    if has_magic(text):
        known, parts = Path(absolute.anchor), list(absolute.parts[1:])
        # A folder that exists is itself, although it may look like a glob: `[2024] Rome/*`.
        while len(parts) > 1 and ((known / parts[0]).is_dir() or not has_magic(parts[0])):
            known /= parts.pop(0)
        if not known.is_dir():
            raise SourceNotFoundError(f"nothing matches {text}: there is no folder {known}")
        return Input(text, "glob", str(known), pattern=Pattern(tuple(parts)))
    raise SourceNotFoundError(
        f"no such file or folder: {text}; give a folder, a glob, @LIST, a .csv or .parquet manifest, or an address"
    )


def _remote(address: str, options: Mapping[str, Any] | None) -> Input:
    scheme, rest = address.split("://", 1)
    http = scheme in HTTP
    if has_magic(rest, http=http):
        parts = rest.split("/")
        fixed = next(number for number, part in enumerate(parts) if has_magic(part, http=http))
        if fixed == 0:
            raise UsageError(f"{address} has a * in the name of its bucket or host; name one")
        return Input(
            address,
            "glob",
            f"{scheme}://{'/'.join(parts[:fixed])}",
            pattern=Pattern(tuple(filter(None, parts[fixed:]))),
        )
    path = address.partition("?")[0] if http else address
    if path.endswith("/") or "/" not in rest:
        return Input(address, "folder", address.rstrip("/"))
    shape = _shape(path, "file")
    as_file = Input(address, shape, path.rpartition("/")[0], address)
    if http or shape != "file" or is_media(path):
        return as_file
    place = RemotePlace(address.rpartition("/")[0], options)
    try:
        place.facts(posixpath.basename(address))
    except NotStoredError:
        return Input(address, "folder", address)
    except OSError:
        if next(place.names(posixpath.basename(address)), None) is None:
            raise
        return Input(address, "folder", address)
    return as_file


def _shape(name: str, otherwise: Shape) -> Shape:
    return _TABLES.get(posixpath.splitext(name)[1].lower(), otherwise)


def labels(inputs: Sequence[Input]) -> dict[str, str]:
    """The folder that the names of each base stand in: none where there is one base, else what it is called.

    Bases that are called the same have their parents' names in front, and where that is not enough a number behind.
    """
    bases = list(dict.fromkeys(each.base for each in inputs))
    if len(bases) == 1:
        return {bases[0]: ""}
    ends = {base: [safe_part(part) for part in _parts(base)] for base in bases}
    called = {base: parts[-1] for base, parts in ends.items()}
    for base in _sharing(called):
        called[base] = "_".join(ends[base][-2:])
    first = {label.casefold(): base for base, label in reversed(called.items())}
    for base in [base for base in _sharing(called) if first[called[base].casefold()] != base]:
        plain, number = called[base], 1
        while any(called[base].casefold() == called[other].casefold() for other in bases if other != base):
            number += 1
            called[base] = f"{plain}_{number}"
    if any(label.casefold() == "_liveseg" for label in called.values()):
        called = {base: f"input_{label}" for base, label in called.items()}
    return called


def _parts(base: str) -> list[str]:
    text = base.partition("://")[2] if scheme_of(base) else base.replace(os.sep, "/")
    return [part for part in text.split("/") if part] or ["root"]


def _sharing(called: Mapping[str, str]) -> list[str]:
    """The bases whose name another has, in order."""
    count: dict[str, int] = {}
    for label in called.values():
        count[label.casefold()] = count.get(label.casefold(), 0) + 1
    return [base for base, label in called.items() if count[label.casefold()] > 1]


def destination(out: str | Path | None) -> str | None:
    """A destination in the form in which bases are compared with it; `None` for none."""
    if out is None:
        return None
    place = Place.at(out)
    return place.address if place.folder is None else os.path.realpath(place.folder)


def refuse_own_input(each: Input, out: str | None) -> None:
    """See that a batch does not read the folder that it writes to.

    Raises:
        UsageError: the destination is the input's folder, or holds it.
    """
    if out is None or not each.is_tree or each.is_remote != (scheme_of(out) is not None):
        return
    base = each.base if each.is_remote else os.path.realpath(each.base)
    separator = "/" if each.is_remote else os.sep
    if base == out or base.startswith(out.rstrip(separator) + separator):
        raise UsageError(
            f"the outputs would go to {out}, which is or holds the input {each.text}, and the next run would take them"
            " for input; give a destination of its own"
        )
