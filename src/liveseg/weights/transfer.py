"""One HTTP request that begins a partial file or goes on with it; its caller decides what a failure means.

Range requests follow RFC 9110 (sections 13.1.5 If-Range, 14.2 Range, 15.5.17 status 416, 10.2.3 Retry-After).
"""

from __future__ import annotations

import contextlib
import email.utils
import errno
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import requests
from urllib3.exceptions import HTTPError

from liveseg._version import __version__
from liveseg.errors import DownloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CHUNK = 1 << 16
"""The most bytes a read."""

_TRANSIENT = frozenset({408, 425, 429})
_STRONG_ETAG = re.compile(r'"[\x21\x23-\x7e]*"')
_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


class FailedDownloadError(DownloadError):
    """A download that failed; its message adds the remedy to its `reason`."""

    reason: str = ""

    @classmethod
    def because(cls, reason: str, remedy: str) -> Self:
        """The error for a reason, and what helps."""
        error = cls(f"{reason}; {remedy}")
        error.reason = reason
        return error


class BrokenOffError(Exception):
    """A request that another one may succeed after: no answer, a cut connection, a busy server.

    Args:
        reason: in a few words, for the user.
        answered: whether a server was reached at all.
        wait: the seconds that the server asked for, if it did.
    """

    def __init__(self, reason: str, *, answered: bool, wait: float | None = None) -> None:
        super().__init__(reason)
        self.answered = answered
        self.wait = wait


class StaleError(BrokenOffError):
    """A partial file that the server does not go on from: it is whole already, or must begin anew."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, answered=True)


class RefusedError(Exception):
    """An answer that no repetition will change."""


@contextlib.contextmanager
def storing(path: Path) -> Iterator[None]:
    """Turn a failure to write or read `path` into a FailedDownloadError."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise FailedDownloadError.because(
                f"the disk is full, no room for {path}",
                "free some space or set LIVESEG_HOME to a folder elsewhere",
            ) from error
        raise FailedDownloadError.because(
            f"cannot use {path}: {error.strerror or error}", "set LIVESEG_HOME to a folder of yours"
        ) from error


def held(partial: Path) -> int:
    """How many bytes a partial file has; 0 where there is none."""
    try:
        return partial.stat().st_size
    except FileNotFoundError:
        return 0


def discard(partial: Path) -> None:
    """Delete a partial file and what is remembered of it."""
    with storing(partial):
        partial.unlink(missing_ok=True)
        _etag_file(partial).unlink(missing_ok=True)


def fetch(
    session: requests.Session,
    url: str,
    partial: Path,
    *,
    size: int | None,
    timeout: tuple[float, float],
    progress: Callable[[int, int | None], None] | None,
) -> None:
    """Make one request and append its body to the partial file, from where that file ends.

    Args:
        session: the connection to use.
        url: the file's address.
        partial: what has arrived so far; made where it does not exist. Whatever arrives stays in it.
        size: the file's length in bytes where known; no more than that is taken.
        timeout: seconds to wait for a connection, and for each piece of the answer.
        progress: called with the bytes held and the whole length, as far as known.

    Raises:
        BrokenOffError: it is worth another try, which goes on from here.
        StaleError: the server does not go on from where the partial file ends.
        RefusedError: no repetition will help.
        FailedDownloadError: the disk does not take the bytes.
    """
    start = held(partial)
    etag = _read_etag(partial) if start else None
    headers = {"Accept-Encoding": "identity", "User-Agent": f"liveseg/{__version__}"}
    if start:
        headers["Range"] = f"bytes={start}-"
        if etag:
            headers["If-Range"] = etag
    try:
        response = session.get(url, headers=headers, stream=True, timeout=timeout)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise BrokenOffError(_unreachable(error), answered=False) from error
    except (requests.RequestException, HTTPError) as error:
        # Some of the addresses that cannot be taken come through requests as the errors of urllib3 below it.
        raise RefusedError(str(error)) from error
    with response:
        begin, total = _accept(response, start, etag)
        with storing(partial):
            file = partial.open("ab" if begin else "wb", buffering=0)
        with file:
            if not begin:
                _write_etag(partial, response.headers.get("ETag", ""))
            if progress:
                progress(begin, size or total)
            _receive(response, file.write, partial, (begin, size, total), progress)


def _accept(response: requests.Response, start: int, etag: str | None) -> tuple[int, int | None]:
    """Where the body belongs in the file, and the file's length as the server states it."""
    status = response.status_code
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise RefusedError("the server sends the file in a compressed form, which was not asked for")
    if status == 200:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    if status == 206 and start:
        part = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        other = etag and response.headers.get("ETag", etag) != etag
        if part is None or int(part[1]) != start or other:
            raise StaleError("the server went on elsewhere than asked")
        return start, int(part[3]) if part[3] != "*" else None
    if status == 416 and start:
        raise StaleError("the server has nothing beyond what is here")
    said = f"{status} {response.reason or ''}".strip()
    if status in _TRANSIENT or status >= 500:
        raise BrokenOffError(f"the server answers {said}", answered=True, wait=_retry_after(response))
    raise RefusedError(f"the server answers {said}")


def _receive(
    response: requests.Response,
    write: Callable[[memoryview], int],
    partial: Path,
    extent: tuple[int, int | None, int | None],
    progress: Callable[[int, int | None], None] | None,
) -> None:
    done, size, total = extent
    expected = size or total
    try:
        # Not `iter_content`: it fills whole chunks, and drops the one begun when the connection breaks off.
        while chunk := response.raw.read1(CHUNK):
            view = memoryview(chunk)[: size - done] if size else memoryview(chunk)
            done += len(view)
            with storing(partial):
                while view:
                    view = view[write(view) :]
            if progress:
                progress(done, expected)
            if done == size:
                return
    except HTTPError as error:
        raise BrokenOffError(f"the connection broke off at {_of(done, expected)}", answered=True) from error
    if expected is not None and done < expected:
        # The server stated a length shorter than the published one, and kept to it.
        raise BrokenOffError(f"the server sent {_of(done, expected)}", answered=True)


def _of(done: int, expected: int | None) -> str:
    return f"{done:,} bytes" if expected is None else f"{done:,} of {expected:,} bytes"


def _unreachable(error: requests.RequestException) -> str:
    """Why no server answered, from the innermost exception that says it in words."""
    if isinstance(error, requests.Timeout):
        return "no network: no answer in time"
    kind = "no secure connection" if isinstance(error, requests.exceptions.SSLError) else "no network"
    cause: BaseException | None = error
    detail = "no answer"
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            detail = cause.strerror
        cause = cause.__cause__ or cause.__context__
    return f"{kind}: {detail}"


def _retry_after(response: requests.Response) -> float | None:
    """The seconds that a `Retry-After` asks for, given as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _etag_file(partial: Path) -> Path:
    return partial.with_name(partial.name + ".etag")


def _read_etag(partial: Path) -> str | None:
    """The entity tag of what the partial file began with: a strong one, since If-Range allows no other."""
    try:
        text = _etag_file(partial).read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    return text if _STRONG_ETAG.fullmatch(text) else None


def _write_etag(partial: Path, etag: str) -> None:
    with storing(_etag_file(partial)):
        if _STRONG_ETAG.fullmatch(etag):
            _etag_file(partial).write_text(etag, encoding="ascii")
        else:
            _etag_file(partial).unlink(missing_ok=True)
