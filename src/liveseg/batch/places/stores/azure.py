"""Azure Blob Storage, through adlfs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from liveseg.batch.places.stores.base import Entry, Facts, Page
from liveseg.batch.places.stores.generic import FsspecStore, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping
_MOST = 1000


class AzureStore(FsspecStore):
    """The containers of one account; listings come page by page."""

    deep = True

    def __init__(self, scheme: str, options: Mapping[str, Any]) -> None:
        super().__init__(scheme, options)
        self.writable = True

    def described(self, about: Mapping[str, Any]) -> Facts:
        """The facts in a blob's properties."""
        settings = about.get("content_settings") or {}
        md5 = settings.get("content_md5")
        return Facts(
            about.get("size"), version_of(about), bytes(md5).hex() if md5 else None, settings.get("content_type")
        )

    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """Up to 1000 blobs, in the order of their names."""
        from fsspec.asyn import sync

        container, _, name = folder.partition("/")
        blobs, token = sync(self.fs.loop, self._page, container, f"{name}/" if name else None, following, deep)
        entries = [
            Entry(f"{container}/{blob['name']}".rstrip("/"), is_folder=True)
            if blob.get("size") is None
            else Entry(f"{container}/{blob['name']}", blob["size"], str(blob.get("etag") or "").strip('"'))
            for blob in blobs
            if blob.get("size") is not None or blob["name"].endswith("/")
        ]
        return Page(entries, token or None)

    async def _page(
        self, container: str, prefix: str | None, following: str | None, deep: bool
    ) -> tuple[list[Any], str | None]:
        async with self.fs.service_client.get_container_client(container=container) as client:
            ask = client.list_blobs if deep else client.walk_blobs
            pages = ask(name_starts_with=prefix, results_per_page=_MOST).by_page(following)
            blobs: list[Any] = []
            async for page in pages:
                blobs = [blob async for blob in page]
                break
            return blobs, pages.continuation_token
