"""The files of a batch as a stream: folders, globs, lists, manifests and addresses, in memory that does not grow.

>>> for item in items(["photos/", "s3://bucket/clips/**/*.mp4", "@more.txt"]):
...     place, name = open_item(item)
"""

from __future__ import annotations

from liveseg.batch.listing.items import items
from liveseg.batch.listing.opening import open_item

__all__ = ["items", "open_item"]
