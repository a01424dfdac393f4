"""A worker's process as the pool sees it: what it was given, what it has said, and how it ended."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liveseg.batch.worker import DROP, work

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.context import SpawnContext

    from liveseg.batch.records import Bundle, Task
    from liveseg.batch.worker import Orders


_BEGIN_SECONDS = 600.0
"""How long a worker may take to be ready."""


@dataclass
class Given:
    """A bundle that a worker was given.

    Args:
        number: of the bundle.
        alone: whether it is one task.
        quick: whether it takes so short that another may wait behind it.
        tasks: of it, those without a record, by their keys.
        begun: whether the worker has begun it.
    """

    number: int
    alone: bool
    quick: bool
    tasks: dict[str, Task] = field(default_factory=dict)
    begun: bool = False


class Process:
    """One process.

    Args:
        context: starts it.
        told: what it is told at its start.
        slot: the place it takes among the workers.
    """

    def __init__(self, context: SpawnContext, told: Orders, slot: int) -> None:
        self.slot = slot
        self.name = told.worker
        self.folder = told.folder
        self.answers, self._its_answers = context.Pipe(duplex=False)
        self._its_orders, self._orders = context.Pipe(duplex=False)
        self._process = context.Process(
            target=work, args=(self._its_orders, self._its_answers, told), name=told.worker, daemon=True
        )
        self.ready = False
        self.at_hand: deque[Given] = deque()
        self.since = 0.0
        self._dropped = False
        self._gone = False

    def start(self) -> None:
        """Start the process."""
        with signals_held_back():
            self._process.start()
        # It alone holds them now, so that the pipes break when it dies.
        self._its_answers.close()
        self._its_orders.close()

    @property
    def sentinel(self) -> int:
        """What `wait` is told, to hear of its end."""
        return self._process.sentinel

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid or 0

    def give(self, number: int, bundle: Bundle, *, quick: bool) -> None:
        """Give it a bundle; that it is dead already will be heard."""
        tasks = {task.key: task for task in bundle}
        if not self.at_hand:
            self.since = time.monotonic()
        self.at_hand.append(Given(number, len(bundle) == 1, quick, tasks))
        self._tell((number, bundle))

    @property
    def takes_more(self) -> bool:
        """Whether another bundle may be given to it behind those that it has, all of which take little time.

        One waits, beside those that it has begun: it draws from the next before the last files of one are committed.
        """
        return all(given.quick for given in self.at_hand) and all(given.begun for given in [*self.at_hand][1:])

    def drop(self) -> None:
        """Have it give up what it has not begun."""
        if not self._dropped:
            self._dropped = True
            self._tell(DROP)

    def dismiss(self) -> bool:
        """Tell it that there is no more to do; whether it could be told."""
        return self._tell(None)

    def _tell(self, words: Any) -> bool:
        try:
            self._orders.send(words)
        except OSError:
            return False
        return True

    def hear(self) -> tuple[Any, ...] | None:
        """What it says next, `("gone",)` at last; `None` for nothing now. What it said before it died comes first."""
        if self._gone:
            return None
        try:
            if not self.answers.poll():
                if self._process.is_alive():
                    return None
                if not self.answers.poll():  # which it may have said between the two questions
                    self._gone = True
                    return ("gone",)
            words: tuple[Any, ...] = self.answers.recv()
        except (EOFError, OSError):
            self._gone = True
            return ("gone",)
        return self._understood(words)

    def _understood(self, words: tuple[Any, ...]) -> tuple[Any, ...]:
        self.since = time.monotonic()
        match words:
            case ("ready",):
                self.ready = True
            case ("begin", int(number)):
                next(given for given in self.at_hand if given.number == number).begun = True
            case ("ended", int(number)):
                given = next(given for given in self.at_hand if given.number == number)
                self.at_hand.remove(given)
                return ("ended", number, given)
            case ("dropped",):
                self.at_hand = deque(given for given in self.at_hand if given.begun)
        return words

    def done(self, key: str) -> Task | None:
        """Strike a task off; `None` where it was struck off before."""
        for given in self.at_hand:
            if key in given.tasks:
                return given.tasks.pop(key)
        return None

    def deadline(self, seconds: float) -> float | None:
        """Until when it has to say something, by the monotonic clock; `None` while nothing is asked of it.

        Args:
            seconds: that one task may take.
        """
        if not self.at_hand:
            return None
        return self.since + (seconds if self.at_hand[0].begun else _BEGIN_SECONDS)

    @property
    def how(self) -> str:
        """How it ended, as it follows "its worker"."""
        code = self._process.exitcode
        if code is None:
            return "was ended"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        short = "; memory may have been short: take fewer workers" if name == "SIGKILL" else ""
        return f"was ended by {name}{short}"

    def kill(self) -> None:
        """End it at once."""
        if self._process.pid is not None:
            self._process.kill()

    def end(self, seconds: float) -> None:
        """Wait for its end, and make it end after so long."""
        if self._process.pid is not None:
            self._process.join(seconds)
            if self._process.exitcode is None:
                self._process.kill()
                self._process.join()
        for own in (self._orders, self.answers, self._its_answers, self._its_orders):
            own.close()


@contextmanager
def signals_held_back() -> Iterator[None]:
    """What is started in this block does not see Ctrl-C before it has said that it does not want to."""
    if sys.platform == "win32":
        yield
        return
    from multiprocessing import resource_tracker

    # It lets the signals through again, when it is started.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
