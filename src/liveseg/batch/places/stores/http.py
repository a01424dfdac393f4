"""Files of a web server, read only; a folder is an address that ends in `/` and lists links to what is in it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag, urljoin

import requests
from requests.adapters import HTTPAdapter

from liveseg.batch.places.errors import ReplacedError
from liveseg.batch.places.stores.base import CHUNK, Body, Entry, Facts, Page, Store
from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LINK = re.compile(r"""<a\s[^>]*?href\s*=\s*["']?([^"'\s>]+)""", re.IGNORECASE)
_CONNECTIONS = 32
_OPTIONS = ("headers", "username", "password", "timeout", "verify")


class HttpStore(Store):
    """Web servers, with the same headers and password for all of them.

    Args:
        options: `headers` (a mapping), `username` and `password`, `timeout` (seconds without a byte; 30), and `verify`
            (false: any certificate; a path: of the authorities' certificates).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        unknown = sorted(set(options) - set(_OPTIONS))
        if unknown:
            raise UsageError(f"http has no storage option {unknown[0]!r}; it has {', '.join(_OPTIONS)}")
        self._session = requests.Session()
        self._session.headers.update({"Accept-Encoding": "identity"} | dict(options.get("headers", {})))
        if "username" in options:
            self._session.auth = (options["username"], options.get("password", ""))
        if "verify" in options:
            self._session.verify = options["verify"]
        adapter = HTTPAdapter(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        seconds = float(options.get("timeout", 30))
        self._timeout = (min(seconds, 10.0), seconds)

    def path(self, address: str) -> str:
        """The address itself."""
        return address

    def facts(self, path: str) -> Facts:
        """What a `HEAD` request says, or a `GET` where that is not answered."""
        with self._session.head(path, allow_redirects=True, timeout=self._timeout) as reply:
            if reply.status_code not in {405, 501}:
                return _facts(reply)
        with self._session.get(path, stream=True, timeout=self._timeout) as reply:
            return _facts(reply)

    def open(self, path: str, start: int, version: str) -> Body:
        """A file's bytes from an offset on; what a server without ranges sends again is skipped."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        reply = self._session.get(path, headers=headers, stream=True, timeout=self._timeout)
        try:
            facts = _facts(reply)
            if version and facts.version and facts.version != version:
                raise ReplacedError("it was replaced while it was read")
        except BaseException:
            reply.close()
            raise
        return Body(facts, _chunks(reply, 0 if reply.status_code == 206 else start))

    def page(self, folder: str, following: str | None, *, deep: bool) -> Page:
        """The links of a page to what lies right below it."""
        del following
        if deep:
            raise NotImplementedError
        base = folder.rstrip("/") + "/"
        with self._session.get(base, timeout=self._timeout) as reply:
            reply.raise_for_status()
            found = {urldefrag(urljoin(base, unescape(link)))[0] for link in _LINK.findall(reply.text)}
        below = sorted(link for link in found if link.startswith(base) and "?" not in link)
        entries = [
            Entry(link.rstrip("/"), is_folder=link.endswith("/"))
            for link in below
            if (rest := link[len(base) :].rstrip("/")) and "/" not in rest
        ]
        return Page(entries)


def _facts(reply: requests.Response) -> Facts:
    reply.raise_for_status()
    headers = reply.headers
    total = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    encoded = headers.get("Content-Encoding", "identity") != "identity"
    version = headers.get("ETag", "").removeprefix("W/").strip('"') or headers.get("Last-Modified", "")
    kind = headers.get("Content-Type", "").partition(";")[0].strip().lower() or None
    return Facts(int(total) if total.isdecimal() and not encoded else None, version, None, kind)


def _chunks(reply: requests.Response, skip: int) -> Iterator[bytes]:
    with reply:
        for chunk in reply.iter_content(CHUNK):
            if skip >= len(chunk):
                skip -= len(chunk)
                continue
            yield chunk[skip:]
            skip = 0
