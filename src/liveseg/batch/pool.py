"""Worker processes of this machine: bundles in, records out, and whatever happens to a worker is its tasks' matter."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from collections import deque
from dataclasses import replace
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from liveseg.batch.attempts import Loss, judged, key_of, lost, pause_before_again
from liveseg.batch.drawing import Drawing
from liveseg.batch.process import Given, Process
from liveseg.batch.scratch import Scratch
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import TracebackType
    from typing import Self

    from liveseg.batch.manifest import WorkerLog
    from liveseg.batch.records import Bundle, Record, Task
    from liveseg.batch.worker import Does
    from liveseg.settings.batch import BatchSettings

_LOOK_SECONDS = 0.5
"""How long the pool waits for its workers at most, so that signals and time limits are seen on every system."""

_STARTS = 3
"""Workers in a row that may die before they are ready."""

_END_SECONDS = 10.0
"""How long an idle worker has to put its things away."""


class LocalPool:
    """An executor whose workers are processes of this machine, each with a model of its own.

    They are started anew (`spawn`), so that they hold nothing of this process: a script that uses a pool has to do so
    below `if __name__ == "__main__":`.

    Args:
        settings: of the run.
        run: its name.
        workers: how many processes at most; they are started as there is work for them.
        make_replica: called in each process with the settings and `worker=`, picklable; a `Replica` if left out.
        name: the workers are called this and a number; by default after this machine.
    """

    def __init__(
        self,
        settings: BatchSettings,
        run: str,
        workers: int,
        *,
        make_replica: Callable[..., Does] | None = None,
        name: str | None = None,
    ) -> None:
        self._settings = settings.absolute()
        self._run = run
        self._most = workers
        self._make_replica = make_replica
        self._name = name
        self._context = multiprocessing.get_context("spawn")
        self._team: list[Process] = []
        self._slots = list(range(workers, 0, -1))
        self._scratch: Scratch | None = None
        self._started = 0
        self._stillborn = 0
        self._given = 0
        self._again: deque[Bundle] = deque()
        self._later: list[tuple[float, Task]] = []
        self._stopping = threading.Event()
        self._wake_in, self._wake_out = self._context.Pipe(duplex=False)
        self._log: WorkerLog | None = None
        self._hash: str | None = None

    @property
    def workers(self) -> int:
        """How many workers there are at this moment."""
        return sum(worker.ready for worker in self._team)

    @property
    def dashboard(self) -> None:
        """None: processes of this machine have the tools of this machine."""

    @property
    def processes(self) -> tuple[int, ...]:
        """The numbers of their processes, for people and tests that look after them."""
        return tuple(worker.pid for worker in self._team)

    def run(self, bundles: Iterator[Bundle]) -> Iterator[Record]:
        """Take bundles, in a thread of the pool, and yield the records of their tasks as they come.

        Raises:
            LivesegError: a worker cannot be started, or says that none can do its work.
            Exception: what `bundles` raised.
        """
        drawing = Drawing(bundles, self._wake)
        try:
            while True:
                self._hand_out(drawing)
                if not self._busy and (self._stopping.is_set() or not self._left(drawing)):
                    break
                yield from self._hear()
        except BaseException:  # that it is left early is one, too
            self.close()
            raise
        finally:
            drawing.close()

    def stop(self) -> None:
        """Begin no further task; those that run are finished and `run` then ends."""
        if not self._stopping.is_set():
            self._stopping.set()
            self._wake()

    def give_up(self, tasks: Iterable[Task]) -> list[Record]:
        """Write down that nobody could finish tasks, because whatever had them was lost each time."""
        loss = Loss("lost", "was lost with its machine")
        return [self._give_up(task, loss, self._called(1)) for task in tasks]

    def close(self) -> None:
        """End every process that was started here: at once where it has something to do, else in good order."""
        team, self._team = self._team, []
        idle = [worker for worker in team if worker.ready and not worker.at_hand and worker.dismiss()]
        for worker in team:
            if worker not in idle:
                worker.kill()
        until = time.monotonic() + _END_SECONDS
        for worker in team:
            worker.end(max(until - time.monotonic(), 0.0))
        self._again.clear()
        self._later.clear()
        if self._log is not None:
            self._log.close()
            self._log = None
        if self._scratch is not None:
            self._scratch.cleanup()
            self._scratch = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _busy(self) -> bool:
        return any(worker.at_hand for worker in self._team)

    def _left(self, drawing: Drawing) -> bool:
        return bool(self._again or self._later) or not drawing.ended

    def _wake(self) -> None:
        # Also called by handlers of signals: a pipe is safe there.
        self._wake_out.send_bytes(b".")

    # Giving.

    def _hand_out(self, drawing: Drawing) -> None:
        if self._stopping.is_set():
            drawing.close()
            for worker in self._team:
                worker.drop()
            return
        self._take_up_later()
        while self._again and (free := self._free()) is not None:
            self._give(free, self._again.popleft())
        if self._again:
            return
        while (bundle := drawing.first) is not None and (ready := self._for(bundle)) is not None:
            drawing.take()
            self._give(ready, bundle)
        drawing.want(self._most)

    def _take_up_later(self) -> None:
        now = time.monotonic()
        due = [task for at, task in self._later if at <= now]
        self._later = [(at, task) for at, task in self._later if at > now]
        self._again.extend((task,) for task in due)

    def _free(self) -> Process | None:
        """A worker that has nothing to do, which may have to be started."""
        idle = next((worker for worker in self._team if not worker.at_hand), None)
        return self._start() if idle is None and len(self._team) < self._most else idle

    def _for(self, bundle: Bundle) -> Process | None:
        """Whom to give a bundle: pictures also to one that has only begun ones, so that it never waits for the next."""
        free = self._free()
        if free is not None or not _quick(bundle):
            return free
        return next((worker for worker in self._team if worker.takes_more), None)

    def _give(self, worker: Process, bundle: Bundle) -> None:
        self._given += 1
        worker.give(self._given, bundle, quick=_quick(bundle))

    def _start(self) -> Process:
        from liveseg.batch.worker import Orders

        if self._scratch is None:
            self._scratch = Scratch("batch")
        self._started += 1
        slot = self._slots.pop()
        told = Orders(
            settings=self._settings,
            run=self._run,
            worker=self._called(slot),
            folder=self._scratch.path / str(self._started),
            make_replica=self._make_replica,
        )
        worker = Process(self._context, told, slot)
        self._team.append(worker)
        worker.start()
        return worker

    def _called(self, slot: int) -> str:
        from liveseg.batch.manifest.holder import this_host

        name = self._name or this_host()
        return f"{name}-{slot if self._most > 1 else os.getpid()}"

    # Hearing.

    def _hear(self) -> Iterator[Record]:
        """Wait until something happens, and yield what came of it."""
        heard = wait(
            [self._wake_in, *(own for worker in self._team for own in (worker.answers, worker.sentinel))],
            self._patience(),
        )
        while self._wake_in.poll():
            self._wake_in.recv_bytes()
        for worker in tuple(self._team):
            if worker.answers in heard or worker.sentinel in heard:
                yield from self._listen_to(worker)
        limit = self._settings.timeout_each
        for worker in tuple(self._team):
            if (at := worker.deadline(limit)) is not None and at < time.monotonic():
                why = f"had it for {limit:g} s; --timeout-each gives it longer"
                yield from self._bury(worker, Loss("timeout", why))

    def _patience(self) -> float:
        now = time.monotonic()
        ends = [worker.deadline(self._settings.timeout_each) for worker in self._team]
        due = [at for at in (*ends, *(at for at, _ in self._later)) if at is not None]
        return max(0.0, min([_LOOK_SECONDS, *(at - now for at in due)]))

    def _listen_to(self, worker: Process) -> Iterator[Record]:
        while (words := worker.hear()) is not None:
            match words:
                case ("ready",):
                    self._stillborn = 0
                case ("did", list(records)):
                    yield from self._kept(worker, records)
                case ("ended", _, Given() as given) if given.tasks:
                    loss = Loss("defect", "gave no answer for it")
                    for task in given.tasks.values():
                        yield self._give_up(task, loss, worker.name)
                case ("failed", type() as kind, str(line)):
                    raise _raised(kind, line)
                case ("broke", str(kind), str(line)):
                    yield from self._bury(worker, Loss(kind, line))
                    return
                case ("gone",):
                    yield from self._bury(worker, None)
                    return

    def _kept(self, worker: Process, records: Sequence[Record]) -> Iterator[Record]:
        """Records that are the last word on their tasks."""
        for record in records:
            task = worker.done(key_of(record))
            pause = None if task is None else pause_before_again(task, record, self._settings.attempts)
            if task is None or pause is None or self._stopping.is_set():
                yield record
            else:
                self._later.append((time.monotonic() + pause, _next(task)))

    def _bury(self, worker: Process, loss: Loss | None) -> Iterator[Record]:
        """A worker is dead, or has to be: see what becomes of what it had."""
        worker.kill()
        worker.end(_END_SECONDS)
        self._team.remove(worker)
        self._slots.append(worker.slot)
        shutil.rmtree(worker.folder, ignore_errors=True)
        if not worker.ready:
            self._stillborn += 1
            if self._stillborn >= _STARTS:
                raise LivesegError(
                    f"{self._stillborn} workers in a row died before they were ready, the last one {worker.how}; each"
                    " loads the model anew: where memory is short, take fewer with --workers"
                )
        loss = loss or Loss("lost", worker.how)
        one_begun = sum(given.begun and bool(given.tasks) for given in worker.at_hand) == 1
        for given in worker.at_hand:
            if not given.begun:
                self._again.appendleft(tuple(given.tasks.values()))
                continue
            alone = given.alone and one_begun
            again, given_up = judged(list(given.tasks.values()), self._settings.attempts, alone=alone)
            self._again.extend((task,) for task in again)
            for task in given_up:
                yield self._give_up(task, loss, worker.name)

    def _give_up(self, task: Task, loss: Loss, worker: str) -> Record:
        """Write down that nobody could finish a task."""
        from liveseg.batch.manifest import Manifest
        from liveseg.batch.places import Place

        if self._hash is None:
            from liveseg.batch.identity import settings_hash

            self._hash = settings_hash(self._settings)
        if self._log is None:
            place = Place.at(self._settings.destination, self._settings.storage_options)
            self._log = Manifest(place).log(self._run, f"{self._called(1)}-pool")
        record = lost(task, loss, settings=self._hash, worker=worker)
        self._log.append([record])
        return record


def _quick(bundle: Bundle) -> bool:
    """Whether it takes so short that another may wait behind it."""
    return all(task.item.kind == "image" for task in bundle)


def _next(task: Task) -> Task:
    return replace(task, attempt=task.attempt + 1)


def _raised(kind: type[BaseException], line: str) -> LivesegError:
    """What a worker raised, as far as it can be raised here."""
    try:
        error = kind(line)
    except TypeError:
        return LivesegError(line)
    return error if isinstance(error, LivesegError) else LivesegError(line)
