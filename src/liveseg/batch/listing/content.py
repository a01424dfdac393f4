"""Files told apart by their content: each is read once while it is listed, by a few threads."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from liveseg.batch.listing.opening import open_item
from liveseg.batch.listing.ordered import in_threads
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from liveseg.batch.records import Item

_THREADS = 8


def with_content(stream: Iterable[Item], options: Mapping[str, Any] | None) -> Iterator[Item]:
    """Items with the SHA-256 of their bytes; one that cannot be read goes on without, for its worker to say why."""
    return in_threads(stream, partial(_hashed, options=options), threads=_THREADS)


def _hashed(item: Item, options: Mapping[str, Any] | None) -> Item:
    place, name = open_item(item, options)
    try:
        return replace(item, content=place.digest(name))
    except LivesegError:
        return item
