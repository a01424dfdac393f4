"""Stand-ins for workers that draw tasks ahead; found by name in the processes that are started."""

from __future__ import annotations

import os
import signal
import threading

from liveseg.batch.places import Place
from liveseg.batch.places.errors import StorageError
from liveseg.batch.stages import Stages
from liveseg.batch.work import Work

GIVES_UP = 10.0


class SlowStorage:
    """As a `Replica` before a storage that takes long to answer, with its stages and without a model.

    How long is not a matter of clocks: it answers a commit only once so many files after this one are being fetched, as
    a storage does whose answer takes as long as the worker needs for these. A worker that finishes what it has before
    it fetches more never gets it; the storage then gives up, which makes the file fail. Files' names are their numbers.

    Args:
        count: of files; the last ones have fewer after them.
        behind: so many files have to be fetched after one that is committed.
    """

    def __init__(self, settings, *, worker, count, behind):
        self.worker = worker
        self.out = Place.at(settings.destination)
        self.last, self.behind = count - 1, behind
        self.fetched = -1
        self.patience = GIVES_UP
        self.changed = threading.Condition()
        self.stages = Stages(self)

    def run(self, tasks, done=None):
        for work in self.stages.through(tasks.draw):
            done(work.record(worker=self.worker, settings=""))
        return []

    def fetch(self, work):
        with self.changed:
            self.fetched = max(self.fetched, int(work.item.name))
            self.changed.notify_all()

    def commit(self, work):
        wanted = min(int(work.item.name) + self.behind, self.last)
        with self.changed:
            if not self.changed.wait_for(lambda: self.fetched >= wanted, self.patience):
                self.patience = 0.0
                raise StorageError(f"no answer for {work.item.name}: only {self.fetched} was fetched meanwhile")
        self.out.commit_bytes(work.item.name.encode(), f"{work.item.name}.bin")

    def nothing(self, work):
        pass

    place = ready = decode = infer = finish = end = nothing

    def close(self):
        self.stages.close()


class Together:
    """Begins two tasks before it does any, and dies of them, the first time; from then on it has one at a time."""

    def __init__(self, settings, *, worker):
        self.worker = worker
        self.out = Place.at(settings.destination)

    def run(self, tasks, done=None):
        if not self.out.exists("died"):
            under_way = 0
            while under_way < 2:
                under_way += tasks.draw() is not None
            self.out.commit_bytes(b"", "died")
            os.kill(os.getpid(), signal.SIGKILL)
        for task in tasks:
            done(Work(task).record(worker=self.worker, settings=""))
        return []

    def close(self):
        pass
