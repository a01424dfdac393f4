"""Stores that pretend to hold millions of files: a file system for fsspec, and a server that lists a bucket."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

import fsspec
from fsspec import AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_A_FOLDER = 1000
FOLDERS_IN_A_FOLDER = 100
PAGE = 1000


class SyntheticFiles(AbstractFileSystem):
    """`synthetic://COUNT` holds so many pictures, a thousand a folder, a hundred such folders in one above."""

    protocol = "synthetic"
    cachable = False

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        parts = self._strip_protocol(path).strip("/").split("/")
        count = int(parts[0])
        each = IN_A_FOLDER * FOLDERS_IN_A_FOLDER
        if len(parts) == 1:
            found = self._folders(path, range(-(-count // each)))
        elif len(parts) == 2:
            left = min(each, count - int(parts[1][1:]) * each)
            found = self._folders(path, range(-(-left // IN_A_FOLDER)))
        else:
            first = int(parts[1][1:]) * each + int(parts[2][1:]) * IN_A_FOLDER
            found = [
                {"name": f"{path}/photo-{n:08}.jpg", "size": 150_000 + n % 50_000, "type": "file", "ETag": f"{n:x}"}
                for n in range(first, min(first + IN_A_FOLDER, count))
            ]
        return found if detail else [one["name"] for one in found]

    @staticmethod
    def _folders(path: str, numbers: range) -> list[dict[str, Any]]:
        return [{"name": f"{path}/f{n:05}", "size": 0, "type": "directory"} for n in numbers]


def register() -> None:
    """Make `synthetic://` known to fsspec in this process."""
    fsspec.register_implementation("synthetic", SyntheticFiles, clobber=True)


class SyntheticBucket:
    """A server on loopback that answers `ListObjectsV2` for a bucket of so many keys, all in one folder.

    Use as a context manager; `endpoint` is its address, `s3://photos` the bucket, `pages` the number of its answers.
    """

    def __init__(self, count: int) -> None:
        self.count, self.pages = count, 0
        bucket = self

        class Handler(_Handler):
            owner = bucket

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def options(self) -> dict[str, Any]:
        """The storage options that reach it."""
        own = {"endpoint_url": self.endpoint, "key": "k", "secret": "s", "client_kwargs": {"region_name": "us-east-1"}}
        return {"s3": own}

    def page(self, start: int, most: int) -> Iterator[str]:
        """One answer, in pieces."""
        self.pages += 1
        end = min(start + most, self.count)
        yield '<?xml version="1.0" encoding="UTF-8"?>'
        yield '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>photos</Name>'
        yield f"<KeyCount>{end - start}</KeyCount><MaxKeys>{most}</MaxKeys>"
        yield f"<IsTruncated>{'true' if end < self.count else 'false'}</IsTruncated>"
        if end < self.count:
            yield f"<NextContinuationToken>{end}</NextContinuationToken>"
        for n in range(start, end):
            yield (
                f"<Contents><Key>2026/photo-{n:08}.jpg</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{n:032x}&quot;</ETag><Size>{150_000 + n % 50_000}</Size>"
                "<StorageClass>STANDARD</StorageClass></Contents>"
            )
        yield "</ListBucketResult>"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: SyntheticBucket

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        start = int(asked.get("continuation-token", ["0"])[0])
        most = min(int(asked.get("max-keys", [str(PAGE)])[0]), PAGE)
        answer = "".join(self.owner.page(start, most)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing."""


def count_of(text: str) -> int:
    """A number of files, as in `10M`, `300k` or `300_000`."""
    match = re.fullmatch(r"([\d_]+)([kM]?)", text)
    if match is None:
        raise ValueError(f"{text!r} is no number; write 10M, 300k or 300_000")
    return int(match[1]) * {"": 1, "k": 1_000, "M": 1_000_000}[match[2]]
