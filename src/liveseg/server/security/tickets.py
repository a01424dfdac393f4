"""Tickets: a part of an address that lets its holder read one thing for a while, where headers cannot be sent.

`<video src>`, `<img src>` and downloads cannot bring an `Authorization` header; the token itself must stand in no
address. A ticket is worth nothing for any other path, after its time, or after a restart.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 24 * 3600.0
"""Seconds that a ticket may be good for."""


class Tickets:
    """Gives out tickets and knows its own; it remembers none of them.

    Args:
        clock: seconds since the epoch.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._key = secrets.token_bytes(32)
        self._clock = clock

    def issue(self, path: str, seconds: float) -> str:
        """A ticket that is good for reading one path for a while: add it as `?ticket=`.

        Args:
            path: as in the request, without the query.
            seconds: how long, at most `LONGEST`.
        """
        ends = int(self._clock() + min(seconds, LONGEST))
        return f"{ends}.{self._sign(path, ends)}"

    def valid(self, path: str, ticket: str) -> bool:
        """Whether a ticket of ours is good for a path now."""
        ends, _, signature = ticket.partition(".")
        if not (ends.isascii() and ends.isdecimal() and len(ends) < 16):
            return False
        signed = self._sign(path, int(ends))
        right = hmac.compare_digest(signed.encode(), signature.encode("utf-8", "surrogatepass"))
        return right and int(ends) > self._clock()

    def _sign(self, path: str, ends: int) -> str:
        return hmac.new(self._key, f"{ends}\n{path}".encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
