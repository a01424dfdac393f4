"""Another try after a temporary failure, later and later, and not for ever.

The waits are exponential with full jitter, so that a thousand workers that a store sent away do not come back at the
same moment (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from liveseg.batch.places.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a place is asked again.

    Args:
        attempts: in a row that bring nothing.
        shortest: seconds; the first wait is between 0 and this, each further one between 0 and twice as much.
        longest: seconds; of one wait at most.
        total: seconds from the first of these attempts, after which the last failure is reported.
    """

    attempts: int = 8
    shortest: float = 0.5
    longest: float = 20.0
    total: float = 180.0

    def call(self, work: Callable[[], T]) -> T:
        """Do something until it succeeds or fails for good.

        Raises:
            StorageError: one that is not temporary, or the last temporary one.
        """
        tries = Tries(self)
        while True:
            try:
                return work()
            except StorageError as error:
                tries.failed(error)


PATIENCE = Patience()


class Tries:
    """What was tried already of one piece of work.

    Args:
        patience: when to give up.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.failures = 0
        self._since = time.monotonic()

    def headway(self) -> None:
        """Something was gained, so earlier failures are forgiven."""
        self.failures = 0
        self._since = time.monotonic()

    def failed(self, error: StorageError) -> None:
        """Wait before the next attempt.

        Raises:
            StorageError: the one given, where there is to be no next attempt; its message says how often it was tried.
        """
        if not error.temporary:
            raise error
        self.failures += 1
        patience = self._patience
        wait = random.uniform(0, min(patience.longest, patience.shortest * 2 ** (self.failures - 1)))  # noqa: S311
        if self.failures >= patience.attempts or time.monotonic() + wait - self._since > patience.total:
            times = "once" if self.failures == 1 else f"{self.failures} times"
            raise type(error)(f"{error} (tried {times})") from error
        time.sleep(wait)
