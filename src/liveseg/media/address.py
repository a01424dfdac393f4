"""Addresses: what a user may name that is no file, told apart from files, and shown without its secrets."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from liveseg.errors import UsageError

AddressKind = Literal["camera", "rtsp", "rtmp", "http", "udp", "tcp", "srt", "stdin"]

_KINDS: dict[str, AddressKind] = {
    "rtsp": "rtsp", "rtsps": "rtsp", "rtmp": "rtmp", "rtmps": "rtmp", "http": "http", "https": "http",
    "udp": "udp", "tcp": "tcp", "srt": "srt",
}  # fmt: skip

_REFUSED = frozenset(
    ("async", "bluray", "cache", "concat", "concatf", "crypto", "data", "fd", "file", "ftp", "pipe", "sftp", "subfile")
)
"""Schemes that FFmpeg knows, written `name:…`, and that would open something other than what they seem to."""

_HIDDEN = "***"
_SECRET = re.compile(r"(?i)((?:pass(?:word|wd|phrase)?|pwd|user|key|token|secret|auth|sig(?:nature)?)=)[^/&_;]*")
"""As in `rtsp://host/user=me_password=secret_channel=1`, which some cameras want."""

_IPV6 = re.compile(r"\A\[[0-9A-Fa-f:.]+\]")
_STEM_LENGTH = 80


@dataclass(frozen=True, repr=False)
class Address:
    """A live source, or a file that has to be fetched; `str` and `repr` show it without its secrets.

    Args:
        text: as the user gave it, with name and password if there are any; never to be printed.
        kind: what reads it: `camera`, `rtsp`, `rtmp`, `http`, `udp`, `tcp`, `srt`, or `stdin` for raw frames.
    """

    text: str = field(repr=False)
    kind: AddressKind

    @property
    def shown(self) -> str:
        """The address for messages: without user and password, the values of its query and what else may be secret.

        The last part of an RTMP path is the key that allows streaming there, so it is hidden as well.
        """
        if self.kind == "stdin":
            return "standard input"
        if self.kind == "camera":
            return f"camera {self.text}" if self.text.isdecimal() else self.text
        parts = urlsplit(self.text)
        query = "&".join(_masked(pair) for pair in parts.query.split("&")) if parts.query else ""
        return f"{parts.scheme}://{_host(parts)}{self._path(parts)}{'?' + query if query else ''}"

    @property
    def stem(self) -> str:
        """A name for files made from it: `camera_0`, `stdin`, `clip` for `http://host/clip.mp4`, else host and path."""
        if self.kind == "stdin":
            return "stdin"
        if self.kind == "camera":
            return _plain(f"camera_{self.text}" if self.text.isdecimal() else self.text.removeprefix("/dev/"))
        parts = urlsplit(self.text)
        path = self._path(parts).replace(_HIDDEN, "").strip("/")
        name = path.rpartition("/")[2]
        bare, dot, extension = name.rpartition(".")
        if self.kind == "http" and dot and extension.lower() != "m3u8":  # those are all called index or master
            return _plain(bare)
        return _plain(f"{_host(parts)}/{path}")

    def _path(self, parts: SplitResult) -> str:
        path = _SECRET.sub(rf"\1{_HIDDEN}", parts.path)
        if self.kind == "rtmp" and path.strip("/").count("/"):
            path = f"{path.rstrip('/').rpartition('/')[0]}/{_HIDDEN}"
        return path

    def __str__(self) -> str:
        return self.shown

    def __repr__(self) -> str:
        return f"Address({self.shown!r}, kind={self.kind!r})"


def parse_address(text: str) -> Address | None:
    r"""What an argument names, if it is no file.

    `-` is standard input; a number is a camera, unless a file is called so; `/dev/video0` is one, too; anything with
    `SCHEME://` is an address. The rest, `C:\clip.mp4` among it, is a file: `None`.

    Raises:
        UsageError: a scheme that liveseg does not read, or an address without a host.
    """
    if text == "-":
        return Address(text, "stdin")
    if (text.isascii() and text.isdecimal() and not os.path.lexists(text)) or re.fullmatch(
        r"/dev/(video\d+|v4l/.+)", text
    ):
        return Address(text, "camera")
    match = re.match(r"([A-Za-z][A-Za-z0-9+.-]+):(//)?", text)
    if match is None or (not match[2] and os.path.lexists(text)):
        return None
    scheme = match[1].lower()
    kind = _KINDS.get(scheme)
    if match[2]:
        if kind is None:
            instead = "write the path of the file itself" if scheme == "file" else f"known are {', '.join(_KINDS)}"
            raise UsageError(f"addresses that begin with {scheme}:// are not read; {instead}")
        _check(text)
        return Address(text, kind)
    if scheme in _REFUSED:
        raise UsageError(f"no file begins with {scheme}: here, and such addresses are not read; write the path itself")
    if kind is not None:
        raise UsageError(f"an address begins with {scheme}://, and there is no file of that name")
    return None


def _check(text: str) -> None:
    """Refuse what cannot be an address, without repeating it: it may hold a password."""
    scheme = text.partition(":")[0].lower()
    if any(ord(character) < 33 or ord(character) == 127 for character in text):
        raise UsageError(f"the {scheme} address holds a space or a control character; write it by its code, like %20")
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, torn = None, True
    else:
        torn = _torn(text.partition("://")[2], parts.netloc)
    if torn:
        raise UsageError(
            f"the {scheme} address cannot be read; write {scheme}://USER:PASSWORD@HOST:PORT/PATH, and characters like"
            " @ / ? # of a password by their codes: %40 %2F %3F %23"
        )
    if not host and scheme not in {"udp", "tcp", "srt"}:  # which may listen at every address of this machine
        raise UsageError(f"the {scheme} address names no host; write {scheme}://HOST:PORT/PATH")


def _torn(rest: str, netloc: str) -> bool:
    """Whether a name and password seem to reach beyond the host, so that a part of them would be taken for it."""
    before, at, _ = rest.rpartition("@")
    return bool(at) and len(before) >= len(netloc) and ":" in _IPV6.sub("", before)


def _host(parts: SplitResult) -> str:
    """Host and port, without user and password; a host of IPv6 keeps its brackets."""
    return parts.netloc.rpartition("@")[2]


def _masked(pair: str) -> str:
    name, equals, _ = pair.partition("=")
    return f"{name}={_HIDDEN}" if equals else _HIDDEN


def _plain(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text).strip("._-")[:_STEM_LENGTH] or "stream"
