"""A share of the files of a batch, for machines that know nothing of each other."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from liveseg.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """One of several shares that are about equal; every file is in one of them, always the same.

    Args:
        index: from 0, as Kubernetes and AWS Batch count.
        count: of all shares.

    Raises:
        UsageError: an index that there is not.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 0 <= self.index < self.count:
            raise UsageError(f"--shard {self} is none of the shares; they go from 0/{self.count} to {self._last}")

    def holds(self, name: str) -> bool:
        """Whether a file is in it, by the name that its outputs have."""
        if self.count == 1:
            return True
        digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
        # 64 bits: of a million shares none is larger by more than a millionth of a millionth.
        return int.from_bytes(digest[:8], "big") % self.count == self.index

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    @property
    def _last(self) -> str:
        return f"{self.count - 1}/{self.count}"


def parse_shard(text: str) -> Shard:
    """`I/N`: share I, from 0, of N.

    Raises:
        UsageError: anything else.
    """
    match = re.fullmatch(r"\s*(\d{1,6})\s*/\s*([1-9]\d{0,5})\s*", text)
    if match is None:
        raise UsageError(f"{text!r} is no share; write I/N with I from 0, like 3/100")
    return Shard(int(match[1]), int(match[2]))
