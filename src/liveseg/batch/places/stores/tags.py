"""Entity tags and digests, as stores write them."""

from __future__ import annotations

import base64
import re

_MD5 = re.compile(r"\A[0-9a-f]{32}\Z")


def hexadecimal(digest: str | None) -> str | None:
    """A digest in hexadecimal, of one in base 64."""
    return base64.b64decode(digest).hex() if digest else None


def looks_like_md5(tag: str) -> bool:
    """Whether an entity tag may be the MD5 of the file."""
    return bool(_MD5.match(tag))
