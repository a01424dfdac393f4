"""A worker's process: it takes bundles from a pipe, does them, writes down what it did, and only then tells it.

What it says, each with its own number of words: `ready`; `begin`, a bundle's number; `did`, records; `ended`, a
bundle's number; `dropped`; and at its end `failed`, where no worker can do better, or `broke`, where another may.
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from liveseg.batch.arriving import Arriving, beside_others
from liveseg.errors import LivesegError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future
    from multiprocessing.connection import Connection
    from pathlib import Path

    from liveseg.batch.manifest import WorkerLog
    from liveseg.batch.records import Bundle, Record, Task
    from liveseg.settings.batch import BatchSettings

_LOG_SECONDS = 1.0
"""How long records wait for each other where each append is an object of its own."""

DROP = "drop"
"""What a worker is told, to give up what it has not begun."""


class Does(Protocol):
    """What does tasks: a `liveseg.batch.replica.Replica`, for one."""

    def run(self, tasks: Iterable[Task], done: Callable[[Record], None] | None = None) -> list[Record]:
        """Do tasks, telling `done` of each record as soon as its outputs are committed.

        Args:
            tasks: drawn as there is room for them; `Arriving` ones, of which more may come while these are under way.
            done: told of records; what is returned does not matter then.
        """

    def close(self) -> None:
        """Give back what it holds."""


@dataclass(frozen=True)
class Orders:
    """What a worker is told at its start.

    Args:
        settings: of the run.
        run: its name.
        worker: what the records call the worker.
        folder: for its temporary files, in one for those of all workers; removed when the worker is no more.
        make_replica: called with the settings and `worker=`; a `Replica` if left out.
    """

    settings: BatchSettings
    run: str
    worker: str
    folder: Path
    make_replica: Callable[..., Does] | None = None


def work(orders: Connection, answers: Connection, told: Orders) -> None:
    """Do bundles until there are no more, or nobody who wants them."""
    _leave_signals_to_the_driver()
    _settle(told)
    inbox = _Inbox(orders, answers, told.folder)
    with suppress(BrokenPipeError, ConnectionResetError):
        try:
            _do(inbox, told)
        except (BrokenPipeError, ConnectionResetError):
            raise
        except BaseException as error:
            # Whatever it is, the driver decides what it means; this process is at its end anyway.
            if told.settings.verbose:
                traceback.print_exc()
            inbox.say(*_last_words(error))
            if not isinstance(error, Exception):
                raise


def _do(inbox: _Inbox, told: Orders) -> None:
    from liveseg.batch.manifest import Manifest
    from liveseg.batch.places import Place

    make = _replica if told.make_replica is None else told.make_replica
    place = Place.at(told.settings.destination, told.settings.storage_options)
    try:
        replica = make(told.settings, worker=told.worker)
    except LivesegError:
        raise
    except Exception as error:
        raise LivesegError(f"a worker could not start: {type(error).__name__}: {error}") from error
    try:
        with Manifest(place).log(told.run, told.worker) as log:
            inbox.say("ready")
            with ThreadPoolExecutor(1, "liveseg-log") as beside:
                while (taken := inbox.take()) is not None:
                    arriving = Arriving(*taken, inbox.take_beside)
                    told_soon = _Told(log, inbox, arriving, None if place.appends else beside)
                    replica.run(arriving, told_soon)
                    told_soon.end()
    finally:
        replica.close()


def _replica(settings: BatchSettings, *, worker: str) -> Does:
    from liveseg.batch.replica import Replica

    return Replica(settings, worker=worker)


def _last_words(error: BaseException) -> tuple[Any, ...]:
    from liveseg.batch.failure import DeviceLostError

    line = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, LivesegError) and not isinstance(error, DeviceLostError):
        return "failed", type(error), line
    if isinstance(error, DeviceLostError):
        return "broke", "lost", f"ended: {line}"
    if isinstance(error, MemoryError):
        return "broke", "memory", "ran out of memory; take fewer workers, or scale the file down"
    return "broke", "defect", f"met a defect of liveseg: {type(error).__name__}: {line}"


class _Told:
    """Writes records down, then says them, and which bundles ended with them.

    Args:
        log: where they are written.
        inbox: where they are said.
        arriving: knows the bundles.
        beside: a thread that writes, where that takes long, while the worker goes on; each by itself at once if none.
    """

    def __init__(self, log: WorkerLog, inbox: _Inbox, arriving: Arriving, beside: ThreadPoolExecutor | None) -> None:
        self._log = log
        self._inbox = inbox
        self._arriving = arriving
        self._beside = beside
        self._waiting: list[Record] = []
        self._writing: Future[None] | None = None
        self._written = time.monotonic()

    def __call__(self, record: Record) -> None:
        if self._beside is None:
            self._write([record])
            return
        self._waiting.append(record)
        if time.monotonic() - self._written >= _LOG_SECONDS:
            self._wait()
            records, self._waiting = self._waiting, []
            self._writing = self._beside.submit(self._write, records)
            self._written = time.monotonic()

    def end(self) -> None:
        """Nothing more comes of what has arrived."""
        self._wait()
        if self._waiting:
            self._write(self._waiting)
        for number in self._arriving.ended_all():
            self._inbox.say("ended", number)

    def _wait(self) -> None:
        if self._writing is not None:
            self._writing.result()
            self._writing = None

    def _write(self, records: list[Record]) -> None:
        self._log.append(records)
        self._inbox.say("did", records)
        for number in self._arriving.ended(records):
            self._inbox.say("ended", number)


class _Inbox:
    """What the driver sends, taken off the pipe by a thread, so that neither ever waits for the other to read."""

    def __init__(self, orders: Connection, answers: Connection, folder: Path) -> None:
        self._orders = orders
        self._answers = answers
        self._folder = folder
        self._waiting: deque[tuple[int, Bundle] | None] = deque()
        self._changed = threading.Condition()
        threading.Thread(target=self._listen, name="orders", daemon=True).start()

    def take(self) -> tuple[int, Bundle] | None:
        """The next bundle with its number, which is said to be begun; `None` for that there are no more."""
        with self._changed:
            while not self._waiting:
                self._changed.wait()
            return self._begin()

    def take_beside(self) -> tuple[int, Bundle] | None:
        """The next bundle, if it is there and may be begun while another is under way."""
        with self._changed:
            waiting = self._waiting[0] if self._waiting else None
            return None if waiting is None or not beside_others(waiting[1]) else self._begin()

    def _begin(self) -> tuple[int, Bundle] | None:
        taken = self._waiting.popleft()
        if taken is not None:
            self._answers.send(("begin", taken[0]))
        return taken

    def say(self, *words: Any) -> None:
        """Tell the driver something."""
        with self._changed:
            self._answers.send(words)

    def _listen(self) -> None:
        while True:
            try:
                told = self._orders.recv()
            except (EOFError, OSError):
                # The driver is gone, without a word: nothing half-done is worth finishing, for it will be done again.
                # The temporary files of its fellows go, too: they end like this one, or were killed before.
                shutil.rmtree(self._folder.parent, ignore_errors=True)
                os._exit(1)
            with self._changed:
                if told == DROP:
                    self._waiting.clear()
                    with suppress(BrokenPipeError, ConnectionResetError):
                        self._answers.send(("dropped",))
                    continue
                self._waiting.append(told)
                self._changed.notify_all()
            if told is None:
                return


def _leave_signals_to_the_driver() -> None:
    # Ctrl-C reaches every process of a terminal, and what ends a service all of its processes. The driver ends in good
    # order, and its workers with it.
    numbers: Sequence[signal.Signals] = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    if hasattr(signal, "SIGBREAK"):
        signal.signal(signal.SIGBREAK, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, numbers)  # the driver held them back until here


def _settle(told: Orders) -> None:
    """Temporary files where they are found and removed, and no more threads than the worker was given."""
    told.folder.mkdir(parents=True, exist_ok=True)
    tempfile.tempdir = str(told.folder)
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(told.folder)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(told.settings.threads_each)
    if told.settings.verbose:
        logging.basicConfig(format=f"{told.worker}: %(message)s", level=logging.INFO)
    else:
        # Tracebacks are for those who asked for them; the records tell the rest.
        logging.getLogger("liveseg").addHandler(logging.NullHandler())
