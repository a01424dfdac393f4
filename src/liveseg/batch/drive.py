"""The driver: from an input to a destination that has all of it, or says why not; killed at any moment, it goes on."""

from __future__ import annotations

import json
import platform
import secrets
import signal
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from liveseg._version import __version__
from liveseg.batch.failures import stopped, too_many
from liveseg.batch.feed import Feed
from liveseg.batch.headers import Headers
from liveseg.batch.identity import deciding, hash_of
from liveseg.batch.manifest import Manifest, RunFacts
from liveseg.batch.places import Place, StorageError
from liveseg.batch.progress import Counts, Silent, Speed
from liveseg.batch.report import facts_of_run, report_of, write_report
from liveseg.batch.scratch import clear_abandoned
from liveseg.batch.statistics import Statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from liveseg.batch.executor import Executor
    from liveseg.batch.manifest import Lock
    from liveseg.batch.progress import Listener
    from liveseg.batch.records import Item, Record
    from liveseg.batch.report_data import BatchReport
    from liveseg.settings.batch import BatchSettings

_PROGRESS_SECONDS = 1.0
_LOOK_SECONDS = 2.0
"""How often the driver sees whether the destination is still its own."""

PIECES = "_liveseg/pieces"


def drive(
    settings: BatchSettings,
    inputs: Sequence[str],
    *,
    listener: Listener | None = None,
    executor: Callable[[BatchSettings, str], Executor] | None = None,
) -> BatchReport:
    """Do what is left of an input, and write the report of its destination.

    A run on a share of the input holds the destination together with those on other shares. It leaves to a run on all
    of it what only one may do: taking the logs into tables, and writing the report; its own is of this run only.

    In the main thread, the first Ctrl-C or SIGTERM has the workers finish what they are at; the second ends at once.

    Args:
        settings: name the destination.
        inputs: folders, globs, lists, manifests and addresses.
        listener: told what happens.
        executor: makes what runs the tasks, given the settings and the run's name; by default a pool of this machine's
            processes, or where the settings name a cluster, its actors.

    Raises:
        DestinationBusyError: another run is writing there.
        ChangedSettingsError: the destination holds results of other settings.
        StoppedError: it was stopped.
        TooManyFailuresError: more files failed than were allowed to.
        LivesegError: the input cannot be listed, or no worker can do its work.
    """
    settings = settings.absolute()
    return _Drive(settings, inputs, listener or Silent(), executor or make_executor).run()


def make_executor(settings: BatchSettings, run: str) -> Executor:
    """What runs tasks as the settings say: this machine's processes, or a cluster's actors."""
    if settings.ray is not None:
        from liveseg.batch.ray_pool import RayPool

        return RayPool(settings, run)
    from liveseg.batch.pool import LocalPool

    return LocalPool(settings, run, workers_of(settings) or 1)


