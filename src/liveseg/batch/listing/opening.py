"""How a worker gets at a file of the listing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.address import HTTP, scheme_of
from liveseg.batch.places.local import LocalPlace
from liveseg.batch.places.remote import RemotePlace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from liveseg.batch.places import Place
    from liveseg.batch.records import Item


def open_item(item: Item, options: Mapping[str, Any] | None) -> tuple[Place, str]:
    """The place where a file is and its name there, for `read`, `fetch` and `digest`.

    Args:
        item: from `items`.
        options: as `Place.at` takes them.
    """
    return opened(item.location, options)


def opened(location: str, options: Mapping[str, Any] | None) -> tuple[Place, str]:
    """The place and name of a path or an address."""
    scheme = scheme_of(location)
    if scheme is None:
        # Followed here, since a photo that is a link is no way out of anything.
        folder, name = os.path.split(os.path.realpath(location))
        return LocalPlace(folder), name
    # From the bucket on everything is the name: a key is no path, and may hold what no path can.
    bucket, _, name = location.partition("://")[2].partition("/")
    if scheme in HTTP:
        name = name or "/"
    return RemotePlace(f"{scheme}://{bucket}", options, any_name=True), name
