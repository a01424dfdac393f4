"""The mailbox between the driver and the workers of a cluster: tasks one way, records the other, both bounded.

It runs as one small actor on the driver's machine. Ray Data starts the workers, replaces them and gives them
tickets; a worker with a ticket asks here for bundles until the ticket's time is up. So a bundle is given to whoever
is free, at the last moment, and what a lost worker had in hand is known task by task.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from liveseg.batch.attempts import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from liveseg.batch.records import Bundle, Record, Task

AHEAD = 2
"""Bundles a worker that wait here, so that it need not wait for the driver."""

SILENCE = 60.0
"""Seconds; a machine that is only slow must not be taken for a lost one."""

_GIVEN_UP = 3
"""Even writing down that a task is lost is tried only so often."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker is given.

    Args:
        what: `bundle`; `suspect`, one task that was under way when a worker was lost, to be run with nothing beside
            it; `lost`, one that was lost with its worker as often as allowed, to be recorded; `nothing` for now;
            `stop`, begin no further task; `end` of the ticket.
        tasks: of a bundle; one for a suspect and a lost one.
    """

    what: Literal["bundle", "suspect", "lost", "nothing", "stop", "end"]
    tasks: Bundle = ()


@dataclass(frozen=True, slots=True)
class News:
    """What the driver hears.

    Args:
        records: that came in.
        wanted: how many more bundles there is room for.
        finished: every task has its record, or the run was stopped and none is under way.
        workers: how many are at work.
        error: why the run cannot go on: the words, and the exit code.
    """

    records: list[Record]
    wanted: int
    finished: bool
    workers: int
    error: tuple[str, int] | None = None


@dataclass
class _Ticket:
    """What the worker of a ticket has in hand, by `Task.key`; which of its calls is the present one; who it is."""

    hand: dict[str, Task] = field(default_factory=dict)
    call: str = ""
    worker: Any = None
    actor: str = ""
    node: str = ""
    heard: float = 0.0
    gone: bool = False


class Feeder:
    """Tasks in, records out; every method but `__init__` is called from other processes.

    Args:
        attempts: how often a task may be under way when its worker is lost.
        first_tickets: how many tickets are given whatever there is to do, so that the first workers start.
        silence: seconds without a sign of life, after which a worker counts as lost.
    """

    def __init__(self, attempts: int, first_tickets: int, silence: float = SILENCE) -> None:
        self._attempts = attempts
        self._first_tickets = first_tickets
        self._silence = silence
        self._bundles: deque[Bundle] = deque()
        self._suspects: deque[Task] = deque()
        self._records: list[Record] = []
        self._tickets: dict[int, _Ticket] = {}
        self._given = 0
        self._begun = 0
        self._complete = False
        self._stopped = False
        self._closed = False
        self._error: tuple[str, int] | None = None
        self._changed = asyncio.Condition()

    # The driver.

    async def exchange(self, bundles: list[Bundle], complete: bool, more: bool, seconds: float) -> News:
        """Take bundles in; answer as soon as there is news, or after so many seconds.

        Args:
            bundles: to run.
            complete: no more will come; until the next call without it.
            more: there are more at hand, so that room for them is news.
            seconds: to wait.
        """
        async with self._changed:
            self._miss()
            if not self._stopped:
                self._bundles.extend(bundle for bundle in bundles if bundle)
            self._complete = complete
            self._changed.notify_all()
            await self._until(lambda: self._has_news(more=more), seconds)
            records, self._records = self._records, []
            return News(records, self._room(), self._finished, self._workers, self._error)

    async def lose(self, nodes: list[str]) -> None:
        """Machines of the cluster are lost, and the workers on them.

        Ray runs a lost worker's ticket again only once there is room for another worker in its place, which may be
        never; what it had in hand goes to the others at once.
        """
        async with self._changed:
            for ticket in self._tickets.values():
                if ticket.node in nodes and not ticket.gone:
                    self._lose(ticket)

    async def stop(self) -> None:
        """Give out no further task."""
        async with self._changed:
            self._stopped = True
            self._bundles.clear()
            self._suspects.clear()
            self._changed.notify_all()

    async def close(self) -> list[Any]:
        """End all tickets; gives the handles of the workers that would not end by themselves at once."""
        async with self._changed:
            self._closed = True
            self._changed.notify_all()
            return [
                ticket.worker for ticket in self._tickets.values() if (ticket.hand or ticket.gone) and ticket.worker
            ]

    # The stream of tickets.

    async def ticket(self, number: int) -> bool:
        """Wait until a ticket of this number is wanted; `False` at the end."""
        async with self._changed:
            while not self._closed and number >= self._first_tickets and self._given - self._begun >= self._waiting:
                await self._changed.wait()
            if self._closed:
                # Fewer tickets than workers would make Ray Data warn on the driver's terminal.
                return number < self._first_tickets
            self._given = max(self._given, number + 1)
            return True

    # The workers.

    async def begin(self, number: int, call: str, worker: Any = None, actor: str = "", node: str = "") -> None:
        """A worker begins a ticket; what an earlier call had in hand for the same ticket was lost with its worker.

        An actor has one ticket at a time, so another that it had was lost, too: Ray gives a restarted actor its tickets
        again in any order, and this one may be the one that waited.

        Args:
            number: of the ticket.
            call: names this attempt at it.
            worker: the handle by which it can be ended.
            actor: its name, the same after it was restarted.
            node: the machine that it is on.
        """
        async with self._changed:
            ticket = self._tickets.get(number)
            if ticket is None:
                ticket = self._tickets[number] = _Ticket()
                self._begun += 1
            for other in self._tickets.values():
                if actor and other.actor == actor and not other.gone:
                    self._lose(other)
            self._give_back(ticket)
            ticket.call, ticket.worker, ticket.actor, ticket.node = call, worker, actor, node
            ticket.heard, ticket.gone = time.monotonic(), False
            self._changed.notify_all()

    async def beat(self, number: int, call: str) -> None:
        """A worker lives."""
        async with self._changed:
            self._take_in(number, call, [])

    async def take(self, number: int, call: str, records: list[Record], seconds: float, idle: bool) -> Work:
        """Take records in and give the next work, as soon as there is some or after so many seconds.

        A worker that was thought lost and comes back is told to end its ticket.

        Args:
            number: of the ticket.
            call: of `begin`.
            records: of tasks that are finished.
            seconds: to wait; a worker that is not idle does so only while more may come.
            idle: whether the worker has nothing under way; what it still has in hand then was not done.
        """
        async with self._changed:
            ticket = self._take_in(number, call, records)
            if ticket is None:
                return Work("end")
            if idle:
                self._give_back(ticket)
            await self._until(
                lambda: bool(self._bundles or self._suspects or self._over or (self._complete and not idle)), seconds
            )
            if ticket.call != call or self._closed or self._error:
                return Work("end")
            return Work("stop") if self._stopped else self._next(ticket)

    async def report(self, number: int, call: str, records: list[Record]) -> None:
        """Take records in."""
        async with self._changed:
            self._take_in(number, call, records)

    async def end(self, number: int, call: str, records: list[Record]) -> None:
        """Take the last records of a ticket in; what its worker still has in hand was not done."""
        async with self._changed:
            ticket = self._take_in(number, call, records)
            if ticket is not None:
                self._give_back(ticket)
                del self._tickets[number]
            self._changed.notify_all()

    async def fail(self, message: str, exit_code: int) -> None:
        """A worker says that the run cannot go on."""
        async with self._changed:
            self._error = self._error or (message, exit_code)
            self._changed.notify_all()

    # All within the lock.

    def _next(self, ticket: _Ticket) -> Work:
        if self._suspects:
            if ticket.hand:  # A suspect runs alone, so that it is known who did it.
                return Work("nothing")
            task = self._suspects.popleft()
            ticket.hand[task.key] = task
            return Work("suspect" if task.attempt <= self._attempts else "lost", (task,))
        if not self._bundles:
            return Work("nothing")
        bundle = self._bundles.popleft()
        ticket.hand.update((task.key, task) for task in bundle)
        self._changed.notify_all()
        return Work("bundle", bundle)

    def _give_back(self, ticket: _Ticket) -> None:
        """What a ticket's worker did not do is suspect."""
        if not self._stopped:
            self._suspects.extend(
                replace(task, attempt=task.attempt + 1)
                for task in ticket.hand.values()
                if task.attempt < self._attempts + _GIVEN_UP
            )
        if ticket.hand:
            self._changed.notify_all()
        ticket.hand.clear()

    def _take_in(self, number: int, call: str, records: list[Record]) -> _Ticket | None:
        """The ticket; `None` where another call has it, or it is at its end."""
        ticket = self._tickets.get(number)
        for record in records:
            if ticket is not None:
                ticket.hand.pop(key_of(record), None)
            self._records.append(record)
        if records:
            if self._suspects:  # A worker that was thought lost may report after all.
                done = {key_of(record) for record in records}
                self._suspects = deque(task for task in self._suspects if task.key not in done)
            self._changed.notify_all()
        if ticket is None or ticket.call != call:
            return None
        # One that was thought lost and is back goes on; the tasks that it had are done twice, alike.
        ticket.heard, ticket.gone = time.monotonic(), False
        return ticket

    def _miss(self) -> None:
        now = time.monotonic()
        for ticket in self._tickets.values():
            if not ticket.gone and now - ticket.heard > self._silence:
                self._lose(ticket)

    def _lose(self, ticket: _Ticket) -> None:
        ticket.gone = True
        self._give_back(ticket)
        self._changed.notify_all()

    def _has_news(self, *, more: bool) -> bool:
        return bool(self._records or self._error or self._finished or (more and self._room()))

    def _room(self) -> int:
        if self._complete or self._over:
            return 0
        return max(0, AHEAD * max(1, self._workers) - len(self._bundles))

    @property
    def _workers(self) -> int:
        return sum(not ticket.gone for ticket in self._tickets.values())

    @property
    def _waiting(self) -> int:
        """How many tickets wait at most: one behind each worker, and two so that more workers are wanted."""
        return len(self._tickets) + 2

    @property
    def _over(self) -> bool:
        return self._stopped or self._closed or self._error is not None

    @property
    def _finished(self) -> bool:
        if any(ticket.hand for ticket in self._tickets.values()):
            return False
        return self._stopped or (self._complete and not self._bundles and not self._suspects)

    async def _until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for a change that makes `ready()` true."""
        end = time.monotonic() + seconds
        while not ready() and (left := end - time.monotonic()) > 0:
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return
