"""Addresses of places: told apart from paths of this machine, and kept free of credentials."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit
from urllib.request import url2pathname

from liveseg.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

HTTP = frozenset(("http", "https"))
EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "az": "azure", "abfs": "azure", "abfss": "azure",
}  # fmt: skip
"""The object stores that outputs can be written to, by the scheme of their addresses, and the extra of each."""

_SCHEME = re.compile(r"\A([A-Za-z][A-Za-z0-9+.-]+)://")
_SECRET = re.compile(
    r"(?i)\A(x-(amz|goog)-(signature|credential|security-token)|signature|sig|.*token|pass(word|wd|phrase)?|pwd"
    r"|secret.*|api[_-]?key|.*access[_-]?key(_?id)?)\Z"
)


def scheme_of(text: str) -> str | None:
    """The scheme of an address in small letters; `None` for a path of this machine."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else None


def local_path(text: str) -> str | None:
    """The path that a text names on this machine, be it as `file://…`; `None` for an address of another place.

    Raises:
        UsageError: a `file` address of another machine.
    """
    scheme = scheme_of(text)
    if scheme is None:
        return text
    if scheme not in {"file", "local"}:
        return None
    parts = urlsplit(text)
    if parts.netloc not in {"", "localhost"}:
        raise UsageError(f"the address of a file of this machine has three slashes: file:///{parts.netloc}{parts.path}")
    return url2pathname(parts.path)


def clean(text: str) -> str:
    """An address as it is, once it is known to be one and to hold no credentials; its scheme in small letters.

    Raises:
        UsageError: credentials in it, which would be written into logs and reports; or no host or bucket. The message
            does not repeat them.
    """
    scheme = scheme_of(text)
    if scheme is None:
        raise UsageError(f"{text!r} is no address")
    try:
        parts = urlsplit(text)
        user = parts.netloc.rpartition("@")[0]
    except ValueError as error:
        raise UsageError(f"the {scheme} address cannot be read: {error}") from error
    if ":" in user or (user and scheme in HTTP):
        raise UsageError(
            f"the {scheme} address of {parts.netloc.rpartition('@')[2]} holds a name or password, which would be"
            " written into logs; give them as storage options"
        )
    if scheme in HTTP:
        for name, _ in parse_qsl(parts.query, keep_blank_values=True):
            if _SECRET.match(name):
                raise UsageError(
                    f"the address {scheme}://{parts.netloc}{parts.path} holds a secret ({name}=…), which would be"
                    " written into logs; give it as a header in the storage options, or name the object by s3://, gs://"
                    " or az://"
                )
    if not parts.netloc and scheme in HTTP | EXTRAS.keys():
        raise UsageError(f"the address {text!r} names no {'host' if scheme in HTTP else 'bucket'}")
    return f"{scheme}://{text.partition('://')[2]}"


def options_for(scheme: str, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The storage options for one scheme: those that hold for all, and over them those under its own name.

    >>> options_for("s3", {"timeout": 5, "s3": {"anon": True}, "http": {"headers": {}}})
    {'timeout': 5, 'anon': True}
    """
    known = HTTP | EXTRAS.keys() | {"memory", "file"}
    shared = {key: value for key, value in (options or {}).items() if key not in known}
    for own in (_ALIASES.get(scheme, scheme), scheme):
        shared |= dict((options or {}).get(own, {}))
    return shared


_ALIASES = {"https": "http", "s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az"}
