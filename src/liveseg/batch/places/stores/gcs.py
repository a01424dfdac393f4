"""Google Cloud Storage, through gcsfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liveseg.batch.places.stores.base import Entry, Facts, Page
from liveseg.batch.places.stores.generic import FsspecStore, version_of
from liveseg.batch.places.stores.tags import hexadecimal

if TYPE_CHECKING:
    from collections.abc import Mapping


class GcsStore(FsspecStore):
    """The buckets that one set of credentials reaches; listings come page by page."""

    deep = True

    def __init__(self, scheme: str, options: Mapping[str, Any]) -> None:
        super().__init__(scheme, options)
        self.writable = True

    def path(self, address: str) -> str:
        """Bucket, `/` and name."""
        return address.partition("://")[2].strip("/")

    def described(self, about: Mapping[str, Any]) -> Facts:
        """The facts in an object's resource; an object put together from others has no MD5."""
        return Facts(about.get("size"), version_of(about), hexadecimal(about.get("md5Hash")), about.get("contentType"))

    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """Up to 1000 objects, in the order of their names' bytes."""
        bucket, _, name = folder.partition("/")
        asked = {"prefix": f"{name}/" if name else None, "delimiter": None if deep else "/", "pageToken": following}
        reply = self.fs.call(
            "GET", "b/{}/o", bucket, json_out=True, maxResults=1000,
            **{key: value for key, value in asked.items() if value},
        )  # fmt: skip
        entries = [
            Entry(f"{bucket}/{about['name']}", int(about.get("size", 0)), version_of(about))
            for about in reply.get("items", ())
            if not about["name"].endswith("/")
        ]
        entries += [Entry(f"{bucket}/{prefix}".rstrip("/"), is_folder=True) for prefix in reply.get("prefixes", ())]
        return Page(entries, reply.get("nextPageToken"))
