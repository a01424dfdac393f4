"""How often and how long a download is tried, and how it tells its progress."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

Progress = Callable[[int, int | None], None]
"""Called with the bytes that are here and the whole size, `None` while nobody has stated it."""


@dataclass(frozen=True)
class Patience:
    """How often and how long a download is tried.

    Args:
        attempts: requests in a row that may fail; one that brought a mebibyte forward starts the count anew.
        unreachable: how many of them, while no server has answered at all.
        first_wait: seconds before the second attempt, doubled for each further one, with jitter.
        longest_wait: the most seconds before any attempt, also where a server asks for more.
        connect_timeout: seconds to wait for a connection.
        read_timeout: seconds to wait for each piece of the answer.
        sleep: what waits.
    """

    attempts: int = 5
    unreachable: int = 2
    first_wait: float = 0.5
    longest_wait: float = 60.0
    connect_timeout: float = 10.0
    read_timeout: float = 30.0
    sleep: Callable[[float], None] = time.sleep

    def wait(self, failures: int, asked: float | None) -> None:
        """Wait before the next attempt: exponential back-off, or longer where the server asked for it."""
        seconds = self.first_wait * 2.0 ** (failures - 1) * random.uniform(0.5, 1.0)  # noqa: S311 - only jitter
        self.sleep(min(max(seconds, asked or 0.0), self.longest_wait))


PATIENCE = Patience()
"""The patience of a person before a command line."""
