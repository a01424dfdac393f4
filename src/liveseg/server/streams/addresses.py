"""Which live sources the service reads: those that it was started with, and addresses of clients where it may."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from liveseg.errors import LivesegError
from liveseg.media.address import Address, parse_address
from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from liveseg.settings import ServeSettings

SCHEMES = ("rtsp", "rtsps", "rtmp", "rtmps", "http", "https", "srt")
"""Of addresses that clients may name. By `udp` and `tcp` FFmpeg listens at this machine's ports, devices and files are
this machine's own: those can be read by the names that `--stream` gives them."""


def configured(settings: ServeSettings) -> dict[str, Address | Path]:
    """The sources by the names that `--stream` gives them: live ones, and files that are played as if they were live.

    Raises:
        UsageError: an address that cannot be read.
    """
    return {stream.name: parse_address(stream.address) or Path(stream.address) for stream in settings.stream}


def from_client(text: str) -> Address:
    """An address that a client named.

    Raises:
        Problem: it is none, or of a kind that only `--stream` may name.
    """
    scheme = urlsplit(text).scheme.lower() if "://" in text else ""
    if scheme not in SCHEMES:
        raise _refused(f"an address that a client may name begins with {', '.join(f'{name}://' for name in SCHEMES)}")
    try:
        address = parse_address(text)
    except LivesegError as error:
        raise _refused(str(error)) from None
    if address is None:
        raise _refused("this is no address")
    if scheme == "srt" and any(name.lower() == "mode" and value != "caller" for name, value in _query(text)):
        raise _refused("an srt address that a client names is called, not listened to; leave out its mode")
    return address


def _query(text: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(text).query, keep_blank_values=True)


def _refused(detail: str) -> Problem:
    return Problem(422, detail, parameter="address")
