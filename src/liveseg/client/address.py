"""Where a service is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from liveseg.errors import UsageError

DEFAULT = "http://127.0.0.1:8000"
VARIABLE = "LIVESEG_SERVICE"


@dataclass(frozen=True)
class Address:
    """The address of a service, without anything secret.

    Args:
        base: as `http://127.0.0.1:8000`, maybe with a path below which the service stands; without a slash at its end.
    """

    base: str

    @classmethod
    def of(cls, text: str | None) -> Address:
        """The address that somebody wrote, there or in the environment.

        Raises:
            UsageError: it is none.
        """
        word = (os.environ.get(VARIABLE) or DEFAULT if text is None else text).strip()
        if "://" not in word:
            word = f"http://{word}"
        try:
            parts = urlsplit(word)
            known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            known = False
        if not known or parts.query or parts.fragment:
            raise UsageError("the address of a service is like http://127.0.0.1:8000")
        if "@" in parts.netloc:
            # Not repeated: it holds a password.
            raise UsageError("the address of a service holds no user and password; give its token as token=")
        return cls(f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}")

    def __str__(self) -> str:
        return self.base

    @property
    def secure(self) -> bool:
        """Whether it is spoken to over TLS."""
        return self.base.startswith("https:")

    def http(self, path: str) -> str:
        """The address of a route; `path` begins with a slash."""
        return self.base + path

    def socket(self, path: str) -> str:
        """The same for a WebSocket."""
        return "ws" + self.base.removeprefix("http") + path
