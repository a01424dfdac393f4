"""All inputs of a batch as one stream of items."""

from __future__ import annotations

import os
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from liveseg.batch.listing.content import with_content
from liveseg.batch.listing.inputs import Input, destination, labels, refuse_own_input, understood
from liveseg.batch.listing.lists import asked_outright, listed_in, with_facts
from liveseg.batch.listing.trees import found_in, single
from liveseg.batch.places.address import HTTP, scheme_of
from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from liveseg.batch.listing.found import Found
    from liveseg.batch.records import Item


def items(
    inputs: Sequence[str | Path],
    *,
    identify: Literal["path", "content"] = "path",
    options: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
) -> Iterator[Item]:
    """The files of a batch, one by one, in memory that does not grow with their number.

    An input is a folder (with all folders in it, in natural order), a glob (`**` for folders of any depth), a file,
    `@list.txt` or `-` (standard input) with a path or address a line, a manifest (`.csv`, `.parquet`, with a column
    `location`, `path` or `url` and perhaps `name` and `version`), or any of these as an address that fsspec opens.
    Hidden files, unfinished ones, and the destination are passed by.

    Names are relative to their input. With several inputs in different folders each has the name of its folder in
    front. `names.name_of` says how files that differ only in their extension are told apart. What an input
    has in common with a folder or glob among the others comes once.

    Args:
        inputs: as the user gave them.
        identify: `content` reads each file once, for its SHA-256.
        options: as `Place.at` takes them.
        out: the destination.

    Raises:
        UsageError: an input that cannot be read, or a destination that is or holds an input; at once.
        SourceNotFoundError: an input that is not there or holds no images or videos; at once.
        StorageError: a folder or store that cannot be read, at once or when its turn comes.
    """
    if not inputs:
        raise UsageError("name at least one folder, glob, file, list, manifest or address")
    own = destination(out)
    given = list(dict.fromkeys(understood(str(each), options) for each in inputs))
    if sum(each.path == "-" for each in given) > 1:
        raise UsageError("standard input can be read once; give - once")
    for each in given:
        refuse_own_input(each, own)
    called = labels(given)
    streams, trees = [], list[Input]()
    for number, each in enumerate(given):
        found = _begun(_found(each, own, options))
        if earlier := given[:number] if each.is_tree else trees.copy():
            found = filter(partial(_is_new, earlier=earlier), found)
        if each.is_tree:
            trees.append(each)
        streams.append(map(partial(_item, label=called[each.base]), found))
    stream = chain.from_iterable(streams)
    return with_content(stream, options) if identify == "content" else stream


def _found(given: Input, out: str | None, options: Mapping[str, Any] | None) -> Iterator[Found]:
    if given.is_tree:
        found = found_in(given, out, options)
        # A web server's page says no more of a file than its name.
        return with_facts(found, options) if scheme_of(given.base) in HTTP else found
    if given.shape != "file":
        return listed_in(given, options)
    one = single(given)
    return iter([asked_outright(one, options) if given.is_remote else one])


def _begun(found: Iterator[Found]) -> Iterator[Found]:
    """A stream whose first file is known to be there, so that what is wrong with an input is said before the work."""
    first = next(found, None)
    return found if first is None else chain([first], found)


def _item(found: Found, label: str) -> Item:
    return found.item(label)


def _is_new(found: Found, earlier: Iterable[Input]) -> bool:
    return not any(_holds(each, found.location) for each in earlier)


def _holds(given: Input, location: str) -> bool:
    """Whether an input brings a file, as far as its location says."""
    if given.shape == "file":
        return given.path == location
    before = given.base.rstrip("/\\") + ("/" if given.is_remote else os.sep)
    if not given.is_tree or not location.startswith(before):
        return False
    relative = location[len(before) :].replace(os.sep, "/")
    return given.wants(relative)
