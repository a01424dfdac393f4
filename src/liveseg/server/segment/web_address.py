"""Web addresses that a service may be told to fetch: taken apart once, strictly, and used as they were understood."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from liveseg.server.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

PORTS = (80, 443)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 2048
# Programs differ in what they make of these, so that what is checked would not be what is fetched.
_AMBIGUOUS = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")


@dataclass(frozen=True)
class WebAddress:
    """An address of the web; make it by `parse`.

    Args:
        scheme: `http` or `https`.
        host: its name or number, in ASCII, without brackets.
        port: likewise a number.
        target: path and query.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """What the header `Host` says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def url(self) -> str:
        """All of it as one text."""
        return f"{self.scheme}://{self.host_header}{self.target}"

    @classmethod
    def parse(cls, url: str, schemes: Sequence[str], ports: Sequence[int] = PORTS) -> WebAddress:
        """Take an address apart.

        Args:
            url: as a stranger wrote it.
            schemes: those allowed.
            ports: those allowed.

        Raises:
            Problem: 422, where it is none that may be fetched; the message does not repeat it.
        """
        if len(url) > _LONGEST or _AMBIGUOUS.search(url):
            raise refused(
                f"it is longer than {_LONGEST} characters, or holds spaces, backslashes or control characters"
            )
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise refused("it is no web address") from error
        if parts.scheme not in schemes:
            raise refused(f"it does not begin with {' or '.join(f'{own}://' for own in schemes)}")
        if "@" in parts.netloc:
            raise refused("it holds a user name; nothing that needs one is fetched")
        port = _DEFAULT_PORTS[parts.scheme] if port is None else port
        if port not in ports:
            raise refused(f"its port is not {' or '.join(map(str, ports))}")
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, _host(parts.hostname or ""), port, quote(target, safe="/%?:@!$&'()*+,;=~-._[]"))


def _host(name: str) -> str:
    if ":" in name:
        try:
            return str(IPv6Address(name)) if "%" not in name else _no_host()
        except AddressValueError:
            return _no_host()
    try:
        plain = name.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        return _no_host()
    return plain if _NAME.fullmatch(plain) else _no_host()


def _no_host() -> str:
    raise refused("it names no host")


def refused(why: str) -> Problem:
    """An address that is not fetched."""
    return Problem(422, f"that address is not fetched: {why}", type="url-refused", parameter="url")
