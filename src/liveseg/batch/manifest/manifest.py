"""The manifest of a destination: what is done there, with what, and how to go on."""

from __future__ import annotations

import heapq
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, Literal

from liveseg.batch.manifest import tables
from liveseg.batch.manifest.compact import Compacted, compact
from liveseg.batch.manifest.contents import contents
from liveseg.batch.manifest.errors import ManifestError
from liveseg.batch.manifest.facts import RunFacts, refuse_changes
from liveseg.batch.manifest.index import Index
from liveseg.batch.manifest.latest import current, key, winners, with_pieces
from liveseg.batch.manifest.layout import LOGS, RUN, RUNS, TABLES, run_of
from liveseg.batch.manifest.lines import records_of
from liveseg.batch.manifest.lock import Lock
from liveseg.batch.manifest.log import WorkerLog, logs
from liveseg.batch.manifest.sorting import Sorted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from liveseg.batch.places import Place
    from liveseg.batch.records import Record, Status
    from liveseg.settings.shard import Shard


class Manifest:
    """What a destination holds, kept in its folder `_liveseg`; the format is described in docs/batch-manifest.md.

    Args:
        place: the destination.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self.damaged = 0
        """Lines of the logs that could not be read, the last time that they were read."""
        self._lock: Lock | None = None

    def __reduce__(self) -> tuple[type[Manifest], tuple[Place]]:
        # Workers write logs; the lock stays with the driver.
        return type(self), (self.place,)

    def lock(
        self,
        owner: str,
        *,
        seconds: float = 120.0,
        notice: Callable[[str], None] | None = None,
        share: Shard | None = None,
    ) -> Lock:
        """Hold the destination for one run, as a context manager; `begin` and `compact` see that it still does.

        Args:
            owner: what the run calls itself.
            seconds: of silence, after which other runs may take over.
            notice: told in a line that it is waiting to see whether the last holder lives.
            share: of the files that the run is about; such runs hold the destination together, and none of them may
                `compact`.
        """
        self._lock = Lock(self.place, owner, seconds=seconds, notice=notice, share=share)
        return self._lock

    def begin(self, facts: RunFacts, *, on_changed: Literal["refuse", "redo"] = "refuse") -> None:
        """Write down what a run is; what earlier runs were is kept.

        Args:
            facts: of the run.
            on_changed: whether to go on where the destination holds results of other settings, which `Index.find`
                then does not find.

        Raises:
            ChangedSettingsError: the destination holds results of other settings.
            LostLockError: another run has taken over.
            ManifestError: what is there cannot be read.
        """
        before = self.facts()
        if before is not None and on_changed == "refuse" and not self._empty():
            refuse_changes(before, facts, self.place.address)
        self._check()
        self.place.commit_bytes(facts.to_json(), run_of(facts.run))
        self.place.commit_bytes(facts.to_json(), RUN)

    def facts(self) -> RunFacts | None:
        """What the last run was; `None` where there was none."""
        try:
            data = self.place.read(RUN)
        except FileNotFoundError:
            return None
        return RunFacts.from_json(data, f"{self.place.address}/{RUN}")

    def runs(self) -> list[RunFacts]:
        """What all runs were, the oldest first."""
        names = [name for name, _ in self.place.names(RUNS)]
        facts = (RunFacts.from_json(self.place.read(name), f"{self.place.address}/{name}") for name in names)
        return sorted(facts, key=attrgetter("started", "run"))

    def log(self, run: str, worker: str) -> WorkerLog:
        """A log for one worker of a run, which the worker opens itself."""
        return WorkerLog(self.place, run, worker)

    def index(self, folder: Path | None = None) -> Index:
        """What is known, to be asked for one file at a time; a context manager.

        Args:
            folder: where its temporary file goes, about 60 bytes a file.
        """
        index = Index(folder)
        try:
            index.add(self._logged())
            index.damaged = self.damaged
            self._add_tables(index)
        except BaseException:
            index.close()
            raise
        return index

    def records(self, *, status: Status | None = None, pieces: bool = False) -> Iterator[Record]:
        """What holds for each name, in the order of the names: a whole file, or the pieces of one that is not joined.

        Memory is constant; the logs are sorted in a temporary folder first.

        Args:
            status: only those; all if left out.
            pieces: whether a joined video is followed by the pieces it was joined from, which no longer hold.

        Raises:
            ManifestError: a run changed the manifest meanwhile.
        """
        with Sorted() as fresh:
            for record in self._logged():
                fresh.add(record)
            tabled = chain.from_iterable(tables.rows(self.place, table) for table in contents(self.place).tables)
            try:
                for _, same in groupby(winners(heapq.merge(tabled, fresh, key=key)), attrgetter("name")):
                    for record in with_pieces(same) if pieces else current(same):
                        if status in (None, record.status):
                            yield record
            except FileNotFoundError as error:
                raise self._changed() from error

    def compact(self) -> Compacted:
        """Take the logs of workers that have ended into Parquet files; at the end of a run, or at any time between.

        Raises:
            LostLockError: another run has taken over.
            DestinationBusyError: outside of `lock`: a run holds the destination.
        """
        if self._lock is not None:
            return compact(self.place, self._lock.check)
        with Lock(self.place, "compaction") as lock:
            return compact(self.place, lock.check)

    def _logged(self) -> Iterator[Record]:
        self.damaged = 0
        for _, data in logs(self.place):
            for record in records_of(data):
                if record is None:
                    self.damaged += 1
                else:
                    yield record

    def _add_tables(self, index: Index) -> None:
        done: set[str] = set()
        while True:
            now = contents(self.place)
            try:
                for table in now.tables:
                    if table.file not in done:
                        for name, outcome in tables.outcomes(self.place, table):
                            index.add_outcome(name, outcome)
                        done.add(table.file)
            except FileNotFoundError as error:
                # Compacted meanwhile: what was taken already does no harm, and the new tables hold all of it.
                if contents(self.place).generation == now.generation:
                    raise self._changed() from error
            else:
                return

    def _changed(self) -> ManifestError:
        return ManifestError(f"{self.place.address}: a run changed the manifest while it was read; read it again")

    def _empty(self) -> bool:
        return not any(True for folder in (LOGS, TABLES) for _ in self.place.names(folder))

    def _check(self) -> None:
        if self._lock is not None:
            self._lock.check()
