"""What is found in a folder or by a glob, here or in a store."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from liveseg.batch.listing.folders import stated, walk
from liveseg.batch.listing.found import Found, is_media
from liveseg.batch.places.address import HTTP, scheme_of
from liveseg.batch.places.remote import RemotePlace
from liveseg.errors import SourceNotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from liveseg.batch.listing.inputs import Input

_EXTENSIONS_SHOWN = 5
_EXTENSIONS_COUNTED = 1000


def found_in(given: Input, out: str | None, options: Mapping[str, Any] | None) -> Iterator[Found]:
    """The images and videos below a folder, or those that a glob matches.

    A folder of this machine comes in natural order, a bucket in the store's: that of its keys. Hidden files, those that
    were never finished, and the destination are passed by. A glob that spells out an extension takes files with it
    whatever they are.

    Args:
        given: a folder or a glob.
        out: the destination.
        options: as `Place.at` takes them.

    Raises:
        SourceNotFoundError: there are none.
        StorageError: a folder or bucket that cannot be read.
    """
    seen = _Seen(given)
    if given.is_remote:
        files = _stored(given, seen, out, options)
    else:
        local = out if out and scheme_of(out) is None else None
        files = walk(given.base, leave_out=local, passes=given.passes, descend=_descend(given), wanted=seen.wants)
    any_found = False
    for file in files:
        any_found = True
        yield file
    if not any_found:
        raise SourceNotFoundError(seen.nothing())


class _Seen:
    """Which files of a tree are wanted, and which extensions the others have."""

    def __init__(self, given: Input) -> None:
        self._given = given
        self._others: Counter[str] = Counter()

    def wants(self, relative: str) -> bool:
        """Whether a file is wanted."""
        if self._given.wants(relative):
            return True
        if not is_media(relative) and (self._given.pattern is None or self._given.pattern.matches(relative)):
            extension = posixpath.splitext(relative)[1].lower()
            if extension in self._others or len(self._others) < _EXTENSIONS_COUNTED:
                self._others[extension] += 1
        return False

    def nothing(self) -> str:
        """The message for a tree without any."""
        text = self._given.text
        if self._others:
            kinds = ", ".join(
                f"{count:,} {extension or 'without extension'}"
                for extension, count in self._others.most_common(_EXTENSIONS_SHOWN)
            )
            return (
                f"no images or videos in {text}, but other files ({kinds}); a list (@list.txt), or a glob that ends in"
                " the extension, takes them whatever they are called"
            )
        if self._given.pattern is not None:
            return f"nothing matches {text}; check the name, and put it in quotes, so that the shell leaves ** alone"
        return f"no images or videos in {text}, nor in the folders within it; check the name"


def _descend(given: Input) -> Callable[[str], bool]:
    return given.pattern.may_hold if given.pattern is not None else lambda _: True


def _stored(given: Input, seen: _Seen, out: str | None, options: Mapping[str, Any] | None) -> Iterator[Found]:
    place = RemotePlace(given.base, options)
    read: Callable[[str], str] = unquote if scheme_of(given.base) in HTTP else str
    may_hold = _descend(given)
    before = f"{given.base}/"
    own = out[len(before) :] if out and out.startswith(before) else None

    def descend(folder: str) -> bool:
        folder = read(folder)
        return folder != own and not given.passes(posixpath.basename(folder)) and may_hold(folder)

    for entry in place.entries(descend=descend):
        name = place.name_of(entry)
        relative = read(name)
        if (own is None or not relative.startswith(f"{own}/")) and seen.wants(relative):
            yield Found(before + name, relative, version=entry.version, size=entry.size)


def single(given: Input) -> Found:
    """A file of this machine or an address that was named outright."""
    if given.is_remote:
        return Found(given.path, relative_of(given.path))
    found = stated(given.path, os.path.basename(given.path))  # noqa: PTH119
    if found is None:
        raise SourceNotFoundError(f"no such file: {given.path}")
    return found


def relative_of(address: str) -> str:
    """The last part of an address, as a file would be called; a query belongs to it."""
    scheme = scheme_of(address)
    if scheme not in HTTP:
        return posixpath.basename(address)
    path, _, query = address.partition("://")[2].partition("?")
    stem, extension = posixpath.splitext(unquote(posixpath.basename(path)) or "index")
    return f"{stem}?{query}{extension}".replace("/", "%2F") if query else f"{stem}{extension}"
