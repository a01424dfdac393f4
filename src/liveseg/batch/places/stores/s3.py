"""Amazon's S3 and what speaks its protocol, request by request, through s3fs."""

from __future__ import annotations

import hashlib
import mimetypes
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from liveseg.batch.places.errors import StorageError
from liveseg.batch.places.stores.base import CHUNK, Body, Entry, Facts, Page
from liveseg.batch.places.stores.generic import FsspecStore
from liveseg.batch.places.stores.tags import looks_like_md5

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from liveseg.batch.places.retry import Patience

WHOLE = 64 << 20
"""Bytes up to which a file goes in one request."""
PART = 16 << 20
"""Bytes of a part of a larger one, unless that would make too many."""
_MOST_PARTS = 10_000
PAGE = 1000
"""Keys of a part of a listing, at most."""
_MARK = "liveseg-put"
_AT_ONCE = 4


class S3Store(FsspecStore):
    """The buckets that one set of credentials reaches at one endpoint.

    Every listing comes page by page, and nothing of it is kept.
    """

    deep = True

    def __init__(self, scheme: str, options: Mapping[str, Any]) -> None:
        super().__init__(scheme, options)
        self.writable = True
        # How often something is tried is decided in one place, not in three that multiply.
        self.fs.retries = 1

    def completed(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options, without the client's own retries unless they are asked for."""
        config = {"retries": {"total_max_attempts": 1}} | dict(options.get("config_kwargs") or {})
        return options | {"config_kwargs": config}

    def path(self, address: str) -> str:
        """Bucket, `/` and key."""
        return address.partition("://")[2].strip("/")

    def facts(self, path: str) -> Facts:
        """What a `HEAD` request says."""
        bucket, key = _split(path)
        return _facts(self.fs.call_s3("head_object", Bucket=bucket, Key=key))

    def open(self, path: str, start: int, version: str) -> Body:
        """A file's bytes from an offset on, by one request that also says what the file is."""
        bucket, key = _split(path)
        only = {"Range": f"bytes={start}-"} if start else {}
        if version:
            only["IfMatch"] = f'"{version}"'
        reply = self.fs.call_s3("get_object", Bucket=bucket, Key=key, **only)
        return Body(_facts(reply), self._chunks(reply["Body"]))

    def _chunks(self, body: Any) -> Iterator[bytes]:
        from fsspec.asyn import sync

        try:
            while chunk := sync(self.fs.loop, body.read, CHUNK):
                yield chunk
        finally:
            self.fs.loop.call_soon_threadsafe(body.close)

    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """Up to 1000 keys, in the order of their bytes."""
        bucket, key = _split(folder)
        asked: dict[str, Any] = {"Bucket": bucket, "Prefix": f"{key}/" if key else "", "MaxKeys": PAGE}
        if not deep:
            asked["Delimiter"] = "/"
        if following:
            asked["ContinuationToken"] = following
        reply = self.fs.call_s3("list_objects_v2", **asked)
        entries = [
            Entry(f"{bucket}/{about['Key']}", about["Size"], about.get("ETag", "").strip('"'))
            for about in reply.get("Contents", ())
            if not about["Key"].endswith("/")  # what stands for an empty folder
        ]
        entries += [
            Entry(f"{bucket}/{about['Prefix']}".rstrip("/"), is_folder=True)
            for about in reply.get("CommonPrefixes", ())
        ]
        return Page(entries, reply.get("NextContinuationToken") if reply.get("IsTruncated") else None)

    def put(self, path: str, data: bytes, *, mark: str | None) -> Facts | None:
        """Store bytes in one request, on condition if they are to replace nothing."""
        bucket, key = _split(path)
        only = {"IfNoneMatch": "*", "Metadata": {_MARK: mark}} if mark else {}
        reply = self.fs.call_s3("put_object", Bucket=bucket, Key=key, Body=data, **_described(path), **only)
        return _answered(reply, len(data), hashlib.md5(data, usedforsecurity=False).hexdigest())

    def bears(self, path: str, mark: str) -> bool | None:
        """Whether a file was stored with a mark."""
        bucket, key = _split(path)
        return bool(self.fs.call_s3("head_object", Bucket=bucket, Key=key).get("Metadata", {}).get(_MARK) == mark)

    def upload(self, path: str, source: Path, patience: Patience) -> Facts | None:
        """Store a file in one request or, if it is large, in parts, which appear as one when the last is there."""
        size = source.stat().st_size
        if size <= WHOLE:
            return self._put_file(path, source, patience)
        bucket, key = _split(path)

        def ask(method: str, **about: Any) -> Any:
            return self.told(patience, path, lambda: self.fs.call_s3(method, Bucket=bucket, Key=key, **about))

        upload = ask("create_multipart_upload", **_described(path))["UploadId"]
        length = max(PART, -(-size // _MOST_PARTS))

        def send(number: int) -> tuple[str, bytes]:
            with source.open("rb") as file:
                file.seek((number - 1) * length)
                data = file.read(length)
            reply = ask("upload_part", UploadId=upload, PartNumber=number, Body=data)
            return reply["ETag"], hashlib.md5(data, usedforsecurity=False).digest()

        try:
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                futures = [pool.submit(send, number) for number in range(1, -(-size // length) + 1)]
                try:
                    sent = [future.result() for future in futures]
                except BaseException:
                    for future in futures:
                        future.cancel()
                    raise
            parts = [{"PartNumber": number, "ETag": tag} for number, (tag, _) in enumerate(sent, 1)]
            joined = hashlib.md5(b"".join(digest for _, digest in sent), usedforsecurity=False).hexdigest()
            tag = f"{joined}-{len(sent)}"
            reply = self._completed(path, tag, lambda: ask("complete_multipart_upload", UploadId=upload,
                                                           MultipartUpload={"Parts": parts}))  # fmt: skip
        except BaseException:
            # The store would keep the parts, and charge for them, for ever.
            with suppress(StorageError):
                ask("abort_multipart_upload", UploadId=upload)
            raise
        return _answered(reply, size, tag)

    def _completed(self, path: str, tag: str, complete: Callable[[], Any]) -> Any:
        try:
            return complete()
        except FileNotFoundError:
            # An earlier try may have completed it, and only its answer was lost.
            facts = self.facts(path)
            if facts.version != tag:
                raise
            return {"ETag": facts.version}

    def _put_file(self, path: str, source: Path, patience: Patience) -> Facts | None:
        answer: Facts | None = self.told(patience, path, lambda: self.put(path, source.read_bytes(), mark=None))
        return answer

    def delete(self, paths: Sequence[str]) -> None:
        """Remove files, those that are there."""
        bucket = _split(paths[0])[0]
        if len(paths) == 1:
            self.fs.call_s3("delete_object", Bucket=bucket, Key=_split(paths[0])[1])
            return
        keys = [{"Key": _split(path)[1]} for path in paths]
        reply = self.fs.call_s3("delete_objects", Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        for error in reply.get("Errors", ()):
            kind = PermissionError if error.get("Code") == "AccessDenied" else OSError
            raise kind(f"{error.get('Key')}: {error.get('Message') or error.get('Code')}")

    def abort_unfinished(self, folder: str, before: float) -> int:
        """Abort the uploads in parts below a folder that began before a time."""
        bucket, key = _split(folder)
        asked = {"Bucket": bucket, "Prefix": f"{key}/" if key else ""}
        aborted = 0
        while True:
            reply = self.fs.call_s3("list_multipart_uploads", **asked)
            for about in reply.get("Uploads", ()):
                if about["Initiated"].timestamp() <= before:
                    self.fs.call_s3(
                        "abort_multipart_upload", Bucket=bucket, Key=about["Key"], UploadId=about["UploadId"]
                    )
                    aborted += 1
            if not reply.get("IsTruncated"):
                return aborted
            asked |= {"KeyMarker": reply["NextKeyMarker"], "UploadIdMarker": reply["NextUploadIdMarker"]}


def _split(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key


def _described(path: str) -> dict[str, str]:
    kind = mimetypes.guess_type(path)[0]
    return {"ContentType": kind} if kind else {}


def _facts(reply: Mapping[str, Any]) -> Facts:
    tag = str(reply.get("ETag", "")).strip('"')
    total = str(reply.get("ContentRange", "")).rpartition("/")[2]
    size = int(total) if total.isdecimal() else reply.get("ContentLength")
    # With a key of the customer's or of the key service, the tag is no MD5 though it looks like one.
    plain = looks_like_md5(tag) and not reply.get("SSECustomerAlgorithm") and reply.get("ServerSideEncryption") in {
        None, "AES256",
    }  # fmt: skip
    return Facts(size, tag, tag if plain else None, reply.get("ContentType"))


def _answered(reply: Mapping[str, Any], size: int, tag: str) -> Facts | None:
    """What the store has, if its tag says that it is what was sent; `None` where that has to be asked."""
    return Facts(size, tag) if str(reply.get("ETag", "")).strip('"') == tag else None