def workers_of(settings: BatchSettings) -> int | None:
    """How many workers there are at most, as far as the settings say."""
    if settings.ray is not None:
        return settings.max_workers
    from liveseg.runtimes.base import available_cores

    return settings.workers or max(available_cores() // settings.threads_each, 1)


def facts_of(settings: BatchSettings, inputs: Sequence[str], run: str) -> RunFacts:
    """What is kept of a run beside its results."""
    decided = deciding(settings)
    told: dict[str, Any] = json.loads(json.dumps(decided, default=str))
    weights = told.pop("weights", None)
    told.pop("mask", None)  # which `save` tells of, too
    return RunFacts(
        run=run,
        started=time.time(),
        settings=told,
        settings_hash=hash_of(decided),
        model=settings.model or (settings.weights.stem if settings.weights is not None else "lite"),
        weights=weights if isinstance(weights, str) else json.dumps(weights),
        version=__version__,
        inputs=tuple(map(_shown, inputs)),
        host=platform.node(),
    )


@dataclass
class _End:
    """Why a run takes nothing new any more: somebody stopped it, or too many files failed."""

    stopped: bool = False
    too_many: bool = False


class _Drive:
    def __init__(
        self,
        settings: BatchSettings,
        inputs: Sequence[str],
        listener: Listener,
        make: Callable[[BatchSettings, str], Executor],
    ) -> None:
        self._settings = settings
        self._inputs = inputs
        self._listener = listener
        self._make = make
        self._place = Place.at(settings.destination, settings.storage_options)
        self._manifest = Manifest(self._place)
        self._counts = Counts()
        self._speed = Speed()
        self._began = time.monotonic()
        self._end = _End()
        self._of_share = Statistics(with_pieces=True)
        self._untidy = False
        """Whether a process was killed meanwhile, which may have left partial files."""

    def run(self) -> BatchReport:
        from liveseg.batch.listing import items

        settings = self._settings
        clear_abandoned()
        # An input that is none is told before anything is written.
        listed = items(
            self._inputs, identify=settings.identify, options=settings.storage_options, out=settings.destination
        )
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        facts = facts_of(settings, self._inputs, f"{stamp}-{secrets.token_hex(3)}")
        with self._manifest.lock(facts.run, notice=self._notice, share=settings.shard) as lock:
            self._manifest.begin(facts, on_changed=settings.on_changed)
            self._listener.started(facts, workers_of(settings))
            try:
                self._work(facts, listed, lock)
            except KeyboardInterrupt:
                self._tell_done(None, "stopped")
                raise stopped(self._counts.done, at_once=True) from None
            if self._end.stopped:
                self._tell_done(None, "stopped")
                raise stopped(self._counts.done)
            report = self._finish(facts)
        if self._end.too_many:
            self._tell_done(report, "too_many_failures")
            raise too_many(self._counts.failed, self._counts.finished, settings.max_failures)
        self._tell_done(report, "complete")
        return report

    def _work(self, facts: RunFacts, listed: Iterator[Item], lock: Lock) -> None:
        """All tasks of the input, and the joining of their pieces."""
        settings = self._settings
        with ExitStack() as opened:
            index = opened.enter_context(self._manifest.index())
            if index.damaged:
                self._notice(f"{index.damaged:,} damaged lines in the logs; what they told of is done again")
            headers = Headers(settings)
            feed = Feed(
                listed if (shard := settings.shard) is None else (item for item in listed if shard.holds(item.name)),
                index,
                settings,
                facts.settings_hash,
                cut=headers.pieces,
                counts=self._counts,
                workers=workers_of(settings) or 1,
            )
            opened.callback(feed.close)
            opened.enter_context(headers)  # whose end ends what the feed waits for
            executor = opened.enter_context(self._make(settings, facts.run))

            def stop() -> None:
                self._end.stopped = True
                executor.stop()

            opened.enter_context(self._ticking(executor))
            opened.enter_context(on_signals(stop))
            while True:
                self._through(executor.run(feed.bundles()), feed, executor, lock)
                if self._over or not feed.more:
                    return

    @property
    def _over(self) -> bool:
        return self._end.stopped or self._end.too_many

    def _through(self, records: Iterator[Record], feed: Feed, executor: Executor, lock: Lock) -> None:
        counts, limit = self._counts, self._settings.max_failures
        looked = time.monotonic()
        for record in records:
            counts.add(record)
            became = feed.take(record)
            counts.done += became == "done"
            self._untidy |= record.attempts > 1 or record.error_kind in {"lost", "timeout"}
            if became == "done" and record.pieces is not None:
                self._place.delete_all(f"{PIECES}/{record.identifier}")
            if self._settings.shard is not None:
                self._of_share.add(record)
            self._listener.told(record)
            if not self._over and limit.passed(counts.failed.total(), counts.finished):
                self._end.too_many = True
                executor.stop()
            if time.monotonic() - looked > _LOOK_SECONDS:
                looked = time.monotonic()
                if lock.lost:
                    lock.check()

    def _finish(self, facts: RunFacts) -> BatchReport:
        counts = self._counts
        failed = counts.failed.total()
        self._end.too_many |= self._settings.max_failures.passed(failed, counts.finished, ended=True)
        listed = counts.listed if counts.complete else None
        told = replace(facts_of_run(facts), workers=workers_of(self._settings), listed=listed)
        if self._settings.shard is not None:
            return report_of(self._of_share, told, self._place.address)
        self._tidy_up()
        self._manifest.compact()
        return write_report(self._place, told, self._manifest.records(pieces=True), with_pieces=True)

    def _tidy_up(self) -> None:
        """Remove what this run's killed processes and those of earlier runs left unfinished."""
        # What is older than this run nobody works on any more, for it holds the destination alone.
        age = 0.0 if self._untidy else time.monotonic() - self._began
        try:
            self._place.clear_unfinished(older_than=age)
        except StorageError as error:  # as without the right to list uploads: nothing that was made depends on it
            self._listener.notice(f"unfinished files at the destination were not removed: {error}")

    def _notice(self, line: str) -> None:
        # The lock says so where its last holder was killed.
        self._untidy = True
        self._listener.notice(line)

    def _tell_done(self, report: BatchReport | None, ended: str) -> None:
        self._counts.seconds = time.monotonic() - self._began
        self._counts.workers = 0
        self._listener.done(self._counts, report, ended)

    @contextmanager
    def _ticking(self, executor: Executor) -> Iterator[None]:
        """Tell of the progress as time passes, whether or not something is finished."""
        ended = threading.Event()
        joined = False

        def tell_joined() -> None:
            nonlocal joined
            if not joined and (dashboard := executor.dashboard) is not None:
                joined = True
                self._listener.joined(dashboard)

        def tick() -> None:
            while not ended.wait(_PROGRESS_SECONDS):
                tell_joined()
                self._counts.seconds = time.monotonic() - self._began
                self._counts.workers = executor.workers
                self._speed.take(self._counts)
                self._listener.progress(self._counts, self._speed)

        thread = threading.Thread(target=tick, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            tell_joined()  # of a run that was over before the first tick


def _shown(given: str) -> str:
    """An input for others to read: of an address neither name and password nor what may be a signature."""
    scheme, sign, rest = given.partition("://")
    if not sign:
        return given
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


@contextmanager
def on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """In the main thread, Ctrl-C or SIGTERM calls `stop`; a second one raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers: Iterable[signal.Signals] = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGBREAK"):  # Windows: Ctrl-Break, the one that another process can send
        numbers = [*numbers, signal.SIGBREAK]
    seen = False

    def handle(_number: int, _frame: object) -> None:
        nonlocal seen
        if seen:
            raise KeyboardInterrupt
        seen = True
        stop()

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
